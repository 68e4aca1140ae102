"""The checks of the lessons: what learners get wrong is rejected with its name, and other right answers pass.

A check needs the lesson's first code cell (its imports) and the learner's answer, nothing else; so here it runs
without the rest of the lesson.
"""

import contextlib
import io
import re

import course
import pytest

LESSONS = {name: course.answers(name) for name in course.NAMES}


def source_of(notebook, cell_id):
    return next(cell.source for cell in notebook.cells if cell.id == cell_id)


def check_of(notebook, exercise):
    ids = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    return source_of(notebook, ids[ids.index(exercise) + 1])


def exercises(name):
    return [cell.id for cell in course.read(course.solution_path(name)).cells if course.marked(cell, "solution")]


def verdict(name, exercise, answer):
    """The message with which the exercise's check, with its hidden tests, rejects an answer; "" if it does not."""
    notebook = course.read(course.solution_path(name))
    imports = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    lesson = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(imports, lesson)
        exec(answer, lesson)
        try:
            exec(check_of(notebook, exercise), lesson)
        except AssertionError as error:
            return str(error) or "(an assert without a message)"
    return ""


@pytest.mark.parametrize("name", course.NAMES)
def test_each_exercise_has_wrong_and_right_answers(name):
    wanted = exercises(name)
    assert set(LESSONS[name]["WRONG"]) == set(LESSONS[name]["RIGHT"]) == set(wanted)
    for exercise in wanted:
        assert len(LESSONS[name]["WRONG"][exercise]) >= 3
        assert len(LESSONS[name]["RIGHT"][exercise]) >= 2


@pytest.mark.parametrize(
    ("name", "exercise", "mistake"),
    [
        (name, exercise, mistake)
        for name in course.NAMES
        for exercise, answers in LESSONS[name]["WRONG"].items()
        for mistake in answers
    ],
)
def test_wrong_answer_is_rejected_by_name(name, exercise, mistake):
    answer, words = LESSONS[name]["WRONG"][exercise][mistake]
    message = verdict(name, exercise, answer)
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
    answer = LESSONS[name]["RIGHT"][exercise][number]
    solution = source_of(course.read(course.solution_path(name)), exercise)
    assert "".join(answer.split()) not in "".join(solution.split()), "is the solution"
    assert verdict(name, exercise, answer) == ""


@pytest.mark.parametrize("name", course.NAMES)
def test_text_quotes_its_ranges(name):
    text = " ".join(
        cell.source for cell in course.read(course.solution_path(name)).cells if cell.cell_type == "markdown"
    )
    for _, low, high in LESSONS[name]["RANGES"]:
        assert re.search(rf"{re.escape(low)} to {re.escape(high)}|between {re.escape(low)} and {re.escape(high)}", text)
