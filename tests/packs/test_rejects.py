"""`data.max_rejects`: how many pictures may be left out."""

from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from tests.packs.packed import pack_folder, put


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """4 pictures and 6 files that are none."""
    return put(tmp_path / "pictures", {f"train/cat/{number}\t.jpg": b"" for number in range(6)})


@pytest.mark.parametrize("limit", [6, 10, 0.6, 0.9, 1.0, None])
def test_as_many_as_are_allowed_do_not_stop_a_run(folder: Path, tmp_path: Path, limit: int | float | None):
    assert len(pack_folder(folder, tmp_path / "packs", max_rejects=limit).reasons) == 6


@pytest.mark.parametrize("limit", [0, 5, 0.0, 0.5])
def test_more_stop_it_with_one_line_that_names_the_first(folder: Path, tmp_path: Path, limit: int | float):
    packs = tmp_path / "packs"
    with pytest.raises(UserError) as caught:
        pack_folder(folder, packs, max_rejects=limit)
    assert str(caught.value) == (
        f"6 of 10 pictures cannot be used, more than data.max_rejects={limit} allows: "
        r"train/cat/0\x09.jpg (empty file), train/cat/1\x09.jpg (empty file), train/cat/2\x09.jpg (empty file) "
        f"and 3 more, listed in {packs / 'rejected.csv'}; mend or remove them, or raise data.max_rejects"
    )
    assert len((packs / "rejected.csv").read_text().splitlines()) == 7
    assert [place.name for place in packs.iterdir() if place.name[0] != "."] == ["rejected.csv"]


def test_a_pack_that_is_there_is_held_to_the_limit_too(folder: Path, tmp_path: Path):
    made = pack_folder(folder, tmp_path / "packs").pack
    with pytest.raises(UserError, match=r"^6 of 10 pictures .* data\.max_rejects=5 allows: ") as caught:
        pack_folder(folder, tmp_path / "packs", max_rejects=5)
    assert str(made.folder / "rejected.csv") in str(caught.value)
    assert pack_folder(folder, tmp_path / "packs", max_rejects=6).pack.reused
