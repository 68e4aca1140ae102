"""Hand the points on to nbgrader's gradebook, for those who work with its pages."""

import warnings

from grading import report


def export(rows: list[report.Row], database: str) -> None:
    """Write all rows that have points into the gradebook at a path, which is made if it is not there.

    Each exercise is a cell to grade, under its own name; points are automatic ones.
    """
    try:
        from nbgrader.api import Gradebook
    except ModuleNotFoundError:
        raise ValueError('nbgrader is not installed: pip install -e ".[instructor]"') from None
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{database}") as book:
        warnings.simplefilter("ignore")  # nbgrader's own, of how it uses SQLAlchemy
        for lesson, most in {row.lesson: row.most for row in rows if row.graded}.items():
            book.update_or_create_assignment(lesson)
            book.update_or_create_notebook(lesson, lesson)
            for exercise, points in most.items():
                book.update_or_create_grade_cell(exercise, lesson, lesson, max_score=points, cell_type="code")
        for row in rows:
            if not row.graded:
                continue
            book.update_or_create_student(row.student)
            submission = book.update_or_create_submission(row.lesson, row.student)
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    points = row.points.get(grade.name)
                    grade.auto_score, grade.needs_manual_grade = points, points is None
        book.db.commit()
