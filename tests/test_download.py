"""Kaggle's own client against a server on loopback, and zips made by hand."""

import collections
import contextlib
import http.server
import io
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.parse
import zipfile

import numpy as np
import pytest

from helpers.data import download

Usage = collections.namedtuple("Usage", "total used free")
needs_dev_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full, a full disk, is Linux's own")
# What is killed runs in a process of its own, with this module alone so that it starts in half a second.
LOAD = f"""
import importlib.util, os, signal, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("download", {download.__file__!r})
download = importlib.util.module_from_spec(spec)
spec.loader.exec_module(download)
"""


def zip_bytes(entries) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


PIXELS = np.random.default_rng(0).bytes(400_000)  # does not compress, so half a file is half the bytes
ZIP = zip_bytes({"kaggle_3m/TCGA_CS_0001_19990101/TCGA_CS_0001_19990101_1.tif": PIXELS})


class Handler(http.server.BaseHTTPRequestHandler):
    """Kaggle's address for downloads, which redirects to a store that knows Range, If-Range and ETag."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((urllib.parse.urlsplit(self.path).path, body, self.headers["Authorization"]))
        if self.server.status == "stall":
            self.server.released.wait(30)
        elif self.server.status != 200:
            self.send_error(self.server.status)
        else:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/store/archive.zip?signed=yes")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_GET(self):
        content, wanted = self.server.content, self.headers["Range"]
        self.server.ranges.append(wanted)
        start = 0
        if wanted and self.headers["If-Range"] == self.server.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        end = self.server.ends.pop(0) if self.server.ends else len(content)
        if end == "refuse":
            return self.send_error(503)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", self.server.etag)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client leaves the answer to a request without Range unread
            self.wfile.write(content[start:end])
            self.wfile.flush()
        if end < len(content) and self.server.stalls:
            self.server.released.wait(30)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.status, server.content, server.etag = 200, ZIP, '"first"'
    server.posts, server.ranges = [], []
    server.ends = []  # where in the file the store's answers end, in turn; those after them are whole
    server.stalls, server.released = False, threading.Event()  # whether it then stalls, or hangs up
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path_factory):
    """Keep Kaggle's client away from the user's credentials and from proxies."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or (name.startswith("KAGGLE_") and name != "KAGGLE_CONFIG_DIR"):
            monkeypatch.delenv(name)
    return home


@pytest.fixture
def kaggle(monkeypatch, server, home):
    """The real client, with the server where it looks for Kaggle."""
    import kaggle
    from kagglesdk import kaggle_env

    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(kaggle_env, "_env_to_endpoint", dict.fromkeys(kaggle_env.KaggleEnv, address))
    monkeypatch.setattr(kaggle.KaggleApi, "args", ["--local"])
    monkeypatch.setattr(download, "PAUSE", 0.01)
    return kaggle


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(download, "TIME_LIMITS", (5, 0.4))


def in_a_process(code, server, **environment):
    """Start Python with the module as `download`, and the server as the proxy of Kaggle's client."""
    proxy = f"http://127.0.0.1:{server.server_port}"
    environment = {
        **os.environ,
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        **{"http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"},
        **environment,
    }
    return subprocess.Popen([sys.executable, "-c", LOAD + code], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_download(kaggle, server, tmp_path, capsys):
    path = download.fetch_kaggle(tmp_path / "new" / "set")
    assert path == tmp_path / "new" / "set" / "lgg-mri-segmentation.zip"
    assert path.read_bytes() == ZIP
    assert os.listdir(path.parent) == [path.name]
    asked, body, credentials = server.posts[0]
    assert asked == "/api/v1/datasets.DatasetApiService/DownloadDataset"
    assert (body["ownerSlug"], body["datasetSlug"]) == ("mateuszbuda", "lgg-mri-segmentation")
    assert credentials is None  # a public set needs none
    output = capsys.readouterr()
    assert output.out == ""
    assert "100%" in output.err  # the progress bar


def test_finished_download_is_not_repeated(kaggle, server, tmp_path):
    download.fetch_kaggle(tmp_path)
    server.posts.clear()
    assert download.fetch_kaggle(tmp_path).read_bytes() == ZIP
    assert server.posts == []


def test_whole_partial_file_is_taken_as_it_is(kaggle, server, tmp_path):
    (tmp_path / "lgg-mri-segmentation.zip.partial").write_bytes(ZIP)  # killed before it was renamed
    assert download.fetch_kaggle(tmp_path).read_bytes() == ZIP
    assert server.posts == []


def test_broken_off_download_goes_on(kaggle, server, tmp_path):
    server.ends = [200_000]
    assert download.fetch_kaggle(tmp_path).read_bytes() == ZIP
    assert server.ranges == [None, None, "bytes=196608-"]  # three pieces of 65,536 bytes had arrived


def test_next_call_goes_on_where_the_last_one_failed(kaggle, server, tmp_path):
    server.ends = [200_000, 200_000, 200_000]
    with pytest.raises(ConnectionError) as caught:
        download.fetch_kaggle(tmp_path)
    assert "IncompleteRead" in str(caught.value)
    assert not (tmp_path / "lgg-mri-segmentation.zip").exists()
    assert (tmp_path / "lgg-mri-segmentation.zip.partial").read_bytes() == ZIP[:196608]
    assert download.fetch_kaggle(tmp_path).read_bytes() == ZIP
    assert server.ranges[-1] == "bytes=196608-"
    assert os.listdir(tmp_path) == ["lgg-mri-segmentation.zip"]


def test_killed_download_goes_on(kaggle, server, tmp_path):
    server.ends, server.stalls = [200_000], True
    process = in_a_process(f"download.fetch_kaggle(Path({str(tmp_path)!r}))", server)
    partial = tmp_path / "lgg-mri-segmentation.zip.partial"
    wait_until(lambda: process.poll() is not None or (partial.exists() and partial.stat().st_size == 196608))
    process.kill()
    assert process.wait() == -signal.SIGKILL, process.communicate()
    assert not (tmp_path / "lgg-mri-segmentation.zip").exists()
    assert download.fetch_kaggle(tmp_path).read_bytes() == ZIP
    assert server.ranges[-1] == "bytes=196608-"


def test_part_of_an_older_version_is_not_joined_to_a_newer_one(kaggle, server, tmp_path):
    server.ends = [200_000, 200_000, 200_000]
    with pytest.raises(ConnectionError):
        download.fetch_kaggle(tmp_path)
    server.content, server.etag = zip_bytes({"kaggle_3m/data.csv": PIXELS[::-1]}), '"second"'
    assert download.fetch_kaggle(tmp_path).read_bytes() == server.content


def test_refused_piece_is_not_resumed(kaggle, server, tmp_path):
    """The client writes the page of a refused piece over the partial file, and would go on from there."""
    server.ends = [200_000, 200_000, "refuse", "refuse"]
    with pytest.raises(ValueError, match="did not arrive whole"):
        download.fetch_kaggle(tmp_path)
    assert os.listdir(tmp_path) == []
    assert download.fetch_kaggle(tmp_path).read_bytes() == ZIP


def test_server_that_stalls_before_it_answers(kaggle, server, impatient, tmp_path):
    server.status = "stall"
    with pytest.raises(ConnectionError) as caught:
        download.fetch_kaggle(tmp_path)
    assert "timed out" in str(caught.value)
    assert "--source PATH" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_server_that_stalls_in_the_middle(kaggle, server, impatient, tmp_path):
    server.ends, server.stalls = [200_000, 200_000, 200_000], True
    with pytest.raises(ConnectionError) as caught:
        download.fetch_kaggle(tmp_path)
    assert "imed out" in str(caught.value)
    assert "the first 0.2 MB are kept in" in str(caught.value)
    assert (tmp_path / "lgg-mri-segmentation.zip.partial").read_bytes() == ZIP[:196608]


def test_server_that_stalls_while_a_token_is_looked_up(server, tmp_path):
    """Importing the client with a token already asks the network."""
    server.status = "stall"
    code = f"""
download.TIME_LIMITS = (5, 0.4)
try:
    download.fetch_kaggle(Path({str(tmp_path)!r}))
except ConnectionError as error:
    sys.exit(str(error))
"""
    process = in_a_process(code, server, KAGGLE_API_TOKEN="token")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "timed out" in errors
    assert any("IntrospectToken" in asked for asked, _, _ in server.posts)
    assert "Bearer token" in [credentials for _, _, credentials in server.posts]


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_are_explained_in_three_lines(kaggle, server, tmp_path, status):
    server.status = status
    with pytest.raises(PermissionError) as caught:
        download.fetch_kaggle(tmp_path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert f"HTTP {status}" in lines[0]
    assert "https://www.kaggle.com/settings" in lines[1]
    assert "KAGGLE_API_TOKEN" in lines[2]


def test_set_that_is_not_there(kaggle, server, tmp_path):
    server.status = 404
    with pytest.raises(FileNotFoundError, match="no set mateuszbuda/gone .HTTP 404.*--source PATH"):
        download.fetch_kaggle(tmp_path, "mateuszbuda/gone")


def test_server_in_trouble(kaggle, server, tmp_path):
    server.status = 503
    with pytest.raises(OSError, match="HTTP 503.*try again later"):
        download.fetch_kaggle(tmp_path)


def test_no_network(kaggle, server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError) as caught:
        download.fetch_kaggle(tmp_path)
    assert "Connection refused)" in str(caught.value)
    assert "--source PATH" in str(caught.value)
    assert "kept" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_proxy_that_is_not_there(kaggle, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    with pytest.raises(ConnectionError, match="Connection refused[)]: check the network"):
        download.fetch_kaggle(tmp_path)


def test_page_instead_of_a_zip(kaggle, server, tmp_path):
    server.content = b"<html>Down for maintenance</html>" * 100
    with pytest.raises(ValueError, match="not a zip"):
        download.fetch_kaggle(tmp_path)
    assert os.listdir(tmp_path) == []


def test_no_room_for_the_download(kaggle, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 123_456))
    with pytest.raises(OSError) as caught:
        download.fetch_kaggle(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "0 MB free and the download needs 0 MB" in str(caught.value)
    assert os.listdir(tmp_path) == []


@needs_dev_full
def test_disk_full_during_the_download(kaggle, tmp_path, monkeypatch):
    def open_on_a_full_disk(path, mode):
        return open("/dev/full" if path.endswith(".partial") else path, mode)

    client = sys.modules[kaggle.KaggleApi.__module__]
    monkeypatch.setattr(client, "open", open_on_a_full_disk, raising=False)
    with pytest.raises(OSError) as caught:
        download.fetch_kaggle(tmp_path)
    assert f"the disk of {tmp_path} has" in str(caught.value)
    assert "the download needs 0 MB more" in str(caught.value)


PATIENT = "TCGA_CS_0001_19990101"
FILES = {f"{PATIENT}/{PATIENT}_{number}.tif": bytes([number]) * 5000 for number in range(1, 21)}


def write_zip(path, entries):
    path.write_bytes(zip_bytes(entries))
    return path


def read_folder(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_unpack_writes_what_stands_twice_once(tmp_path, capsys):
    inner = {f"lgg-mri-segmentation/kaggle_3m/{name}": content for name, content in FILES.items()}
    outer = {f"kaggle_3m/{name}": content for name, content in FILES.items()}
    zip_path = write_zip(
        tmp_path / "a.zip",
        {"lgg-mri-segmentation/kaggle_3m/data.csv": b"a;b", **inner, "kaggle_3m/data.csv": b"a,b", **outer},
    )
    assert download.unpack(zip_path, tmp_path / "set") == tmp_path / "set" / "kaggle_3m"
    assert read_folder(tmp_path / "set") == {
        "kaggle_3m/data.csv": b"a,b",
        **{f"kaggle_3m/{name}": content for name, content in FILES.items()},
    }
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize("prefix", ["", "my data/", "kaggle_3m\\", "./kaggle_3m/", "a/b/kaggle_3m/"])
def test_unpack_finds_the_patients_in_any_zip(tmp_path, prefix):
    entries = {prefix + name: content for name, content in FILES.items()}
    junk = {
        f"__MACOSX/{prefix}{PATIENT}/._a.tif": b"x",
        f"{prefix}{PATIENT}/.DS_Store": b"x",
        "notes.txt": b"x",
    }
    target = download.unpack(write_zip(tmp_path / "a.zip", {**entries, **junk}), tmp_path)
    assert read_folder(target) == FILES


def entry(name, mode=0):
    info = zipfile.ZipInfo("x")
    info.filename = name  # the constructor would tidy it
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    "unsafe",
    [
        entry("/kaggle_3m/a.tif"),
        entry("../kaggle_3m/a.tif"),
        entry("kaggle_3m/../../a.tif"),
        entry("notes/../../a.txt"),
        entry("kaggle_3m\\..\\..\\a.tif"),
        entry("\\kaggle_3m\\a.tif"),
        entry("C:\\kaggle_3m\\a.tif"),
        entry("kaggle_3m/C:a.tif"),
        entry("kaggle_3m/link", stat.S_IFLNK | 0o777),
        entry("kaggle_3m/device", stat.S_IFCHR | 0o666),
    ],
    ids=lambda info: info.filename,
)
def test_unpack_refuses_a_zip_that_leads_out_of_the_folder(tmp_path, unsafe):
    zip_path = tmp_path / "a.zip"
    with zipfile.ZipFile(zip_path, "w") as archive:
        archive.writestr(f"kaggle_3m/{PATIENT}/{PATIENT}_1.tif", b"x")
        archive.writestr(unsafe, b"/etc/passwd")
    with pytest.raises(ValueError) as caught:
        download.unpack(zip_path, tmp_path / "a" / "b" / "set")
    assert repr(unsafe.filename) in str(caught.value)
    assert str(zip_path) in str(caught.value)
    assert os.listdir(tmp_path) == ["a.zip"]


def test_killed_unpacking_goes_on(server, tmp_path):
    zip_path = write_zip(tmp_path / "a.zip", FILES)
    code = f"""
copy = download.shutil.copyfileobj
count = 0
def copy_eleven_and_a_half(source, file):
    global count
    count += 1
    if count == 12:
        file.write(source.read(2500))
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    copy(source, file)
download.shutil.copyfileobj = copy_eleven_and_a_half
download.unpack(Path({str(zip_path)!r}), Path({str(tmp_path)!r}))
"""
    process = in_a_process(code, server)
    assert process.wait() == -signal.SIGKILL, process.communicate()
    assert not (tmp_path / "kaggle_3m").exists()
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "kaggle_3m.unpacking").rglob("*.tif")}
    assert len(written) == 12
    assert sorted(path.stat().st_size for path in written) == [2500] + [5000] * 11

    target = download.unpack(zip_path, tmp_path)
    assert read_folder(target) == FILES
    times = {path.name: path.stat().st_mtime_ns for path in target.rglob("*.tif")}
    assert sum(times[path.name] == time for path, time in written.items()) == 11
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "kaggle_3m"]


def test_unpack_takes_nothing_for_finished_that_is_not(tmp_path):
    partial = tmp_path / "kaggle_3m.unpacking"
    torn, foreign = partial / PATIENT / f"{PATIENT}_1.tif", partial / "TCGA_DU_9999_20000101" / "x.tif"
    for path in (torn, foreign):
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(5000))  # the right size: holes that a power cut leaves
    target = download.unpack(write_zip(tmp_path / "a.zip", FILES), tmp_path)
    assert read_folder(target) == FILES
    assert os.listdir(target) == [PATIENT]


def test_unpack_again_writes_nothing(tmp_path):
    zip_path = write_zip(tmp_path / "a.zip", FILES)
    target = download.unpack(zip_path, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    assert download.unpack(zip_path, tmp_path) == target
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before


def test_unpack_overwrites_no_other_set(tmp_path):
    other = tmp_path / "kaggle_3m" / PATIENT / f"{PATIENT}_1.tif"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="20 of the 20 files"):
        download.unpack(write_zip(tmp_path / "a.zip", FILES), tmp_path)
    assert other.read_bytes() == b"mine"


def damaged(content):
    """One byte in the middle of the eleventh file's content."""
    where = content.index(bytes([11]) * 5000) + 2500
    return content[:where] + b"?" + content[where + 1 :]


def encrypted(content):
    """The flag of the first entry, in its own header and in the list at the end."""
    content = bytearray(content)
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message", "left"),
    [
        (damaged, f"damaged .*{PATIENT}_11.tif", 11),
        (encrypted, f"encrypted at {PATIENT}/{PATIENT}_1.tif", 1),
        (lambda content: content[:50_000], "not a zip, or its end is missing", 0),
        (lambda content: b"<html>", "not a zip", 0),
        (lambda content: b"", "not a zip", 0),
        (lambda content: zip_bytes({"cats/1.jpg": b"x"}), "no kaggle_3m folder", 0),
    ],
    ids=["damaged", "encrypted", "truncated", "page", "empty", "other"],
)
def test_unpack_bad_zip(tmp_path, spoil, message, left):
    zip_path = tmp_path / "a.zip"
    content = zip_bytes(FILES)
    zip_path.write_bytes(spoil(content))
    with pytest.raises(ValueError, match=message) as caught:
        download.unpack(zip_path, tmp_path / "set")
    assert str(zip_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set" / "kaggle_3m").exists()
    zip_path.write_bytes(content)
    assert read_folder(download.unpack(zip_path, tmp_path / "set")) == FILES


def test_unpack_compressed_and_damaged(tmp_path):
    zip_path = tmp_path / "a.zip"
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(zip_path, "w", method) as archive:
            archive.writestr(f"{PATIENT}/{PATIENT}_1.tif", PIXELS)
        content = bytearray(zip_path.read_bytes())
        content[1000:300_000] = b"\xff" * 299_000
        zip_path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged"):
            download.unpack(zip_path, tmp_path)


def test_no_room_to_unpack(tmp_path, monkeypatch):
    zip_path = write_zip(tmp_path / "a.zip", {f"{PATIENT}/{PATIENT}_1.tif": bytes(3_000_000)})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 2_000_000))
    with pytest.raises(OSError) as caught:
        download.unpack(zip_path, tmp_path)
    # 3,000,000 bytes fill 733 blocks of 4096, which are 3,002,368 bytes
    assert f"the disk of {tmp_path} has 2 MB free and unpacking a.zip needs 3 MB more" in str(caught.value)
    assert not (tmp_path / "kaggle_3m").exists()


@needs_dev_full
def test_disk_full_while_unpacking(tmp_path):
    full = tmp_path / "kaggle_3m.unpacking" / PATIENT / f"{PATIENT}_11.tif"
    full.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")
    zip_path = write_zip(tmp_path / "a.zip", FILES)
    with pytest.raises(OSError) as caught:
        download.unpack(zip_path, tmp_path)
    assert f"the disk of {tmp_path} has" in str(caught.value)
    assert not (tmp_path / "kaggle_3m").exists()
    full.unlink()  # space again
    assert read_folder(download.unpack(zip_path, tmp_path)) == FILES
