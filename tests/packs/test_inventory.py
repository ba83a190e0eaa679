import fcntl
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.inventory import packs_in, packs_named, remove_pack
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.store import open_pack
from tests.images.drawn import DATA, draw_pictures


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three packs."""
    folder = tmp_path_factory.mktemp("shelf")
    listing = draw_pictures(folder / "pictures")
    for resize in (16, 17, 18):
        open_pack(plan_pack(listing, replace(DATA, resize=resize), folder / "packs"))
    return folder / "packs"


@pytest.fixture
def packs(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "packs")


def test_all_packs_are_found_with_their_manifest_size_and_age(packs: Path):
    (packs / "notes").mkdir()
    (packs / "0123456789abcdef.making").mkdir()
    found = packs_in(packs)
    assert {pack.manifest.settings["resize"] for pack in found if pack.manifest} == {16, 17, 18}
    for pack in found:
        assert pack.name == pack.place.name == pack.manifest.fingerprint
        assert pack.bytes == sum(file.stat().st_size for file in pack.place.iterdir())
        assert timedelta(0) <= datetime.now(UTC) - pack.made < timedelta(minutes=10)


def test_a_pack_without_a_manifest_is_one_all_the_same(packs: Path):
    damaged = packs_in(packs)[0].place
    (damaged / "manifest.json").unlink()
    (found,) = (pack for pack in packs_in(packs) if pack.place == damaged)
    assert found.manifest is None
    assert datetime.now(UTC) - found.made < timedelta(minutes=10)


def test_no_folder_has_no_packs(tmp_path: Path):
    assert packs_in(tmp_path / "nowhere") == []


def test_packs_are_named_by_their_first_digits(packs: Path):
    wanted = packs_in(packs)[1]
    assert packs_named(packs, [wanted.name[:10]]) == [wanted]
    assert len(packs_named(packs, [])) == 3


@pytest.mark.parametrize(("name", "told"), [("xyz", "pack xyz: there is none in "), ("", "3 packs start so")])
def test_a_name_of_none_or_of_several_is_told(packs: Path, name: str, told: str):
    with pytest.raises(UserError, match=told):
        packs_named(packs, [name])


def test_a_removed_pack_is_gone_without_a_trace(packs: Path):
    first, *others = packs_in(packs)
    assert remove_pack(first)
    assert packs_in(packs) == others
    assert not list(packs.glob(f"*{first.name}*"))


def test_a_pack_that_a_process_is_at_work_on_stays(packs: Path):
    first = packs_in(packs)[0]
    with (packs / f".{first.name}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not remove_pack(first)
    assert first in packs_in(packs)
