"""The results that come with the course: every number of the tables is worked out of the scores stored beside them."""

from pathlib import Path

import course
import pandas
import pytest

ROOT = Path(__file__).resolve().parents[1]
make_results = course.script("tools/make_results.py")


def test_the_tables_are_those_of_the_stored_scores():
    for path, text in make_results.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python tools/make_results.py"


@pytest.mark.parametrize("name", make_results.COMPARISONS)
def test_the_intervals_are_those_of_the_stored_scores(name):
    stored = pandas.read_csv(make_results.RESULTS / name / "results.csv")
    pandas.testing.assert_frame_equal(stored, make_results.with_differences(name), check_exact=False, rtol=1e-9)
    means = {(row.model, row.loss): row.dice for row in stored.itertuples()}
    assert means == pytest.approx({key: scores.mean() for key, scores in make_results.scores_of(name).items()})


def test_a_table_stands_between_its_marks():
    page = "before\n<!-- a -->\n| old |\n<!-- /a -->\nbetween\n<!-- b -->\n<!-- /b -->\n"
    filled = make_results.filled(page, {"a": ["| 1 |", "| 2 |"], "b": ["| \\1 |"], "c": ["| nowhere |"]})
    assert filled == ("before\n<!-- a -->\n| 1 |\n| 2 |\n<!-- /a -->\nbetween\n<!-- b -->\n| \\1 |\n<!-- /b -->\n")


def test_every_table_has_its_marks():
    pages = "".join(path.read_text(encoding="utf-8") for path in make_results.pages())
    for name in ("brains", "comparison", "losses", "attention", "streets"):
        assert pages.count(f"<!-- {name} -->") == pages.count(f"<!-- /{name} -->") == 1
