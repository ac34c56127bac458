"""`get_file`: files from URLs, and archives."""

from __future__ import annotations

import hashlib
import io
import pathlib
import tarfile
import zipfile

import pytest

from dlnative.utils import get_file


def archive(path: pathlib.Path, names: list[str], link: str | None = None) -> str:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name in names:
                zipped.writestr(name, "inside")
    else:
        with tarfile.open(path, "w:gz") as tar:
            for name in names:
                entry = tarfile.TarInfo(name)
                entry.size = 6
                tar.addfile(entry, io.BytesIO(b"inside"))
            if link is not None:
                entry = tarfile.TarInfo("link")
                entry.type, entry.linkname = tarfile.SYMTYPE, link
                tar.addfile(entry)
    return path.as_uri()


def test_a_file_is_fetched_once(tmp_path: pathlib.Path) -> None:
    source, cache = tmp_path / "source.txt", tmp_path / "cache"
    source.write_text("first")
    hashes = [function(b"first").hexdigest() for function in (hashlib.sha256, hashlib.md5)]
    path = get_file("mine.txt", source.as_uri(), cache_dir=cache, file_hash=hashes[0])
    assert path == str(cache / "datasets" / "mine.txt")
    source.write_text("second")
    assert (
        pathlib.Path(get_file("mine.txt", source.as_uri(), cache_dir=cache, md5_hash=hashes[1])).read_text() == "first"
    )
    assert pathlib.Path(get_file("mine.txt", source.as_uri(), cache_dir=cache)).read_text() == "first"
    with pytest.raises(ValueError, match="Incomplete or corrupted file detected"):
        get_file("mine.txt", source.as_uri(), cache_dir=cache, file_hash=hashes[0], force_download=True)
    assert pathlib.Path(path).read_text() == "first"
    assert (
        pathlib.Path(get_file("mine.txt", source.as_uri(), cache_dir=cache, force_download=True)).read_text()
        == "second"
    )
    assert [item.name for item in (cache / "datasets").iterdir()] == ["mine.txt"]
    with pytest.raises(OSError, match=r"get_file: URL fetch failure on file://.*none") as raised:
        get_file(origin=(tmp_path / "none").as_uri(), cache_dir=cache)
    assert "\n" not in str(raised.value)
    for arguments, words in (({"origin": None}, "origin"), ({"fname": "a/b", "origin": "file:///x"}, "fname")):
        with pytest.raises(ValueError, match=words):
            get_file(**arguments, cache_dir=cache)


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_archives_are_unpacked(tmp_path: pathlib.Path, kind: str) -> None:
    url = archive(tmp_path / f"flowers{kind}", ["a/b.txt", "c.txt"])
    folder = pathlib.Path(get_file("flowers", url, extract=True, cache_dir=tmp_path / "cache"))
    assert folder == tmp_path / "cache" / "datasets" / "flowers"
    assert sorted(item.name for item in folder.rglob("*.txt")) == ["b.txt", "c.txt"]
    assert get_file("flowers", url, extract=True, cache_dir=tmp_path / "cache") == str(folder)
    dotted = get_file(f"flowers{kind}", url, extract=True, cache_dir=tmp_path / "cache")
    assert pathlib.Path(dotted).name == "flowers_extracted"


@pytest.mark.parametrize(
    ("name", "entries", "link"),
    [
        ("a.zip", ["../outside.txt"], None),
        ("a.tar.gz", ["../outside.txt"], None),
        ("a.tar.gz", ["/tmp/outside.txt"], None),
        ("a.tar.gz", ["fine.txt"], "../../outside"),
        ("a.tar.gz", ["fine.txt"], "/etc"),
    ],
)
def test_archives_stay_inside(tmp_path: pathlib.Path, name: str, entries: list[str], link: str | None) -> None:
    url = archive(tmp_path / name, entries, link)
    with pytest.raises(ValueError, match="inside") as raised:
        get_file("unsafe", url, extract=True, cache_dir=tmp_path / "cache")
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.rglob("outside*"))
    assert not (tmp_path / "cache" / "datasets" / "unsafe").exists()


def test_what_is_no_archive(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(ValueError, match="Could not extract"):
        get_file("unsafe", (tmp_path / "a.txt").as_uri(), extract=True, cache_dir=tmp_path / "cache")
    cut = tmp_path / "cut.tar.gz"
    archive(cut, ["a.txt"] * 3)
    cut.write_bytes(cut.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"expected a whole archive|Could not extract"):
        get_file("unsafe", cut.as_uri(), extract=True, cache_dir=tmp_path / "cache")
