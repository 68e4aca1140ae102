"""The doctor finds what is amiss, says what to do, and needs nothing that may be missing."""

import collections
import email.message
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import helpers
from helpers import doctor

ROOT = Path(__file__).resolve().parents[1]
Done = collections.namedtuple("Done", "returncode stdout stderr", defaults=(0, "", ""))


def the(findings, name):
    (finding,) = [finding for finding in findings if finding.name == name]
    return finding


def on_path(folder, monkeypatch):
    """Put a folder before everything else on the path of the processes that the doctor starts."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(ROOT)]))


# --- the command


def test_an_installation_in_order(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "DATA_HOME": str(tmp_path / "sets")}
    (tmp_path / "sets/phantom_streets").mkdir(parents=True)
    run = subprocess.run([sys.executable, "-m", "helpers.doctor"], env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout
    *lines, empty, verdict = run.stdout.splitlines()
    assert (empty, verdict) == ("", "All is in order.")
    report = {line[2:].split()[0]: line for line in lines}
    names = "system, Python, course, packages, memory, processors, Keras, GPU, data, disk, notebooks, fonts"
    assert list(report) == names.split(", ")
    assert f"helpers {helpers.__version__}" in report["course"]
    assert "~/sets (DATA_HOME): phantom streets" in report["data"]
    assert str(tmp_path) not in run.stdout, "the name of a home folder is nobody's business"


def test_where_nothing_is_installed_it_says_what_is_missing(tmp_path):
    venv.create(tmp_path / "bare", symlinks=os.name != "nt")
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    environment = {**os.environ, "PYTHONPATH": "", "DATA_HOME": str(tmp_path)}
    run = subprocess.run([python, "-m", "helpers.doctor"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (1, ""), run.stderr
    report, _, advice = run.stdout.partition("\n\n")
    for name in ("course", "packages", "Keras", "data", "notebooks", "fonts"):
        (line,) = [line for line in report.splitlines() if line.startswith(f"! {name} ")]
        assert re.search("not installed|missing|No module named 'keras'", line)
    assert re.fullmatch(r'To do: Run python -m pip install -c requirements.txt -e ".\[cpu,lab\]" in .*\.\n', advice)


def test_an_error_while_looking_is_a_finding():
    def look_at_the_stars():
        raise RuntimeError("clouds")

    (finding,) = doctor.examine(look_at_the_stars)
    assert finding.name == "stars" and "RuntimeError: clouds" in finding.found and "issue" in finding.advice


# --- the course and its packages


def test_a_foreign_helpers_is_named(tmp_path, monkeypatch):
    foreign = tmp_path / "helpers.py"
    foreign.touch()
    on_path(tmp_path, monkeypatch)
    assert f"another helpers, {foreign}" in the(doctor.look_at_the_course(), "course").advice


def test_missing_and_unfit_packages_are_named(monkeypatch):
    versions = {"keras": "3.1.0", "seaborn": None, "numpy": "999.0"}
    version_of = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: versions.get(name, version_of(name)) or versions.get(name))
    (finding,) = doctor.look_at_packages()
    assert finding.found.startswith("not installed: seaborn; too old or too new: keras 3.1.0 (needed: >=3.14)")
    assert "pip install" in finding.advice
    assert "numpy 999.0 (==" in finding.found


def test_without_a_clone_the_repositorys_address_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "IN_CLONE", False)
    about = email.message.Message()
    about["Project-URL"] = "Repository, https://somewhere/course"
    monkeypatch.setattr(doctor.importlib.metadata, "metadata", lambda name: about)
    assert '"where-to-look[cpu,lab] @ git+https://somewhere/course"' in doctor.how_to_install()


# --- Keras

BLOCKED = """
import os, signal, sys
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            ACTION
sys.meta_path.insert(0, Hook())
"""


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("raise ModuleNotFoundError('gone', name=name)", "Keras needs tensorflow, which is not installed"),
        ("raise OSError('libtensorflow is broken')", "does not start: OSError: libtensorflow is broken"),
        pytest.param("os.kill(os.getpid(), signal.SIGILL)", "needs a processor with AVX",
                     marks=pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")),
    ],
)  # fmt: skip
def test_a_backend_that_does_not_start(action, words, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(BLOCKED.replace("ACTION", action))
    on_path(tmp_path, monkeypatch)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    finding = the(doctor.look_at_keras(), "Keras")
    assert words in f"{finding.found} {finding.advice}" and finding.advice


def test_site_packages_does_not_come_before_python(monkeypatch):
    started = []
    monkeypatch.setattr(doctor.subprocess, "run", lambda command, **_: started.append(command) or Done(1))
    for in_clone in (True, False):
        monkeypatch.setattr(doctor, "IN_CLONE", in_clone)
        doctor.look_at_keras()
    assert [str(ROOT) in command for command in started] == [True, False]


def keras_tells(monkeypatch, **words):
    told = {"keras": "3.15.1", "backend": "tensorflow", "seconds": 4.2, "image_data_format": "channels_last",
            "floatx": "float32", "devices": ["cpu:0"]}  # fmt: skip
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: Done(0, "noise\n" + json.dumps(told | words)))
    return doctor.look_at_keras()


def test_a_keras_json_that_does_not_fit(monkeypatch):
    assert the(keras_tells(monkeypatch), "Keras").advice == ""
    advice = the(keras_tells(monkeypatch, image_data_format="channels_first"), "Keras").advice
    assert "keras.json sets image_data_format to channels_first" in advice


def test_gpus(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert the(keras_tells(monkeypatch), "GPU").found == "none, and none is needed"
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert "TENSORFLOW=gpu" in the(keras_tells(monkeypatch), "GPU").found
    assert the(keras_tells(monkeypatch, devices=["gpu:0", "gpu:1"]), "GPU").found == "gpu:0, gpu:1"


def test_other_versions_than_the_pinned_will_do(monkeypatch):
    version_of = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: "999.0" if name == "numpy" else version_of(name))
    (finding,) = doctor.look_at_packages()
    assert "numpy 999.0" in finding.found and finding.advice == ""


def test_two_builds_of_tensorflow(monkeypatch):
    monkeypatch.setattr(doctor, "version_of", lambda name: "2.21.0")
    assert "remove both" in the(keras_tells(monkeypatch), "TensorFlow").advice


# --- the machine


@pytest.mark.parametrize("file", ["memory.max", "memory/memory.limit_in_bytes"])
def test_memory_is_what_a_container_may_use(file, tmp_path, monkeypatch):
    total, none = doctor.memory(tmp_path)
    assert none is None and total > 1e8
    (tmp_path / file).parent.mkdir(exist_ok=True)
    for text, limit in (("max\n", None), (f"{2**63 - 4096}\n", None), ("100000000\n", 1e8)):
        (tmp_path / file).write_text(text)
        assert doctor.memory(tmp_path) == (total, limit)
    memory = doctor.memory
    monkeypatch.setattr(doctor, "memory", lambda: memory(tmp_path))
    finding = the(doctor.look_at_the_machine(), "memory")
    assert finding.found.startswith("0.1 GB of the machine's") and "shut a lesson's kernel down" in finding.advice


def test_binders_memory_is_enough(monkeypatch):
    monkeypatch.setattr(doctor, "memory", lambda: (64e9, 2 * 2**30))
    assert the(doctor.look_at_the_machine(), "memory").advice == ""


def test_no_room_for_data(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "not" / "yet"))
    assert the(doctor.look_at_the_data(), "disk").advice == ""
    usage = collections.namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(2e8))
    assert f"{tmp_path} has 0.2 GB free" in the(doctor.look_at_the_data(), "disk").advice
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "file"))
    assert "cannot be written to: set DATA_HOME" in the(doctor.look_at_the_data(), "disk").advice


# --- notebooks and figures


def test_a_jupyterlab_without_the_widgets_half(monkeypatch):
    assert doctor.look_at_notebooks()[0].advice == ""
    paths = pytest.importorskip("jupyter_core.paths")
    monkeypatch.setattr(paths, "jupyter_path", lambda *_: [])
    assert "--no-deps jupyterlab_widgets anywidget" in doctor.look_at_notebooks()[0].advice


def test_a_kernel_of_another_python(tmp_path, monkeypatch):
    kernel = tmp_path / "kernels/python3"
    kernel.mkdir(parents=True)
    other = str(tmp_path / "bin/python")
    (kernel / "kernel.json").write_text(json.dumps({"argv": [other, "-m", "ipykernel"], "display_name": "x"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert f"another Python, {other}" in doctor.look_at_notebooks()[0].advice


def test_a_missing_font(monkeypatch):
    assert doctor.look_at_fonts()[0].advice == ""
    from matplotlib import font_manager

    monkeypatch.setattr(font_manager, "findfont", lambda *_, **__: (_ for _ in ()).throw(ValueError("no such font")))
    assert "DejaVu Sans" in doctor.look_at_fonts()[0].advice
