"""Lessons and solutions: they belong together, they run, and nothing leaks."""

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import symtable
import sys
import tomllib

import course
import pytest
from course import data_home, each_lesson  # noqa: F401

import helpers
from helpers.show.checks import FAILED, PASSED, STUB

MARKERS = {
    "### BEGIN SOLUTION",
    "### END SOLUTION",
    "### BEGIN HIDDEN TESTS",
    "### END HIDDEN TESTS",
}
WORDS_STUB = "YOUR ANSWER HERE"  # what nbgrader writes in place of an answer in words
# whatever looks as if it were meant to be one of them
LIKE_A_MARKER = re.compile(r"#\s*(begin|end)[\W_]*(hidden|solutions?\b|tests?\b)", re.IGNORECASE)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def split_by_markers(source):
    """Return the lines that learners see and the lines that they do not (answers, hidden tests)."""
    visible, secret, inside = [], [], False
    for line in map(str.strip, source.splitlines()):
        if line in MARKERS:
            inside = line.startswith("### BEGIN")
        else:
            (secret if inside else visible).append(line)
    return visible, secret


def marker_mistakes(cell):
    """Return what is wrong with the markers in a solution's cell; nbgrader would release it in silence."""
    lines = [line for line in cell.source.splitlines() if line.strip()]
    markers = [line.strip() for line in lines if line.strip() in MARKERS]
    mistakes = [
        f"not a marker: {line.strip()}" for line in lines if LIKE_A_MARKER.search(line) and line.strip() not in MARKERS
    ]
    for kind, role in (("SOLUTION", "solution"), ("HIDDEN TESTS", "grade")):
        of_kind = [marker for marker in markers if marker.endswith(kind)]
        if of_kind != [f"### BEGIN {kind}", f"### END {kind}"] * (len(of_kind) // 2):
            mistakes.append(f"{kind}: BEGIN and END do not alternate")
        if of_kind and not course.marked(cell, role):
            mistakes.append(f"{kind} in a cell that is not marked as {role}")
    if cell.cell_type == "code" and course.marked(cell, "solution") and "### BEGIN SOLUTION" not in markers:
        mistakes.append("an exercise without a SOLUTION: all of it would be replaced by the stub")
    if any(line.startswith("### BEGIN SOLUTION") for line in lines):
        mistakes.append("a SOLUTION outside a function: the stub would stop the cell")
    return mistakes


def ends_in_a_value(source):
    """Whether a check ends in an expression, whose value nbgrader would take for its points."""
    last = ast.parse(source).body[-1]
    if not isinstance(last, ast.Expr):
        return False
    return not (isinstance(last.value, ast.Call) and getattr(last.value.func, "id", "") == "print")


def global_names(source):
    """The names that a cell reads from other cells or its own top level, and those that it binds there."""
    read, bound = set(), set()

    def visit(table, top):
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                read.add(symbol.get_name())
            if top and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()):
                bound.add(symbol.get_name())
        for child in table.get_children():
            visit(child, False)

    visit(symtable.symtable(source, "cell", "exec"), True)
    return read, bound


def cells_with_names(notebook):
    """Each code cell with the names that it reads and binds, without those of a magic alone."""
    return [(cell, *global_names(cell.source)) for cell in code_cells(notebook) if not cell.source.startswith("%")]


def names_taken_by_checks(notebook):
    """Names that a check and a cell of the lesson bind, and that another cell reads: (check, name, that cell) of each.

    In whatever order: a learner may come back to an exercise once the lesson has been run to its end.
    """
    cells = cells_with_names(notebook)
    lesson = [each for each in cells if not course.marked(each[0], "grade")]
    of_lesson = set().union(*(bound for _, _, bound in lesson))
    return [
        (check.id, name, cell.id)
        for check, _, taken in cells
        if course.marked(check, "grade")
        for name in sorted(taken & of_lesson)
        for cell, read, bound in lesson
        if name in read - bound
    ]


def names_taken_from_widgets(notebook):
    """Names that a widget's functions read at each move, and that a later cell or any check binds.

    (widget, name, that cell) of each.
    """
    taken, cells = [], cells_with_names(notebook)
    for place, (widget, _, _) in enumerate(cells):
        if "widgets." not in widget.source:
            continue
        functions = symtable.symtable(widget.source, "cell", "exec").get_children()
        read = {symbol.get_name() for each in functions for symbol in each.get_symbols() if symbol.is_global()}
        for number, (cell, _, bound) in enumerate(cells):
            if number > place or course.marked(cell, "grade"):
                taken += [(widget.id, name, cell.id) for name in sorted(read & bound)]
    return taken


def broken_links(markdown, folder):
    """Return the links to files that are not there, and the images without an alternative text."""
    broken = []
    for bang, text, target in re.findall(r"(!?)\[([^\]]*)\]\(<?([^)\s>]*)", markdown):
        if bang and not text.strip():
            broken.append(f"no alternative text: {target}")
        file = target.partition("#")[0]
        if file and not re.match(r"[a-z]+:", file) and not (folder / file).exists():
            broken.append(f"no such file: {target}")
    for image in re.findall(r"<img\b[^>]*>", markdown):
        if not re.search(r"""\balt=["'][^"']*\S""", image):
            broken.append(f"no alternative text: {image}")
        source = re.search(r"""\bsrc=["']([^"']*)""", image)
        if source and not re.match(r"[a-z]+:", source[1]) and not (folder / source[1]).exists():
            broken.append(f"no such file: {source[1]}")
    return broken


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    pytest.importorskip("nbgrader", reason="nbgrader comes with the extra instructor")
    return course.Course(tmp_path_factory.mktemp("course"))


def test_there_are_lessons_and_each_has_one_solution():
    assert "00_start_here" in course.NAMES
    for folder in ("solutions", "lessons"):
        found = sorted(
            path.relative_to(course.ROOT / folder).as_posix()
            for path in (course.ROOT / folder).rglob("*.ipynb")
            if ".ipynb_checkpoints" not in path.parts
        )
        assert found == [f"{name}/{name}.ipynb" for name in course.NAMES], f"run make lessons ({folder})"


@each_lesson
def test_committed_lesson_is_the_generated_one(name, generated):
    fresh = generated.generate(name).parent
    committed = course.lesson_path(name).parent
    files = sorted(path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file())
    for file in files:
        assert (committed / file).read_bytes() == (fresh / file).read_bytes(), f"run make lessons ({file})"
    first = course.lesson_path(name).read_bytes()
    assert generated.generate(name).read_bytes() == first, "a second run gives other bytes"


# Between a solution and its lesson: an empty namespace, in the kernel that has loaded TensorFlow already.
BEGIN_AGAIN = """import os
os.environ["COURSE_QUICK"] = "1"
%reset -f
"""


@each_lesson
def test_solution_gets_full_marks_and_then_the_unsolved_lesson_none(name, tmp_path):
    """Both in one kernel. In full, all of the unsolved lesson, from an empty namespace, after one more cell that asks
    whether the text still says what the numbers do; with COURSE_QUICK=1 its exercises and their checks alone."""
    pytest.importorskip("nbgrader", reason="nbgrader comes with the extra instructor")
    folder = shutil.copytree(course.lesson_path(name).parent, tmp_path / name)
    solution, lesson = course.read(course.solution_path(name)), course.read(course.lesson_path(name))
    promises = [
        f"assert {low} <= {expression} <= {high}, {expression}"
        for expression, low, high in course.answers(name)["RANGES"]
    ]
    promises += [f"assert {claim}" for claim in course.answers(name).get("CLAIMS", [])]
    if helpers.budget(1, quick=0):
        between = [course.nbformat.v4.new_code_cell(source) for source in ("\n".join(promises), BEGIN_AGAIN)]
    else:
        between = []
        roles = "solution", "grade"
        lesson.cells = [cell for cell in lesson.cells if any(course.marked(cell, role) for role in roles)]
    for cell in lesson.cells:
        cell.id = f"unsolved-{cell.id}"
    both = course.nbformat.v4.new_notebook(cells=[*solution.cells, *between, *lesson.cells])
    course.execute(both, folder)
    solution.cells, lesson.cells = both.cells[: len(solution.cells)], both.cells[-len(lesson.cells) :]
    gets_full_marks(solution)
    says_one_line_for_each_exercise(lesson)


def gets_full_marks(solution):
    grades = course.grades(solution)
    assert grades and all(points == at_most > 0 for _, points, at_most in grades), grades
    for cell in code_cells(solution):
        if course.marked(cell, "grade"):
            assert cell.outputs[-1].text.splitlines()[-1].startswith(f"{PASSED} Right: "), "one green line"


def says_one_line_for_each_exercise(lesson):
    for cell in code_cells(lesson):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        # without the tag, Jupyter's "Run All" ends at the first exercise that is still open
        assert ("raises-exception" in cell.metadata.get("tags", [])) == course.marked(cell, "grade")
        if not course.marked(cell, "grade"):
            assert not errors, cell.source
            continue
        (error,) = errors
        assert error.evalue == STUB and len(error.traceback) == 1
        said = re.fullmatch(
            re.escape(FAILED) + r" Not written yet: write `([\w.]+)` in the cell above\.", error.traceback[0]
        )
        assert said and said[1].partition(".")[0] == checked_by(cell), error.traceback
    assert {points for _, points, _ in course.grades(lesson)} == {0}


def test_a_solution_runs_under_nbval_too(tmp_path, monkeypatch):
    """One lesson, as whoever keeps notebooks of their own beside these tests them; the others run above."""
    monkeypatch.setenv("COURSE_QUICK", "1")
    folder = shutil.copytree(course.solution_path(course.NAMES[0]).parent, tmp_path / course.NAMES[0])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    run = subprocess.run([*command, str(folder)], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def checked_by(check):
    """The function or class that a check says it is of; its first line is all that shows while it is folded."""
    return re.match(r"# Check of (\w+): run this cell once it is written\n", check.source)[1]


@each_lesson
@pytest.mark.parametrize("path_of", [course.solution_path, course.lesson_path])
def test_each_check_is_folded_and_says_what_it_is_of(name, path_of):
    cells = code_cells(course.read(path_of(name)))
    for above, cell in zip(cells, cells[1:], strict=False):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        assert folded == course.marked(cell, "grade"), cell.source
        if folded:
            defined = [statement.name for statement in ast.parse(above.source).body if hasattr(statement, "name")]
            assert checked_by(cell) in defined
            assert re.search(r'^print\(f?"Right: .*\)$', cell.source.splitlines()[-1]), "its verdict, shown in green"


@each_lesson
def test_each_lesson_begins_with_the_way_to_its_page_in_the_book(name):
    urls = tomllib.loads((course.ROOT / "pyproject.toml").read_text())["project"]["urls"]
    owner, repository = urls["Repository"].split("/")[-2:]
    page = f"https://{owner}.github.io/{repository}/lessons/{name}/{name}.html"
    assert f"[in the web book]({page})" in course.read(course.solution_path(name)).cells[0].source


@pytest.mark.parametrize(("name", "after"), list(itertools.pairwise(course.NAMES)))
def test_each_lesson_ends_with_the_way_to_the_next(name, after):
    last = course.read(course.solution_path(name)).cells[-1]
    assert f"Next: [{after}](../{after}/{after}.ipynb)" in last.source


@each_lesson
def test_each_exercise_has_its_check_right_below(name):
    notebook = course.read(course.solution_path(name))
    cells = code_cells(notebook)
    for cell, below in zip(cells, cells[1:] + [None], strict=True):
        if course.marked(cell, "solution"):
            assert below is not None and course.marked(below, "grade"), cell.source
            assert not course.marked(cell, "grade"), "points belong to the check"
        if course.marked(cell, "grade"):
            assert not ends_in_a_value(cell.source), f"ends in a value: {cell.source}"
    assert sum(course.marked(cell, "solution") for cell in cells) > 0


@each_lesson
def test_checks_leave_the_names_of_the_lesson_alone(name):
    solution = course.read(course.solution_path(name))
    assert not names_taken_by_checks(solution)
    assert not names_taken_from_widgets(solution), "a slider would break once the lesson has been run to its end"


def lesson_of(*sources):
    """A notebook of these cells; those that begin with "# Check" are checks."""
    new, role = course.nbformat.v4.new_code_cell, {"nbgrader": {"grade": True, "solution": False}}
    return course.nbformat.v4.new_notebook(
        cells=[new(source, metadata=role if source.startswith("# Check") else {}) for source in sources]
    )


@pytest.mark.parametrize(
    "sources",
    [
        ("kept = 1", "# Check\nfor kept in 1, 2: pass", "def f(): return kept"),
        ("# Check\nkept = 2", "kept = 1", "print(kept)"),  # the learner comes back to the check
        ("kept = 1", "print(kept)", "# Check\nkept = 2"),
    ],
)
def test_a_name_that_a_check_takes_is_found_wherever_the_check_stands(sources):
    assert [name for _, name, _ in names_taken_by_checks(lesson_of(*sources))] == ["kept"]


@pytest.mark.parametrize(
    "sources",
    [
        ("kept = 1", "# Check\nother = 2", "print(kept, other)"),
        ("kept = 1", "# Check\ndef f(kept): return kept", "print(kept)"),
        ("kept = 1", "# Check\nkept = 2", "kept = 3; print(kept)"),
        ("kept = 1", "# Check\nkept = 2", "print([kept for kept in (1, 2)])"),
    ],
)
def test_a_name_that_a_check_may_use_is_none(sources):
    assert not names_taken_by_checks(lesson_of(*sources))


def test_a_name_that_is_taken_from_a_widget_is_found():
    widget = "kept = 1\ndef draw(x): return kept\nwidgets.sliders(draw)"
    found = [("# Check\nkept = 2", widget), (widget, "kept = 2")]
    assert all(names_taken_from_widgets(lesson_of(*sources)) for sources in found)
    assert not names_taken_from_widgets(lesson_of("kept = 2", widget))


@each_lesson
def test_nothing_hidden_leaks(name):
    solution, lesson = course.read(course.solution_path(name)), course.read(course.lesson_path(name))
    mistakes = [mistake for cell in solution.cells for mistake in marker_mistakes(cell)]
    assert not mistakes
    seen = {line.strip() for cell in lesson.cells for line in cell.source.splitlines()}
    assert not [line for line in seen if LIKE_A_MARKER.search(line)]
    visible, secret = set(), set()
    for cell in solution.cells:
        cell_visible, cell_secret = split_by_markers(cell.source)
        visible.update(cell_visible)
        secret.update(cell_secret)
    # a short line, such as `return x`, may stand elsewhere for reasons of its own
    assert not [line for line in seen & secret if len(line) >= 20 or line not in visible]
    stubs = {"code": STUB, "markdown": WORDS_STUB}
    for answer, cell in zip(solution.cells, lesson.cells, strict=True):
        left_open = course.marked(answer, "solution")
        assert (stubs.get(cell.cell_type, STUB) in cell.source) == left_open, cell.source
        if left_open and cell.cell_type == "markdown":  # words are taken out whole, without markers
            assert cell.source == WORDS_STUB and course.marked(answer, "grade"), cell.source


@each_lesson
def test_lesson_is_clean(name):
    lesson = course.read(course.lesson_path(name))
    assert set(lesson.metadata) == {"kernelspec", "language_info"}
    assert lesson.metadata.kernelspec == {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    for cell in lesson.cells:
        assert set(cell.metadata) <= {"nbgrader", "tags", "deletable", "editable", "jupyter"}, cell.metadata
        assert set(cell.metadata.get("jupyter", {})) <= {"source_hidden"}
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


@each_lesson
def test_solution_carries_its_outputs(name):
    cells = [cell for cell in code_cells(course.read(course.solution_path(name))) if cell.source.strip()]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run all cells, in order"
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]


@each_lesson
@pytest.mark.parametrize("path_of", [course.solution_path, course.lesson_path])
def test_notebook_is_well_formed(name, path_of):
    path = path_of(name)
    assert path.stat().st_size < 1_500_000
    # as it lies there: nbformat's reader would give each cell without an id, or with another's, a new one
    raw = json.loads(path.read_text(encoding="utf-8"))
    assert (raw["nbformat"], raw["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in raw["cells"]]
    assert len(set(ids)) == len(ids)
    notebook = course.read(path)
    links = [
        broken
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for broken in broken_links(cell.source, path.parent)
    ]
    assert not links


@pytest.mark.parametrize(
    "source",
    [
        "    ### BEGIN HIDDEN TEST\n    assert f(2)\n    ### END HIDDEN TESTS",
        "    ### begin solution\n    x = 1\n    ### end solution",
        "    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION",
        "    ### BEGIN SOLUTION\n    x = 1",
        "    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTIONS",
        "    ### BEGIN_SOLUTION\n    x = 1",
        "### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
        "    x = 1",
        "    ### BEGIN SOLUTION\n    ### END SOLUTION\n    ### BEGIN HIDDEN TESTS\n    ### END HIDDEN TESTS",
    ],
)
def test_a_mistake_in_the_markers_is_found(source):
    cell = course.nbformat.v4.new_code_cell(source, metadata={"nbgrader": {"solution": True, "grade": False}})
    assert marker_mistakes(cell)


def test_right_markers_are_no_mistake():
    exercise = "def f(x):\n    ### BEGIN SOLUTION\n    return x  # the end: solution found\n    ### END SOLUTION"
    check = "assert f(1)\n### BEGIN HIDDEN TESTS\nassert f(2)\n### END HIDDEN TESTS"
    for source, role in ((exercise, "solution"), (check, "grade")):
        cell = course.nbformat.v4.new_code_cell(source, metadata={"nbgrader": {role: True}})
        assert marker_mistakes(cell) == []
    assert split_by_markers(check) == (["assert f(1)"], ["assert f(2)"])


def test_broken_links_are_found(tmp_path):
    (tmp_path / "here.png").touch()
    good = "![slice](here.png) [x](https://keras.io) [up](../) [part](#part) <img src='here.png' alt='slice'>"
    assert broken_links(good, tmp_path) == []
    for bad in (
        "![](here.png)",
        "![a](gone.png)",
        "[a](gone.md#x)",
        "<img src='here.png'>",
        "<img src='g.png' alt='a'>",
    ):
        assert len(broken_links(bad, tmp_path)) == 1, bad


def test_a_check_that_ends_in_a_value_is_found():
    assert ends_in_a_value("assert f(1)\nf(2) == 3")
    assert ends_in_a_value("check(f)")
    assert not ends_in_a_value("assert f(1)\nprint('Right.')")
    assert not ends_in_a_value("assert f(1)")
