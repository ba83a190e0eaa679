from pathlib import Path

import pytest

from catdog_exp.memory import memory_limit


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/job\n", {"job/memory.max": "1000\n"}, 1000),
        ("0::/a/b\n", {"a/memory.max": "500\n", "a/b/memory.max": "max\n"}, 500),
        ("0::/outside\n", {"memory.max": "700\n"}, 700),
        ("0::/\n", {}, None),
        ("0::/job\n", {"job/memory.max": "max\n"}, None),
        ("5:cpu:/x\n4:memory:/job\n0::/\n", {"memory/job/memory.limit_in_bytes": "800\n"}, 800),
        ("4:memory:/job\n", {"memory/job/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ("", {}, None),
    ],
)
def test_the_tightest_limit_of_all_groups_counts(tmp_path, groups, limits, expected):
    write(tmp_path / "proc/self/cgroup", groups)
    for name, text in limits.items():
        write(tmp_path / "sys/fs/cgroup" / name, text)
    assert memory_limit(tmp_path) == expected


def test_a_system_without_control_groups_has_no_limit(tmp_path):
    assert memory_limit(tmp_path) is None
