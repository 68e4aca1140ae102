"""nbgrader gives a solved lesson full marks and a blank one 0, in a gradebook of its own."""

import course
import nbformat
import pytest
from course import data_home, each_lesson  # noqa: F401

pytest.importorskip("nbgrader", reason="nbgrader comes with the extra instructor")


@pytest.fixture(scope="module")
def graded_course(tmp_path_factory):
    return course.Course(tmp_path_factory.mktemp("course"))


def solved(lesson, solution):
    """The lesson as a learner hands it in: nothing but the exercises is changed."""
    answers = {cell.id: cell.source for cell in solution.cells if course.marked(cell, "solution")}
    for cell in lesson.cells:
        cell.source = answers.get(cell.id, cell.source)
    return lesson


def test_there_is_a_lesson_to_grade():
    assert course.NAMES


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's own
@each_lesson
def test_solved_gets_full_marks_and_blank_gets_none(name, graded_course, monkeypatch):
    monkeypatch.setenv("COURSE_QUICK", "1")
    path = graded_course.generate(name)
    checks = [cell.metadata.nbgrader for cell in course.read(path).cells if course.marked(cell, "grade")]
    points = {check.grade_id: float(check.points) for check in checks}
    assert points and min(points.values()) > 0, "a lesson has checks, and each of them has points"

    blank = graded_course.grade(name, "blank", nbformat.read(path, as_version=4))
    assert sorted(blank) == sorted((check, 0.0, points[check], False) for check in points)

    answers = solved(course.read(path), course.read(course.solution_path(name)))
    full = graded_course.grade(name, "solved", answers)
    assert sorted(full) == sorted((check, points[check], points[check], False) for check in points)
