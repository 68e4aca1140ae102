"""The leaderboard of lesson 15: every network that was handed in, scored anew on patients made from a secret seed.

SEED=a-long-secret python -m grading.leaderboard submitted     # reads submitted/STUDENT/15_capstone/network.keras

Nothing that a student says is believed. Each network is loaded in a sandbox of its own (`grading.sandbox`), where it
sees the slices and not where the tumours are; what comes out are masks, and the scores are made of those out here.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import hashlib
import html
import io
import json
import math
import os
import re
import string
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import helpers  # first: it keeps TensorFlow's start-up lines away

# isort: split
import keras
import numpy as np
from PIL import Image

from grading import collect, report, sandbox
from helpers.data import brain, noise, phantom_brain
from helpers.nets import handed_in, inference
from helpers.scores import intervals, losses, metrics

LESSON = "15_capstone"
PATIENTS, SLICES_EACH = 40, 12
BATCH = 8
BASELINE = inference.WEIGHTS / "capstone.keras"
NETWORK, IMAGES, MASKS, SAID = "network.keras", "images.npy", "masks.bin", "said.json"  # in a sandbox
LIMITS = sandbox.Limits(seconds=300, memory=3 * 10**9)


@dataclasses.dataclass(frozen=True)
class HiddenSet:
    """Slices of patients that nobody has trained on.

    Attributes:
        images: (patients x slices, side, side, 3) uint8, normalised patient by patient.
        masks: (patients x slices, side, side) bool.
        patients: the patient of each slice, 0, 0, ..., 1, 1, ...
    """

    images: np.ndarray
    masks: np.ndarray
    patients: np.ndarray

    def dice(self, masks: np.ndarray) -> np.ndarray:
        """The Dice of each patient, (patients,), for masks of the shape of `self.masks`, bool."""
        sums = metrics.per_patient(metrics.counts(self.masks, masks), [f"{number:05}" for number in self.patients])
        return np.array([metrics.dice(row) for row in sums.values()])


def make_hidden_set(secret: str, patients: int = PATIENTS, slices: int = SLICES_EACH) -> HiddenSet:
    """Make the patients that a secret stands for: the same ones each time, and others for every other secret.

    Each patient has noise of a strength of its own, from none to `handed_in.NOISE`, in all three channels, as the
    lesson announces.

    Args:
        secret: any text; a short one can be guessed, and a network trained on what it makes.
        patients: how many, at least 1.
        slices: of each.
    """
    seed = int.from_bytes(hashlib.sha256(f"{LESSON} {secret}".encode()).digest())

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        images, masks = phantom_brain.patient(seed, number, slices)
        small = [
            brain.shrink(Image.fromarray(image), Image.fromarray(mask.astype("uint8") * 255), handed_in.SIDE)
            for image, mask in zip(images, masks, strict=True)
        ]
        images, masks = map(np.stack, zip(*small, strict=True))
        rng = np.random.default_rng([seed, number, 1])
        images = noise.rescan(images, rng.uniform(0, handed_in.NOISE), rng)
        return brain.normalise_images(images), masks

    with concurrent.futures.ThreadPoolExecutor(helpers.processors()) as pool:
        made = list(pool.map(make, range(patients)))
    images, masks = (np.concatenate(parts) for parts in zip(*made, strict=True))
    return HiddenSet(images, masks, np.repeat(np.arange(patients), slices))


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a network made of the hidden slices, and what it costs.

    Attributes:
        masks: (slices, side, side) bool.
        parameters: of the network.
        seconds: of one training step with 8 slices.
    """

    masks: np.ndarray
    parameters: int
    seconds: float

    @property
    def minutes(self) -> float:
        """What the whole budget of slices takes, at so many seconds a step."""
        return self.seconds * handed_in.SLICES / BATCH / 60


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The masks that a network finds, bool (slices, side, side).

    Raises:
        ValueError: it answers with something that is no number.
    """
    probabilities = inference.predict_probabilities(model, images)
    if not np.isfinite(probabilities).all():
        raise ValueError("the network answers with something that is no number: train it with a lower rate.")
    return probabilities >= 0.5


def seconds_per_step(model: keras.Model, images: np.ndarray, steps: int = 5) -> float:
    """What a training step with 8 slices takes: the median of so many, after two to begin with. The weights change."""
    rows = np.arange(BATCH) % len(images)
    some = images[rows].astype("float32") / 255
    model.compile(keras.optimizers.AdamW(1e-9), losses.DiceCrossEntropy())
    seconds = []
    for _ in range(steps + 2):
        begun = time.perf_counter()
        model.train_on_batch(some, (some[..., 1:2] > 0.9).astype("float32"))
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds[2:]))


def ask(model: keras.Model, images: np.ndarray) -> Answer:
    """Let a network answer, then time its training step."""
    masks, parameters = predict(model, images), model.count_params()
    return Answer(masks, parameters, seconds_per_step(model, images))


def answer_here() -> None:
    """What runs in the sandbox: read `NETWORK` and `IMAGES` in the working folder, write `MASKS` and `SAID` there."""
    try:
        answer = ask(handed_in.load(NETWORK), np.load(IMAGES))
        Path(MASKS).write_bytes(np.packbits(answer.masks).tobytes())
        said = {"parameters": answer.parameters, "seconds": answer.seconds}
    except (OSError, ValueError) as error:
        said = {"error": str(error)}
    Path(SAID).write_text(json.dumps(said), encoding="utf-8")


def read_answer(files: Mapping[str, bytes], count: int) -> Answer:
    """Read what came out of the sandbox as if a stranger had written it, since one may have.

    Args:
        files: `MASKS` and `SAID`, as far as they are there.
        count: slices that were asked.

    Raises:
        ValueError: the sentence that the sandbox wrote, or what is wrong with its answer.
    """
    shape = (count, handed_in.SIDE, handed_in.SIDE)
    try:
        said = json.loads(files[SAID][:10_000])
        if "error" in said:
            sentence = str(said["error"])
        else:
            sentence, parameters, seconds = "", int(said["parameters"]), float(said["seconds"])
            pixels = np.frombuffer(files[MASKS], "uint8")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("the network gave no answer that can be read.") from error
    if sentence:
        raise ValueError(sentence)
    if len(pixels) != -(-math.prod(shape) // 8):
        raise ValueError("the network's answer has the wrong size.")
    if not (0 <= parameters <= handed_in.PARAMETERS and 0 < seconds < 3600):
        raise ValueError("the network says impossible things of itself.")
    masks = np.unpackbits(pixels, count=math.prod(shape)).reshape(shape).astype(bool)
    return Answer(masks, parameters, seconds)


WHY = {
    "seconds": f"the network took longer than {LIMITS.seconds:.0f} seconds: make it smaller.",
    "memory": f"the network took more than {LIMITS.memory / 1e9:.0f} GB of memory: make it smaller.",
    "processes": "the network started processes of its own.",
}


def answer_behind_walls(path: Path, images: np.ndarray, walls: bool = True) -> Answer:
    """Load a network in a sandbox of its own and bring its answer out.

    Args:
        path: the .keras file.
        images: the hidden slices.
        walls: False does without bubblewrap.

    Raises:
        ValueError: there is no answer; the sentence says why.
    """
    with open(path, "rb") as file:
        content = file.read(handed_in.BYTES + 1)  # one more than is allowed is enough to be refused
    memory = io.BytesIO()
    np.save(memory, images)
    finished = sandbox.run(
        ["python", "-m", "grading.leaderboard", "--answer-here"],
        {NETWORK: content, IMAGES: memory.getvalue()},
        [MASKS, SAID],
        LIMITS,
        walls=walls,
    )
    if SAID not in finished.files:
        raise ValueError(WHY.get(finished.reason or "", "the network broke off without an answer."))
    return read_answer(finished.files, len(images))


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the leaderboard.

    Attributes:
        name: of the student, or what a baseline is.
        dice: of each hidden patient, in the order of the patients.
        parameters: of the network; None where there is none.
        minutes: what the whole budget of slices takes; None where nothing is trained.
        competes: False for a baseline, which takes no place.
    """

    name: str
    dice: np.ndarray
    parameters: int | None = None
    minutes: float | None = None
    competes: bool = True


def ranked(rows: Iterable[Row]) -> list[Row]:
    """The rows by their mean Dice, highest first; equal ones by name."""
    return sorted(rows, key=lambda row: (-round(float(row.dice.mean()), 9), row.name))


def difference(row: Row, other: Row) -> tuple[float, float, float]:
    """How much higher a row scores than another on the same patients, with the ends of its 95 % interval."""
    return intervals.paired_interval(row.dice[None], other.dice[None])


def baselines(hidden: HiddenSet, walls: bool = True) -> list[Row]:
    """What everybody is measured against: the course's U-Net first, then finding nothing, then a far larger network.

    The course's U-Net takes the way of everybody else's, so that its minutes are like theirs.
    """
    answer = answer_behind_walls(BASELINE, hidden.images, walls)
    large = inference.load_model("phantom")
    return [
        Row("The course's U-Net", hidden.dice(answer.masks), answer.parameters, answer.minutes, competes=False),
        Row("Finds nothing (all black)", hidden.dice(np.zeros_like(hidden.masks)), competes=False),
        # trained for far longer than the budget allows
        Row(
            "The course's large network",
            hidden.dice(predict(large, hidden.images)),
            large.count_params(),
            competes=False,
        ),
    ]


def found(submissions: Path) -> dict[str, list[Path]]:
    """The .keras files that each student has handed in for this lesson, {student: files}.

    A file lies anywhere in a student's folder but in another lesson's, as the platform gives it, or is one for itself,
    after the student's name: `ada_network.keras`. One in a folder of this lesson stands before all others. Who has such
    a folder and no file is there, too.
    """
    others = {path.name for path in (sandbox.ROOT / "solutions").iterdir()} - {LESSON}
    theirs: dict[str, list[Path]] = {}
    for path in collect.paths_below(submissions):
        parts = path.relative_to(submissions).parts
        if others & set(parts[1:-1]):
            continue
        is_network = path.suffix.lower() == ".keras" and path.is_file()
        if len(parts) == 1:
            student = re.split(rf"{LESSON}|network", path.stem)[0].strip(" _-.") or path.name
        else:
            student = parts[0]
        if is_network or any(LESSON in part for part in parts[1:]):
            theirs.setdefault(student, []).extend([path] if is_network else [])
    clean = {student: collect.MOODLE.sub("", student) for student in theirs}
    several = collections.Counter(clean.values())
    students = {}
    for student, files in theirs.items():
        name = clean[student] if several[clean[student]] == 1 else student
        students[name] = [path for path in files if path.parent.name == LESSON] or files
    return dict(sorted(students.items()))


def score_all(
    submissions: Path, hidden: HiddenSet, walls: bool = True, say: Callable[[str], None] = print
) -> tuple[list[Row], dict[str, str]]:
    """Score what every student has handed in, two at a time or as many as there are cores.

    Returns:
        A row for each network that gave an answer, and {student: why there is none} for the others.
    """

    def score(student: str, files: list[Path]) -> Row | str:
        try:
            if len(files) != 1:
                raise ValueError(f"handed in {len(files)} .keras files: one is wanted, beside the notebook.")
            answer = answer_behind_walls(files[0], hidden.images, walls)
            return Row(student, hidden.dice(answer.masks), answer.parameters, answer.minutes)
        except (OSError, ValueError) as error:
            return str(error)
        finally:
            say(f"{clean_name(student)}: done")

    students = found(submissions)
    with concurrent.futures.ThreadPoolExecutor(helpers.processors()) as pool:
        results = dict(zip(students, pool.map(score, students, students.values()), strict=True))
    rows = [row for row in results.values() if isinstance(row, Row)]
    return rows, {student: why for student, why in results.items() if isinstance(why, str)}


def clean_name(name: str) -> str:
    """A student's name as it may stand on a page: no invisible or turning characters, and not longer than a line."""
    visible = "".join(sign if unicodedata.category(sign)[0] not in "CZ" else " " for sign in name)
    visible = " ".join(visible.split()) or "(no name)"
    return visible if len(visible) <= 40 else f"{visible[:39]}…"


def _picture(low: float, mean: float, high: float, course: float, competes: bool) -> str:
    """The interval as a bar on a scale from 0 to 1, with the mean as a dot and the course's U-Net as a line."""
    left, middle, right, line = (4 + 192 * min(max(value, 0), 1) for value in (low, mean, high, course))
    words = f"Dice {mean:.3f} on a scale from 0 to 1, interval {low:.3f} to {high:.3f}"
    return (
        f'<svg class="{"mine" if competes else "base"}" viewBox="0 0 200 20" width="200" height="20" role="img" '
        f'aria-label="{words}"><line class="axis" x1="4" x2="196" y1="10" y2="10"/>'
        f'<line class="course" x1="{line:.1f}" x2="{line:.1f}" y1="0" y2="20"/>'
        f'<line class="bar" x1="{left:.1f}" x2="{right:.1f}" y1="10" y2="10"/>'
        f'<circle cx="{middle:.1f}" cy="10" r="4.5"/></svg>'
    )


def _line(row: Row, place: int | None, first: Row | None, course: Row) -> str:
    low, high = intervals.bootstrap_interval(row.dice)
    mean = float(row.dice.mean())
    apart = "–"
    if row is not course:
        gain, gain_low, gain_high = difference(row, course)
        verdict = intervals.verdict(gain_low, gain_high, worth=0)
        apart = f'{gain:+.3f} <small>[{gain_low:+.3f}, {gain_high:+.3f}]</small> <b class="{verdict}">{verdict}</b>'
    tied = ""
    if first is not None and row is not first and row.competes:
        _, low_to_first, high_to_first = difference(row, first)
        tied = "<small>cannot be told from the first</small>" if low_to_first <= 0 <= high_to_first else ""
    cells = [
        f'<td class="place">{"" if place is None else place}</td>',
        f'<th scope="row"><bdi>{html.escape(clean_name(row.name))}</bdi>{tied}</th>',
        f"<td><strong>{mean:.3f}</strong> <small>[{low:.3f}, {high:.3f}]</small></td>",
        f"<td>{_picture(low, mean, high, float(course.dice.mean()), row.competes)}</td>",
        f"<td>{apart}</td>",
        f"<td>{'–' if row.parameters is None else f'{row.parameters:,}'}</td>",
        f"<td>{'–' if row.minutes is None else f'{row.minutes:.1f}'}</td>",
    ]
    return f'<tr class="{"mine" if row.competes else "base"}">{"".join(cells)}</tr>'


def page(rows: Sequence[Row], refused: Mapping[str, str], course: Row, patients: int) -> str:
    """The leaderboard as a page of HTML that stands alone: no script, nothing fetched, light and dark.

    Args:
        rows: of the students and of the baselines, in any order.
        refused: {student: why there is no score}.
        course: the row that the others are compared with.
        patients: how many are hidden.
    """
    places, lines, order = iter(range(1, len(rows) + 1)), [], ranked(rows)
    first = next((row for row in order if row.competes), None)
    for row in order:
        lines.append(_line(row, next(places) if row.competes else None, first, course))
    reasons = "".join(
        f'<li><bdi class="name">{html.escape(clean_name(name))}</bdi> {html.escape(why[:300])}</li>'
        for name, why in sorted(refused.items())
    )
    return _PAGE.substitute(
        lesson=LESSON,
        lines="\n".join(lines),
        refused=f"<h2>Without a score</h2>\n<ul>{reasons}</ul>" if reasons else "",
        patients=patients,
        competing=sum(row.competes for row in rows),
        slices=f"{handed_in.SLICES:,}",
        parameters=f"{handed_in.PARAMETERS:,}",
        noise=handed_in.NOISE,
    )


_PAGE = string.Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Where to Look: the leaderboard of $lesson</title>
<style>
:root { color-scheme: light dark; --paper: #fdfcfa; --ink: #1d2330; --soft: #5b6473; --line: #dcdfe5; --band: #f1f3f6;
  --dot: #0b6bb0; --base: #7a8290; --good: #0a6b43; --bad: #a3321c; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e7eaf0; --soft: #a3acba; --line: #333b48;
  --band: #1c222c; --dot: #6cbcf5; --base: #8d96a5; --good: #62d3a0; --bad: #ff9a82; } }
body { margin: 0 auto; max-width: 72rem; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
p { max-width: 46rem; margin: .4rem 0; }
.lead, small, .notes, li { color: var(--soft); }
.table { overflow-x: auto; margin: 1.75rem 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .55rem .6rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: middle; }
thead th { color: var(--soft); font-size: .82rem; font-weight: 600; vertical-align: bottom; border-bottom-width: 2px;
  white-space: nowrap; }
tbody th { font-weight: 600; min-width: 9.5rem; max-width: 15rem; overflow-wrap: anywhere; }
tbody th small { display: block; font-weight: 400; }
td { white-space: nowrap; }
td:nth-last-child(-n+2), thead th:nth-last-child(-n+2) { text-align: right; }
td b { display: inline-block; margin-left: .35rem; padding: 0 .45rem; border: 1px solid; border-radius: 1rem;
  font-size: .78rem; font-weight: 600; color: var(--soft); }
td b.better { color: var(--good); } td b.worse { color: var(--bad); }
.place { font-size: 1.15rem; font-weight: 700; width: 2rem; }
tr.base { background: var(--band); } tr.base th { font-weight: 400; font-style: italic; color: var(--soft); }
svg { display: block; } svg line, svg circle { vector-effect: non-scaling-stroke; }
.axis { stroke: var(--line); stroke-width: 1; } .course { stroke: var(--base); stroke-width: 1; stroke-dasharray: 2 2; }
.bar { stroke-width: 4; stroke-opacity: .55; } .mine .bar { stroke: var(--dot); } .mine circle { fill: var(--dot); }
.base .bar { stroke: var(--base); } .base circle { fill: var(--base); }
ul { padding-left: 1.1rem; } li { margin: .35rem 0; overflow-wrap: anywhere; }
.name { display: inline-block; margin-right: .5rem; font-weight: 600; color: var(--ink); }
</style>
</head>
<body>
<main>
<h1>Leaderboard</h1>
<p class="lead">Lesson $lesson: $competing networks, each scored anew on $patients phantom patients that nobody had
seen, with noise of standard deviation 0 to $noise of 255.</p>
<div class="table" role="region" tabindex="0" aria-label="Leaderboard">
<table>
<thead><tr>
<th scope="col"><span aria-label="place">#</span></th><th scope="col">network of</th>
<th scope="col">Dice per patient<br>mean [95 % interval]</th><th scope="col">on a scale from 0 to 1</th>
<th scope="col">against the course's U-Net<br>in pairs [95 % interval]</th><th scope="col">parameters</th>
<th scope="col">minutes</th>
</tr></thead>
<tbody>
$lines
</tbody>
</table>
</div>
<div class="notes">
<p>Grey rows take no place. The dashed line is the course's U-Net, trained with the same $slices slices and without
noise; the large network has more parameters than the $parameters that are allowed, and stands here for scale.</p>
<p>Intervals are over patients. Each network was trained once: with another seed the order could be another, above all
among those that cannot be told from the first. Minutes are what the $slices slices take on one core of the machine that
made this page; how long a network was in fact trained, nobody can read in its file.</p>
</div>
$refused
</main>
</body>
</html>
""")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the page; what is wrong with the call is said in one sentence, with exit status 2."""
    parser = argparse.ArgumentParser(
        "python -m grading.leaderboard", description="Score the networks of lesson 15 and write the leaderboard."
    )
    parser.add_argument(
        "submissions",
        type=Path,
        nargs="?",
        default=Path("submitted"),
        help="what was handed in, a folder for each student",
    )
    parser.add_argument("--seed", default=os.environ.get("SEED"), help="the secret; better given as SEED=... before")
    parser.add_argument("--output", type=Path, default=Path("leaderboard.html"))
    parser.add_argument("--patients", type=int, default=PATIENTS, help=f"hidden patients (default {PATIENTS})")
    parser.add_argument("--no-sandbox", action="store_true", help="load networks with your own rights, in a container")
    options = parser.parse_args(arguments)
    walls = not options.no_sandbox
    mistake = None
    if not options.seed:
        mistake = "there is no secret: set SEED to a long text that you keep, and that is the same every time."
    elif options.patients < 2:
        mistake = f"--patients is {options.patients}: an interval needs 2 or more."
    elif not options.submissions.is_dir():
        mistake = f"{options.submissions}: no such folder; give the one with what was handed in."
    elif walls:
        mistake = sandbox.why_unavailable()
    if mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    print(f"making {options.patients} hidden patients", flush=True)
    hidden = make_hidden_set(options.seed, options.patients)
    print("scoring the baselines", flush=True)
    try:
        course, *others = baselines(hidden, walls)
    except ValueError as error:
        print(f"error: the course's own network has no score, so nobody has one: {error}", file=sys.stderr)
        return 2
    rows, refused = score_all(options.submissions, hidden, walls)
    report.write(options.output, page([course, *others, *rows], refused, course, options.patients))
    print(f"{options.output}: networks with a score: {len(rows)}, without: {len(refused)}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--answer-here"]:
        answer_here()
    else:
        sys.exit(main())
