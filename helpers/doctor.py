"""Look at an installation: the versions, the machine, the data, and whether Keras, widgets and figures will work.

python -m helpers.doctor
"""

import argparse
import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

# Nothing beyond the standard library at the top: whatever else is missing is for this command to say.
import helpers
from helpers import command

EXAMPLE = """It ends in "All is in order." and exit code 0, or with what to do and exit code 1. When you report a fault,
paste all that it prints into the issue; your home folder's name is left out."""

NAME = "where-to-look"
ROOT = Path(helpers.__file__).resolve().parents[1]
IN_CLONE = (ROOT / "pyproject.toml").is_file()
SETS = {
    "phantom brains": "phantom_brain/kaggle_3m",
    "phantom streets": "phantom_streets",
    "kaggle": "lgg-mri-segmentation/kaggle_3m",
    "cityscapes": "cityscapes",
}
# packages of widgets, and their half that runs in the browser
BROWSER = {"jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}
GIGABYTE = 1e9
MEMORY = 1.9 * GIGABYTE  # a lesson's 1.4 and JupyterLab; Binder's 2 GiB are enough
DISK = 0.5 * GIGABYTE  # the phantoms and their caches

# Run by itself: a crash of TensorFlow, or of what it finds on a GPU, then ends this and not the doctor.
KERAS = """
import json, sys, time
sys.path[:0] = sys.argv[1:]
start = time.monotonic()
try:
    import helpers
except ImportError as error:
    if "keras.json says image_data_format" not in str(error) and "keras.json says floatx" not in str(error):
        raise  # those two are for the doctor to say
import keras
seconds = time.monotonic() - start
keras.layers.Conv2D(1, 3)(keras.ops.ones((1, 8, 8, 8)))
if keras.backend.backend() == "torch":  # for which Keras has no list
    import torch
    devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu:0"]
else:
    devices = keras.distribution.list_devices()
print("\\n" + json.dumps({
    "keras": keras.__version__, "backend": keras.backend.backend(), "seconds": seconds,
    "image_data_format": keras.config.image_data_format(), "floatx": keras.config.floatx(),
    "devices": devices,
}))
"""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the report: a name, what was found, right or wrong, and what to do ("" when it is in order)."""

    name: str
    found: str
    advice: str = ""


def this_python() -> str:
    """What a shell takes for the Python that runs this: `python`, where it finds the same one by that."""
    found = shutil.which("python")
    if found and Path(found).parent == Path(sys.executable).parent:
        return "python"
    return f'"{sys.executable}"' if " " in sys.executable else sys.executable


def python_of_the_clone() -> Path | None:
    """Find the Python of the clone's .venv, from the clone; None without one, or if one of the clone's runs this."""
    if any(folder.is_dir() and folder.samefile(sys.prefix) for folder in ROOT.glob(".venv*")):
        return None
    pythons = Path(".venv/bin/python"), Path(".venv/Scripts/python.exe")
    return next((python for python in pythons if (ROOT / python).is_file()), None)


def has_two_builds() -> bool:
    """Whether both builds of TensorFlow are installed, which share one folder."""
    return bool(version_of("tensorflow") and version_of("tensorflow-cpu"))


def extras() -> str:
    """Name the extras that fit here: where there is a backend, none puts another build of TensorFlow beside it."""
    if any(Path(sys.prefix).glob("installed-*-gpu")):  # the Makefile's stamp
        return "gpu,lab"
    named, _ = helpers._backend_that_is_named()
    backend = named if named in ("jax", "torch") else "tensorflow"
    if importlib.util.find_spec(backend) and not has_two_builds():
        return "lab"
    names = [str(each.metadata["Name"]) for each in importlib.metadata.distributions()]
    # PyTorch and JAX bring packages of NVIDIA too, PyTorch even where there is no GPU
    nvidia = any(name.startswith("nvidia-") for name in names) and not {"torch", "jax"} & {*names}
    return "gpu,lab" if nvidia else "cpu,lab"


def how_to_install() -> str:
    """Say how the course is installed here, from its clone or from the repository's address."""
    install = f"Run {this_python()} -m pip install"
    if IN_CLONE:
        return f'{install} -c requirements.txt -e ".[{extras()}]" in {ROOT}.'
    try:
        urls = importlib.metadata.metadata(NAME).get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        urls = []
    address = next((url.partition(", ")[2] for url in urls if url.startswith("Repository, ")), "ADDRESS")
    return f'{install} "{NAME}[{extras()}] @ git+{address}".'


def version_of(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def look_at_python() -> list[Finding]:
    """The interpreter, and whether the course supports it."""
    supported = (3, 11) <= sys.version_info < (3, 14)
    advice = "" if supported else "Install Python 3.11, 3.12 or 3.13, and the course into it."
    return [
        Finding("system", platform.platform()),
        Finding("Python", f"{platform.python_version()}, {sys.executable}", advice),
    ]


def look_at_the_course() -> list[Finding]:
    """This package, and whether `import helpers` finds it from a lesson's folder too."""
    where = "clone" if IN_CLONE else "installed"
    if IN_CLONE and shutil.which("git"):
        commit = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True
        )
        where += f" at {commit.stdout.strip()}" if commit.returncode == 0 else ""
    found = f"helpers {helpers.__version__}, {where}, {ROOT}"
    # as JSON, which is ASCII: a pipe on Windows may not take every letter of a path
    code = "import importlib.util as u, json; s = u.find_spec('helpers'); print(json.dumps(s and s.origin))"
    with tempfile.TemporaryDirectory() as elsewhere:
        other = subprocess.run([sys.executable, "-c", code], cwd=elsewhere, capture_output=True, text=True)
    other = json.loads(["null", *other.stdout.splitlines()][-1])
    if not other:
        return [Finding("course", f"{found}; not installed, so lessons will not find it", how_to_install())]
    if Path(other).resolve() != Path(helpers.__file__).resolve():
        advice = (
            f"Lessons will import another helpers, {other}: remove it ({this_python()} -m pip uninstall helpers, if it "
            f"was installed by that name; or from PYTHONPATH). {how_to_install()}"
        )
        return [Finding("course", found, advice)]
    return [Finding("course", found)]


def requirements() -> list:
    """Return what the course needs for its lessons, as packaging's Requirements."""
    from packaging.requirements import Requirement

    if IN_CLONE:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        lines = project["dependencies"] + project["optional-dependencies"]["lab"]
    else:
        lines = importlib.metadata.requires(NAME) or []
    wanted = map(Requirement, lines)
    return [line for line in wanted if line.marker is None or line.marker.evaluate({"extra": "lab"})]


def look_at_packages() -> list[Finding]:
    """Whether what the course needs is installed, in versions that it takes, and how they differ from the pins."""
    from packaging.requirements import Requirement

    wanted = {line.name: line.specifier for line in requirements()}
    missing = sorted(name for name in wanted if version_of(name) is None)
    misfits = [
        f"{name} {version_of(name)} (needed: {specifier})"
        for name, specifier in sorted(wanted.items())
        if name not in missing and not specifier.contains(str(version_of(name)), prereleases=True)
    ]
    pins = ROOT / "requirements.txt"
    differing = []
    if IN_CLONE and pins.is_file():
        for pin in map(Requirement, pins.read_text(encoding="utf-8").splitlines()):
            version = version_of(pin.name)
            if version and (pin.marker is None or pin.marker.evaluate()) and version not in pin.specifier:
                differing.append(f"{pin.name} {version} ({pin.specifier})")
        found = f"not as in requirements.txt: {', '.join(differing)}" if differing else "as in requirements.txt"
    else:
        found = ", ".join(f"{name} {version_of(name)}" for name in sorted(wanted) if name not in missing)
    problems = [f"not installed: {', '.join(missing)}"] if missing else []
    problems += [f"too old or too new: {', '.join(misfits)}"] if misfits else []
    return [Finding("packages", "; ".join([*problems, found]), how_to_install() if problems else "")]


def look_at_keras() -> list[Finding]:
    """Whether Keras starts and computes, on what, and what the user's keras.json makes of it."""
    backends = ("tensorflow", "tensorflow-cpu", "jax", "torch")
    builds = [f"{name} {version_of(name)}" for name in backends if version_of(name)]
    installed = ", ".join(builds) or "neither TensorFlow nor JAX nor PyTorch is installed"
    if os.environ.get("KERAS_BACKEND"):
        installed += f", KERAS_BACKEND={os.environ['KERAS_BACKEND']}"
    findings = []
    if has_two_builds():
        remove = f"{this_python()} -m pip uninstall --yes tensorflow tensorflow-cpu"
        advice = f"Two builds of TensorFlow share one folder: remove both ({remove}). {how_to_install()}"
        findings.append(Finding("TensorFlow", "two builds", advice))
    # site-packages must not come first: packages in there have modules named like Python's own (typing)
    command_line = [sys.executable, "-c", KERAS, *([str(ROOT)] if IN_CLONE else [])]
    try:
        run = subprocess.run(command_line, capture_output=True, text=True, timeout=300, errors="replace")
    except subprocess.TimeoutExpired:
        return [*findings, Finding("Keras", installed, "Keras takes over five minutes to start: restart the machine.")]
    if run.returncode:
        last = ([""] + run.stderr.strip().splitlines())[-1]
        if run.returncode < 0:
            last = f"{last} ({signal.Signals(-run.returncode).name})".strip()
        advice = how_to_install()
        if run.returncode == -signal.SIGILL:
            advice = "TensorFlow needs a processor with AVX instructions: use another machine, or KERAS_BACKEND=jax."
        return [*findings, Finding("Keras", f"does not start: {last} ({installed})", advice)]
    told = json.loads(run.stdout.splitlines()[-1])
    wrong = [
        f"{name} to {told[name]}"
        for name, value in (("image_data_format", "channels_last"), ("floatx", "float32"))
        if told[name] != value
    ]
    settings = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras.json"
    advice = f"The course needs channels_last and float32, but {settings} sets {' and '.join(wrong)}: take that out."
    found = f"{told['keras']} on {told['backend']}, started in {told['seconds']:.0f} s ({installed})"
    findings.append(Finding("Keras", found, advice if wrong else ""))
    gpus = [device for device in told["devices"] if device.startswith(("gpu", "cuda"))]
    found = ", ".join(gpus) or "none, and none is needed"
    if not gpus and shutil.which("nvidia-smi"):
        found = "an NVIDIA driver is here, but Keras sees no GPU (on Linux: make lab TENSORFLOW=gpu)"
    return [*findings, Finding("GPU", found)]


def memory(groups: Path = Path("/sys/fs/cgroup")) -> tuple[float | None, float | None]:
    """Return the bytes of the machine's memory and those that a container may use, each None when it is not known.

    Args:
        groups: where Linux keeps the control groups of a container, of either version.
    """
    try:
        total = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows
        try:
            import psutil

            total = float(psutil.virtual_memory().total)
        except ImportError:
            total = None
    limits = []
    for file in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limits.append(float((groups / file).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    limit = min(limits, default=None)
    if limit is not None and total is not None and limit >= total:
        limit = None
    return total, limit


def look_at_the_machine() -> list[Finding]:
    """Memory and processors, as a container may use them."""
    total, limit = memory()
    usable = limit or total
    words = "not known" if usable is None else f"{usable / GIGABYTE:.1f} GB"
    if limit and total:
        words += f" of the machine's {total / GIGABYTE:.0f}"
    advice = ""
    if usable is not None and usable < MEMORY:
        advice = (
            f"A lesson takes up to 1.4 GB beside JupyterLab, and {usable / GIGABYTE:.1f} GB may be used here: shut a "
            "lesson's kernel down before you open the next, or find a machine with 2 GB or more."
        )
    count, all_of_them = helpers.processors(), os.cpu_count() or 1
    processors = f"{count}" + (f" of the machine's {all_of_them}" if count < all_of_them else "")
    return [Finding("memory", words, advice), Finding("processors", f"{processors}, {model_of_the_processor()}")]


def model_of_the_processor() -> str:
    """Name the processor as well as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def look_at_the_data() -> list[Finding]:
    """Where data is kept, which sets are there, and whether there is room for more."""
    from helpers.data import disk

    home = disk.data_home()
    # os.path, for Path.exists and is_dir raise an error below a folder that one may not enter
    there = home
    while not os.path.exists(there) and there != there.parent:  # a drive of Windows may be missing too
        there = there.parent
    sets = [name for name, folder in SETS.items() if os.path.isdir(home / folder)]
    if os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK):
        free = shutil.disk_usage(there).free
        room, advice = f"{free / GIGABYTE:.0f} GB free", ""
        if free < DISK:
            advice = f"{there} has {free / GIGABYTE:.1f} GB free: free some, or set DATA_HOME to another disk's folder."
    else:
        room, advice = "no room", f"{there} cannot be written to: set DATA_HOME to a folder that can."
    named = " (DATA_HOME)" if os.environ.get("DATA_HOME") else ""
    found = ", ".join(sets) or "no set yet; phantoms are made when they are first needed"
    return [Finding("data", f"{home}{named}: {found}"), Finding("disk", room, advice)]


def look_at_notebooks() -> list[Finding]:
    """Whether JupyterLab will show the sliders, and run lessons with this Python."""
    names = ("jupyterlab", "ipywidgets", *BROWSER, "ipykernel")
    found = ", ".join(f"{name} {version_of(name) or 'missing'}" for name in names)
    if None in map(version_of, names):
        return [Finding("notebooks", found, how_to_install())]
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_core.paths import jupyter_path
    from packaging.requirements import Requirement

    advice = ""
    for line in map(Requirement, importlib.metadata.requires("ipywidgets") or []):
        if line.name.replace("-", "_") == "jupyterlab_widgets" and version_of(line.name) not in line.specifier:
            advice = how_to_install()
            found += f" (ipywidgets needs {line})"
    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    lost = [package for package, half in BROWSER.items() if not any((folder / half).is_dir() for folder in folders)]
    if lost:
        advice = (
            "JupyterLab does not find the widgets' half that runs in the browser, so sliders will not show. "
            f"Run {this_python()} -m pip install --force-reinstall --no-deps {' '.join(lost)}."
        )
    try:
        kernel = KernelSpecManager().get_kernel_spec("python3").argv[0]
        if Path(kernel).name != kernel and Path(kernel).parent.resolve() != Path(sys.executable).parent.resolve():
            advice = (
                f"Lessons will run with another Python, {kernel}: run {this_python()} -m ipykernel install "
                f"--sys-prefix, and start JupyterLab with {this_python()} -m jupyterlab."
            )
    except NoSuchKernel:
        advice = f"Jupyter finds no kernel python3: run {this_python()} -m ipykernel install --sys-prefix."
    return [Finding("notebooks", found, advice)]


def look_at_fonts() -> list[Finding]:
    """Whether matplotlib finds the font of the course's figures."""
    import matplotlib
    from matplotlib import font_manager

    try:
        return [Finding("fonts", font_manager.findfont("DejaVu Sans", fallback_to_default=False))]
    except ValueError:
        advice = (
            "matplotlib does not find DejaVu Sans, which comes with it: delete its list of fonts "
            f"(fontlist-*.json in {matplotlib.get_cachedir()}), or install it again."
        )
        return [Finding("fonts", "DejaVu Sans is missing", advice)]


CHECKS: tuple[Callable[[], list[Finding]], ...] = (
    look_at_python,
    look_at_the_course,
    look_at_packages,
    look_at_the_machine,
    look_at_keras,
    look_at_the_data,
    look_at_notebooks,
    look_at_fonts,
)


def examine(check: Callable[[], list[Finding]]) -> list[Finding]:
    """Make one check, of which an error too is a finding."""
    name = check.__name__.removeprefix("look_at_").removeprefix("the_")
    try:
        return check()
    except ModuleNotFoundError as error:
        return [Finding(name, f"{error.name} is not installed", how_to_install())]
    except Exception as error:  # a broken installation may raise anything
        advice = f"Looking at {name} failed, which should not happen: paste all of this into an issue."
        return [Finding(name, f"{type(error).__name__}: {error}", advice)]


def without_home(text: str) -> str:
    """Write ~ for the user's home folder."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    return argparse.ArgumentParser(
        prog="python -m helpers.doctor",
        description="Check this installation, and print what to paste into an issue.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; SystemExit with code 1 when something is to be done."""
    parser().parse_args(arguments)
    advice = []
    for check in CHECKS:
        for finding in examine(check):
            print(without_home(f"{'!' if finding.advice else ' '} {finding.name:<11} {finding.found}"), flush=True)
            advice += [finding.advice] if finding.advice else []
    print()
    if not advice:
        print("All is in order.")
        return
    if python := python_of_the_clone():
        advice = [f"This is another Python than the course's: run {python} -m helpers.doctor in {ROOT}."]
    for line in dict.fromkeys(advice):
        print(without_home(f"To do: {line}"))
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(command.run(main, "nothing was changed"))
