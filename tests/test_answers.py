"""The checks of the lessons: what learners get wrong is rejected with its name, and other right answers pass.

`tests/answers` says what learners answer, as changes to the exercise's cell in `solutions`:

- {old: new, ...}: edits of the solution, one after the other. Each old text is there exactly once; a new text of
  several lines is indented like the line where the old one begins.
- a text: what stands in place of the solution, between its marks, or of the whole cell if it defines all of it.

A check needs the lesson's first code cell (its imports) and the learner's answer, nothing else; so here it runs
without the rest of the lesson.
"""

import ast
import contextlib
import functools
import io
import re
import textwrap

import course
import pytest

LESSONS = {name: course.answers(name) for name in course.NAMES}
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.MULTILINE | re.DOTALL)


@functools.cache
def read(name):
    """The lesson's solution, read once: its text, its imports, and {exercise: (cell, its check)}, both compiled."""
    notebook = course.read(course.solution_path(name))
    text = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    exercises = {
        cell.id: (cell.source, compile(check.source, f"check of {cell.id}", "exec"))
        for cell, check in zip(code, code[1:], strict=False)
        if course.marked(cell, "solution")
    }
    return text, compile(code[0].source, f"imports of {name}", "exec"), exercises


def answered(cell, answer, where):
    """The exercise's cell with the learner's answer in it; `where` names the answer if it does not fit."""
    if isinstance(answer, str):
        answer = textwrap.dedent(answer).strip("\n")
        if re.match(r"(def|class) \w+", cell)[0] in answer:
            return answer
        assert len(SOLUTION.findall(cell)) == 1, f"{where}: the cell has several solutions; write edits or all of it."
        return SOLUTION.sub(lambda solution: textwrap.indent(answer, solution[1]), cell)
    for old, new in answer.items():
        found = cell.count(old)
        assert found == 1, f"{where}: {old!r} is {found} times in the solution; write the edit anew, for one place."
        if "\n" in new:
            indent = re.search(r"(?m)^( *).*\Z", cell[: cell.index(old)])[1]
            new = textwrap.indent(textwrap.dedent(new).strip("\n"), indent).removeprefix(indent)
        cell = cell.replace(old, new)
    return cell


def without_docstrings(code):
    """The code's syntax tree, as text that is the same however the code is laid out."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def verdict(name, exercise, answer):
    """The message with which the exercise's check, with its hidden tests, rejects an answer; "" if it does not."""
    _, imports, exercises = read(name)
    lesson = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(imports, lesson)
        exec(answer, lesson)
        try:
            exec(exercises[exercise][1], lesson)
        except AssertionError as error:
            return str(error) or "(an assert without a message)"
    return ""


@pytest.mark.parametrize("name", course.NAMES)
def test_each_exercise_has_wrong_and_right_answers(name):
    _, _, exercises = read(name)
    wrong, right = LESSONS[name]["WRONG"], LESSONS[name]["RIGHT"]
    assert set(wrong) == set(right) == set(exercises)
    for exercise in exercises:
        assert len({mistake for mistake, _ in wrong[exercise]}) == len(wrong[exercise]) >= 3
        assert len(right[exercise]) >= 2


@pytest.mark.parametrize(
    ("name", "exercise", "mistake", "words", "answer"),
    [
        pytest.param(name, exercise, mistake, words, answer, id=f"{name}-{exercise}-{mistake}")
        for name in course.NAMES
        for exercise, answers in LESSONS[name]["WRONG"].items()
        for (mistake, words), answer in answers.items()
    ],
)
def test_wrong_answer_is_rejected_by_name(name, exercise, mistake, words, answer):
    cell, _ = read(name)[-1][exercise]
    message = verdict(name, exercise, answered(cell, answer, f'Lesson {name}, {exercise}, "{mistake}"'))
    assert message, "accepted"
    assert words in message


@pytest.mark.parametrize(
    ("name", "exercise", "number"),
    [
        (name, exercise, number)
        for name in course.NAMES
        for exercise, answers in LESSONS[name]["RIGHT"].items()
        for number in range(len(answers))
    ],
)
def test_right_answer_is_accepted(name, exercise, number):
    cell, _ = read(name)[-1][exercise]
    answer = answered(cell, LESSONS[name]["RIGHT"][exercise][number], f"Lesson {name}, {exercise}, answer {number}")
    assert without_docstrings(answer) != without_docstrings(cell), "is the solution"
    assert verdict(name, exercise, answer) == ""


CELL = """def f(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION"""


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ({"2 * ": "", "return x": "y = x\nreturn y"}, ["    ### BEGIN SOLUTION", "    y = x", "    return y"]),
        ("\n  if x:\n      return x\n", ["    if x:", "        return x"]),
        ("def f(x): pass", []),
    ],
)
def test_answer_is_put_into_the_cell(answer, lines):
    first, *others = answered(CELL, answer, "").splitlines()
    assert first.startswith("def f(x):")
    assert others[: len(lines)] == lines
    assert all("END SOLUTION" in line for line in others[len(lines) :])


@pytest.mark.parametrize("edits", [{"return 3": "return 4"}, {"x": "y"}])
def test_edit_that_does_not_fit_is_named(edits):
    with pytest.raises(AssertionError, match=r'Lesson 00, f, "wrong": .* [02] times in the solution'):
        answered(CELL, edits, 'Lesson 00, f, "wrong"')


@pytest.mark.parametrize("name", course.NAMES)
def test_text_quotes_its_ranges(name):
    text, _, _ = read(name)
    for _, low, high in LESSONS[name]["RANGES"]:
        assert re.search(rf"{re.escape(low)} to {re.escape(high)}|between {re.escape(low)} and {re.escape(high)}", text)
