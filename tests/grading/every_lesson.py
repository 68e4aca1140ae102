"""Every lesson through the grader: its reference gets all points, blank none. Ten minutes, so only by hand:

    python -m pytest tests/grading/every_lesson.py

`test_outside.py` grades the two lessons whose checks ask most of the way between check and answer.
"""

import pathlib

import pytest

from grading import check, collect, sandbox

ROOT = pathlib.Path(__file__).resolve().parents[2]
KNOWN = collect.lessons(ROOT / "solutions")


@pytest.mark.skipif(sandbox.why_unavailable() is not None, reason=str(sandbox.why_unavailable()))
@pytest.mark.parametrize("name", KNOWN)
def test_reference_gets_all_points(name):
    lesson = KNOWN[name]
    cells = {each.name: each.solution for each in lesson.exercises if not each.by_hand}
    verdicts = check.judge(lesson, cells, [], sandbox.Limits(seconds=120), "every lesson")
    assert not [each for each in verdicts if each.state not in ("right", "by hand")]
    assert sum(each.points or 0 for each in verdicts) > 0


@pytest.mark.parametrize("name", KNOWN)
def test_blank_gets_none_and_starts_nothing(name, monkeypatch):
    monkeypatch.setattr(check.Session, "start", lambda self: pytest.fail("a blank lesson was run"))
    lesson = KNOWN[name]
    cells = {each.name: each.stub for each in lesson.exercises}
    verdicts = check.judge(lesson, cells, [], sandbox.Limits(), "every lesson")
    assert {each.state for each in verdicts} <= {"blank", "by hand"}
    assert not any(each.points for each in verdicts)
