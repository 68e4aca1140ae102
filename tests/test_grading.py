"""nbgrader gives a solved lesson full marks and a blank one 0, in a gradebook of its own."""

import course
import pytest
from course import data_home, each_lesson  # noqa: F401

pytest.importorskip("nbgrader", reason="nbgrader comes with the extra instructor")


@pytest.fixture(scope="module")
def graded_course(tmp_path_factory):
    return course.Course(tmp_path_factory.mktemp("course"))


def handed_in(lesson, answers):
    """The lesson as a learner hands it in, with answers in its exercises.

    All that an exercise and its check need are the imports; the other code, which other tests run, is left out.
    """
    imports = next(cell for cell in lesson.cells if cell.cell_type == "code")
    for cell in lesson.cells:
        cell.source = answers.get(cell.id, cell.source)
    lesson.cells = [cell for cell in lesson.cells if cell is imports or "nbgrader" in cell.metadata]
    return lesson


def test_there_is_a_lesson_to_grade():
    assert course.NAMES


def points_of(path):
    checks = [cell.metadata.nbgrader for cell in course.read(path).cells if course.marked(cell, "grade")]
    points = {check.grade_id: float(check.points) for check in checks}
    assert points and min(points.values()) > 0, "a lesson has checks, and each of them has points"
    return points


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's own
@each_lesson
def test_solved_gets_full_marks(name, graded_course):
    path = graded_course.generate(name)
    points = points_of(path)
    solution = course.read(course.solution_path(name))
    answers = {cell.id: cell.source for cell in solution.cells if course.marked(cell, "solution")}
    full = graded_course.grade(name, "solved", handed_in(course.read(path), answers))
    assert sorted(full) == sorted((check, points[check], points[check], False) for check in points)


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")
def test_blank_gets_none(graded_course):
    """One lesson will do: that each check of each lesson stops at a stub is seen where they run unsolved."""
    name = course.NAMES[0]
    path = graded_course.generate(name)
    points = points_of(path)
    blank = graded_course.grade(name, "blank", handed_in(course.read(path), {}))
    assert sorted(blank) == sorted((check, 0.0, points[check], False) for check in points)
