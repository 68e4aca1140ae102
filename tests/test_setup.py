"""The installation: one set of versions everywhere, a quiet start, no trace of the machine it was made on."""

import itertools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines()]
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = {
    "linux": {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_machine": "x86_64",
    },
    "darwin": {
        "sys_platform": "darwin",
        "platform_system": "Darwin",
        "os_name": "posix",
        "platform_machine": "arm64",
    },
    "win32": {
        "sys_platform": "win32",
        "platform_system": "Windows",
        "os_name": "nt",
        "platform_machine": "AMD64",
    },
}


def marker_environment(python, system):
    return {
        **default_environment(),
        **SYSTEMS[system],
        "python_version": python,
        "python_full_version": f"{python}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def applies(requirement, environment):
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pinned_versions(environment):
    """Return {name: [version, ...]} of the pins that hold on a machine."""
    versions = {}
    for pin in PINS:
        if applies(pin, environment):
            versions.setdefault(canonicalize_name(pin.name), []).append(next(iter(pin.specifier)).version)
    return versions


def run_python(code, **environment):
    environment = {**os.environ, **environment}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)  # set by this process's own import of helpers
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


# --- versions


def test_the_pins_are_plain():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*( ; .+)?", line), line


@pytest.mark.parametrize(("python", "system"), list(itertools.product(PYTHONS, SYSTEMS)))
def test_each_dependency_has_one_pin_that_fits(python, system):
    environment = marker_environment(python, system)
    versions = pinned_versions(environment)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
    wanted = PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
    for requirement in map(Requirement, wanted):
        if applies(requirement, environment):
            (version,) = versions[canonicalize_name(requirement.name)]
            assert version in requirement.specifier, requirement


def conda_environment(name):
    """Return what a conda environment file asks of conda, {name: version}, and of pip."""
    entries = yaml.safe_load((ROOT / name).read_text())["dependencies"]
    names = dict(entry.partition("=")[::2] for entry in entries if isinstance(entry, str))
    return names, [line for entry in entries if isinstance(entry, dict) for line in entry["pip"]]


def test_conda_binder_and_the_container_follow_the_same_pins():
    names, from_pip = conda_environment("environment.yml")
    assert from_pip == ["-c requirements.txt", "-e .[cpu,lab]"]
    assert set(names) == {"python", "pip"} and names["python"] in PYTHONS
    assert conda_environment(".binder/environment.yml") == (names, [])
    install = re.findall(r".*pip install.*", (ROOT / ".binder/postBuild").read_text())
    assert install == ['python -m pip install --no-cache-dir --compile -c requirements.txt -e ".[cpu,lab]"']
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["image"].endswith(f"python:{names['python']}")
    assert container["postCreateCommand"] == "bash .binder/postBuild"
    assert container["forwardPorts"] == [8888] and "--port 8888" in container["postAttachCommand"]


@pytest.mark.skipif(sys.platform != "linux", reason="repo2docker comes with the extra dev on Linux only")
def test_binders_own_code_takes_the_repository():
    pytest.importorskip("repo2docker", reason="repo2docker comes with the extra dev")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    dockerfile = run.stdout + run.stderr
    assert '--file ".binder/environment.yml"' in dockerfile
    assert "RUN ./.binder/postBuild" in dockerfile
    version = conda_environment(".binder/environment.yml")[0]["python"]
    assert f"environment.py-{version}-" in dockerfile.replace("-2e", ".").replace("-2d", "-"), "another Python"


def test_binders_last_step_makes_what_the_first_lesson_waits_for(tmp_path):
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    (tmp_path / "python").write_text('#!/bin/sh\necho "$PWD $*" >> "$LOG"\n[ "$2" != helpers.doctor ]\n')
    (tmp_path / "python").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "LOG": str(tmp_path / "log")}
    script = ROOT / ".binder/postBuild"
    assert os.access(script, os.X_OK)
    run = subprocess.run([script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    log = (tmp_path / "log").read_text().splitlines()
    assert f"{ROOT} -m helpers.prepare brain" in log and f"{ROOT} -m helpers.prepare cityscapes" in log
    assert log[-1].endswith("helpers.doctor"), "what it finds amiss must not end the build"


def test_learners_get_no_instructor_tools():
    learner = (
        PROJECT["dependencies"] + PROJECT["optional-dependencies"]["cpu"] + PROJECT["optional-dependencies"]["lab"]
    )
    assert not {"nbgrader", "pytest", "nbval", "jax"} & {Requirement(line).name for line in learner}


def test_the_supported_pythons_are_those_of_the_package():
    for python in PYTHONS:
        assert f"{python}.0" in Requirement("python" + PROJECT["requires-python"]).specifier


# --- a quiet start

FIT = """
import keras, numpy as np
network = keras.Sequential([keras.layers.Input((8, 8, 3)), keras.layers.Conv2D(1, 3)])
network.compile("adam", "mse")
history = network.fit(np.zeros((2, 8, 8, 3)), np.zeros((2, 6, 6, 1)), verbose=0)
"""


def test_import_and_first_step_print_nothing():
    afterwards = """
import os, re, sys
assert "TF_ENABLE_ONEDNN_OPTS" not in os.environ, "training would be slower"
assert re.fullmatch(r"\\d+\\.\\d+\\.\\d+", helpers.__version__)
print("python", file=sys.stderr, flush=True)
os.write(2, b"descriptor")
"""
    run = run_python("import helpers" + FIT + afterwards)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "python\ndescriptor")


def test_a_notebook_stays_clean():
    import nbclient
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import helpers" + FIT)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert notebook.cells[0].outputs == []


# an import hook: importing TensorFlow runs the line that replaces ACTION
HOOK = """
import os, sys
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            ACTION
sys.meta_path.insert(0, Hook())
import helpers
"""


def test_without_tensorflow_one_sentence_says_what_to_install():
    action = "raise ModuleNotFoundError(f'No module named {name!r}', name=name)"
    run = run_python(HOOK.replace("ACTION", action), KERAS_BACKEND="tensorflow")
    assert run.returncode != 0
    (sentence,) = [line for line in run.stderr.splitlines() if line.startswith("ImportError: ")]
    assert 'pip install -e ".[cpu]"' in sentence and "tensorflow" in sentence


def test_when_the_import_fails_its_last_words_are_shown():
    action = "os.write(2, b'no such instruction'); raise OSError('broken')"
    run = run_python(HOOK.replace("ACTION", action), KERAS_BACKEND="tensorflow")
    assert "no such instruction" in run.stderr and "OSError: broken" in run.stderr


def test_import_works_without_standard_error():
    code = "import os, sys; sys.modules['keras'] = os; os.close(2); import helpers; print(helpers.__version__)"
    run = run_python(code)
    assert run.returncode == 0 and run.stdout.strip()


def test_a_user_may_ask_for_tensorflows_log():
    level = "os.environ['TF_CPP_MIN_LOG_LEVEL']"
    code = f"import os, sys; sys.modules['keras'] = os; {level} = '0'; import helpers; print({level})"
    assert run_python(code).stdout.strip() == "0"


@pytest.mark.skipif("glibc" not in platform.libc_ver(), reason="another C library than glibc")
def test_freed_memory_is_kept_for_the_next_step():
    code = """if True:
        import os, resource, sys
        sys.modules["keras"] = os
        import helpers
        import numpy as np

        def step():
            return len([np.ones(2_500_000) for _ in range(4)])  # 80 MB, freed at once

        step()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    # 80 MB are 20,000 pages of 4 kB
    assert int(run_python(code).stdout) < 2000


def test_a_containers_quota_counts(tmp_path):
    import helpers

    everything = helpers.processors(tmp_path)
    assert everything >= 1
    for content, count in (("max 100000\n", everything), ("50000 100000\n", 1), ("100000 100000\n", 1)):
        (tmp_path / "cpu.max").write_text(content)
        assert helpers.processors(tmp_path) == count
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    for quota, count in (("-1\n", everything), ("100000\n", 1), ("900000000\n", everything)):
        (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
        assert helpers.processors(tmp_path) == count


def test_threads_are_as_many_as_the_quota_pays_for(monkeypatch):
    import helpers

    monkeypatch.setattr(helpers, "processors", lambda: 2)
    for machine, asked, threads in ((2, {}, None), (64, {}, "2"), (64, {"OMP_NUM_THREADS": "5"}, "5")):
        monkeypatch.setattr(os, "cpu_count", lambda count=machine: count)
        monkeypatch.setattr(os, "environ", dict(asked))
        helpers._keep_to_the_quota()
        assert os.environ.get("OMP_NUM_THREADS") == threads
        assert os.environ.get("TF_NUM_INTRAOP_THREADS") == ("2" if threads else None)


def test_readers_have_as_many_threads_as_the_quota_pays_for(monkeypatch):
    import helpers
    from helpers.data import disk

    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(helpers, "processors", lambda: 2)
    taken = itertools.count()
    next(disk.made_ahead(int, ((next(taken),) for _ in range(100))))
    assert next(taken) == 5, "two for each of two threads, and the one that was asked for"


# --- the Makefile, with a Python that installs nothing

FAKE_PYTHON = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
  "-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; touch "$3/bin/pip";;
  "-m pip install --quiet --upgrade"*) exit ${OLD:-0};;
  "-m pip install"*) exit ${FAIL:-0};;
esac
"""


@pytest.fixture
def make(tmp_path):
    """Run make in a copy of the repository's root; return its result and what it told Python to do."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    fake, log = tmp_path / "fake-python", tmp_path / "log"
    fake.write_text(FAKE_PYTHON)
    fake.chmod(0o755)

    def run(*words, **environment):
        log.write_text("")
        clean = {"PATH": os.environ["PATH"], "LOG": str(log)}
        result = subprocess.run(
            ["make", f"PYTHON={fake}", *words],
            cwd=tmp_path,
            env=clean | environment,
            capture_output=True,
            text=True,
        )
        return result, log.read_text()

    return run


def installs(log):
    return re.findall(r"-m pip install .* -e .*", log)


def test_learners_first_then_tests_and_nothing_twice(make):
    result, log = make("lab")
    assert result.returncode == 0, result.stderr
    assert installs(log) == ["-m pip install --no-compile -c requirements.txt -e .[cpu,lab]"]
    assert "-m compileall -q -j 0 .venv/lib helpers" in log
    renewed = log.index("-m pip install --quiet --upgrade -c requirements.txt pip")
    assert renewed < log.index("-m pip install --no-compile")
    assert installs(make("lab")[1]) == []
    log = make("test")[1]
    assert installs(log) == [
        "-m pip install --no-compile -c requirements.txt -e .[cpu,lab,jax,onnx,instructor,book,dev]"
    ]
    assert installs(make("test")[1]) == installs(make("lab")[1]) == []


def test_after_the_tests_the_lab_installs_nothing(make):
    assert len(installs(make("test")[1])) == 1
    assert installs(make("lab")[1]) == []


def test_a_failed_install_is_tried_again(make, tmp_path):
    result, _ = make("lab", FAIL="1")
    assert result.returncode != 0 and not list((tmp_path / ".venv").glob("installed-*"))
    assert len(installs(make("lab")[1])) == 1


def test_an_old_pip_that_cannot_be_renewed_does(make):
    result, log = make("lab", OLD="1")
    assert result.returncode == 0 and len(installs(log)) == 1


def test_new_pins_are_installed(make, tmp_path):
    make("lab")
    later = (tmp_path / ".venv").stat().st_mtime + 60
    os.utime(tmp_path / "requirements.txt", (later, later))
    assert len(installs(make("lab")[1])) == 1


def test_one_build_of_tensorflow_at_a_time(make):
    make("lab")
    log = make("lab", "TENSORFLOW=gpu")[1]
    assert log.index("pip uninstall --yes tensorflow tensorflow-cpu") < log.index("-e .[gpu,lab]")
    assert installs(make("lab")[1]) == [], "a GPU's environment stays one"
    result, log = make("lab", "TENSORFLOW=tpu")
    assert result.returncode != 0 and "cpu or gpu, not tpu" in result.stderr and not log


def test_the_newest_versions_have_an_environment_of_their_own(make, tmp_path):
    log = make("test", "NEWEST=1")[1]
    assert installs(log) == ["-m pip install --no-compile -e .[cpu,lab,jax,onnx,instructor,book,dev]"]
    assert (tmp_path / ".venv-newest").is_dir() and not (tmp_path / ".venv").exists()


def test_an_unsupported_python_is_refused_in_one_sentence(make, tmp_path):
    result, log = make("lab", "PYTHON=false")
    assert result.returncode != 0 and not (tmp_path / ".venv").exists()
    assert result.stderr.splitlines()[0].startswith("error: Python 3.11, 3.12 or 3.13 is needed")


def test_settings_with_spaces_and_quotes_stay_one_word(make, tmp_path):
    make("test")
    (tmp_path / ".venv/bin/python").write_text('#!/bin/sh\nprintf "[%s]" "$@" "$SEED" >> "$LOG"\n')
    settings = [
        "SUBMISSIONS=all of it",
        "SOLUTIONS=my own",
        "SEED=it's; long",
        "ROSTER=my class.csv",
        "LESSONS=01 02",
        "OPTIONS=--jobs 4",
    ]
    log = make("grade", *settings)[1]
    assert (
        "[all of it][--solutions][my own][--seed][it's; long][--roster][my class.csv][--lessons][01][02][--jobs][4]"
        in log
    )
    log = make("leaderboard", *settings)[1]
    assert "[grading.leaderboard][all of it][--jobs][4][it's; long]" in log
    assert "[16 x][--solutions][my own]" in make("new-lesson", "NAME=16 x", *settings)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="a screen shows in DISPLAY on Linux only")
@pytest.mark.parametrize(
    ("screen", "browser"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "here there"}, False),
    ],
)
def test_without_a_screen_the_lab_prints_its_address(make, screen, browser):
    log = make("lab", **screen)[1]
    (lab,) = [line for line in log.splitlines() if "-m jupyterlab" in line]
    assert "00_start_here.ipynb" in lab
    assert ("--no-browser" not in lab) == browser


def test_make_lessons_loses_no_lesson_when_one_fails(tmp_path):
    pytest.importorskip("nbgrader", reason="nbgrader comes with the extra instructor")
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    import nbformat

    for name in ("Makefile", "requirements.txt", "pyproject.toml", "nbgrader_config.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (tmp_path / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    (tmp_path / ".venv/installed-everything-cpu").touch()
    solution = tmp_path / "solutions/one/one.ipynb"
    lesson = tmp_path / "lessons/one/one.ipynb"
    solution.parent.mkdir(parents=True)
    lesson.parent.mkdir(parents=True)
    lesson.write_text("as it was")

    def generate(source):
        cell = nbformat.v4.new_code_cell(source, id="one")
        cell.metadata = {
            "nbgrader": {
                "grade": False,
                "grade_id": "one",
                "locked": False,
                "schema_version": 3,
                "solution": True,
            }
        }
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), solution)
        return subprocess.run(["make", "lessons"], cwd=tmp_path, capture_output=True, text=True)

    assert generate("def f():\n    ### BEGIN SOLUTION\n    return 1").returncode != 0
    assert lesson.read_text() == "as it was"
    result = generate("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION")
    assert result.returncode == 0, result.stderr
    assert "Your code here" in lesson.read_text()
    assert (tmp_path / "build/lessons-before/one/one.ipynb").read_text() == "as it was"


# --- the repository


def repository_files():
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_machines_folders_or_a_package_index():
    # put together, so that this file does not find itself
    folders = [r"(?<![\w.])" + "/" + name + r"/\w" for name in ("work", "root", "home", "Users")]
    indexes = [
        "py" + r"pi\.org",
        "python" + r"hosted\.org",
        "/sim" + r"ple\b",
        r"--(extra-)?index" + "-url",
        "--find" + "-links",
    ]
    pattern = re.compile("|".join(folders + indexes))
    found = []
    for path in repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}: {line.strip()[:80]}" for line in text.splitlines() if pattern.search(line)
        ]
    assert not found


def test_the_repositorys_address_stands_in_one_place():
    address = PROJECT["urls"]["Repository"]
    owner = address.removeprefix("https://github.com/")
    pattern = re.compile(r"(?:github\.com|google\.com/github|/gh)(?:/|%2F)([\w-]+(?:/|%2F)where-to-look)\b")
    found = []
    for path in repository_files():
        try:
            found += pattern.findall(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
    assert {name.replace("%2F", "/") for name in found} == {owner}, "pyproject.toml says where the repository is"


def test_how_to_cite():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "helpers/__init__.py").read_text(), re.MULTILINE)
    assert citation["version"] == version[1]


@pytest.mark.parametrize("name", ["fault", "lesson", "question"])
def test_issue_forms_ask_for_what_the_doctor_says(name):
    form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text())
    assert form["name"] and form["description"]
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(part["type"] in ("input", "textarea") and part["attributes"]["label"] for part in form["body"])
    (doctor,) = [part for part in form["body"] if part["id"] == "doctor"]
    assert "python -m helpers.doctor" in doctor["attributes"]["description"]


@pytest.mark.parametrize(
    ("value", "steps"),
    [(None, 300), ("", 300), ("0", 300), ("1", 7), ("yes", 7)],
    ids=["unset", "empty", "0", "1", "yes"],
)
def test_quick_lessons_spend_less(value, steps, monkeypatch):
    import helpers

    monkeypatch.delenv("COURSE_QUICK", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_QUICK", value)
    assert helpers.budget(300, quick=7) == steps
