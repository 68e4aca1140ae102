"""Get the Kaggle set of brain slices: download it through Kaggle's own client, and unpack it."""

import contextlib
import errno
import io
import itertools
import lzma
import os
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tqdm.auto import tqdm

TIME_LIMITS = (10, 60)
"""Seconds to wait for a connection, and for the next piece of an answer."""
PAUSE = 2
"""Seconds before a download that was broken off goes on."""
PIECE = 2**16
"""Bytes written at a time: what a broken connection can lose."""


def fetch_kaggle(folder: Path, dataset: str = "mateuszbuda/lgg-mri-segmentation") -> Path:
    """Download a Kaggle set into `folder` and return the zip. Built by hand in lesson 04.

    What has arrived is kept as `NAME.zip.partial`, and the next call goes on from there. Only a whole zip is
    called `NAME.zip`, and it is not downloaded again. A connection that breaks is taken up again for as long
    as each try brings something.

    Raises:
        PermissionError: Kaggle asks for credentials (most public sets need none); says how to get them.
        FileNotFoundError: Kaggle has no such set.
        OSError: no network, a server that does not answer within `TIME_LIMITS`, a full disk.
        ValueError: what arrived is not the zip.
    """
    import requests
    import urllib3

    folder = Path(folder)
    page = f"https://www.kaggle.com/datasets/{dataset}"
    by_hand = f"or get the zip from {page} and give it with --source PATH"
    target = folder / f"{dataset.rpartition('/')[2]}.zip"
    partial = target.with_name(f"{target.name}.partial")
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    while not _is_zip(partial):
        held = _size(partial)
        try:
            _download(dataset, partial)
        except requests.HTTPError as error:
            raise _refusal(error, dataset, by_hand) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if _size(partial) > held:
                time.sleep(PAUSE)
                continue
            kept = f" (the first {held / 1e6:.1f} MB are kept in {partial})" if held else ""
            raise ConnectionError(
                f"Kaggle cannot be reached or does not answer ({_cause(error)}): check the network and run "
                f"the same command again{kept}, {by_hand}"
            ) from None
        except ValueError as error:  # of the wrong size, says the client: nothing to go on from
            _forget(partial)
            raise ValueError(f"{target.name} did not arrive whole ({error}): run the same command again") from None
        if not _is_zip(partial):
            _forget(partial)
            raise ValueError(f"Kaggle sent something that is not a zip for {dataset}: try again later, {by_hand}")
    os.replace(partial, target)
    return target


def _download(dataset: str, path: Path) -> None:
    """Let Kaggle's client write the set to `path`, from where an earlier call was broken off."""
    # The client prints a page of help when it finds no credentials, and its own account of an error.
    with _time_limits(), contextlib.redirect_stdout(io.StringIO()):
        import kaggle  # not above: it asks the network for the meaning of a token, and makes a folder
        from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

        with kaggle.api.build_kaggle_client() as client:
            request = ApiDownloadDatasetRequest()
            request.owner_slug, request.dataset_slug = dataset.split("/")
            response = client.datasets.dataset_api_client.download_dataset(request)
            missing = int(response.headers.get("Content-Length") or 0) - _size(path)
            with _room(path.parent, missing, "the download"):
                # The client's own retries would write the page of a refused one over what has arrived.
                kaggle.api.download_file(
                    response, str(path), client.http_client(), quiet=False, resume=True,
                    chunk_size=PIECE, max_retries=0, timeout=TIME_LIMITS,
                )  # fmt: skip


@contextlib.contextmanager
def _time_limits() -> Iterator[None]:
    """Give a time limit to each request that has none: the client's first, and those of its import."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_in_time(adapter, request, stream=False, timeout=None, **options):
        return send(adapter, request, stream=stream, timeout=timeout or TIME_LIMITS, **options)

    HTTPAdapter.send = send_in_time
    try:
        yield
    finally:
        HTTPAdapter.send = send


def _refusal(error, dataset: str, by_hand: str) -> OSError:
    """Return the error to raise for an HTTP status (a requests.HTTPError)."""
    status = error.response.status_code
    if status in (401, 403):
        return PermissionError(
            f"Kaggle asks for credentials for {dataset}, or refuses yours (HTTP {status}). To get them:\n"
            'sign in at https://www.kaggle.com/settings/api (it is free), press "Generate New Token",\n'
            "save the token as ~/.kaggle/access_token or in KAGGLE_API_TOKEN, and run the same command again."
        )
    if status == 404:
        return FileNotFoundError(
            f"Kaggle has no set {dataset} (HTTP 404): it may have moved, so look for it on "
            "https://www.kaggle.com and give its zip with --source PATH"
        )
    return OSError(f"Kaggle did not send {dataset} (HTTP {status}): try again later, {by_hand}")


def _cause(error: Exception) -> str:
    """Return the innermost reason in words: requests and urllib3 wrap it several times."""
    while inner := [e for e in (getattr(error, "reason", None), *error.args) if isinstance(e, Exception)]:
        error = inner[0]
    return str(error).rpartition(": ")[2] or type(error).__name__


def _is_zip(path: Path) -> bool:
    """Whether the file is a zip to its end, where the list of its entries stands."""
    try:
        with zipfile.ZipFile(path):
            return True
    except (OSError, zipfile.BadZipFile, NotImplementedError, struct.error):
        return False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _forget(partial: Path) -> None:
    """Delete a partial download and the client's note beside it."""
    partial.unlink(missing_ok=True)
    partial.with_name(f"{partial.name}.kaggle-partial").unlink(missing_ok=True)


@contextlib.contextmanager
def _room(folder: Path, needed: int, purpose: str) -> Iterator[None]:
    """Raise OSError when `folder` has no room for `needed` bytes, now or while they are written."""

    def full() -> OSError:
        free = shutil.disk_usage(folder).free
        return OSError(
            f"the disk of {folder} has {free / 1e6:,.0f} MB free and {purpose} needs {needed / 1e6:,.0f} MB "
            "more: free some space and run the same command again, which goes on from here"
        )

    if needed > shutil.disk_usage(folder).free:
        raise full()
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full() from None
        raise


def unpack(zip_path: Path, folder: Path) -> Path:
    """Unpack the zip of the Kaggle set and return `folder`/kaggle_3m.

    Takes Kaggle's own zip, in which every file stands twice (each is written once), and any zip with a
    `kaggle_3m` folder or with patient folders (`TCGA_...`) in it; the rest of it is left out. Writes to
    `kaggle_3m.unpacking`, which is renamed when it is complete; the next call takes up what was broken off.

    Raises:
        ValueError: not a zip, no brain slices in it, or an entry that is damaged or encrypted. A link, or an
            entry that leads out of the folder: then nothing at all is written.
        FileExistsError: kaggle_3m is there and its files are not those of the zip.
        OSError: a full disk.
    """
    zip_path, folder = Path(zip_path), Path(folder)
    target, partial = folder / "kaggle_3m", folder / "kaggle_3m.unpacking"
    try:
        archive = zipfile.ZipFile(zip_path)
    except (zipfile.BadZipFile, NotImplementedError, struct.error):
        raise ValueError(f"{zip_path} is not a zip, or its end is missing: download it again") from None
    with archive:
        entries = _entries(archive)
        if target.exists():
            others = [name for name, entry in entries.items() if _size(target / name) != entry.file_size]
            if not others:
                return target
            raise FileExistsError(
                f"{target} is there already, and {len(others)} of the {len(entries)} files of {zip_path} are "
                f"missing or differ there (first {others[0]}): move that folder away, or choose another one "
                "with --output"
            )
        partial.mkdir(parents=True, exist_ok=True)
        missing = {name: entry for name, entry in entries.items() if not _is_written(partial / name, entry)}
        needed = sum(-(-entry.file_size // 4096) * 4096 for entry in missing.values())
        with (
            _room(folder, needed, f"unpacking {zip_path.name}"),
            tqdm(total=needed, desc=f"unpacking {zip_path.name}", unit="B", unit_scale=True) as progress,
        ):
            for name, entry in missing.items():
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                _write(archive, entry, partial / name)
                progress.update(-(-entry.file_size // 4096) * 4096)
    for path in sorted(partial.rglob("*"), reverse=True):  # the files of a folder before the folder
        if path.is_dir():
            with contextlib.suppress(OSError):  # not empty
                path.rmdir()
        elif path.relative_to(partial).as_posix() not in entries:
            path.unlink()  # left by the unpacking of another zip
    partial.rename(target)
    return target


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries to write by their path below kaggle_3m; ValueError when any entry is unsafe."""
    entries = {}
    # The copy at the top first: in the other one data.csv has semicolons.
    for entry in sorted(archive.infolist(), key=lambda entry: len(PurePosixPath(entry.filename).parts)):
        name = entry.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        kind = stat.S_IFMT(entry.external_attr >> 16)
        ordinary = kind in (0, stat.S_IFREG, stat.S_IFDIR)
        if name.startswith("/") or ".." in parts or ":" in name or not ordinary:
            raise ValueError(
                f"{archive.filename} is not safe to unpack: its entry {entry.filename!r} is a link or leads "
                "out of the folder, so nothing of it is unpacked; get the set from its source again"
            )
        if name.endswith("/") or PurePosixPath(name).name.startswith("."):
            continue
        if "kaggle_3m" in parts:
            inside = parts[len(parts) - parts[::-1].index("kaggle_3m") :]
        else:
            inside = tuple(itertools.dropwhile(lambda part: not part.startswith("TCGA_"), parts))
        if inside:
            entries.setdefault("/".join(inside), entry)
    if not entries:
        raise ValueError(f"{archive.filename} has no kaggle_3m folder in it: is it the zip of lgg-mri-segmentation?")
    return entries


def _is_written(path: Path, entry: zipfile.ZipInfo) -> bool:
    return path.is_file() and zlib.crc32(path.read_bytes()) == entry.CRC


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Write one entry; ValueError when the zip is damaged there."""
    try:
        with archive.open(entry) as source, open(path, "wb") as file:
            shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError) as error:
        raise ValueError(
            f"{archive.filename} is damaged or encrypted at {entry.filename} ({error}): delete it and get it again"
        ) from None
