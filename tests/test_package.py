"""The installed package: what the wheel holds, and that it works where there is no clone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# two processes would each build a wheel
pytestmark = pytest.mark.xdist_group("package")


def files_of_the_package():
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "helpers"]
    result = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        pytest.skip("not a git checkout")
    return {name for name in result.stdout.split("\0") if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel as `pip wheel --no-deps .` does, offline, from a copy: setuptools leaves a build/ behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "helpers", source / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    build = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(folder), str(source)]
    result = subprocess.run(build, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel):
    """Unpack the wheel, which is what installing it does."""
    folder = wheel.parent / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_everything_in_helpers_travels_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == files_of_the_package()
    weights = {f"weights/{name}.keras" for name in ("brain", "phantom", "streets", "capstone")}
    needed = {"py.typed", "data/brain_atlas.npz", "results/README.md", *weights}
    assert {f"helpers/{name}" for name in needed} <= held


def test_the_notices_travel_and_their_links_lead_somewhere(installed):
    notices = (installed / "helpers/data/README.md").read_text()
    for words in ("Louis Collins", "Chris Rorden", "CC BY-NC-SA 4.0", "Buda", "Mazurowski", "Cordts", "Brostow"):
        assert words in notices
    assert "CC BY-NC-SA 4.0" in (installed / "helpers/weights/README.md").read_text()
    links = 0
    for page in installed.glob("helpers/**/*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(installed)}: {target}"
            links += 1
    assert links


def test_the_wheel_says_what_it_is(installed):
    (folder,) = installed.glob("*.dist-info")
    about = Parser().parsestr((folder / "METADATA").read_text())
    assert about["License-Expression"].startswith("Apache-2.0 AND CC-BY-NC-SA-4.0")
    assert (folder / "licenses/LICENSE").is_file()
    assert about["Project-URL"] == f"Repository, {PROJECT['urls']['Repository']}"


COMMANDS = """
import sys, helpers
from helpers import evaluate, prepare
assert helpers.__file__.startswith(sys.argv[1]), helpers.__file__
prepare.main(["brain", "--patients", "1"])
evaluate.main(["--model", "brain", "--data", "phantom"])
"""


def test_commands_work_from_an_empty_folder(installed, tmp_path):
    empty, home = tmp_path / "empty", tmp_path / "home"
    empty.mkdir()
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(home), "USERPROFILE": str(home)}
    environment.pop("DATA_HOME", None)
    command = [sys.executable, "-c", COMMANDS, str(installed)]
    result = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    data = home / "where_to_look_data"
    said, goes, *_ = result.stdout.splitlines()
    assert str(data) in said and "DATA_HOME" in said
    assert goes == f"the set goes to {data / 'phantom_brain'}"
    assert result.stdout.count(said) == 1
    dice = re.search(r"Dice per patient, mean \S+ \S+ \S+\s+(0\.\d+)", result.stdout)
    assert dice and float(dice[1]) > 0.5, result.stdout
    assert list(empty.iterdir()) == []
    assert not list(installed.rglob("*.tif"))
