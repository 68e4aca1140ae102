"""The grader, from a folder of what was handed in to the table: honest work keeps its points, and nothing fools it.

One run grades all of `submissions.py`; each test then looks at one row.
"""

import argparse
import ast
import csv
import functools
import html
import json
import os
import pathlib
import re
import socket

import numpy as np
import pytest

from grading import __main__ as grader
from grading import check, collect, gradebook, learner, new_lesson, report, sandbox, wire

import course  # isort: skip
import submissions  # isort: skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
LESSON = "02_scores"
SECONDS = 12  # for an exercise: an endless loop costs as much
why = sandbox.why_unavailable()
needs_sandbox = pytest.mark.skipif(why is not None, reason=str(why))
pytestmark = pytest.mark.xdist_group("grading")  # one process runs all of it


@pytest.fixture(autouse=True)
def data_home():
    """Nothing here reads data."""


def solution(name):
    return json.loads((ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"))


def lesson(name, answers=()):
    """The lesson as it is released, with answers in its exercises."""
    notebook = solution(name)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
            source = check.released(source)
        cell["source"] = dict(answers).get(cell["id"], source).splitlines(keepends=True)
    return notebook


def hand_in(folder, student, notebook, name=f"{LESSON}.ipynb", when=None):
    path = folder / student / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(notebook, dict):
        notebook = json.dumps(notebook, ensure_ascii=False)
    path.write_bytes(notebook.encode() if isinstance(notebook, str) else notebook)
    if when:
        os.utime(path, (when, when))


def cells_of(notebook, *roles):
    return [cell for cell in notebook["cells"] if any((cell["metadata"].get("nbgrader") or {}).get(r) for r in roles)]


def files():
    """{name: (content of 02_scores.ipynb, or {name of a file: content}; points or None; status; words to say)}."""
    half = lesson(LESSON, submissions.HALF)
    wrong = submissions.HALF | {"dice": submissions.WRONG}
    found = {
        "blank": (lesson(LESSON), 0, "blank", "Nothing is written"),
        "half": (half, 4, "graded", "two-means: Nothing is written yet."),
        "all, without helpers": (lesson(LESSON, submissions.ALL), 8, "graded", "All right."),
        "byte-order mark": (b"\xef\xbb\xbf" + json.dumps(half).encode(), 4, "graded", ""),
        "UTF-16": (json.dumps(half).encode("utf-16"), 4, "graded", ""),
        "broken": (json.dumps(half)[:3000], None, "not graded", "broken"),
        "empty": ("", None, "not graded", "empty"),
        "web page": ("<!DOCTYPE html><title>Sign in</title>", None, "not graded", "web page"),
        "no notebook": ("[1, 2]", None, "not graded", "no notebook"),
        "deep": ("[" * 100_000, None, "not graded", "broken"),
        "half characters": (json.dumps(lesson(LESSON, submissions.HALF | {"gains": "x = '\ud800'"})), 3, "graded", ""),
        "bytes": (bytes(range(128, 256)) * 9, None, "not graded", "no text"),
        "another lesson": (lesson("01_images_and_masks"), None, "not graded", "This is lesson 01_images_and_masks"),
        "two notebooks": (
            {"02_scores.ipynb": lesson(LESSON), "02_scores (1).ipynb": half},
            4,
            "graded",
            "with answers",
        ),
        "two lessons": ({"02_scores.ipynb": half, "01_images_and_masks.ipynb": "{"}, 4, "graded", ""),
        "a name of its own": ({"Scores 02 final-v2.ipynb": half}, 4, "graded", ""),
        "a folder of its own": ({f"{LESSON}/{LESSON}.ipynb": half}, 4, "graded", ""),
        "Zoë Müller, 李": ({"02_scores (1).ipynb": half}, 4, "graded", ""),
        "=1+2": (half, 4, "graded", ""),
        "a shadow beside it": (
            {"02_scores.ipynb": lesson(LESSON, wrong), "numpy.py": "raise SystemExit"},
            2,
            "graded",
            "",
        ),
    }

    def changed(name, points, change, answers=wrong):
        notebook = lesson(LESSON, answers)
        change(notebook)
        found[name] = (notebook, points, "graded", "")

    def every_check(change):
        def of(notebook):
            for cell in cells_of(notebook, "grade"):
                change(notebook, cell)

        return of

    def pass_all(notebook, cell):
        cell["source"] = 'print("Right: all of it.")'

    def without_metadata(notebook):
        for cell in notebook["cells"]:
            cell["metadata"] = {}

    def without_ids(notebook):
        without_metadata(notebook)
        for cell in notebook["cells"]:
            del cell["id"]

    def of_format_3(notebook):
        for cell in notebook["cells"]:
            cell["input"] = cell.pop("source")
        notebook["worksheets"] = [{"cells": notebook.pop("cells")}]
        notebook |= {"nbformat": 3, "nbformat_minor": 0}

    def moved(notebook):
        notebook["cells"].reverse()

    def doubled(notebook):
        notebook["cells"] += json.loads(json.dumps(cells_of(notebook, "solution", "grade")))

    def points_of_its_own(notebook):
        for cell in cells_of(notebook, "grade"):
            cell["metadata"]["nbgrader"] |= {"points": 100, "grade_id": "check-mine"}

    def a_definition_elsewhere(notebook):
        helper = "import math\n\nOFFSET = 1\n\ndef at_least_one(x):\n    return np.maximum(x, OFFSET)\n"
        notebook["cells"].insert(2, {"cell_type": "code", "metadata": {}, "id": "mine", "source": helper})
        notebook["cells"].insert(3, {"cell_type": "code", "metadata": {}, "id": "fit", "source": "while True: pass"})

    def another_kernel(notebook):
        notebook["metadata"] = {"kernelspec": {"name": "my-env", "display_name": "R"}}

    changed("deleted checks", 2, every_check(lambda notebook, cell: notebook["cells"].remove(cell)))
    changed("edited checks", 2, every_check(pass_all))
    changed("doubled cells", 2, doubled)
    changed("moved cells", 2, moved)
    changed("points of its own", 2, points_of_its_own)
    changed("lost metadata", 4, without_metadata, submissions.HALF)
    changed("lost ids", 4, without_ids, submissions.HALF)
    changed("format 3", 4, of_format_3, submissions.HALF)
    changed("another kernel", 4, another_kernel, submissions.HALF)
    uses = submissions.HALF | {"dice": submissions.DICE.replace("np.maximum(size, 1)", "at_least_one(size)")}
    changed("a definition elsewhere", 4, a_definition_elsewhere, uses)
    return found


FILES = files()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """All submissions, graded: {(student, lesson): row of grades.csv}, and the folder with everything."""
    folder = tmp_path_factory.mktemp("course")
    submitted = folder / "submitted"
    with socket.create_server(("127.0.0.1", 0)) as server:
        places = {"root": ROOT, "submitted": submitted, "out": folder, "port": server.getsockname()[1]}

        def placed(text):
            return re.sub(r"\{(root|submitted|out|port)\}", lambda found: str(places[found[1]]), text)

        for name, answer in submissions.HONEST.items():
            answers = {"pixel-counts": submissions.PIXELS, "dice": placed(answer)}
            hand_in(submitted, f"honest, {name}", lesson(LESSON, answers))
        for name, (answer, _) in submissions.HOSTILE.items():
            answers = {"pixel-counts": submissions.PIXELS, "dice": placed(answer)}
            hand_in(submitted, f"hostile, {name}", lesson(LESSON, answers))
        for name, (content, *_) in FILES.items():
            each = content if isinstance(content, dict) and "nbformat" not in content else {f"{LESSON}.ipynb": content}
            for when, (file, text) in enumerate(each.items(), start=10**9):
                hand_in(submitted, name, text, file, when)
        (submitted / "a link").mkdir()
        (submitted / "a link" / f"{LESSON}.ipynb").symlink_to(ROOT / "solutions" / LESSON / f"{LESSON}.ipynb")
        options = ["--out", str(folder), "--seconds", str(SECONDS), "--memory", "1000", "--seed", "1234567", "-j", "2"]
        status = grader.main([str(submitted), *options])
    assert status == 1  # some files cannot be graded
    with open(folder / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {(row["student"], row["lesson"]): row for row in csv.DictReader(file)}
    return rows, folder


@needs_sandbox
@pytest.mark.parametrize("name", submissions.HONEST)
def test_honest_work_keeps_its_points(graded, name):
    row = graded[0][f"honest, {name}", LESSON]
    assert (row["pixel-counts"], row["dice"], row["total"], row["status"]) == ("1", "2", "3", "graded"), row["sentence"]


@needs_sandbox
@pytest.mark.parametrize("name", submissions.HOSTILE)
def test_hostile_answer_gets_no_point_and_a_sentence(graded, name):
    row = graded[0][f"hostile, {name}", LESSON]
    beside = "0" if name == "patches the grader" else "1"  # it spoils its own neighbour
    assert (row["pixel-counts"], row["dice"], row["total"]) == (beside, "0", beside), row["sentence"]
    words = row["sentence"].partition("dice: ")[2].partition("two-means: ")[0]
    assert re.search(submissions.HOSTILE[name][1], words) and len(words) > 10, words


@needs_sandbox
@pytest.mark.parametrize("name", FILES)
def test_file_is_graded_or_told_apart_from_0(graded, name):
    _, points, status, words = FILES[name]
    row = graded[0]["'=1+2" if name == "=1+2" else name, LESSON]
    assert (row["total"], row["status"]) == ("" if points is None else str(points), status), row["sentence"]
    assert words in row["sentence"]


@needs_sandbox
def test_nobody_is_lost_and_a_link_is_nobody(graded):
    rows, folder = graded
    students = {student for student, _ in rows}
    assert len(students) == len(submissions.HONEST) + len(submissions.HOSTILE) + len(FILES)
    assert len(list((folder / "feedback").glob("*.html"))) == len(students)


@needs_sandbox
def test_feedback_holds_no_hidden_test_no_solution_and_no_seed(graded):
    """What is shown is the learner's own answer, and the words of checks that the lesson shows."""
    secret = [line.strip() for each in cells_of(solution(LESSON), "grade") for found in check.HIDDEN.finditer(
        "".join(each["source"])) for line in found[1].splitlines() if len(line.strip()) > 20]  # fmt: skip
    assert len(secret) > 20
    for page in (graded[1] / "feedback").glob("*.html"):
        text = html.unescape(page.read_text(encoding="utf-8"))
        assert "1234567" not in text
        assert not [line for line in secret if line in text]
        assert "for drawn" not in text
    page = (graded[1] / "feedback" / "hostile_tells_the_hidden_numbers.html").read_text(encoding="utf-8")
    assert not re.search(r"ValueError: \[", page)


@needs_sandbox
def test_second_run_grades_what_changed(graded, capsys, monkeypatch):
    _, folder = graded
    path = folder / "submitted" / "half" / f"{LESSON}.ipynb"
    before = path.read_bytes()
    hand_in(folder / "submitted", "half", lesson(LESSON, {"pixel-counts": submissions.PIXELS}))
    asked = []
    monkeypatch.setattr(grader, "_work", lambda jobs, workers, results: asked.append(jobs.get()[1].student))
    options = ["--out", str(folder), "--seconds", str(SECONDS), "--memory", "1000", "--seed", "1234567"]
    try:
        assert grader.main([str(folder / "submitted"), *options]) == 1
    finally:
        path.write_bytes(before)
    assert asked == ["half"]
    # nothing came of it, and that is no 0
    rows = list(csv.DictReader((folder / "grades.csv").open(encoding="utf-8", newline="")))
    row = next(row for row in rows if row["student"] == "half")
    assert (row["total"], row["status"]) == ("", "failed to run")


# ---- what needs no sandbox


def test_seed_decides_what_hidden_tests_draw():
    """A failure can be repeated, and another seed draws other numbers."""
    drawn = []
    for seed in ("1", "1", "2"):
        space = {}

        class Nothing:
            limits, raised, where, end = sandbox.Limits(), None, [], 0

        code = compile("import numpy\nx = [numpy.random.default_rng().random() for _ in range(2)]", "hidden", "exec")
        check._run(Nothing(), code, space, seed)
        drawn.append(space["x"])
    assert drawn[0] == drawn[1] != drawn[2] and drawn[0][0] != drawn[0][1]


def test_what_exercises_build_is_found_in_an_answer_that_calls_it():
    known = collect.lessons(ROOT / "solutions")
    scores = known[LESSON]
    dice, means = scores.exercises[1], scores.exercises[3]
    for answer in (
        "def dice(counts, empty=1.0):\n    return metrics.dice(counts, empty)",
        "from helpers.scores.metrics import dice",
        "import helpers.scores.metrics as m\ndef dice(counts, empty=1.0):\n    return m.dice(counts, empty)",
        "from helpers.scores import metrics as m\ndef dice(counts, empty=1.0):\n    return m.dice(counts, empty)",
        "import helpers.scores.metrics\n%time\ndef dice(*given):\n    return helpers.scores.metrics.dice(*given)",
        "from helpers import scores as s\ndice = s.metrics.dice",
    ):
        assert collect.shortcuts(scores, dice, answer) == ["metrics.dice"]
    for answer in (
        submissions.DICE,
        "# the same as metrics.dice, written by me\n" + submissions.DICE,
        '"metrics.dice"\n' + submissions.DICE,
        "def dice(metrics.dice",
        "import my.metrics as metrics\nmetrics.dice(1)",
    ):
        assert collect.shortcuts(scores, dice, answer) == []
    assert collect.shortcuts(scores, means, means.solution) == []  # its text says to use metrics.dice
    through = "def dice(counts, empty=1.0):\n    return mine(counts, empty)"
    for cells in (
        ["def mine(counts, empty):\n    return metrics.dice(counts, empty)"],
        ["from helpers.scores.metrics import dice as theirs", "mine = lambda *given: theirs(*given)"],
        ["import helpers.scores.metrics as m\n!ls", "class Mine:\n    all = m.dice", "mine = Mine.all"],
    ):
        assert collect.shortcuts(scores, dice, through, cells) == ["metrics.dice"]
        assert collect.shortcuts(scores, dice, submissions.DICE, cells) == []
    assert collect.shortcuts(scores, dice, "def dice(c):\n    return two_means(c, c)", [means.solution]) == []
    for one in known.values():
        answers = [each.solution for each in one.exercises]
        assert not [each.name for each in one.exercises if collect.shortcuts(one, each, each.solution, answers)]


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section
,,,,Manual Posting
"    Points Possible",,,,
"Lovelace, Ada",17,s17,ada,1
"Noether, Emmy",18,s18,emmy,1
"""
MOODLE = "First name;Surname;ID number;Email address\nAda;Lovelace;17;ada@example.org\nZoë;Müller;18;zoe@example.org\n"


@pytest.mark.parametrize(
    ("text", "students", "name", "first"),
    [
        (CANVAS, ["ada", "emmy_123_18_02"], "canvas.csv", ["Lovelace, Ada", "17", "s17", "ada", "1", "3"]),
        (
            MOODLE,
            ["Ada Lovelace", "Zoe\u0308 Mu\u0308ller"],
            "moodle.csv",
            ["17", "ada@example.org", "Ada", "Lovelace", "3"],
        ),
    ],
)
def test_roster_writes_what_canvas_and_moodle_import(tmp_path, text, students, name, first):
    (tmp_path / "class.csv").write_text(text, encoding="utf-8")
    roster = report.Roster(tmp_path / "class.csv")
    assert [roster.find(student) for student in students] == [0, 1]
    assert roster.find("nobody") is None
    rows = [
        report.Row(students[0], LESSON, "graded", {"dice": 2.0, "gains": 1.0}, {"dice": 2.0, "gains": 1.0}),
        report.Row(students[1], LESSON, "not graded", {}, {"dice": 2.0, "gains": 1.0}),
    ]
    lines = list(csv.reader(roster.save(rows, tmp_path).open(encoding="utf-8", newline="")))
    assert (tmp_path / name).exists()
    assert lines[-2] == first and lines[-1][-1] == ""  # what could not be graded is no 0
    assert len(lines) == 3 + (name == "canvas.csv") and len(roster.rows) == 2


def test_list_of_neither_platform_stays_as_it_is_and_its_groups_and_points_are_no_names(tmp_path):
    text = "student,group,Login,02_scores\nAda Lovelace,red,al1,7\nBen Bit,blue,bb2,3\n"
    (tmp_path / "class.csv").write_text(text)
    roster = report.Roster(tmp_path / "class.csv")
    assert [roster.find(name) for name in ("ada_lovelace", "bb2", "red", "7")] == [0, 1, None, None]
    path = roster.save([report.Row("al1", LESSON, "graded", {"dice": 2.0}, {"dice": 2.0})], tmp_path)
    assert (tmp_path / "class.csv").read_text() == text and path.name == "points.csv"
    lines = [["student", "group", "Login", LESSON], ["Ada Lovelace", "red", "al1", "2"], ["Ben Bit", "blue", "bb2", ""]]
    assert list(csv.reader(path.open(newline=""))) == lines


def test_lesson_in_which_nobody_wrote_is_no_column_of_the_import(tmp_path):
    (tmp_path / "class.csv").write_text(CANVAS)
    rows = [
        report.Row("ada", LESSON, "graded", {"dice": 0.0}, {"dice": 2.0}),
        report.Row("emmy", LESSON, "blank", {"dice": 0.0}, {"dice": 2.0}),
        report.Row("ada", "03_losses", "blank", {"focal": 0.0}, {"focal": 2.0}),
        report.Row("emmy", "03_losses", "nothing handed in", {}, {"focal": 2.0}),
    ]
    path = report.Roster(tmp_path / "class.csv").save(rows, tmp_path)
    assert [line[5:] for line in csv.reader(path.open(newline=""))] == [[LESSON], ["2"], ["0"], ["0"]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("canvas.csv", CANVAS.encode(), "canvas.csv is a table that each run writes anew"),
        ("grades.csv", b"student,lesson\nAda,02_scores\n", "grades.csv is a table that each run writes anew"),
        ("class.csv", MOODLE.encode("cp1252"), "class.csv is not in UTF-8: save it as CSV UTF-8"),
        ("class.csv", MOODLE.encode("utf-16"), "class.csv is not in UTF-8: save it as CSV UTF-8"),
    ],
    ids=["an import", "the table", "Excel's coding", "UTF-16"],
)
def test_class_list_that_would_be_lost_or_misread_is_refused(tmp_path, capsys, name, content, words):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "submitted").mkdir()
    options = ["--out", str(tmp_path), "--roster", str(tmp_path / name)]
    assert grader.main([str(tmp_path / "submitted"), *options]) == 2
    assert words in capsys.readouterr().err and (tmp_path / name).read_bytes() == content


def test_of_several_folders_of_one_learner_the_best_counts_and_it_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "class.csv").write_text(CANVAS)
    most = {"dice": 2.0}
    rows = [
        report.Row("Ada Lovelace", LESSON, "graded", {"dice": 2.0}, most),
        report.Row("ada", LESSON, "graded", {"dice": 1.0}, most),
        report.Row("s17", LESSON, "not graded", {}, most),
    ]
    path = report.Roster(tmp_path / "class.csv").save(rows, tmp_path)
    assert [line[-1] for line in csv.reader(path.open(encoding="utf-8", newline=""))] == [LESSON, "2", "2", ""]
    monkeypatch.setattr(sandbox, "why_unavailable", lambda: None)
    monkeypatch.setattr(grader, "_judge_all", lambda *args: {})
    for student in ("ada", "s17"):
        hand_in(tmp_path / "submitted", student, lesson(LESSON))
    options = ["--out", str(tmp_path), "--roster", str(tmp_path / "class.csv")]
    assert grader.main([str(tmp_path / "submitted"), *options]) == 1
    assert f"Lovelace, Ada has {LESSON} several times, and the best counts: ada, s17" in capsys.readouterr().out


def test_answers_that_a_person_marks_have_a_page_and_a_column(tmp_path):
    row = report.Row("Ada", "15", "waits for marks", {"why": None}, {"why": 3.0}, sources={"why": "<script>no"})
    waiting = report.by_hand_page([row], {"15": ["why"]}, {}, tmp_path / "by_hand.html")
    page = (tmp_path / "by_hand.html").read_text()
    assert waiting == 1 and "&lt;script&gt;no" in page and 'data-student="Ada"' in page
    (tmp_path / "by_hand.csv").write_text(
        '"student","lesson","exercise","points","comment"\n"Ada","15","why","2,5","Good."\n'
    )
    assert report.read_marks(tmp_path / "by_hand.csv") == {("Ada", "15", "why"): (2.5, "Good.", "")}
    (tmp_path / "by_hand.csv").write_text("student,lesson,exercise,points,comment\nAda,15,why,many,\n")
    with pytest.raises(ValueError, match=r"by_hand.csv, line 2: points must be a number"):
        report.read_marks(tmp_path / "by_hand.csv")


def test_points_go_to_the_cells_that_nbgrader_gives_them_to(tmp_path):
    """A gradebook that nbgrader has filled from the lesson gets the points, and no cell more."""
    api = pytest.importorskip("nbgrader.api", reason="nbgrader comes with the extra instructor")
    course.Course(tmp_path).generate("15_capstone")
    known = collect.lessons(ROOT / "solutions")
    most = {each.name: each.points for each in known["15_capstone"].exercises}
    rows = [
        report.Row("Ada", "15_capstone", "graded", most, most),
        report.Row("Ben", "15_capstone", "waits for marks", most | {"paper": None, "plan": 0.0}, most),
    ]
    with api.Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        cells = {cell.name: cell.cell_type for cell in book.find_notebook("15_capstone", "15_capstone").grade_cells}
    gradebook.export(rows, known, tmp_path / "gradebook.db")
    with api.Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        notebook = book.find_notebook("15_capstone", "15_capstone")
        assert {cell.name: cell.cell_type for cell in notebook.grade_cells} == cells
        ada, ben = (book.find_submission("15_capstone", name) for name in ("Ada", "Ben"))
        assert (ada.score, ada.max_score, ada.needs_manual_grade) == (16, 16, False)
        assert (ben.score, ben.max_score, ben.needs_manual_grade) == (9, 16, True)


def test_lessons_of_ones_own_stand_beside_the_courses_and_some_can_be_chosen(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "why_unavailable", lambda: None)
    judged = []

    def nothing(jobs, workers, results):
        while not jobs.empty():
            number, each, order, *_ = jobs.get()
            judged.append((each.lesson, order["solutions"]))

    monkeypatch.setattr(grader, "_work", nothing)
    private = tmp_path / "private"
    assert new_lesson.main(["16_recall", "--solutions", str(private)]) == 0
    for name in (LESSON, "03_losses"):
        hand_in(tmp_path / "submitted", "ada", lesson(name), f"{name}.ipynb")
    hand_in(tmp_path / "submitted", "ada", (private / "16_recall/16_recall.ipynb").read_text(), "16_recall.ipynb")
    hand_in(tmp_path / "submitted", "ben", "broken", "mine.ipynb")
    arguments = [str(tmp_path / "submitted"), "--out", str(tmp_path), "--solutions", str(private), "--lessons"]
    assert grader.main([*arguments, LESSON, "16_recall"]) == 1
    assert judged == [(LESSON, str(ROOT / "solutions")), ("16_recall", str(private))]
    assert "ben, mine.ipynb: not graded" in capsys.readouterr().out  # it may be one of these
    for name, words in (
        ("02", "there is no lesson 02: name it as its folder is called, such as 16_recall"),
        ("04_data", "submitted holds no notebook of 04_data"),
    ):
        (tmp_path / "submitted/ben/mine.ipynb").unlink(missing_ok=True)
        assert grader.main([*arguments, name]) == 2
        assert words in capsys.readouterr().err


def test_no_sandbox_no_grading(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    (tmp_path / "submitted").mkdir()
    assert grader.main([str(tmp_path / "submitted"), "--out", str(tmp_path)]) == 2
    assert "bubblewrap is not installed" in capsys.readouterr().err


@needs_sandbox
@pytest.mark.parametrize("name", ["06_training", "07_squeeze_and_excitation"])
def test_networks_layers_and_callbacks_cross_the_wall(name):
    """The references of the two lessons whose checks ask most of it; `every_lesson.py` has all."""
    known = collect.lessons(ROOT / "solutions")[name]
    cells = {each.name: each.solution for each in known.exercises}
    verdicts = check.judge(known, cells, [], sandbox.Limits(seconds=120), "1")
    assert not [each for each in verdicts if each.state != "right"]


@needs_sandbox
def test_answer_makes_the_checks_network_do_nothing_outside(tmp_path):
    """What is done to it there would be done with the instructor's rights, beyond the wall."""
    known = collect.lessons(ROOT / "solutions")["06_training"]
    file = tmp_path / "network"
    (tmp_path / "network.keras").write_bytes(b"of another student")
    cells = {"one-batch": submissions.ESCAPE.replace("{file}", str(file))}
    verdict = check.judge(known, cells, [], sandbox.Limits(seconds=120), "1")[0]
    assert verdict.points == 0 and "done: []" in verdict.sentence, verdict.sentence
    assert [path.name for path in tmp_path.iterdir()] == ["network.keras"]
    assert (tmp_path / "network.keras").read_bytes() == b"of another student"


def things_of_a_check(folder):
    """{name: (a thing that a check may have, whether an answer may hold it)}."""
    import keras

    space = {"__name__": "check", "keras": keras}
    exec(
        "class Notes(list):\n    seen = 0\n    def add(self): self.seen += 1\n"
        "class Watch(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None): pass\n"
        "class Keeps(keras.callbacks.ModelCheckpoint):\n    rate = 0.5\n"
        "class Network(keras.Model):\n    def call(self, x): return x\n    def double(self): return 2\n"
        "def halve(x): return x / 2\n",
        space,
    )
    network, array, watch = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), np.zeros(2), space["Watch"]()
    own = space["Network"]()
    return {
        "a function": (space["halve"], True),
        "a method that the check wrote": (space["Notes"]().add, True),
        "a method of a network that the check wrote": (own.double, True),
        "what Keras calls of a callback": (watch.on_batch_end, True),
        "what a callback of Keras writes": (space["Keeps"](str(folder / "x.keras")).on_epoch_end, False),
        "a list's": ([].append, True),
        "a generator's": (np.random.default_rng(1).normal, True),
        "a part of a function": (functools.partial(space["halve"], 1), True),
        "a network's": (network.save, False),
        "an own network's": (own.save, False),
        "a layer's": (network.layers[0].add_weight, False),
        "an array's": (array.tofile, False),
        "an array's other": (array.dump, False),
        "a part of an array's": (functools.partial(array.tofile, "x"), False),
        "a path's": (folder.write_text, False),
        "a class's own maker": (keras.Model.from_config, False),
        "a module": (os, False),
    }


def test_answer_may_hold_only_what_the_check_wrote(tmp_path):
    for name, (thing, allowed) in things_of_a_check(tmp_path).items():
        assert check.is_for_answers(thing) == allowed, name


def test_answer_may_ask_only_for_what_the_check_wrote(tmp_path):
    things = {name: thing for name, (thing, _) in things_of_a_check(tmp_path).items()}
    notes = things["a method that the check wrote"].__self__
    network = things["a method of a network that the check wrote"].__self__
    watch = things["what Keras calls of a callback"].__self__
    watch.rates = [1.0]
    for thing, attribute in (
        (notes, "add"), (notes, "seen"), (network, "double"), (watch, "rates"), (watch, "on_test_end"),
        (np.random.default_rng(1), "normal"),
    ):  # fmt: skip
        assert check.may_tell(thing, attribute), attribute
    for thing, attribute in (
        (notes, "append"), (network, "save"), (network, "layers"), (watch, "model"),
        (things["a network's"].__self__, "save"), (things["a function"], "x"), (type(network), "from_config"),
        (np.zeros(2), "tofile"), (os, "system"),
    ):  # fmt: skip
        assert not check.may_tell(thing, attribute), attribute


@needs_sandbox
def test_layer_of_the_answers_own_says_which_of_its_weights_learn():
    """A batch normalisation has 2 that do and 2 that do not, with 3 channels each; a convolution 3 x 3 and 3."""
    own = own_lesson(
        ("", "import keras\nimport numpy as np"),
        ("exercise", DOUBLED),
        (
            "check",
            "inputs = keras.Input((4, 4, 3))\nmodel = keras.Model(inputs, doubled(inputs))\n"
            "learn, rest = (sum(int(np.prod(w.shape)) for w in part) for part in (\n"
            "    model.trainable_weights, model.non_trainable_weights))\n"
            "assert (learn, rest) == (18, 6), f'expected 18 and 6, got {learn} and {rest}'\n"
            "values = [w.shape for w in model.weights]\nassert values == [(3,)] * 4 + [(1, 1, 3, 3), (3,)], values\n"
            "assert model(np.ones((1, 4, 4, 3))).shape == (1, 4, 4, 3)",
        ),
    )
    answer = (
        "class Both(keras.layers.Layer):\n    def __init__(self):\n        super().__init__()\n"
        "        self.norm, self.mix = keras.layers.BatchNormalization(), keras.layers.Conv2D(3, 1)\n"
        "    def build(self, shape):\n        self.norm.build(shape)\n        self.mix.build(shape)\n"
        "    def call(self, x):\n        return self.mix(self.norm(x))\n\n"
        "def doubled(x):\n    return Both()(x)\n"
    )
    (verdict,) = check.judge(own, {"doubled": answer}, [], sandbox.Limits(), "1")
    assert verdict.state == "right", verdict.sentence


@needs_sandbox
def test_layer_of_the_answers_own_hears_of_a_training_and_keeps_its_mean():
    """Also where its `call` does not take the word: Keras tells those inside."""
    own = own_lesson(
        ("", "import keras\nimport numpy as np\nfrom helpers.show import checks"),
        ("exercise", DOUBLED),
        (
            "check",
            "inputs = keras.Input((4, 4, 3))\nmine = keras.Model(inputs, doubled(inputs))\n"
            "twin = keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.9)(inputs))\n"
            "checks.same_network(mine, twin, 'one batch normalisation')",
        ),
    )
    states = {}
    for told, momentum in ((False, 0.9), (True, 0.8)):
        takes, gives = (", training=None", ", training=training") if told else ("", "")
        answer = (
            "class Norm(keras.layers.Layer):\n    def __init__(self):\n        super().__init__()\n"
            f"        self.norm = keras.layers.BatchNormalization(momentum={momentum})\n"
            "    def build(self, shape):\n        self.norm.build(shape)\n"
            f"    def call(self, x{takes}):\n        return self.norm(x{gives})\n\n"
            "def doubled(x):\n    return Norm()(x)\n"
        )
        (verdict,) = check.judge(own, {"doubled": answer}, [], sandbox.Limits(), "1")
        states[momentum] = verdict.state, verdict.sentence
    assert states[0.9][0] == "right", states
    assert states[0.8][0] == "wrong" and "another momentum" in states[0.8][1], states


def own_lesson(*cells):
    """A lesson of one's own: {"x": source} for an ungraded cell; an exercise and its check have those names."""
    roles = {"exercise": {"solution": True, "grade": False, "grade_id": "doubled"}}
    roles["check"] = {"solution": False, "grade": True, "grade_id": "check-doubled", "points": 1}
    made = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {"nbgrader": roles[kind]} if kind in roles else {}}
        | {"source": source}
        for number, (kind, source) in enumerate(cells)
    ]
    return check.read_lesson("16_own", {"cells": made}, "")


DOUBLED = "def doubled(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"


@needs_sandbox
def test_table_of_numbers_of_numpy_in_lists_comes_back():
    """101 rows of 101, as a confusion matrix of many classes that is built in lists."""
    own = own_lesson(
        ("", "import numpy as np"),
        ("exercise", DOUBLED),
        ("check", "assert np.sum(doubled(101)) == 101 * 101, 'expected 10201'"),
    )
    answer = "def doubled(x):\n    return [[np.int64(1) for _ in range(x)] for _ in range(x)]"
    (verdict,) = check.judge(own, {"doubled": answer}, [], sandbox.Limits(), "1")
    assert verdict.state == "right", verdict.sentence


@needs_sandbox
@pytest.mark.parametrize(
    "answer",
    [
        "?doubled\ndef doubled(x):\n    return 2 * x\ndoubled?\ndoubled??",
        "files = !ls\ntook = %timeit -o 1 + 1\n!echo one \\\n  two\ndef doubled(x):\n    return 2 * x",
        "\n    def doubled(x):\n        %time y = x\n        return 2 * x\n# all of it",
    ],
)
def test_what_only_a_notebook_understands_costs_nothing(answer):
    own = own_lesson(("exercise", DOUBLED), ("check", "assert doubled(3) == 6, 'expected 6'"))
    (verdict,) = check.judge(own, {"doubled": answer}, [], sandbox.Limits(), "1")
    assert verdict.state == "right", verdict.sentence


@needs_sandbox
def test_answer_may_use_what_the_lesson_defines():
    """A function, what that needs, and constants; the exercise's own name is nobody's gift."""
    own = own_lesson(
        ("", "import numpy as np"),
        ("", "from math import floor\nFACTOR = 2\n\ndef times(x):\n    return floor(FACTOR) * x\n\ntimes(never)"),
        ("", "def doubled(x):\n    return x + x\nnp = None"),
        ("exercise", DOUBLED),
        ("check", "assert doubled(np.float64(3)) == 6, 'expected 6'\nassert 'times' not in globals()"),
    )
    for answer, state in (
        ("def doubled(x):\n    return times(x)", "right"),
        ("def doubled(x):\n    return x + np.float64(3)", "failed"),  # the lesson's own np, as in the notebook
        ("def double(x):\n    return times(x)", "missing"),
    ):
        (verdict,) = check.judge(own, {"doubled": answer}, [], sandbox.Limits(), "1")
        assert verdict.state == state, verdict.sentence
    assert own.given(["def doubled(x):\n    return x + x"]) == ""
    assert "np = None" not in own.given(["times(1)"])


def test_hidden_test_with_indent_is_refused_and_blanks_after_its_marks_are_none():
    marked = (
        "assert doubled(1) == 2\n{0}### BEGIN HIDDEN TESTS{1}\n{0}assert doubled(7) == 14\n{0}### END HIDDEN TESTS{1}"
    )
    own = own_lesson(("exercise", DOUBLED), ("check", marked.format("", "  ")))
    exec(own.exercises[0].shown, {"doubled": lambda x: 2})
    with pytest.raises(AssertionError):
        exec(own.exercises[0].hidden, {"doubled": lambda x: 2})
    for check_of_it in (marked.format("    ", "").replace("assert doubled(1)", "if True:\n    assert doubled(1)"),
                        marked.format("", "").partition("### END")[0]):  # fmt: skip
        with pytest.raises(ValueError, match="16_own, cell check-doubled: a hidden test runs by itself"):
            own_lesson(("exercise", DOUBLED), ("check", check_of_it))


def test_marks_of_an_answer_may_have_blanks_after_them():
    assert check.released(DOUBLED.replace("SOLUTION", "SOLUTION \t")) == check.released(DOUBLED)


def submitted(folder, *names):
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(lesson(LESSON, submissions.HALF)))
    return collect.submissions(folder, collect.lessons(ROOT / "solutions"))


def one_of(folder, lesson_folder, change):
    """The submission of a new lesson with an answer for a person, after a change of its cells; and the lesson."""
    assert new_lesson.main(["16_recall", "--solutions", str(lesson_folder)]) == 0
    notebook = json.loads((lesson_folder / "16_recall" / "16_recall.ipynb").read_text())
    known = collect.lessons(lesson_folder)["16_recall"]
    for cell in notebook["cells"]:
        stubs = [each.stub for each in known.exercises if each.by_hand and each.name == cell["id"]]
        cell["source"] = stubs[0] if stubs else check.released("".join(cell["source"]))
    change(notebook["cells"])
    hand_in(folder, "Ada", notebook, "16_recall.ipynb")
    (one,) = collect.submissions(folder, {"16_recall": known})
    return one, known


@pytest.mark.parametrize(
    ("cells", "counts"),
    [
        (["STUB", "def dice(c):\n    return 1"], 1),
        (["def dice(c):\n    return 0", "def dice(c):\n    return 1"], 1),
        (["def dice(c):\n    return 1", "STUB"], 0),
        (["def dice(c):\n    return 1", "'''\ndef dice(c):\n    return 0\n'''"], 0),
        (["def dice(c):\n    return 1", "def dice(c)\n    return 0"], 0),
        (["def dice(c)\n    return 1", "STUB"], 0),
        (["dice = lambda c: 1", "dice(counts)"], 0),
        (["", "    def dice(c):\n        return 1\n    dice?"], 1),
    ],
)
def test_of_several_cells_the_last_that_is_written_is_the_answer(tmp_path, cells, counts):
    """The first is the exercise's own cell, the other a new one below it."""
    known = collect.lessons(ROOT / "solutions")
    notebook, stub = lesson(LESSON, {"pixel-counts": submissions.PIXELS}), known[LESSON].exercises[1].stub
    cells = [stub if each == "STUB" else each for each in cells]
    (place,) = [number for number, cell in enumerate(notebook["cells"]) if cell["id"] == "dice"]
    notebook["cells"][place]["source"] = cells[0]
    notebook["cells"].insert(place + 1, {"cell_type": "code", "metadata": {}, "source": cells[1]})
    hand_in(tmp_path, "Ada", notebook)
    (one,) = collect.submissions(tmp_path, known)
    assert one.cells["dice"] == cells[counts]


def test_own_cells_are_kept_in_a_lesson_with_answers_for_a_person(tmp_path):
    def change(cells):
        cells.insert(2, {"cell_type": "code", "metadata": {}, "source": "def share(a, b):\n    return a / b"})

    assert one_of(tmp_path / "in", tmp_path / "all", change)[0].others == ["def share(a, b):\n    return a / b"]


WORDS = "When all is marked, for then nothing is missed."


def without_names(cells, answer):
    for cell in cells:
        cell["metadata"] = {}
        del cell["id"]
    answer["source"] = WORDS


def below(cells, answer):
    cells.insert(cells.index(answer) + 1, {"cell_type": "markdown", "metadata": {}, "source": WORDS})


def as_code(cells, answer):
    answer |= {"cell_type": "code", "source": WORDS}


def anew(cells, answer):
    cells[cells.index(answer)] = {"cell_type": "code", "metadata": {}, "source": f"# {WORDS}"}


def emptied(cells, answer):
    below(cells, answer)
    answer["source"] = ""


def in_the_question(cells, answer):
    cells[cells.index(answer) - 1]["source"] += f"\n\n{WORDS}"


def beside_own_code(cells, answer):
    cells.append({"cell_type": "code", "metadata": {}, "source": "x = 1\nprint(x)"})


@pytest.mark.parametrize("change", [without_names, below, as_code, anew, emptied, in_the_question, beside_own_code])
def test_words_outside_their_cell_wait_for_a_person(tmp_path, change):
    """Only where a student wrote no words at all there is nothing to read."""
    one, known = one_of(tmp_path / "in", tmp_path / "all", lambda cells: change(cells, cells[-2]))
    nothing = {"points": 0.0, "state": "blank", "sentence": "Nothing is written yet."}
    reads = {"points": None, "state": "by hand", "sentence": "A person reads this one."}
    row = grader._row(one, {known.name: known}, {"verdicts": [nothing, reads]}, argparse.Namespace(own_work=False), {})
    if change is beside_own_code:
        assert (row.points["why"], row.status) == (0, "blank")
    else:
        assert (row.points["why"], row.status) == (None, "waits for marks") and WORDS in row.sources["why"]
        assert "print" not in row.sources["why"]


def test_released_lesson_holds_no_words_of_a_student(tmp_path):
    known = collect.lessons(ROOT / "solutions")
    for name in known:
        hand_in(tmp_path, "Ada", (ROOT / "lessons" / name / f"{name}.ipynb").read_text(), f"{name}.ipynb")
    assert not [one.lesson for one in collect.submissions(tmp_path, known) if one.words or one.others]


def test_constants_of_own_cells_are_kept_and_nothing_is_trained():
    kept = (
        "COL: int = 0",
        "SIZE = 2**8",
        "HALF = -SIZE / 2",
        "PI = np.pi",
        "square = lambda x: keep(x)",
        "A, B = 1, [2]",
    )
    left = "fit = train()", "first = images[0]", "COL: int", "print(1)", "drawn = [draw() for _ in range(9)]"
    for source in kept + left:
        (statement,) = ast.parse(source).body
        assert learner.is_definition(statement) == (source in kept), source
    assert [learner.binds(ast.parse(source).body[0]) for source in kept[:2]] == [{"COL"}, {"SIZE"}]


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("Ada Lovelace_12345_assignsubmission_file_02_scores.ipynb", "Ada Lovelace"),
        ("Ada Lovelace_12345_assignsubmission_file_/02_scores.ipynb", "Ada Lovelace"),
        ("lovelaceada_12345_67890_02_scores-1.ipynb", "lovelaceada_12345_67890"),
        ("İrem_02_scores.ipynb", "İrem"),
        ("ada 02.ipynb", "ada"),
        ("2026-11-05 scores ada.ipynb", "2026-11-05 scores ada"),
        ("Grace Hopper.ipynb", "Grace Hopper"),
        ("02_scores_Alan Turing (1).ipynb", "Alan Turing"),
        ("02_scores (1).ipynb", "02_scores (1)"),
        ("05.11.2026 scores ada 02.ipynb", "05.11.2026 scores ada"),
    ],
)
def test_name_as_platforms_give_it_is_the_learners(tmp_path, name, student):
    (one,) = submitted(tmp_path, name)
    assert (one.student, one.lesson, one.problem) == (student, LESSON, None)


def test_of_several_files_the_written_one_counts_then_the_latest_and_it_is_said_why(tmp_path):
    known, half = collect.lessons(ROOT / "solutions"), lesson(LESSON, submissions.HALF)
    for student, files in {
        "Ada": [(half, "02_scores.ipynb", 10**9), (lesson(LESSON), "02_scores-Copy1.ipynb", 2 * 10**9)],
        "Bea": [(lesson(LESSON), "02_scores.ipynb", 10**9), (half, "02_scores (1).ipynb", 10**9)],
        "Cem": [(half, "b/02_scores.ipynb", 10**9), (half, "a/02_scores.ipynb", 2 * 10**9)],
        "Dan": [(half, "a/02_scores.ipynb", 10**9), (half, "b/02_scores.ipynb", 10**9)],
    }.items():
        for notebook, name, when in files:
            hand_in(tmp_path, student, notebook, name, when)
    found = collect.submissions(tmp_path, known)
    assert [one.notes[0].partition(": ")[2] for one in found] == [
        "`Ada/02_scores.ipynb`, with answers, counts, not `Ada/02_scores-Copy1.ipynb`.",
        "`Bea/02_scores (1).ipynb`, with answers, counts, not `Bea/02_scores.ipynb`.",
        "`Cem/a/02_scores.ipynb`, the latest, counts, not `Cem/b/02_scores.ipynb`.",
        "`Dan/b/02_scores.ipynb`, the last by name, counts, not `Dan/a/02_scores.ipynb`.",
    ]


def test_two_learners_of_one_name_stay_two(tmp_path):
    folders = "Jan Müller_12345_assignsubmission_file_", "Jan Müller_12399_assignsubmission_file_"
    found = submitted(tmp_path, *(f"{folder}/02_scores.ipynb" for folder in folders))
    assert [(one.student, one.notes) for one in found] == [("Jan Müller_12345", []), ("Jan Müller_12399", [])]


@pytest.mark.parametrize("name", ["user07_homework", "Scores-final-10", "lesson 03", "lovelaceada_12_98_My Work"])
def test_a_number_in_a_name_is_no_lesson_against_what_the_file_holds(tmp_path, name):
    for folder in ("Ada/", ""):
        found = submitted(tmp_path / "in", f"{folder}{name}.ipynb")
    assert [(one.student, one.lesson, one.problem) for one in found] == [
        ("Ada", LESSON, None), (name, LESSON, None),
    ]  # fmt: skip


def test_what_is_no_notebook_is_named(tmp_path):
    for name in ("Ada/02_scores.zip", "Bea/02_scores/work.py", "Bea/01_images_and_masks/x.txt", "Cem/page.html",
                 "02_scores_Dan.zip", "all.zip", "Bea/15_capstone/network.keras", "Eve/02_scores.py"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = submitted(tmp_path, "Bea/02_scores/02_scores.ipynb", "Eve/02.ipynb")
    assert [(one.student, one.lesson) for one in found if one.problem] == [
        ("Bea", "01_images_and_masks"), ("Ada", LESSON), ("Dan", LESSON), ("Cem", "page.html"),
    ]  # fmt: skip
    assert "no notebook, only `02_scores.zip`" in next(one.problem for one in found if one.student == "Ada")


def test_conflict_of_git_is_called_so(tmp_path):
    text = json.dumps(lesson(LESSON), indent=1)
    hand_in(tmp_path, "Ada", text.replace(' "nbformat"', '<<<<<<< HEAD\n "nbformat"'))
    (one,) = collect.submissions(tmp_path, collect.lessons(ROOT / "solutions"))
    assert "a conflict that Git could not settle" in one.problem


def test_folder_of_all_submissions_may_be_a_link_and_nothing_below_it(tmp_path):
    assert len(submitted(tmp_path / "course" / "all", "Ada/02_scores.ipynb")) == 1
    (tmp_path / "course" / "all" / "Eve").symlink_to("Ada")
    (tmp_path / "all").symlink_to("course/all")
    (tmp_path / "courses").symlink_to("course")
    for folder in (tmp_path / "all", tmp_path / "courses" / "all"):
        assert [one.student for one in submitted(folder)] == ["Ada"]


def test_nothing_handed_in_leaves_the_table_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "why_unavailable", lambda: None)
    (tmp_path / "submitted" / "Ada").mkdir(parents=True)
    (tmp_path / "grades.csv").write_text("of last week")
    assert grader.main([str(tmp_path / "submitted"), "--out", str(tmp_path)]) == 2
    assert "submitted holds no notebook: put there what was handed in" in capsys.readouterr().err
    assert (tmp_path / "grades.csv").read_text() == "of last week"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grades.csv", "submitted"]


def test_name_in_another_coding_costs_nobody_the_table(tmp_path):
    try:
        (one,) = submitted(tmp_path / "in", b"Eve/02_scores.ipynb", b"Eve/02_scores K\xf6pie.ipynb")
    except OSError:
        pytest.skip("this file system takes no such names")
    rows = [report.Row(one.student, "=1+2 \udcf6.ipynb", "not graded", notes=one.notes)]
    report.table(rows, tmp_path / "grades.csv")
    text = (tmp_path / "grades.csv").read_text(encoding="utf-8")
    assert "02_scores K?pie.ipynb" in text and "'=1+2 ?.ipynb" in text


@pytest.mark.parametrize(
    ("answer", "mark", "points", "state"),
    [
        ("My words.", None, None, "waits for marks"),
        ("My words.", 3.0, 3.0, "graded"),
        ("My words.", 9.0, 3.0, "graded"),
        ("YOUR ANSWER  HERE\n", None, 0.0, "graded"),
        (None, None, 0.0, "graded"),
    ],
)
def test_marks_make_an_answer_that_a_person_reads_graded(tmp_path, answer, mark, points, state):
    assert new_lesson.main(["16_recall", "--solutions", str(tmp_path)]) == 0
    known = collect.lessons(tmp_path)
    recall, why = known["16_recall"].exercises
    right = {"points": 1.0, "state": "right", "sentence": "Right."}
    reads = {"points": None, "state": "by hand", "sentence": "A person reads this one."}
    cells = {"recall": recall.solution} | ({"why": answer} if answer is not None else {})
    one = collect.Submission("Ada", "16_recall", tmp_path, cells=cells)
    options, marks = argparse.Namespace(own_work=False), {("Ada", "16_recall", "why"): (mark, "Good.", "")}
    row = grader._row(one, known, {"verdicts": [right, reads]}, options, marks)
    assert (row.points, row.status) == ({"recall": 1.0, "why": points}, state)
    assert report.by_hand_page([row], {"16_recall": ["why"]}, marks, tmp_path / "by_hand.html") == (points is None)
    marks = {("Ada", "16_recall", "why"): (mark, "Good.", report.digest("Words of before."))}
    row = grader._row(one, known, {"verdicts": [right, reads]}, options, marks)
    assert row.points["why"] == (None if answer == "My words." else 0.0)  # the mark of an answer that has changed
    report.by_hand_page([row], {"16_recall": ["why"]}, marks, tmp_path / "changed.html")
    if answer is not None:
        page = (tmp_path / "changed.html").read_text()
        assert "It has changed" in page and f'value="{report.number(mark)}"' in page and report.digest(answer) in page
    nothing = {"points": 0.0, "state": "blank", "sentence": "Nothing is written yet."}
    blank = collect.Submission("Ada", "16_recall", tmp_path, cells={"recall": recall.stub, "why": why.stub})
    row = grader._row(blank, known, {"verdicts": [nothing, reads]}, options, {})
    assert (row.total, row.status) == (0, "blank")


def test_blank_lesson_starts_nothing(monkeypatch):
    monkeypatch.setattr(check.Session, "start", lambda self: pytest.fail("a blank lesson was run"))
    for known in collect.lessons(ROOT / "solutions").values():
        cells = {each.name: each.stub for each in known.exercises}
        verdicts = check.judge(known, cells, [], sandbox.Limits(), "1")
        assert {each.state for each in verdicts} <= {"blank", "by hand"} and not any(each.points for each in verdicts)


@pytest.mark.parametrize(
    "config",
    [
        {"module": "keras.layers", "class_name": "Lambda", "config": {}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp/x"}},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "keras.layers", "class_name": "Dense", "config": {"units": 10**9}},
        {"module": "helpers.training.experiment", "class_name": "run", "config": {}},
        {"module": "keras.losses", "class_name": "__lambda__", "config": {"value": "code"}},
        {"module": "subprocess", "class_name": "Popen", "config": {}, "registered_name": "where_to_look>Popen"},
    ],
)
def test_description_of_a_network_names_known_layers_alone(config):
    with pytest.raises(wire.Refused):
        wire.check_config({"module": "keras.layers", "class_name": "Dense", "config": {"inner": [config]}})


def test_array_that_lies_about_itself_is_refused():
    content = wire.pack(np.arange(3.0))
    assert wire.unpack(content).tolist() == [0, 1, 2]
    for lie in (content[:-1], content.replace(b"(3,)", b"(9,)"), b"no array", content.replace(b"<f8", b"|O8")):
        with pytest.raises(wire.Refused):
            wire.unpack(lie)
    with pytest.raises(wire.Refused):
        wire.pack(np.array([object()]))


@needs_sandbox
def test_command_runs_with_files_in_and_files_out():
    code = (
        "import os\nopen('made/out.txt', 'w').write(open('given/in.txt').read().upper())\nprint(os.getuid())\n"
        "try:\n    open('/course/helpers/x', 'w')\nexcept OSError as error:\n    print(error.strerror)\n"
    )
    files = {"given/in.txt": b"hello", "made/keep": b"", "run.py": code.encode()}
    done = sandbox.run(["python", "run.py"], files, ["made/out.txt", "made/none", "/etc/hostname"])
    assert (done.status, done.reason, done.files) == (0, None, {"made/out.txt": b"HELLO"})
    user, words = done.output.split("\n", 1)
    assert user != "0" and "Read-only" in words
    slow = sandbox.run(["python", "-c", "while True: pass"], limits=sandbox.Limits(seconds=2))
    assert (slow.status, slow.reason) == (None, "seconds")


@needs_sandbox
def test_what_is_shared_may_lie_in_a_temporary_folder(tmp_path):
    (tmp_path / "given.txt").write_text("seen")
    code = "import pathlib, sys; print(pathlib.Path(sys.argv[1]).read_text()); pathlib.Path('/tmp/own').touch()"
    inside = "/tmp/below/given.txt"  # as a course does that was cloned there
    done = sandbox.run(["python", "-c", code, inside], shared={inside: tmp_path / "given.txt"})
    assert (done.status, done.output.strip()) == (0, "seen")


def test_lesson_of_ones_own_begins_with_everything(tmp_path, capsys):
    assert new_lesson.main(["16_recall", "--solutions", str(tmp_path)]) == 0
    (own,) = collect.lessons(tmp_path).values()
    assert [(each.name, each.points, each.by_hand) for each in own.exercises] == [
        ("recall", 1, False),
        ("why", 3, True),
    ]
    assert own.exercises[1].stub == "YOUR ANSWER HERE"
    assert new_lesson.main(["16_recall", "--solutions", str(tmp_path)]) == 2
    assert new_lesson.main(["../x", "--solutions", str(tmp_path)]) == 2
    assert "take another name" in capsys.readouterr().err
