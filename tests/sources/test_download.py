import random
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sources.download import ATTEMPTS, download
from tests.screen import screen
from tests.sources.fileserver import Site, serving

CONTENT = random.Random(0).randbytes(3_000_000)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr("catdog_exp.sources.download.FIRST_WAIT", 0.01)


def only(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_alone(tmp_path, terminal):
    shown = terminal()
    with serving(Site(CONTENT)) as site:
        download(site.url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert only(tmp_path) == ["a.zip"]
    bar = screen(shown.getvalue())[-2]
    assert bar.startswith("a.zip")
    assert "100% 3.0/3.0 MB" in bar


def test_a_broken_download_goes_on_where_it_broke_off(tmp_path):
    with serving(Site(CONTENT, breaks=[1_200_000, 700_000])) as site:
        download(site.url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert only(tmp_path) == ["a.zip"]
    assert site.seen[0] is None
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in site.seen[1:]]
    assert 0 < starts[0] <= 1_200_000 < starts[1] <= 1_900_000


def test_what_came_is_kept_for_the_next_call(tmp_path):
    target = tmp_path / "a.zip"
    with serving(Site(CONTENT, breaks=[2_500_000] + [0] * ATTEMPTS)) as site:
        with pytest.raises(UserError, match="tried 4 times; the next run goes on"):
            download(site.url, target)
        assert not target.exists()
        site.breaks = []
        site.seen.clear()
        download(site.url, target)
    assert target.read_bytes() == CONTENT
    assert len(site.seen) == 1
    assert site.seen[0] is not None


def test_a_server_without_ranges_is_asked_for_all_again(tmp_path):
    with serving(Site(CONTENT, breaks=[1_000_000], ranges=False)) as site:
        download(site.url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ['"second"', 'W/"weak"', None])
def test_a_file_that_changed_meanwhile_is_not_glued_to_the_old_one(tmp_path, etag):
    target = tmp_path / "a.zip"
    changed = CONTENT[::-1]
    with serving(Site(CONTENT, breaks=[2_000_000] + [0] * ATTEMPTS)) as site:
        with pytest.raises(UserError):
            download(site.url, target)
        site.content, site.etag, site.breaks = changed, etag, []
        download(site.url, target)
    assert target.read_bytes() == changed


def test_without_a_version_nothing_is_resumed(tmp_path):
    with serving(Site(CONTENT, breaks=[2_000_000], etag=None)) as site:
        download(site.url, tmp_path / "a.zip")
    assert site.seen == [None, None]
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_part_that_was_whole_already_is_taken(tmp_path):
    target = tmp_path / "a.zip"
    with serving(Site(CONTENT, length=len(CONTENT) + 9)) as site:
        with pytest.raises(UserError):  # all bytes come, and nine more were announced
            download(site.url, target)
        site.length = None
        download(site.url, target)
    assert target.read_bytes() == CONTENT


def test_the_bytes_of_another_address_are_not_taken(tmp_path):
    target = tmp_path / "a.zip"
    with serving(Site(CONTENT, breaks=[2_000_000] + [0] * ATTEMPTS)) as site, pytest.raises(UserError):
        download(site.url, target)
    other = CONTENT[::-1]
    with serving(Site(other), name="other.zip") as site:
        download(site.url, target)
    assert site.seen == [None]
    assert target.read_bytes() == other


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden")])
def test_a_refusal_is_one_line_that_names_the_way_around(tmp_path, status, words):
    with serving(Site(b"", status=status)) as site, pytest.raises(UserError) as caught:
        download(site.url, tmp_path / "a.zip")
    line = str(caught.value)
    assert words in line
    assert site.url in line
    assert "data.root=DIR" in line
    assert "\n" not in line
    assert len(site.seen) == 1
    assert only(tmp_path) == []


def test_a_busy_server_is_asked_again(tmp_path):
    with serving(Site(CONTENT, status=503)) as site, pytest.raises(UserError, match="503"):
        download(site.url, tmp_path / "a.zip")
    assert len(site.seen) == ATTEMPTS


def test_no_server_is_one_line(tmp_path):
    with serving(Site(b"")) as site:
        url = site.url
    with pytest.raises(UserError, match=r"refuses the connection.*data\.root=DIR"):
        download(url, tmp_path / "a.zip")


def test_a_full_disk_is_seen_before_the_download(tmp_path):
    with (
        serving(Site(CONTENT, length=10**16)) as site,
        pytest.raises(UserError, match=r"full.*10000000000 MB"),
    ):
        download(site.url, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with serving(Site(CONTENT)) as site, pytest.raises(UserError, match="cannot be written"):
        download(site.url, tmp_path / "file" / "a.zip")
