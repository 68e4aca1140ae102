"""What learners handed in: which file is whose and of which lesson, and which cell answers which exercise.

Nothing in a submission is believed but the text of its cells. An answer is found by the name that it defines, else by
the exercise's grade_id or its cell id; checks are always those of the solutions.
"""

import ast
import dataclasses
import hashlib
import json
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from grading import check

MOST_BYTES = 64 * 2**20
MOODLE = re.compile(r"(_\d+)_assignsubmission(_.*)?$")  # what it adds to a name
# in a name numbers that are no lesson's: dates, and those that Canvas adds
NUMBERS = re.compile(r"(?<!\d)(20\d\d_\d\d?_\d\d?|\d\d?_\d\d?_20\d\d)(?!\d)|^[a-z]+(_late)?_\d+_\d+(?=_)")
COPY = re.compile(r"[ _-]*(\(\d+\)|copy[ _-]*\d*)$", re.IGNORECASE)  # what browsers and Jupyter add


@dataclasses.dataclass
class Submission:
    """One learner's notebook for one lesson.

    Attributes:
        student: the name, from the folder or the file.
        lesson: the lesson's name, or what the file calls itself where none is recognised.
        path: the file.
        problem: a sentence that says why it cannot be graded, else None.
        notes: sentences that the instructor should read.
        cells: {exercise: source} of the answers.
        others: the learner's own cells of code.
        words: what else they wrote, outside of the exercises' cells.
    """

    student: str
    lesson: str
    path: pathlib.Path
    problem: str | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    cells: dict[str, str] = dataclasses.field(default_factory=dict)
    others: list[str] = dataclasses.field(default_factory=list)
    words: list[str] = dataclasses.field(default_factory=list)


def lessons(folder: pathlib.Path) -> dict[str, check.Lesson]:
    """All lessons of a folder of solutions, by name."""
    found = {}
    for path in sorted(folder.glob("[!.]*/[!.]*.ipynb")):
        if path.stem == path.parent.name:
            content = path.read_bytes()
            found[path.stem] = check.read_lesson(path.stem, json.loads(content), hashlib.sha256(content).hexdigest())
    return found


def paths_below(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """All files and folders that were handed in, sorted, without what systems hide.

    Links below the folder are left out: they may lead anywhere.
    """
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if not hidden and not any(each.is_symlink() for each in [path, *path.parents][: len(parts)]):
            yield path


def submissions(folder: pathlib.Path, known: dict[str, check.Lesson]) -> list[Submission]:
    """All that was handed in, one for each learner and lesson, sorted by both."""
    groups, strays = {}, {}
    for path in filter(pathlib.Path.is_file, paths_below(folder)):
        parts = [writable(unicodedata.normalize("NFC", part)) for part in path.relative_to(folder).parts]
        if ".ipynb" in path.name.lower():
            one = read(path, parts, known)
            groups.setdefault((one.student, one.lesson), []).append(one)
        elif path.suffix != ".keras":  # a network is the leaderboard's
            named, place = _lesson_of_name(parts, known)
            if named or len(parts) > 1:
                strays.setdefault((_student(parts, place), named), []).append(path)
    chosen = []
    for several in groups.values():
        numbers = [MOODLE.search(one.path.relative_to(folder).parts[0]) for one in several]
        numbers = [found[1] if found else "" for found in numbers]
        apart = set(numbers) if len({*numbers} - {""}) > 1 else [None]  # two learners of one name
        for number in apart:
            best = _best(
                [one for one, its in zip(several, numbers, strict=True) if number in (None, its)], folder, known
            )
            best.student += number or ""
            chosen.append(best)
    there = {one.student for one in chosen} | {student for student, _ in groups}
    for (student, named), paths in strays.items():
        if (student, named) not in groups and (named or student not in there):
            names = ", ".join(f"`{writable(path.name)}`" for path in paths[:5]) + (", ..." if len(paths) > 5 else "")
            problem = f"There is no notebook, only {names}: unpack what is packed, or ask for the .ipynb file."
            chosen.append(Submission(student, named or writable(paths[0].name), paths[0], problem))
    return sorted(chosen, key=lambda one: (one.lesson, one.student))


def _best(several: list[Submission], folder: pathlib.Path, known: dict[str, check.Lesson]) -> Submission:
    """Of one learner's notebooks for one lesson the one that counts; its notes say why."""

    def name(one):
        return writable(one.path.relative_to(folder).as_posix())

    def rank(one):
        exercises = known[one.lesson].exercises if one.lesson in known else []
        written = sum(not check.is_blank(one.cells.get(each.name, each.stub), each.stub) for each in exercises)
        return one.problem is None, written > 0, one.path.stat().st_mtime_ns, written, name(one)

    *left, best = sorted(several, key=rank)
    if left:
        reasons = "that can be read", "with answers", "the latest", "the fullest of one time", "the last by name"
        why = next(words for words, one, other in zip(reasons, rank(best), rank(left[-1]), strict=True) if one != other)
        older = ", ".join(f"`{name(one)}`" for one in left)
        best.notes.append(f"Several notebooks for one lesson: `{name(best)}`, {why}, counts, not {older}.")
    return best


def read(path: pathlib.Path, parts: list[str], known: dict[str, check.Lesson]) -> Submission:
    """One file, as a submission.

    Args:
        path: the file.
        parts: its path below the folder of all submissions, from which whose it is can be told.
        known: all lessons.
    """
    named, place = _lesson_of_name(parts, known)
    student = _student(parts, place)
    try:
        cells = read_cells(path)
    except ValueError as error:
        return Submission(student, named or parts[-1], path, str(error))
    answers = {name: _answers(lesson, cells) for name, lesson in known.items()}
    by_number = {name: _place_of_number(parts[-1], name) for name in known}
    fullest = max(answers, key=lambda name: (len(answers[name]), name == named, bool(by_number[name])), default=None)
    if fullest is None or not answers[fullest]:
        return Submission(student, named or parts[-1], path, "No exercise of any lesson is in this notebook.")
    if named and not answers[named]:
        if len(answers[fullest]) * 2 < len(known[fullest].exercises):
            return Submission(student, named, path, "No exercise of this lesson is in the notebook.")
        return Submission(student, named, path, f"This is lesson {fullest}, handed in as {named}.")
    lesson = known[named or fullest]
    student = student if named else _student(parts, by_number[lesson.name])
    taken = set(answers[lesson.name].values())
    checks = {each.check_id for each in lesson.exercises} | {each.check_grade_id for each in lesson.exercises}
    checks -= {""}  # what a person marks has no check
    own = [
        cell
        for number, cell in enumerate(cells)
        if number not in taken
        and not {cell["id"], cell["grade_id"]} & checks
        and check.bare(cell["source"]) not in lesson.released | {""}
    ]
    others = [cell["source"] for cell in own if cell["code"]]
    words = [cell["source"] for cell in own if cell["prose"]]
    given = {name: cells[number]["source"] for name, number in answers[lesson.name].items()}
    return Submission(student, lesson.name, path, cells=given, others=others, words=words)


def read_cells(path: pathlib.Path) -> list[dict]:
    """The cells of a notebook of format 3 or 4; ValueError with a sentence if it is none."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"The file has {path.stat().st_size // 2**20} MB, more than a notebook can need.")
    content = path.read_bytes()
    if not content.strip():
        raise ValueError("The file is empty.")
    for mark, coding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if content.startswith(mark):
            try:
                text = content.decode(coding)
            except UnicodeDecodeError:
                raise ValueError("The file is no text, so it is no notebook.") from None
            break
    if re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE):
        raise ValueError(
            "The file holds a conflict that Git could not settle (`<<<<<<<`): ask for the mended notebook."
        )
    if text.lstrip()[:1] == "<":
        raise ValueError("The file is a web page, not a notebook: download it with File > Download.")
    try:
        notebook = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"The file is broken: it is not the JSON that a notebook is made of{where}.") from None
    if not isinstance(notebook, dict):
        raise ValueError("The file is JSON, but no notebook.")
    cells = notebook.get("cells")
    if cells is None:
        sheets = notebook.get("worksheets")  # format 3
        sheet = sheets[0] if isinstance(sheets, list) and sheets else {}
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
    if not isinstance(cells, list):
        raise ValueError("The file is JSON, but no notebook: it has no cells.")
    return [_cell(each) for each in cells if isinstance(each, dict)]


def _cell(cell: dict) -> dict:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    source = writable(source) if isinstance(source, str) else ""
    code = cell.get("cell_type") == "code"
    parts = check.nodes(source) if code else []
    whole = parts[:1]
    begun = re.findall(r"^(?:def|class) (\w+)", source, re.MULTILINE) if code and not whole else []
    prose = not begun and all(isinstance(one, ast.Expr | ast.Constant) for one in parts[1:])  # or is no Python at all
    made = [one.name for each in whole for one in each.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    return {
        "code": code,
        "source": source,
        "defines": {*made, *begun},
        "runs": bool(whole),
        "prose": not code or prose,
        "id": str(cell.get("id", "")),
        "grade_id": str(grade_id or ""),
    }


def writable(text: str) -> str:
    """The text without half characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _answers(lesson: check.Lesson, cells: list[dict]) -> dict[str, int]:
    """{exercise: which cell answers it}, for the exercises that are there.

    Of several cells that define it the last one written counts, as in a notebook that is run from above.
    """
    found = {}
    for each in lesson.exercises:
        names = set() if each.by_hand else set(each.defines)
        theirs = lesson.released - {check.bare(each.stub)}
        right = [number for number, cell in enumerate(cells) if each.by_hand or cell["code"] != each.markdown]
        own = [number for number in right if cells[number]["grade_id"] == each.name]
        own = own or [number for number in right if cells[number]["id"] == each.cell_id]
        defining = [
            number
            for number in right
            if names and names <= cells[number]["defines"] and check.bare(cells[number]["source"]) not in theirs
        ]
        looks = [
            [number for number in defining if cells[number]["runs"]],
            own,
            [number for number in defining if not cells[number]["runs"]],
        ]
        answers = [number for look in looks for number in reversed(look)]
        written = [number for number in answers if not check.is_blank(cells[number]["source"], each.stub)]
        if answers:
            found[each.name] = (written or answers)[0]
    return found


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", text).lower()  # as long as the text: places in it count its letters


def _lesson_of_name(parts: Sequence[str], known: Iterable[str]) -> tuple[str | None, slice | None]:
    """The lesson whose whole name stands in a file's name, or its folder's; and where in the file's name it does."""
    for part in reversed(parts):
        for name in known:
            start = _plain(part).find(_plain(name))
            if start >= 0:
                return name, slice(start, start + len(name)) if part == parts[-1] else None
    return None, None


def _place_of_number(file: str, lesson: str) -> slice | None:
    """Where a lesson's number stands alone in a file's name, and is no part of a date or of what Canvas adds."""
    text = NUMBERS.sub(lambda found: "_" * len(found[0]), _plain(file))
    number = lesson.partition("_")[0]
    found = re.search(rf"(?<![a-z0-9]){re.escape(number)}(?![a-z0-9])", text) if number.isdigit() else None
    return slice(*found.span()) if found else None


def _student(parts: Sequence[str], place: slice | None) -> str:
    """Whose a file is: by its folder, else by what stands before the lesson in its name, else by what stands after."""
    if len(parts) > 1:
        return MOODLE.sub("", parts[0])
    whole = re.sub(r"\.(ipynb.*|\w+)$", "", parts[0], flags=re.IGNORECASE)
    around = [whole[: place.start], COPY.sub("", whole[place.stop :])] if place else []
    return MOODLE.sub("", next((text for each in around if (text := each.strip(" _-."))), whole))


def shortcuts(lesson: check.Lesson, exercise: check.Exercise, source: str, around: Iterable[str] = ()) -> list[str]:
    """What an answer uses of `helpers` that the check compares it with: the thing itself that the exercise builds.

    Also what it uses through definitions in other cells, `around`, counts. A name that the exercise's text or its
    solution uses does not.
    """
    source = "\n".join([source, lesson.needed([source], check.definitions(around))])
    given = set(re.findall(r"\b\w+\.\w+", exercise.solution + exercise.stub))
    shorts = {module: short for short, module in lesson.modules.items()}

    def found(text):
        paths = [path.rpartition(".") for path in used(text, lesson.modules)]
        return {f"{shorts[module]}.{name}" for module, _, name in paths if module in shorts}

    return sorted(found(source) & found(exercise.check) - given)


def used(source: str, names: dict[str, str]) -> set[str]:
    """The dotted names of all that some code imports, or asks of what it has imported; none where it is no Python.

    Args:
        source: the code.
        names: {name: what it stands for} before its own imports.
    """
    nodes, names, found = check.nodes(source), dict(names), set()
    for node in nodes:
        if isinstance(node, ast.Import):
            paths = [(each.asname, each.name if each.asname else each.name.partition(".")[0]) for each in node.names]
            names |= {alias or path: path for alias, path in paths}
        elif isinstance(node, ast.ImportFrom):
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
            found |= {f"{node.module}.{each.name}" for each in node.names}
    for node in nodes:
        path = []
        while isinstance(node, ast.Attribute) and len(path) < 9:  # no name of helpers is longer
            path.insert(0, node.attr)
            node = node.value
        if path and isinstance(node, ast.Name):
            found.add(".".join([names.get(node.id, node.id), *path]))
    return found
