"""What comes out: grades.csv, imports for Canvas and Moodle, feedback for each learner, a page of answers to mark."""

import csv
import dataclasses
import hashlib
import html
import io
import pathlib
import re
import unicodedata

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; }
tr { border-top: 1px solid #8886; } pre { overflow-x: auto; padding: .6rem; border: 1px solid #8886; }
textarea { width: 100%; } .points { white-space: nowrap; }
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'{more}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


@dataclasses.dataclass
class Row:
    """One learner's grades of one lesson.

    Attributes:
        points: {exercise: points}; None where a person has still to give them, or nothing could be graded.
        most: {exercise: points at most}.
        sentences: {exercise: what to say about it}.
        status: "graded", "blank", "stopped", "waits for marks", "failed to run", "not graded" or "nothing handed in".
        notes: sentences about the whole.
    """

    student: str
    lesson: str
    status: str
    points: dict = dataclasses.field(default_factory=dict)
    most: dict = dataclasses.field(default_factory=dict)
    sentences: dict = dataclasses.field(default_factory=dict)
    notes: list = dataclasses.field(default_factory=list)
    sources: dict = dataclasses.field(default_factory=dict)

    @property
    def total(self) -> float | None:
        """All points so far; None where nothing was graded, which is not 0."""
        return sum(value or 0 for value in self.points.values()) if self.graded else None

    @property
    def graded(self) -> bool:
        """Whether there are points to count."""
        return self.status in ("graded", "blank", "stopped", "waits for marks")

    @property
    def sentence(self) -> str:
        """All in a line: the notes, and each exercise that is not right."""
        less = [
            f"{name}: {words}" for name, words in self.sentences.items() if self.points.get(name) != self.most[name]
        ]
        return " ".join([*self.notes, *less]) or "All right."


def number(value: float | None) -> str:
    """Points as text: no .0, and nothing for None."""
    return "" if value is None else f"{value:g}"


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def write(path: pathlib.Path, text: str) -> None:
    """Write a whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8", errors="replace", newline="")  # half a letter costs nobody the table
    partial.replace(path)


def table(rows: list[Row], path: pathlib.Path) -> None:
    """grades.csv: a row for each learner and lesson, a column for each exercise, every field in quotes."""
    exercises = list(dict.fromkeys(name for row in rows for name in row.most))
    lines = [["student", "lesson", *exercises, "total", "of", "status", "sentence"]]
    for row in rows:
        points = [number(row.points.get(name)) for name in exercises]
        most = number(sum(row.most.values())) if row.most else ""
        lines.append(
            [*map(harmless, (row.student, row.lesson)), *points, number(row.total), most, row.status]
            + [harmless(row.sentence)]
        )
    save(lines, path)


def save(lines: list[list[str]], path: pathlib.Path) -> None:
    """Lines as a table of comma-separated values, all in quotes."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(lines)
    write(path, text.getvalue())


# ---- a class list


class Roster:
    """A class list, as Canvas or Moodle exports it, or any table with a column `student`.

    Raises:
        ValueError: the file is not in UTF-8, or has no column by which a learner is known.
    """

    # columns in which a learner is called something, as `plain` has their names; a group or points are no names
    NAMES = (
        "student", "name", "id", "sisuserid", "sisloginid", "login", "username", "idnumber", "email", "emailaddress",
    )  # fmt: skip
    # the columns that an import needs, in its order
    CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    MOODLE = ("Username", "ID number", "Email address", "First name", "Surname", "Last name")

    def __init__(self, path: pathlib.Path):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not in UTF-8: save it as CSV UTF-8.") from None
        first = text.partition("\n")[0]
        reader = csv.DictReader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",")
        self.columns = [name for name in reader.fieldnames or [] if name]
        self.rows = [row for row in reader if any(row.values()) and "Points Possible" not in (row.get("Student") or "")]
        if {"Student", "ID"} <= set(self.columns):
            self.kind, self.keys = "canvas", [name for name in self.CANVAS if name in self.columns]
            self.rows = [row for row in self.rows if (row["ID"] or "").strip()]  # others say how a column is graded
        elif any(name in self.columns for name in self.MOODLE[:3]):
            self.kind, self.keys = "moodle", [name for name in self.MOODLE if name in self.columns]
        elif "student" in self.columns:
            self.kind, self.keys = "plain", self.columns
        else:
            raise ValueError(
                f"{path} is no class list: export it from Canvas (Student, ID) or Moodle (Email address), "
                "or give it a column student."
            )
        self.file = {"canvas": "canvas.csv", "moodle": "moodle.csv", "plain": "points.csv"}[self.kind]
        self.known = [self._names(row) for row in self.rows]

    def _names(self, row: dict) -> set[str]:
        names = {row.get(key) or "" for key in self.keys if plain(key) in self.NAMES}
        names |= {name.partition("@")[0] for name in names}
        last = row.get("Surname") or row.get("Last name") or ""
        names |= {f"{row.get('First name', '')} {last}", f"{last} {row.get('First name', '')}"} if last else set()
        for name in [*names]:
            if ", " in name:
                names.add(" ".join(reversed(name.split(", ", 1))))
        return {plain(name) for name in names} - {""}

    def find(self, student: str) -> int | None:
        """Which row is the learner with this name; None if none, or more than one, is."""
        found = [number for number, names in enumerate(self.known) if plain(student) in names]
        if not found:  # Canvas' own file names: name_12345_67890
            tokens = {plain(token) for token in re.split(r"[_\s]+", student) if token.isdigit()}
            ids = [plain(row.get("ID") or "") for row in self.rows]
            found = [number for number, identity in enumerate(ids) if identity in tokens]
        return found[0] if len(found) == 1 else None

    def name(self, place: int) -> str:
        """What to call the learner of a row."""
        row = self.rows[place]
        both = f"{row.get('First name') or ''} {row.get('Surname') or row.get('Last name') or ''}".strip()
        return row.get("Student") or row.get("student") or both or row[self.keys[0]]

    def found(self, rows: list[Row]) -> dict[tuple[int, str], list[Row]]:
        """{(row of the list, lesson): the grades of this learner}; of several the best counts."""
        found = {}
        for row in rows:
            if (place := self.find(row.student)) is not None:
                found.setdefault((place, row.lesson), []).append(row)
        return found

    def save(self, rows: list[Row], folder: pathlib.Path) -> pathlib.Path:
        """Write what Canvas or Moodle imports: a row for each learner of the list, a column for each lesson.

        A lesson in which nobody has written anything has none: it may be one that is still to come.
        """
        lessons = sorted({row.lesson for row in rows if row.graded and row.status != "blank"})
        most = {row.lesson: sum(row.most.values()) for row in rows if row.most}
        totals = {
            (place, lesson): number(max((row.total for row in theirs if row.graded), default=None))
            for (place, lesson), theirs in self.found(rows).items()
        }
        keys = [key for key in self.keys if key not in lessons]  # a list may hold the points of before
        lines = [[*keys, *lessons]]
        if self.kind == "canvas":
            lines.append(["    Points Possible", *[""] * (len(keys) - 1), *(number(most[name]) for name in lessons)])
        for place, row in enumerate(self.rows):
            lines.append([*(row[key] or "" for key in keys), *(totals.get((place, name), "") for name in lessons)])
        save(lines, folder / self.file)
        return folder / self.file


def plain(name: str) -> str:
    """A name without what people write in different ways."""
    name = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in name if letter.isalnum())


# ---- pages


def file_name(student: str, taken: set[str]) -> str:
    """A file's name for a learner's page, that no other has."""
    name = re.sub(r"[^\w.-]+", "_", student).strip("._")[:80] or "student"
    unique, count = name, 1
    while unique.casefold() in taken:
        count += 1
        unique = f"{name}_{count}"
    taken.add(unique.casefold())
    return f"{unique}.html"


def feedback(rows: list[Row], folder: pathlib.Path) -> None:
    """A page for each learner: their answers, their points and what the checks say; no check, no solution."""
    taken, by_student = set(), {}
    for row in rows:
        if row.status != "nothing handed in":
            by_student.setdefault(row.student, []).append(row)
    for student, theirs in by_student.items():
        body = [f"<h1>{html.escape(student)}</h1>"]
        for row in theirs:
            total = f"{number(row.total)} of {number(sum(row.most.values()))} points" if row.graded else row.status
            body += [f"<h2>{html.escape(row.lesson)}: {total}</h2>"]
            body += [f"<p>{html.escape(note)}</p>" for note in row.notes]
            if row.most:
                body.append("<table><tr><th>Exercise</th><th>Points</th><th>What the check says</th></tr>")
            for name, most in row.most.items():
                given = row.points.get(name)
                points = f"{number(given)} of {number(most)}" if given is not None else f"(of {number(most)})"
                words = html.escape(row.sentences.get(name, ""))
                source = row.sources.get(name)
                code = (
                    f"<details><summary>Your answer</summary><pre>{html.escape(source)}</pre></details>"
                    if source
                    else ""
                )
                body.append(
                    f"<tr><td>{html.escape(name)}</td><td class=points>{points}</td><td>{words}{code}</td></tr>"
                )
            body += ["</table>"] if row.most else []
        page = PAGE.format(title=html.escape(f"Feedback for {student}"), style=STYLE, body="\n".join(body), more="")
        write(folder / file_name(student, taken), page)


BY_HAND = """
<h1>Answers to mark</h1>
<p>Give points and a word to each answer, then save. Put the file <code>by_hand.csv</code> beside grades.csv and run
<code>make grade</code> again: the points come into the table and your words into the feedback.</p>
{answers}
<p><button id="save">Save by_hand.csv</button></p>
<script>
document.getElementById("save").onclick = () => {{
  const quote = text => '"' + String(text).replaceAll('"', '""') + '"';
  const lines = [["student", "lesson", "exercise", "points", "comment", "answer"].map(quote).join(",")];
  for (const each of document.querySelectorAll("section"))
    lines.push([each.dataset.student, each.dataset.lesson, each.dataset.exercise,
      each.querySelector("input").value, each.querySelector("textarea").value,
      each.dataset.answer].map(quote).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\\r\\n") + "\\r\\n"], {{type: "text/csv"}}));
  link.download = "by_hand.csv";
  link.click();
}};
</script>
"""


def by_hand_page(rows: list[Row], by_hand: dict, marks: dict, path: pathlib.Path) -> int:
    """A page with all answers that a person marks; returns how many wait.

    Args:
        rows: all grades.
        by_hand: {lesson: names of the exercises that a person marks}.
        marks: what was marked before, as of `read_marks`.
        path: of the page.
    """
    answers, waiting = [], 0
    for row in rows:
        for name in by_hand.get(row.lesson, []):
            if row.graded and name in row.sources:
                points, comment, marked = marks.get((row.student, row.lesson, name), (None, "", ""))
                answer = digest(row.sources[name])
                changed = marked not in ("", answer) and (points is not None or comment)
                waiting += row.points.get(name) is None
                about = [html.escape(text, quote=True) for text in (row.student, row.lesson, name)]
                answers.append(
                    '<section data-student="{}" data-lesson="{}" data-exercise="{}" data-answer="{}">'.format(
                        *about, answer
                    )
                    + "<h2>{}: {}, {}</h2>".format(*about)
                    + ("<p>It has changed since you marked it.</p>" if changed else "")
                    + f"<pre>{html.escape(row.sources[name])}</pre>"
                    + f'<p><label>Points, 0 to {number(row.most[name])}: <input type="number" min="0" step="any" '
                    + f'max="{number(row.most[name])}" value="{number(points)}"></label></p>'
                    + f"<p><label>A word to the learner:<textarea>{html.escape(comment)}</textarea></label></p>"
                    + "</section>"
                )
    if answers:
        body = BY_HAND.format(answers="\n".join(answers))
        write(path, PAGE.format(title="Answers to mark", style=STYLE, body=body, more="; script-src 'unsafe-inline'"))
    return waiting


def digest(answer: str) -> str:
    """A short name of what was answered, by which a mark knows it; its first letter keeps it from being a number."""
    return "a" + hashlib.sha256(answer.encode()).hexdigest()[:12]


def read_marks(path: pathlib.Path) -> dict:
    """{(student, lesson, exercise): (points, comment, digest of the answer)} of by_hand.csv.

    Points are None where the field is empty, the digest is "" where the table has none, as those of before.

    Raises:
        ValueError: a line has no number as points.
    """
    marks = {}
    if path.exists():
        with open(path, encoding="utf-8-sig", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                try:
                    points = float(row["points"].replace(",", ".")) if row["points"].strip() else None
                    key = row["student"], row["lesson"], row["exercise"]
                    marks[key] = points, row["comment"] or "", row.get("answer") or ""
                except (KeyError, AttributeError, ValueError):
                    raise ValueError(f"{path}, line {line}: points must be a number, or empty; mend it.") from None
    return marks
