"""Make the web book: the solutions in the order of the lessons, the pages of docs/, and a reference of `helpers`.

python docs/make_book.py            # writes build/book/html

Nothing is run and nothing is fetched: the notebooks are shown with their stored outputs. The pages are put
together under build/book/pages in the layout of the repository, so that a link which works on GitHub works in the
book; solutions/ itself stays as it is.
"""

import argparse
import importlib
import os
import pkgutil
import re
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
MADE_HERE = ".made_by_make_book"  # lies in each folder that may be made anew
# the order in which data walks through the package; a room that is not named here comes last
ROOMS = ("data", "nets", "scores", "tasks", "training", "show")
TEXTS = ("CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "helpers/*/README.md")

LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")
SOLUTION = r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION[ \t]*$\n?"
ANSWER = re.compile(SOLUTION, re.MULTILINE | re.DOTALL)
HIDDEN = re.compile(SOLUTION.replace("SOLUTION", "HIDDEN TESTS"), re.MULTILINE | re.DOTALL)
READ_HERE = re.compile(r"^To read it without running it: .*$", re.MULTILINE)
MARKS = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*$\n?", re.MULTILINE)


def fold(notebook: nbformat.NotebookNode) -> None:
    """Fold answers and checks behind a bar to click, and take out hidden tests and nbgrader's marks, in place.

    An answer is preceded by its exercise as learners find it: signature and docstring, which say what is asked for.
    """
    cells = []
    for cell in notebook.cells:
        graded = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and (graded.get("solution") or graded.get("grade")):
            if graded.get("solution"):
                exercise = ANSWER.sub(r"\1...  # your code\n", cell.source)
                cells.append(nbformat.v4.new_code_cell(exercise.rstrip(), id=f"{cell.id}-exercise"[:64]))
            what = "answer" if graded.get("solution") else "check"
            cell.source = MARKS.sub("", HIDDEN.sub("", cell.source)).strip("\n")
            if not cell.source:
                continue
            cell.metadata.tags = sorted({*cell.metadata.get("tags", []), "hide-input"})
            cell.metadata.mystnb = {"code_prompt_show": f"Show the {what}", "code_prompt_hide": f"Hide the {what}"}
        elif graded.get("solution"):  # an answer in words
            words = f"<details><summary>Show an answer</summary>\n\n{cell.source}\n\n</details>"
            cell = nbformat.v4.new_markdown_cell(words, id=cell.id)
        cells.append(cell)
    notebook.cells = cells


def repository() -> str:
    """The address of the repository, which pyproject.toml says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


def title(notebook: nbformat.NotebookNode) -> str:
    """The question that a lesson opens with: the first line of its first cell."""
    return notebook.cells[0].source.partition("\n")[0].removeprefix("# ").replace("*", "")


def write_lessons(pages: Path) -> None:
    """Write the folded notebooks, and the page that lists them in order."""
    entries = []
    for path in sorted(ROOT.glob("solutions/*/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        fold(notebook)
        owner = repository().removeprefix("https://github.com/")
        lesson = f"lessons/{path.parent.name}/{path.name}"
        binder = f"[on Binder](https://mybinder.org/v2/gh/{owner}/main?urlpath=lab/tree/{lesson})"
        notebook.cells[0].source = READ_HERE.sub(f"To run it: this lesson {binder}.", notebook.cells[0].source)
        copy = pages / "lessons" / path.parent.name / path.name
        copy.parent.mkdir(parents=True)
        nbformat.write(notebook, copy)
        for drawing in path.parent.glob("*.svg"):
            shutil.copy(drawing, copy.parent)
        number = path.stem.partition("_")[0]
        entries.append(f"{number} {title(notebook)} <{path.parent.name}/{path.stem}>")
    introduction = (
        "Each lesson is a question. Here you read it as its author ran it: every picture and number is there, a slider "
        "is shown as a still picture, and answers and checks are folded until you click. To write the answers "
        "yourself, open the lesson in JupyterLab."
    )
    _write_contents(pages / "lessons/index.md", "Lessons", introduction, entries)


def write_reference(pages: Path) -> None:
    """Write one page for each room of `helpers`, and one for the modules that stand beside them: the commands."""
    import helpers

    found = list(pkgutil.iter_modules(helpers.__path__))
    rooms = sorted(
        (module.name for module in found if module.ispkg),
        key=lambda name: (ROOMS.index(name) if name in ROOMS else len(ROOMS), name),
    )
    contents = {f"helpers.{room}": [f"helpers.{room}"] for room in rooms}
    for package, modules in contents.items():
        inside = pkgutil.iter_modules(importlib.import_module(package).__path__)
        modules += [f"{package}.{module.name}" for module in inside]
    beside = sorted(module.name for module in found if not module.ispkg)
    contents["helpers"] = ["helpers", *(f"helpers.{name}" for name in beside)]
    folder = pages / "reference"
    folder.mkdir()
    for page, modules in contents.items():
        lines = [".. highlight:: python", ""]
        for module in modules:
            heading = f"``{module}``"
            lines += [heading, ("=" if module == page else "-") * len(heading), ""]
            lines += [f".. automodule:: {module}", "   :members:", ""]
        (folder / f"{page}.rst").write_text("\n".join(lines), encoding="utf-8")
    introduction = (
        "`helpers` is the reference for everything that the lessons build by hand: a few rooms that data walks "
        "through in this order, and the commands."
    )
    _write_contents(folder / "index.md", "Reference", introduction, list(contents))


def _write_contents(path: Path, heading: str, introduction: str, entries: Sequence[str]) -> None:
    contents = "\n".join(entries)
    text = f"# {heading}\n\n{introduction}\n\n```{{toctree}}\n:maxdepth: 1\n\n{contents}\n```\n"
    path.write_text(text, encoding="utf-8")


def write_texts(pages: Path) -> None:
    """Copy the pages of docs/ and the texts that lie beside what they tell of; README.md becomes the front page."""
    shutil.copytree(ROOT / "docs", pages / "docs", ignore=shutil.ignore_patterns("*.py", "style", "__pycache__"))
    for pattern in TEXTS:
        for path in ROOT.glob(pattern):
            copy = pages / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    contents = "\n```{toctree}\n:hidden:\n\nlessons/index\ndocs/index\nreference/index\n```\n"
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    (pages / "index.md").write_text(front + contents, encoding="utf-8")


def mend_links(pages: Path) -> None:
    """Let links to README.md lead to the front page, and links to files that are in no book to the repository."""

    def mend(text: str, folder: Path) -> str:
        def replace(link: re.Match) -> str:
            target, anchor = link[1], link[2] or ""
            here = (folder / target).resolve()
            place = here.relative_to(pages) if here.is_relative_to(pages) else Path(target)
            if place == Path("README.md"):
                return f"]({Path(os.path.relpath(pages / 'index.md', folder)).as_posix()}{anchor})"
            if here.exists() or not (ROOT / place).exists():  # what is nowhere Sphinx will tell of
                return link[0]
            return f"]({repository()}/blob/main/{place.as_posix()}{anchor})"

        return LINK.sub(replace, text)

    for path in pages.rglob("*.md"):
        path.write_text(mend(path.read_text(encoding="utf-8"), path.parent), encoding="utf-8")
    for path in pages.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = mend(cell.source, path.parent)
        nbformat.write(notebook, path)


def begin_anew(folder: Path) -> None:
    """Empty a folder; SystemExit, with a sentence, if it holds what this script has not made."""
    is_own = folder.resolve().is_relative_to(ROOT / "build") or (folder / MADE_HERE).is_file()
    if folder.exists() and not is_own and (folder.is_file() or any(folder.iterdir())):
        sys.exit(f"{folder}: would be emptied, and this script has not made it; move it, or give another --output.")
    shutil.rmtree(folder, ignore_errors=True)  # or a page that is gone stays
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MADE_HERE).touch()


def put_together(pages: Path) -> None:
    """Write everything that Sphinx reads into a folder, which is made anew."""
    pages = pages.resolve()
    begin_anew(pages)
    write_texts(pages)
    write_lessons(pages)
    write_reference(pages)
    mend_links(pages)


def main(words: Sequence[str] | None = None) -> int:
    """Make the book; give the exit status, which is not 0 when Sphinx has warned of anything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build/book", metavar="FOLDER", help="build/book")
    settings = parser.parse_args(words)
    put_together(settings.output / "pages")

    from sphinx.cmd.build import build_main

    html = settings.output / "html"
    begin_anew(html)
    places = [str(settings.output / "pages"), str(html)]
    status = build_main(
        ["-W", "--keep-going", "-q", "-c", str(ROOT / "docs"), "-d", str(settings.output / "read"), *places]
    )
    if not status:
        print(f"The book is made: {html / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
