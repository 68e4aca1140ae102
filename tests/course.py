"""What the tests of the lessons share: where they are, and nbgrader's own pipeline in a temporary folder."""

import importlib.util
import os
import runpy
import shutil
import sys
from pathlib import Path
from types import ModuleType

import nbclient
import nbformat
import pytest

SECONDS_PER_CELL = 300
ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(path.parent.name for path in ROOT.glob("solutions/[!.]*/[!.]*.ipynb"))
each_lesson = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def data_home(tmp_path_factory, monkeypatch):
    """Make the lessons' data once for all processes, instead of once for each test."""
    monkeypatch.setenv("DATA_HOME", str(lessons_data_home(tmp_path_factory)))


def lessons_data_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the lessons' data; LESSONS_DATA_HOME names one that other tests share, too."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = Path(os.environ.get("LESSONS_DATA_HOME") or folder / "data_of_the_lessons")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def solution_path(name: str) -> Path:
    return ROOT / "solutions" / name / f"{name}.ipynb"


def lesson_path(name: str) -> Path:
    return ROOT / "lessons" / name / f"{name}.ipynb"


def script(path: str) -> ModuleType:
    """Import a script that is in no package, by its path in the repository; it is not run as a program."""
    specification = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def answers(name: str) -> dict:
    """What learners answer in a lesson, wrong and right, and the ranges and claims of its text."""
    return runpy.run_path(str(ROOT / "tests" / "answers" / f"{name}.py"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def marked(cell: nbformat.NotebookNode, role: str) -> bool:
    """Whether nbgrader sees the cell as "solution" or as "grade" (a check)."""
    return bool(cell.metadata.get("nbgrader", {}).get(role))


def execute(notebook: nbformat.NotebookNode, folder: Path, **options) -> None:
    """Run all cells in the folder, in place; the first error that the options do not allow is raised."""
    # what a kernel prints in two pieces, as chance will have it, is one output, as it is in JupyterLab
    options |= {"timeout": SECONDS_PER_CELL, "kernel_name": "python3", "coalesce_streams": True}
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, **options).execute()


def grades(notebook: nbformat.NotebookNode) -> list[tuple]:
    """What nbgrader makes of the outputs of the notebook's checks: (grade_id, points, points at most) of each.

    Answers in words are no checks: a person gives their points.
    """
    from nbgrader.utils import determine_grade

    checks = [cell for cell in notebook.cells if cell.cell_type == "code" and marked(cell, "grade")]
    return [(cell.metadata.nbgrader.grade_id, *determine_grade(cell)) for cell in checks]


class Course:
    """A copy of the solutions in a folder of its own, with nbgrader's settings and a gradebook there."""

    def __init__(self, folder: Path):
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import PyFileConfigLoader

        self.folder = folder
        shutil.copytree(ROOT / "solutions", folder / "solutions", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
        config.CourseDirectory.root = str(folder)
        config.CourseDirectory.db_url = f"sqlite:///{folder / 'gradebook.db'}"
        self.config = config
        # nbgrader calls alembic by its name
        programs = str(Path(sys.executable).parent)
        if programs not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = programs + os.pathsep + os.environ["PATH"]
        self.api = NbGraderAPI(config=config)

    def lesson_path(self, name: str) -> Path:
        return self.folder / "lessons" / name / f"{name}.ipynb"

    def generate(self, name: str) -> Path:
        """Write the lesson from the solution, and its checks into the gradebook."""
        result = self.api.generate_assignment(name, force=True, create=True)
        assert result["success"], result
        return self.lesson_path(name)
