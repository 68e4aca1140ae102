"""The grader, from a folder of what was handed in to the table: honest work keeps its points, and nothing fools it.

One run grades all of `submissions.py`; each test then looks at one row.
"""

import csv
import html
import json
import os
import pathlib
import re
import socket

import numpy as np
import pytest

from grading import __main__ as grader
from grading import check, collect, new_lesson, report, sandbox, wire

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
        "two notebooks": ({"02_scores.ipynb": lesson(LESSON), "02_scores (1).ipynb": half}, 4, "graded", "the latest"),
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
    ):
        assert collect.shortcuts(scores, dice, answer) == ["metrics.dice"]
    assert collect.shortcuts(scores, dice, submissions.DICE) == []
    assert collect.shortcuts(scores, means, means.solution) == []  # its text says to use metrics.dice
    for one in known.values():
        assert not [each.name for each in one.exercises if collect.shortcuts(one, each, each.solution)]


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section
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


def test_answers_that_a_person_marks_have_a_page_and_a_column(tmp_path):
    row = report.Row("Ada", "15", "waits for marks", {"why": None}, {"why": 3.0}, sources={"why": "<script>no"})
    waiting = report.by_hand_page([row], {"15": ["why"]}, {}, tmp_path / "by_hand.html")
    page = (tmp_path / "by_hand.html").read_text()
    assert waiting == 1 and "&lt;script&gt;no" in page and 'data-student="Ada"' in page
    (tmp_path / "by_hand.csv").write_text(
        '"student","lesson","exercise","points","comment"\n"Ada","15","why","2,5","Good."\n'
    )
    assert report.read_marks(tmp_path / "by_hand.csv") == {("Ada", "15", "why"): (2.5, "Good.")}
    (tmp_path / "by_hand.csv").write_text("student,lesson,exercise,points,comment\nAda,15,why,many,\n")
    with pytest.raises(ValueError, match=r"by_hand.csv, line 2: points must be a number"):
        report.read_marks(tmp_path / "by_hand.csv")


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
