import pytest

from catdog_exp.inference.comparison import compare


def rows(right, start=0):
    """Of each picture whether it was called rightly, as a logged table has it."""
    return [{"sha256": str(start + place), "right": bool(each)} for place, each in enumerate(right)]


@pytest.mark.parametrize(
    ("first", "second", "chance"),
    [
        ([1] * 10, [1] * 10, 1.0),
        ([1] * 5 + [0] * 5, [0] * 5 + [1] * 5, 1.0),
        ([1] * 6 + [0] * 4, [0] * 10, 2 * 0.5**6),
        ([0] * 10, [1] * 9 + [0], 2 * 0.5**9),
    ],
)
def test_the_chance_is_that_of_the_exact_test(first, second, chance):
    assert compare(rows(first), rows(second)).chance == pytest.approx(chance)


def test_only_pictures_that_both_were_judged_on_count():
    compared = compare(rows([1] * 8), rows([0] * 8, start=2))
    assert (compared.pictures, compared.first, compared.second) == (6, 6, 0)
    assert "a is better than b by 100.0 points" in compared.in_words("a", "b")
    assert "different pictures" in compare(rows([1]), rows([1], start=5)).in_words("a", "b")
    assert "1.0 points, may be luck" in compare(rows([1] * 100), rows([0] + [1] * 99)).in_words("a", "b")
