"""Files from the network, kept in a cache: fetched whole or not at all, checked, and unpacked where it is safe."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from typing import Any

from dlnative.utils.progbar import Progbar
from dlnative.utils.terminal import is_interactive_logging_enabled, show

_NAME = "get_file"


def keras_home() -> str:
    """Returns Keras's directory: `KERAS_HOME`, or `~/.keras`."""
    return os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Returns the path of a file, which is fetched if it is not in the cache.

    Args:
        fname: the name of the file in the cache; by default that in `origin`.
        origin: the URL: `https`, `http`, `ftp` or `file`.
        untar: the older name of `extract` for tar archives.
        md5_hash: the older name of `file_hash` for MD5.
        file_hash: the hash of the file, in hexadecimal digits. A cached file with another one is fetched anew.
        cache_subdir: the directory in the cache, or an absolute path.
        hash_algorithm: `"sha256"`, `"md5"`, or `"auto"`: by the length of the hash.
        extract: whether the file is an archive to be unpacked, beside it.
        archive_format: `"tar"` (also compressed), `"zip"`, a list of them, or `"auto"` for both.
        cache_dir: the cache; by default `KERAS_HOME`, or `~/.keras`.
        force_download: whether the file is fetched in any case.

    Returns:
        The path of the file, or of the directory with what was in the archive.

    Raises:
        OSError: if the file cannot be fetched; in one line, which names the URL.
        ValueError: if its hash is another, or an archive has entries that would lie outside of the directory; nothing is
            then left behind.

    Example:
        >>> get_file()
        Traceback (most recent call last):
        ValueError: get_file: Please specify the "origin" argument: expected a URL, got None
    """
    if origin is None:
        raise ValueError(f'{_NAME}: Please specify the "origin" argument: expected a URL, got None')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    if hash_algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(f'{_NAME}: expected hash_algorithm "auto", "md5" or "sha256", got {hash_algorithm!r}')
    folder = os.path.join(os.path.expanduser(keras_home() if cache_dir is None else os.fspath(cache_dir)), cache_subdir)
    name = _name_of(fname, origin)
    target = os.path.join(folder, name)
    unpacked = target
    if extract or untar:
        if fname and "." in name:
            unpacked = os.path.join(folder, f"{name.split('.', 1)[0]}_extracted")
        else:
            target = f"{target}_archive"
    if force_download or not os.path.exists(target) or (file_hash and not _is_valid(target, file_hash, hash_algorithm)):
        _fetch(origin, target, file_hash, hash_algorithm)
        fresh = True
    else:
        fresh = False
    if not (extract or untar):
        return target
    if fresh or not os.path.isdir(unpacked):
        unpack(target, unpacked, "tar" if untar else archive_format)
    return unpacked


def _name_of(fname: Any, origin: str) -> str:
    from urllib.parse import unquote, urlsplit

    name = os.fspath(fname) if fname else os.path.basename(unquote(urlsplit(origin).path))
    if not name:
        raise ValueError(
            f"{_NAME}: expected fname, as there is no file name in origin: Can't parse the file name from {origin!r}"
        )
    if os.sep in name or "/" in name or name in (".", ".."):
        raise ValueError(
            f"{_NAME}: expected a name, and a directory as cache_dir: Paths are no longer accepted as the `fname` argument, "
            f"got fname={name!r}"
        )
    return name


def _hash_of(path: str, wanted: str, algorithm: str) -> str:
    sha = algorithm == "sha256" or (algorithm == "auto" and len(wanted) == 64)
    hasher = hashlib.sha256() if sha else hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def _is_valid(path: str, wanted: str, algorithm: str) -> bool:
    if _hash_of(path, wanted, algorithm) == wanted.lower():
        return True
    show(f"{path} has another hash than {wanted}: it is fetched anew.")
    return False


def _fetch(origin: str, target: str, file_hash: str | None, algorithm: str) -> None:
    """Fetches a file, which appears only when it is whole and right."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    show(f"Downloading data from {origin}")
    partial = f"{target}.{os.getpid()}.part"
    try:
        _copy(origin, partial)
        if file_hash and (found := _hash_of(partial, file_hash, algorithm)) != file_hash.lower():
            raise ValueError(
                f"{_NAME}: Incomplete or corrupted file detected: expected the hash {file_hash} of {origin}, got {found}"
            )
        os.replace(partial, target)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def _copy(origin: str, target: str) -> None:
    import urllib.request
    from http.client import HTTPException

    try:
        with urllib.request.urlopen(origin, timeout=60) as response, open(target, "wb") as file:
            length = getattr(response, "headers", {}).get("Content-Length")
            size = int(length) if length and length.isdigit() else None
            bar = Progbar(size) if is_interactive_logging_enabled() and size else None
            seen = 0
            while block := response.read(1 << 18):
                file.write(block)
                seen += len(block)
                if bar is not None:
                    bar.update(min(seen, size or seen))
        if size is not None and seen != size:
            raise OSError(f"{seen} of {size} bytes came")
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise OSError(f"{_NAME}: URL fetch failure on {origin}: {reason}") from None


def unpack(archive: str, folder: str, archive_format: Any = "auto") -> None:
    """Unpacks an archive to a directory, which appears only when everything is there.

    Args:
        archive: the file.
        folder: the directory; one that is there is replaced.
        archive_format: see `get_file`.

    Raises:
        ValueError: if it is no such archive, or has entries that would lie outside of the directory, or devices.
    """
    import tarfile
    import zipfile

    kinds = ["tar", "zip"] if archive_format == "auto" else archive_format
    kinds = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if not set(kinds) <= {"tar", "zip"}:
        raise ValueError(f'{_NAME}: expected archive_format "auto", "tar" or "zip", got {archive_format!r}')
    partial = tempfile.mkdtemp(dir=os.path.dirname(folder), prefix=f".{os.path.basename(folder)}.")
    try:
        if "tar" in kinds and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                _unpack_tar(tar, archive, partial)
        elif "zip" in kinds and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                for name in zipped.namelist():
                    _refuse_outside(archive, partial, name)
                zipped.extractall(partial)
        else:
            raise ValueError(f"{_NAME}: Could not extract archive: expected one of {kinds}, got {archive}")
        if os.path.isdir(folder):
            shutil.rmtree(folder)
        os.replace(partial, folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{_NAME}: expected a whole archive, got {archive}: {error}") from None
    finally:
        if os.path.isdir(partial):
            shutil.rmtree(partial)


def _unpack_tar(tar: Any, archive: str, folder: str) -> None:
    for member in tar.getmembers():
        _refuse_outside(archive, folder, member.name)
        if member.issym():
            _refuse_outside(archive, folder, os.path.join(os.path.dirname(member.name), member.linkname))
        elif member.islnk():
            _refuse_outside(archive, folder, member.linkname)
        elif not (member.isfile() or member.isdir()):
            raise ValueError(f"{_NAME}: expected files in {archive}, got a device {member.name!r}")
    if hasattr(__import__("tarfile"), "data_filter"):
        tar.extractall(folder, filter="data")
    else:
        tar.extractall(folder)


def _refuse_outside(archive: str, folder: str, name: str) -> None:
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, name.replace("\\", "/")))
    if path != root and not path.startswith(root + os.sep):
        raise ValueError(f"{_NAME}: expected files inside of the archive's directory, got {name!r} in {archive}")
