"""Kaggle's and Cityscapes' own clients against servers on loopback, and zips made by hand."""

import collections
import contextlib
import getpass
import hashlib
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
        if wanted and self.headers["If-Range"] in (None, self.server.etag) and self.server.knows_range:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self.send_error(416)
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


STREET_ZIPS = {
    "gtFine_trainvaltest.zip": zip_bytes({"gtFine/train/ulm/ulm_0_0_gtFine_labelIds.png": PIXELS, "license.txt": b"x"}),
    "leftImg8bit_trainvaltest.zip": zip_bytes({"leftImg8bit/train/ulm/ulm_0_0_leftImg8bit.png": PIXELS[::-1]}),
}


class Cityscapes(Handler):
    """The site of Cityscapes: a page to sign in, a list, and for each package its MD5 sum and the file."""

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        self.server.asked.append(address.path.strip("/"))
        if address.path == self.server.silent:
            return self.server.released.wait(30)
        if address.path == "/login":
            return self.answer("<form>")
        if self.server.status != 200:
            return self.send_error(self.server.status)
        if self.headers["Cookie"] != "session=mine" or address.path == self.server.signs_out_at:
            return self.answer("", 302, {"Location": "/login"})
        if address.path == "/downloads/" and address.query == "list":
            sizes = {name: "400KB" for name in STREET_ZIPS} | self.server.sizes
            listed = [{"name": name, "size": size, "packageID": name[:6]} for name, size in sizes.items()]
            return self.answer(self.server.list or json.dumps(listed))
        (package,) = urllib.parse.parse_qs(address.query)["packageID"]
        name, self.server.content = next(each for each in STREET_ZIPS.items() if each[0].startswith(package))
        if address.path == "/md5-sum/":
            return self.answer(self.server.md5 or f"{hashlib.md5(self.server.content).hexdigest()}  {name}")
        assert address.path == "/file-handling/"
        super().do_GET()

    def do_POST(self):
        assert self.path == "/login"
        body = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert body["submit"] == ["Login"]
        account = (body["username"][0], body["password"][0])
        self.server.posts.append(account)
        if account == ("me", "secret"):
            self.answer("", 302, {"Location": "/", "Set-Cookie": "session=mine"})
        else:
            self.answer("<form>")

    def answer(self, text, status=200, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture
def server(request):
    """Kaggle, or the handler that the fixture is asked for."""
    handler = getattr(request, "param", Handler)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.block_on_close = True, False
    server.status, server.content, server.etag = 200, ZIP, '"first"'
    server.posts, server.ranges, server.knows_range = [], [], True
    server.asked, server.silent, server.signs_out_at = [], None, None
    server.sizes, server.list, server.md5 = {}, None, None  # what Cityscapes lists besides, or instead
    server.ends = []  # where in the file the store's answers end, in turn; those after them are whole
    server.stalls, server.released = False, threading.Event()  # whether it then stalls, or hangs up
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path_factory):
    """Keep the clients away from the user's credentials and from proxies."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    for name in list(os.environ):
        ours = name.startswith(("KAGGLE_", "CITYSCAPES_")) and name != "KAGGLE_CONFIG_DIR"
        if name.lower().endswith("_proxy") or ours:
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


# --- Cityscapes

cityscapes_server = pytest.mark.parametrize("server", [Cityscapes], indirect=True)
GT_FINE = STREET_ZIPS["gtFine_trainvaltest.zip"]


@pytest.fixture
def cityscapes(monkeypatch, server):
    """The official downloader, with the server where it looks for Cityscapes, and an account of its own."""
    import requests.adapters
    from cityscapesscripts.download import downloader

    send = requests.adapters.HTTPAdapter.send

    def send_to_loopback(adapter, request, **options):
        assert options["timeout"] == download.TIME_LIMITS
        there = request.copy()  # the cookies belong to the address that was asked for
        there.url = request.url.replace(download.CITYSCAPES, f"http://127.0.0.1:{server.server_port}")
        assert there.url != request.url
        return send(adapter, there, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_to_loopback)
    monkeypatch.setattr(download, "PAUSE", 0.01)
    monkeypatch.setenv("CITYSCAPES_USERNAME", "me")
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "secret")
    return downloader


@pytest.fixture
def stored(home):
    """Where the downloader stores credentials."""
    return home / "cityscapesscripts" / "credentials.json"


def fetch_one(folder):
    (path,) = download.fetch_cityscapes(folder, ["gtFine"])
    return path.read_bytes()


@cityscapes_server
def test_streets_are_downloaded_with_one_login(cityscapes, server, tmp_path, home, capsys):
    paths = download.fetch_cityscapes(tmp_path / "new" / "set")
    assert {path.name: path.read_bytes() for path in paths} == STREET_ZIPS
    assert sorted(os.listdir(tmp_path / "new" / "set")) == sorted(STREET_ZIPS)
    assert server.posts == [("me", "secret")]
    output = capsys.readouterr()
    assert output.out == "" and "Download progress" in output.err
    assert list(home.rglob("*")) == []  # nothing is stored

    assert download.fetch_cityscapes(tmp_path / "new" / "set") == paths
    assert len(server.posts) == 1 and server.asked.count("file-handling") == 2


@cityscapes_server
def test_account_is_typed_and_stored_as_the_downloader_does(cityscapes, server, tmp_path, stored, monkeypatch):
    for name in download.CREDENTIALS:
        monkeypatch.delenv(name)
    questions, answers = [], iter(["me", "y"])
    monkeypatch.setattr("builtins.input", lambda question: (questions.append(question), next(answers))[1])
    monkeypatch.setattr(getpass, "getpass", lambda _: "secret")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert fetch_one(tmp_path / "one") == GT_FINE
    assert json.loads(stored.read_text())["password"] == "secret" and len(questions) == 2
    assert fetch_one(tmp_path / "two") == GT_FINE  # does not ask again
    assert server.posts == [("me", "secret")] * 2 and len(questions) == 2


@cityscapes_server
def test_refused_account(cityscapes, server, tmp_path, stored, monkeypatch):
    stored.parent.mkdir()
    stored.write_text('{"username": "me", "password": "other"}')
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "wrong")
    words = "refuses the credentials in CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD: correct them"
    with pytest.raises(PermissionError, match=words) as caught:
        fetch_one(tmp_path / "set")
    assert "\n" not in str(caught.value) and f"{download.CITYSCAPES}/register" in str(caught.value)
    assert os.listdir(tmp_path / "set") == []
    assert stored.exists()  # those were not the ones that were refused
    for name in download.CREDENTIALS:
        monkeypatch.delenv(name)
    with pytest.raises(PermissionError, match="refuses the credentials typed or stored in .*credentials.json, which"):
        fetch_one(tmp_path / "set")
    assert server.posts == [("me", "wrong"), ("me", "other")] and not stored.exists()


@cityscapes_server
def test_account_that_nobody_gives(cityscapes, server, tmp_path, stored, monkeypatch):
    monkeypatch.delenv("CITYSCAPES_USERNAME")
    with pytest.raises(PermissionError, match="only one of CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD is set: set"):
        fetch_one(tmp_path)
    monkeypatch.delenv("CITYSCAPES_PASSWORD")
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("somebody was asked"))
    with pytest.raises(PermissionError, match="no terminal to ask .* set CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD"):
        fetch_one(tmp_path)
    stored.parent.mkdir()
    for content in ("{", "[]"):
        stored.write_text(content)
        with pytest.raises(PermissionError, match="credentials.json holds no credentials: delete it"):
            fetch_one(tmp_path)
    assert server.posts == []


@cityscapes_server
def test_broken_off_download_of_streets_goes_on(cityscapes, server, tmp_path):
    server.ends = [200_000]
    assert fetch_one(tmp_path) == GT_FINE
    first, second = server.ranges
    assert first == "bytes=0-" and 190_000 < int(second[6:-1]) <= 200_000
    assert len(server.posts) == 1


@cityscapes_server
def test_next_call_goes_on_with_the_streets(cityscapes, server, tmp_path):
    server.ends = [200_000, "refuse"]
    with pytest.raises(OSError, match="did not send gtFine_trainvaltest.zip .HTTP 503.: try again later.*--source"):
        fetch_one(tmp_path)
    held = (tmp_path / "downloading" / "gtFine_trainvaltest.zip").read_bytes()
    assert held == GT_FINE[: len(held)] and len(held) > 190_000
    assert fetch_one(tmp_path) == GT_FINE
    assert server.ranges[-1] == f"bytes={len(held)}-"
    assert os.listdir(tmp_path) == ["gtFine_trainvaltest.zip"]


@cityscapes_server
def test_server_that_sends_all_again_is_not_joined_to_the_rest(cityscapes, server, tmp_path):
    server.ends, server.knows_range = [200_000], False
    assert fetch_one(tmp_path) == GT_FINE
    assert len(server.ranges) == 2


@cityscapes_server
def test_page_instead_of_the_rest_costs_nothing(cityscapes, server, tmp_path, monkeypatch):
    server.ends = [200_000, "refuse"]
    with pytest.raises(OSError, match="HTTP 503"):
        fetch_one(tmp_path)
    held = (tmp_path / "downloading" / "gtFine_trainvaltest.zip").read_bytes()
    server.signs_out_at = "/file-handling/"
    with pytest.raises(PermissionError, match="does not offer gtFine_trainvaltest.zip to your account, or has signed"):
        fetch_one(tmp_path)
    server.signs_out_at = None
    monkeypatch.setattr(Handler, "do_GET", lambda handler: handler.answer("<form>"))
    with pytest.raises(PermissionError, match="does not offer"):
        fetch_one(tmp_path)
    assert (tmp_path / "downloading" / "gtFine_trainvaltest.zip").read_bytes() == held


@cityscapes_server
def test_wrong_md5_sum_starts_anew(cityscapes, server, tmp_path):
    server.md5 = "0" * 32
    with pytest.raises(ValueError, match="gtFine_trainvaltest.zip did not arrive whole .MD5 sum .*: run the same"):
        fetch_one(tmp_path)
    assert os.listdir(tmp_path) == []
    server.md5 = None
    assert fetch_one(tmp_path) == GT_FINE
    assert server.ranges == ["bytes=0-"] * 2


@cityscapes_server
def test_partial_file_that_is_too_long_starts_anew(cityscapes, server, tmp_path):
    (tmp_path / "downloading").mkdir()
    (tmp_path / "downloading" / "gtFine_trainvaltest.zip").write_bytes(PIXELS * 2)
    with pytest.raises(ValueError, match="did not arrive whole .longer than it should be.: run the same command again"):
        fetch_one(tmp_path)
    assert fetch_one(tmp_path) == GT_FINE


@cityscapes_server
@pytest.mark.parametrize("silent", ["/login", "/downloads/", "/md5-sum/", "/file-handling/"])
def test_cityscapes_that_does_not_answer(cityscapes, server, impatient, tmp_path, silent):
    server.silent = silent
    with pytest.raises(ConnectionError, match="Cityscapes cannot be reached .*timed out.*: check the net") as caught:
        fetch_one(tmp_path)
    assert "get gtFine_trainvaltest.zip and leftImg8bit_trainvaltest.zip from" in str(caught.value)
    assert "\n" not in str(caught.value) and "kept" not in str(caught.value)


@cityscapes_server
def test_cityscapes_that_stalls_in_the_middle(cityscapes, server, impatient, tmp_path):
    server.ends, server.stalls = [200_000, 200_000], True
    with pytest.raises(ConnectionError, match="imed out.*the first 0.2 MB are kept in .*gtFine_trainvaltest.zip"):
        fetch_one(tmp_path)


@cityscapes_server
def test_no_way_to_cityscapes(cityscapes, server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError, match="Cityscapes cannot be reached .*Connection refused.*--source"):
        fetch_one(tmp_path)


@cityscapes_server
@pytest.mark.parametrize(
    ("name", "value"),
    [("list", "[]"), ("list", "<html>"), ("list", '{"error": 1}'), ("sizes", {"other.zip": "a lot"}), ("md5", " "),
     ("signs_out_at", "/downloads/"), ("signs_out_at", "/md5-sum/"), ("status", 403)],
)  # fmt: skip
def test_cityscapes_that_does_not_offer_the_zip(cityscapes, server, tmp_path, name, value):
    setattr(server, name, value)
    with pytest.raises(PermissionError, match="does not offer gtFine_trainvaltest.zip to your account") as caught:
        fetch_one(tmp_path)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


@cityscapes_server
def test_no_room_for_the_streets(cityscapes, server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 2_000_000))
    server.sizes = {"gtFine_trainvaltest.zip": "2MB"}
    with pytest.raises(OSError, match="has 2 MB free and the download needs 2 MB more"):  # 2 MB are 2,097,152 bytes
        fetch_one(tmp_path)
    assert server.ranges == []


@needs_dev_full
@cityscapes_server
def test_disk_full_during_the_download_of_streets(cityscapes, server, tmp_path, monkeypatch):
    def open_on_a_full_disk(path, mode):
        return open("/dev/full" if mode == "ab" else path, mode)

    monkeypatch.setattr(cityscapes, "open", open_on_a_full_disk, raising=False)
    with pytest.raises(OSError, match=f"the disk of {tmp_path / 'downloading'} has .*the download needs 0 MB more"):
        fetch_one(tmp_path)


# --- zips

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


@pytest.mark.parametrize("prefix", ["", "my data/", "trainvaltest\\"])
def test_unpack_both_parts_of_streets(tmp_path, prefix):
    scenes = {
        "gtFine/val/ulm/ulm_0_0_gtFine_polygons.json": b"{}",
        "gtFine/val/ulm/ulm_0_0_gtFine_color.png": b"2",
        "leftImg8bit/val/ulm/ulm_0_0_leftImg8bit.png": b"3",
    }
    zip_path = write_zip(tmp_path / "a.zip", {"README": b"x", **{prefix + name: scenes[name] for name in scenes}})
    assert download.parts_of_streets(zip_path) == ["gtFine", "leftImg8bit"]
    for part in download.STREETS:
        assert download.unpack(zip_path, tmp_path / "set", part) == tmp_path / "set" / part
    assert read_folder(tmp_path / "set") == scenes


def test_zip_of_another_set(tmp_path):
    brains = write_zip(tmp_path / "a.zip", {**FILES, "gtFine": b"a file"})
    with pytest.raises(ValueError, match="a.zip has no gtFine or leftImg8bit folder in it: is it one of gtFine_train"):
        download.parts_of_streets(brains)
    with pytest.raises(ValueError, match="a.zip has no gtFine folder in it: is it gtFine_trainvaltest.zip"):
        download.unpack(brains, tmp_path / "set", "gtFine")
    assert not (tmp_path / "set").exists()
