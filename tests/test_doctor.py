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


@pytest.fixture
def bare(tmp_path):
    """Run the doctor of a fresh clone with a Python that has nothing installed; return report, advice and Python."""
    clone, python = tmp_path / "clone", Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
    shutil.copytree(ROOT / "helpers", clone / "helpers", ignore=shutil.ignore_patterns("weights", "results"))
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, clone)
    venv.create(tmp_path / "bare", symlinks=os.name != "nt")

    def run():
        command = [tmp_path / "bare" / python, "-m", "helpers.doctor"]
        environment = {**os.environ, "PYTHONPATH": "", "DATA_HOME": str(tmp_path)}
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (1, ""), done.stderr
        report, _, advice = done.stdout.partition("\n\n")
        return report, advice

    run.clone, run.python = clone, python
    return run


def test_where_nothing_is_installed_it_says_what_is_missing(bare):
    report, advice = bare()
    for name in ("course", "packages", "Keras", "data", "notebooks", "fonts"):
        (line,) = [line for line in report.splitlines() if line.startswith(f"! {name} ")]
        assert re.search("not installed|missing|No module named 'keras'", line)
    install = r'-m pip install -c requirements.txt -e ".\[cpu,lab\]" in .*clone\.\n'
    assert re.fullmatch(rf"To do: Run \S*bare\S*{bare.python.name} {install}", advice), "`python` is another one"


def test_another_python_than_that_of_the_clone_is_sent_to_it(bare):
    environment = bare.python if os.name == "nt" else Path("bin/python")
    (bare.clone / ".venv" / environment.parent).mkdir(parents=True)
    (bare.clone / ".venv" / environment).touch()
    report, advice = bare()
    assert "! packages " in report
    asked = re.escape(str(".venv" / environment))
    assert re.fullmatch(rf"To do: This is another Python .*: run {asked} -m helpers.doctor in .*clone\.\n", advice)


def test_a_python_of_the_clone_is_not_sent_to_another(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    for name in (".venv", ".venv-newest"):
        (tmp_path / name / "bin").mkdir(parents=True)
    assert doctor.python_of_the_clone() is None, "the environment was not made to its end"
    (tmp_path / ".venv/bin/python").touch()
    for prefix, python in (
        (tmp_path, ".venv/bin/python"),
        (tmp_path / ".venv", None),
        (tmp_path / ".venv-newest", None),
    ):
        monkeypatch.setattr(sys, "prefix", str(prefix))
        assert doctor.python_of_the_clone() == (python and Path(python))


def test_letters_that_the_output_does_not_take_cost_no_line(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "DATA_HOME": str(tmp_path / "\u017c")}
    command = [
        sys.executable,
        "-c",
        "from helpers import command, doctor; doctor.CHECKS = [doctor.look_at_the_data] * 2; command.run(doctor.main)",
    ]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.count(r"\u017c (DATA_HOME)") == 2, run.stderr


def test_advice_names_the_python_that_runs_the_doctor(monkeypatch):
    folder = Path(sys.executable).parent
    for found, said in ((folder / "python", "python"), ("/elsewhere/python", sys.executable), (None, sys.executable)):
        monkeypatch.setattr(shutil, "which", lambda name, found=found: found and str(found))
        assert doctor.this_python() == said
    monkeypatch.setattr(sys, "executable", "/two words/python")
    assert doctor.this_python() == '"/two words/python"'


@pytest.mark.parametrize(
    ("installed", "environment", "extras"),
    [
        ([], {}, "cpu,lab"),
        (["tensorflow-cpu"], {}, "lab"),
        (["tensorflow", "nvidia-cudnn-cu12"], {}, "lab"),
        (["tensorflow-rocm"], {}, "lab"),  # a platform's own
        (["nvidia-cudnn-cu12"], {}, "gpu,lab"),  # both builds are just removed
        (["tensorflow", "tensorflow-cpu", "nvidia-cudnn-cu12"], {}, "gpu,lab"),
        (["tensorflow", "tensorflow-cpu"], {}, "cpu,lab"),
        (["torch", "nvidia-cudnn-cu12"], {}, "cpu,lab"),  # Keras is to run on TensorFlow
        (["torch"], {"KERAS_BACKEND": "torch"}, "lab"),
        (["jax"], {"KERAS_BACKEND": "jax"}, "lab"),
    ],
)
def test_no_second_build_of_tensorflow_is_advised(installed, environment, extras, tmp_path, monkeypatch):
    distribution = collections.namedtuple("distribution", "metadata")
    modules = {name.partition("-")[0] for name in installed}
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor, "version_of", lambda name: "2.21.0" if name in installed else None)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: name if name in modules else None)
    everything = [distribution({"Name": name}) for name in installed]
    monkeypatch.setattr(doctor.importlib.metadata, "distributions", lambda: everything)
    assert f'".[{extras}]"' in doctor.how_to_install()
    (tmp_path / "installed-everything-gpu").touch()
    assert '".[gpu,lab]"' in doctor.how_to_install(), "as the Makefile made it"


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
    monkeypatch.setattr(doctor, "extras", lambda: "lab")
    assert '"where-to-look[lab] @ git+https://somewhere/course"' in doctor.how_to_install()


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


def test_a_drive_that_is_not_there(monkeypatch):
    monkeypatch.setattr(os.path, "exists", lambda path: False)  # not even the path's first part, as on Windows
    monkeypatch.setattr(os.path, "isdir", lambda path: False)
    monkeypatch.setenv("DATA_HOME", str(Path("/drive/sets")))
    assert the(doctor.look_at_the_data(), "disk").advice.startswith(f"{Path('/')} cannot be written to: set DATA_HOME")


def test_a_folder_that_one_may_not_enter(tmp_path, monkeypatch):
    (tmp_path / "sets").mkdir()
    stat, access = os.stat, os.access

    def refusing(path, *arguments, **named):
        if not isinstance(path, int) and tmp_path in Path(path).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **named)

    monkeypatch.setattr(os, "stat", refusing)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path and access(path, mode))
    monkeypatch.setenv("DATA_HOME", str(tmp_path / "sets"))
    assert the(doctor.look_at_the_data(), "disk").advice.startswith(f"{tmp_path} cannot be written to: set DATA_HOME")


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
