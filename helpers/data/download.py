"""Get the real sets: download them through Kaggle's and Cityscapes' own clients, and unpack them."""

import contextlib
import errno
import functools
import io
import itertools
import json
import lzma
import os
import shutil
import stat
import struct
import sys
import time
import types
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

TIME_LIMITS = (10, 60)
"""Seconds to wait for a connection, and for the next piece of an answer."""
PAUSE = 2
"""Seconds before a download that was broken off goes on."""
PIECE = 2**16
"""Bytes written at a time: what a broken connection can lose."""
STREETS = {"gtFine": "gtFine_trainvaltest.zip", "leftImg8bit": "leftImg8bit_trainvaltest.zip"}
"""The folders of Cityscapes, and the official zip of each."""
CITYSCAPES = "https://www.cityscapes-dataset.com"
CREDENTIALS = ("CITYSCAPES_USERNAME", "CITYSCAPES_PASSWORD")
"""The environment variables that may hold an account of Cityscapes."""


def fetch_kaggle(folder: Path, dataset: str = "mateuszbuda/lgg-mri-segmentation") -> Path:
    """Download a Kaggle set into `folder` and return the zip. Built by hand in lesson 04.

    What has arrived is kept as `NAME.zip.partial`, and the next call goes on from there. Only a whole zip is
    called `NAME.zip`, and it is not downloaded again.

    Raises:
        PermissionError: Kaggle asks for credentials (most public sets need none); says how to get them.
        FileNotFoundError: Kaggle has no such set.
        OSError: no network, a server that does not answer within `TIME_LIMITS`, a full disk.
        ValueError: what arrived is not the zip.
    """
    import requests

    folder = Path(folder)
    name = f"{dataset.rpartition('/')[2]}.zip"
    by_hand = f"or get the zip from https://www.kaggle.com/datasets/{dataset} and give it with --source PATH"

    def download(path: Path) -> None:
        try:
            _download(dataset, path)
        except requests.HTTPError as error:
            raise _refusal(error, dataset, by_hand) from None

    return _fetch("Kaggle", download, folder / name, folder / f"{name}.partial", by_hand)


def fetch_cityscapes(folder: Path, parts: Sequence[str] = tuple(STREETS)) -> list[Path]:
    """Download zips of Cityscapes into `folder` with its official downloader, and return them.

    The account is the one in CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD, else the one that the downloader has
    stored, else it asks on the terminal. What has arrived is kept in `folder`/downloading, and the next call goes on
    from there, as `fetch_kaggle` does.

    Args:
        folder: where the zips go.
        parts: which folders of Cityscapes to get the zips of.

    Raises:
        PermissionError: no credentials, or they are refused; says what to do.
        OSError: no network, a server that does not answer within `TIME_LIMITS`, a full disk.
        ValueError: what arrived is not the zip.
    """
    from cityscapesscripts.download import downloader

    folder = Path(folder)
    signed_in = functools.cache(lambda: _sign_in(downloader))  # once, and not if all zips are there
    by_hand = f"or get {' and '.join(STREETS.values())} from {CITYSCAPES}/downloads and give them with --source"

    def download(path: Path) -> None:
        _download_streets(downloader, signed_in, path, by_hand)

    partial = folder / "downloading"
    try:
        return [
            _fetch("Cityscapes", download, folder / name, partial / name, by_hand)
            for name in (STREETS[part] for part in parts)
        ]
    finally:
        with contextlib.suppress(OSError):  # not there, or not empty
            partial.rmdir()


def _fetch(site: str, download: Callable[[Path], None], target: Path, partial: Path, by_hand: str) -> Path:
    """Call `download(partial)` until it has brought the whole zip, and give that the name `target`.

    A connection that breaks is taken up again for as long as each try brings something. `by_hand` says how else to
    get the zip.
    """
    import requests
    import urllib3

    if target.exists():
        return target
    partial.parent.mkdir(parents=True, exist_ok=True)
    while not _is_zip(partial):
        held = _size(partial)
        try:
            download(partial)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if _size(partial) > held:
                time.sleep(PAUSE)
                continue
            size = _size(partial)
            kept = f" (the first {size / 1e6:.1f} MB are kept in {partial})" if size else ""
            raise ConnectionError(
                f"{site} cannot be reached or does not answer ({_cause(error)}): check the network and run "
                f"the same command again{kept}, {by_hand}"
            ) from None
        except ValueError as error:  # of the wrong size or content, says the client: nothing to go on from
            _forget(partial)
            raise ValueError(f"{target.name} did not arrive whole ({error}): run the same command again") from None
        if not _is_zip(partial):
            _forget(partial)
            raise ValueError(f"{site} sent something that is not a zip for {target.stem}: try again later, {by_hand}")
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


def _download_streets(downloader, signed_in: Callable, path: Path, by_hand: str) -> None:
    """Let the official downloader write a zip of Cityscapes to `path`, from where an earlier call was broken off."""
    import requests

    no_access = PermissionError(
        f"Cityscapes does not offer {path.name} to your account, or has signed it out: run the same command again, "
        f"and if that does not help look what {CITYSCAPES}/downloads offers you after signing in"
    )

    def before_it_is_written(response, **_):
        if response.is_redirect:  # to the page for signing in
            raise no_access
        held = _size(path)
        if held and "Range" in response.request.headers and response.status_code == 200:  # all of it, not the rest
            if int(response.headers.get("Content-Length") or held) < held:  # a page
                raise no_access
            os.truncate(path, 0)

    with _time_limits():
        try:
            session = signed_in()
            session.hooks["response"] = [before_it_is_written]
            try:
                listed = downloader.get_available_packages(session=session)
                sizes = {each["name"]: downloader.parse_size_to_bytes(each["size"]) for each in listed}
                missing = sizes[path.name] - _size(path)
            except (requests.JSONDecodeError, KeyError, TypeError, ValueError):  # no list, or not on it
                raise no_access from None
            # The downloader says in words what it does; a bar shows it.
            with _room(path.parent, missing, "the download"), contextlib.redirect_stdout(io.StringIO()):
                downloader.download_packages(
                    session=session, package_names=[path.name], destination_path=str(path.parent), resume=True
                )
        except IndexError:  # a page without an MD5 sum
            raise no_access from None
        except requests.HTTPError as error:
            status = error.response.status_code
            if status == 416:
                raise ValueError("longer than it should be") from None
            if status in (401, 403):
                raise no_access from None
            raise OSError(f"Cityscapes did not send {path.name} (HTTP {status}): try again later, {by_hand}") from None
        except Exception as error:
            if type(error) is Exception:  # the downloader has no class of its own for a wrong MD5 sum
                raise ValueError(str(error).rstrip(".")) from None
            raise


def _sign_in(downloader):
    """Return a session (a requests.Session) of the official downloader."""
    username, password = (os.environ.get(name) for name in CREDENTIALS)
    if bool(username) != bool(password):
        raise PermissionError(f"only one of {' and '.join(CREDENTIALS)} is set: set both, or none to be asked for them")
    answers = iter((username, "no"))  # the second question is whether to store them
    given = {
        "appdirs": types.SimpleNamespace(user_data_dir=lambda *_: os.devnull),  # where nothing is stored
        "input": lambda _: next(answers),
        "getpass": types.SimpleNamespace(getpass=lambda _: password),
    }
    stored = Path(downloader.appdirs.user_data_dir("cityscapesscripts", "cityscapes")) / "credentials.json"
    try:
        with _replaced(downloader, **(given if username else {"input": _ask})):
            return downloader.login()
    except EOFError:
        raise PermissionError(
            f"there is no terminal to ask for your account of Cityscapes on: set {' and '.join(CREDENTIALS)} "
            f"(to register: {CITYSCAPES}/register)"
        ) from None
    except (json.JSONDecodeError, TypeError):
        raise PermissionError(f"{stored} holds no credentials: delete it and run the same command again") from None
    except Exception as error:
        if type(error) is Exception:  # the downloader has no class of its own for wrong credentials
            whose = f"in {' and '.join(CREDENTIALS)}" if username else f"typed or stored in {stored}, which it deletes"
            raise PermissionError(
                f"Cityscapes refuses the credentials {whose}: correct them and run the same command again "
                f"(to register: {CITYSCAPES}/register)"
            ) from None
        raise


def _ask(question: str) -> str:
    """Ask on the terminal; EOFError if there is none."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise EOFError
    return input(question)


@contextlib.contextmanager
def _replaced(owner, **names) -> Iterator[None]:
    """Give attributes of a module or a class other values for a while."""
    before = {name: getattr(owner, name) for name in names}
    for name, value in names.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


@contextlib.contextmanager
def _time_limits() -> Iterator[None]:
    """Give a time limit to each request that has none: the client's first, and those of its import."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_in_time(adapter, request, stream=False, timeout=None, **options):
        return send(adapter, request, stream=stream, timeout=timeout or TIME_LIMITS, **options)

    with _replaced(HTTPAdapter, send=send_in_time):
        yield


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


def parts_of_streets(zip_path: Path) -> list[str]:
    """Say which of the folders of Cityscapes a zip holds; ValueError, as of `unpack`, if none."""
    with _open(zip_path) as archive:
        folders = {part for name in archive.namelist() for part in PurePosixPath(name.replace("\\", "/")).parts[:-1]}
    found = [part for part in STREETS if part in folders]
    if not found:
        raise ValueError(
            f"{zip_path} has no {' or '.join(STREETS)} folder in it: is it one of {', '.join(STREETS.values())}?"
        )
    return found


def unpack(zip_path: Path, folder: Path, part: str = "kaggle_3m") -> Path:
    """Unpack one folder of a zip, and return it: `folder`/`part`.

    Takes the `part` folder of any zip, at its top or further in, or for kaggle_3m patient folders (`TCGA_...`); the
    rest is left out. In Kaggle's own zip every file stands twice: each is written once. Writes to `part`.unpacking,
    which is renamed when it is complete; the next call takes up what was broken off.

    Raises:
        ValueError: not a zip, no such folder in it, or an entry that is damaged or encrypted. A link, or an
            entry that leads out of the folder: then nothing at all is written.
        FileExistsError: the folder is there and its files are not those of the zip.
        OSError: a full disk.
    """
    zip_path, folder = Path(zip_path), Path(folder)
    from helpers.data import disk  # brings Keras, which a download does not need

    target, partial = folder / part, folder / f"{part}.unpacking"
    archive = _open(zip_path)
    with archive:
        entries = _entries(archive, part)
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
            disk.progress_bar(total=needed, desc=f"unpacking {zip_path.name}", unit="B", unit_scale=True) as progress,
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


def _open(zip_path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(zip_path)
    except (zipfile.BadZipFile, NotImplementedError, struct.error):
        raise ValueError(f"{zip_path} is not a zip, or its end is missing: download it again") from None


def _entries(archive: zipfile.ZipFile, part: str) -> dict[str, zipfile.ZipInfo]:
    """Return the entries to write by their path below the folder `part`; ValueError when any entry is unsafe."""
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
        inside = ()
        if part in parts:
            inside = parts[len(parts) - parts[::-1].index(part) :]
        elif part == "kaggle_3m":
            inside = tuple(itertools.dropwhile(lambda name: not name.startswith("TCGA_"), parts))
        if inside:
            entries.setdefault("/".join(inside), entry)
    if not entries:
        zip_name = STREETS.get(part, "the zip of lgg-mri-segmentation")
        raise ValueError(f"{archive.filename} has no {part} folder in it: is it {zip_name}?")
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
