"""nbgrader's whole way, from the release to the gradebook, in a folder and a gradebook of its own.

That every solution gets full marks and every blank lesson none is seen in test_notebooks, where they run anyway.
"""

import course
import pytest
from course import data_home  # noqa: F401

from helpers.show.checks import STUB

pytest.importorskip("nbgrader", reason="nbgrader comes with the extra instructor")

# what learners leave in an exercise, and whether its check is satisfied
HANDED_IN = {
    "the answer": True,
    "nothing": False,
    "return None": False,
    'raise ValueError("mine")': False,
    'assert False, "mine"': False,
}


def handed_in(lesson, answers):
    """The lesson as a learner hands it in, with answers in its exercises.

    All that an exercise and its check need are the imports; the other code, which other tests run, is left out.
    """
    imports = next(cell for cell in lesson.cells if cell.cell_type == "code")
    for cell in lesson.cells:
        cell.source = answers.get(cell.id, cell.source)
    lesson.cells = [cell for cell in lesson.cells if cell is imports or "nbgrader" in cell.metadata]
    return lesson


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's own
def test_the_right_answer_gets_its_points_and_every_other_gets_none(tmp_path):
    """Never None, which would leave the grade to the instructor."""
    name = "01_images_and_masks"
    graded_course = course.Course(tmp_path)
    lesson = course.read(graded_course.generate(name))
    solution = {cell.id: cell.source for cell in course.read(course.solution_path(name)).cells}
    exercises = [cell for cell in lesson.cells if course.marked(cell, "solution")]
    checks = [cell.metadata.nbgrader for cell in lesson.cells if course.marked(cell, "grade")]
    answers, expected = {}, []
    for cell, check, (left, satisfied) in zip(exercises, checks, HANDED_IN.items(), strict=True):
        stub = f'raise NotImplementedError("{STUB}")'
        assert stub in cell.source
        written = {"the answer": solution[cell.id], "nothing": cell.source}
        answers[cell.id] = written.get(left, cell.source.replace(stub, left))
        expected.append((check.grade_id, check.points * satisfied, check.points, False))
    grades = graded_course.grade(name, "learner", handed_in(lesson, answers))
    assert sorted(grades) == sorted(expected)
