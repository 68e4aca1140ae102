"""Hand the points on to nbgrader's gradebook, for those who work with its pages."""

import warnings

from grading import check, report


def export(rows: list[report.Row], known: dict[str, check.Lesson], database: str) -> None:
    """Write all rows that have points into the gradebook at a path, which is made if it is not there.

    The cell that has an exercise's points is its check, as for nbgrader, or its own where a person marks it; points are
    automatic ones.
    """
    try:
        from nbgrader.api import Gradebook
    except ModuleNotFoundError:
        raise ValueError('nbgrader is not installed: pip install -e ".[instructor]"') from None
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{database}") as book:
        warnings.simplefilter("ignore")  # nbgrader's own, of how it uses SQLAlchemy
        exercises = {}
        for lesson in sorted({row.lesson for row in rows if row.graded}):
            exercises[lesson] = {each.check_grade_id or each.name: each for each in known[lesson].exercises}
            book.update_or_create_assignment(lesson)
            book.update_or_create_notebook(lesson, lesson)
            for cell, each in exercises[lesson].items():
                kind = "markdown" if each.markdown else "code"
                book.update_or_create_grade_cell(cell, lesson, lesson, max_score=each.points, cell_type=kind)
        for row in rows:
            if not row.graded:
                continue
            book.update_or_create_student(row.student)
            submission = book.update_or_create_submission(row.lesson, row.student)
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    each = exercises[row.lesson].get(grade.name)
                    points = row.points.get(each.name) if each else None
                    grade.auto_score, grade.needs_manual_grade = points, points is None
        book.db.commit()
