"""Grade what learners have handed in, in a sandbox: `python -m grading submitted`, or `make grade`.

It writes grades.csv, a feedback page for each learner, and what Canvas or Moodle imports. `docs/instructors.md` tells
how a course is graded.
"""

import argparse
import hashlib
import json
import os
import pathlib
import queue
import secrets
import subprocess
import sys
import threading

from grading import check, collect, report, sandbox

ROOT = pathlib.Path(__file__).resolve().parents[1]
STATES_OF_NOTHING = ("blank", "missing")
ELSEWHERE = "(Nothing is in its own cell. This is all that was written outside of the lesson's cells:)"


def main(arguments: list[str] | None = None) -> int:
    """Grade; returns 0 if every notebook could be graded, 1 if some could not, 2 if nothing was done."""
    options = _options().parse_args(arguments)
    try:
        return grade(options)
    except (ValueError, OSError, sandbox.Unavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__.partition("\n")[0])
    parser.add_argument("submissions", nargs="?", type=pathlib.Path, default=pathlib.Path("submitted"))
    parser.add_argument("--solutions", type=pathlib.Path, help="lessons with checks of your own, beside the course's")
    parser.add_argument("--lessons", nargs="+", metavar="NAME", help="grade these only, such as 02_scores")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), help="where grades.csv and feedback/ go")
    parser.add_argument("--seed", help="of the hidden tests; without it a secret one is drawn once and kept")
    parser.add_argument("--roster", type=pathlib.Path, help="class list of Canvas or Moodle; writes what they import")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="submissions at a time")
    parser.add_argument("--seconds", type=float, default=120.0, help="for each exercise")
    parser.add_argument("--memory", type=int, default=4096, help="MB for each submission")
    parser.add_argument("--again", action="store_true", help="grade also what has not changed")
    parser.add_argument("--own-work", action="store_true", help="no points for calling what the exercise builds")
    parser.add_argument("--no-sandbox", action="store_true", help="answers run with your rights: in a container only")
    parser.add_argument("--nbgrader", metavar="DATABASE", help="also write the points into nbgrader's gradebook")
    return parser


def grade(options) -> int:
    """Collect, judge, and write what came out; see `main`."""
    if not options.submissions.is_dir():
        raise ValueError(f"there is no folder {options.submissions}: put there what was handed in, or name another.")
    known, folders = {}, {}
    for folder in [ROOT / "solutions"] + ([options.solutions] if options.solutions else []):
        lessons = collect.lessons(folder)
        if not lessons:
            raise ValueError(f"{folder} has no lesson: name the folder with the solutions.")
        known, folders = known | lessons, folders | dict.fromkeys(lessons, folder)
    for name in options.lessons or []:
        if name not in known:
            raise ValueError(f"there is no lesson {name}: name it as its folder is called, such as {[*known][-1]}.")
    roster = report.Roster(options.roster) if options.roster else None
    for name in ("grades.csv", roster.file) if roster is not None else ():
        if (options.out / name).exists() and options.roster.samefile(options.out / name):
            raise ValueError(
                f"{options.roster} is a table that each run writes anew: give the class list another name."
            )
    marks = report.read_marks(options.out / "by_hand.csv")
    if not options.no_sandbox and (why := sandbox.why_unavailable()):
        raise sandbox.Unavailable(why)
    found = collect.submissions(options.submissions, known)
    if options.lessons:  # what is of no lesson at all may be meant for one of them
        found = [each for each in found if each.lesson in options.lessons or each.lesson not in known]
    if not found:
        what = f"notebook of {' or '.join(options.lessons)}" if options.lessons else "notebook"
        raise ValueError(f"{options.submissions} holds no {what}: put there what was handed in, or name another.")
    store = options.out / "build" / "grading"
    seed = _seed(options, store)
    print(
        f"{len(found)} hand-ins of {len({each.student for each in found})} students; hidden tests draw from SEED={seed}"
    )
    verdicts = _judge_all(found, known, folders, options, store, seed)
    rows = [_row(each, known, verdicts.get(number), options, marks) for number, each in enumerate(found)]
    if roster is not None:
        rows += _missing(roster, rows)
    options.out.mkdir(parents=True, exist_ok=True)
    report.table(rows, options.out / "grades.csv")
    report.feedback(rows, options.out / "feedback")
    by_hand = {name: [each.name for each in lesson.exercises if each.by_hand] for name, lesson in known.items()}
    waiting = report.by_hand_page(rows, by_hand, marks, options.out / "by_hand.html")
    if waiting:
        print(f"{waiting} answers wait for your marks: open {options.out / 'by_hand.html'}")
    if roster is not None:
        print(f"{roster.save(rows, options.out)} is ready to import")
        for name in sorted({row.student for row in rows if roster.find(row.student) is None}):
            print(f"not in the class list, or there twice: {name}")
        for (place, lesson), several in roster.found(rows).items():
            if len(several) > 1:
                names = ", ".join(row.student for row in several)
                print(f"{roster.name(place)} has {lesson} several times, and the best counts: {names}")
    if options.nbgrader:
        from grading import gradebook

        gradebook.export(rows, known, options.nbgrader)
    for row in rows:
        if not row.graded:
            print(f"{row.student}, {row.lesson}: {row.status}. {row.sentence}")
    print(f"{options.out / 'grades.csv'} has {len(rows)} rows, {options.out / 'feedback'} a page for each student")
    return int(any(row.status in ("not graded", "failed to run") for row in rows))


def _seed(options, store: pathlib.Path) -> str:
    if options.seed:
        return options.seed
    path = store / "seed"
    if not path.exists():
        store.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(8))
    return path.read_text().strip()


def _code() -> str:
    """A hash of the grader and of `helpers`: what they are decides what a grade is."""
    digest = hashlib.sha256()
    for folder in ("grading", "helpers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _judge_all(found, known, folders, options, store: pathlib.Path, seed: str) -> dict[int, dict]:
    """{number of the submission: what its worker said}; what was judged before, and has not changed, is read."""
    limits = {"seconds": options.seconds, "memory": options.memory * sandbox.MEGABYTE}
    code, results, jobs = _code(), {}, queue.Queue()
    for number, each in enumerate(found):
        if each.problem is not None:
            continue
        own = hashlib.sha256(json.dumps([each.student, each.cells, each.others]).encode()).hexdigest()
        order = {
            "solutions": str(folders[each.lesson].resolve()), "lesson": each.lesson, "cells": each.cells,
            "others": each.others, "limits": limits, "seed": f"{seed}/{each.lesson}/{own}",
            "walls": not options.no_sandbox,
        }  # fmt: skip
        key = hashlib.sha256(json.dumps([order, known[each.lesson].digest, code]).encode()).hexdigest()
        path = store / "results" / f"{key}.json"
        if path.exists() and not options.again:
            results[number] = json.loads(path.read_text())
        else:
            exercises = len(known[each.lesson].exercises)
            jobs.put((number, each, order, path, 600 + (4 * exercises + 2) * (options.seconds + 10)))
    count = jobs.qsize()
    if results:
        print(f"{len(results)} have not changed since they were graded")
    if count:
        _work(jobs, min(options.jobs, count), results)
    return results


def _work(jobs: queue.Queue, workers: int, results: dict) -> None:
    from tqdm import tqdm

    progress = tqdm(total=jobs.qsize(), unit="notebook", disable=None)
    lock = threading.Lock()

    def serve():
        worker = None
        while True:
            try:
                number, each, order, path, patience = jobs.get_nowait()
            except queue.Empty:
                break
            for _ in range(2):
                worker = worker if worker is not None and worker.process.poll() is None else Worker()
                answer = worker.ask(order, patience)
                if "verdicts" in answer:
                    report.write(path, json.dumps(answer))
                    break
            with lock:
                results[number] = answer
                progress.update()
                if progress.disable:
                    print(f"{len(results)}: {each.student}, {each.lesson}", flush=True)
        if worker is not None:
            worker.close()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.close()


class Worker:
    """A process that judges, one submission after the other; see `worker`."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grading.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        )

    def ask(self, order: dict, patience: float) -> dict:
        """What it says of one submission; {"error": ...} if it says nothing for so long, or ends."""
        watch = threading.Timer(patience, self.process.kill)
        watch.start()
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            return json.loads(line) if line else {"error": "the grader's own process ended"}
        except (OSError, json.JSONDecodeError):
            return {"error": "the grader's own process ended"}
        finally:
            watch.cancel()

    def close(self) -> None:
        """End it."""
        self.process.stdin.close()
        self.process.wait()


def _row(each: collect.Submission, known, answer: dict | None, options, marks: dict) -> report.Row:
    if each.problem is not None:
        most = {one.name: one.points for one in known[each.lesson].exercises} if each.lesson in known else {}
        return report.Row(each.student, each.lesson, "not graded", {}, most, {}, [each.problem, *each.notes])
    lesson = known[each.lesson]
    most = {one.name: one.points for one in lesson.exercises}
    if answer is None or "verdicts" not in answer:
        words = f"The grader failed, which says nothing of the answers: {(answer or {}).get('error', 'no answer')}."
        return report.Row(each.student, each.lesson, "failed to run", {}, most, {}, [words, *each.notes], each.cells)
    row = report.Row(each.student, each.lesson, "graded", {}, most, {}, list(each.notes), dict(each.cells))
    states = set()
    for found, exercise in zip(answer["verdicts"], lesson.exercises, strict=True):
        points, sentence, state = found["points"], found["sentence"], found["state"]
        if exercise.by_hand:
            points, comment, marked = marks.get((each.student, each.lesson, exercise.name), (None, "", ""))
            written = each.cells.get(exercise.name, exercise.stub)
            if check.bare(written) in ("", check.bare(exercise.stub)):
                written = "\n\n".join(dict.fromkeys(each.words if exercise.markdown else each.others + each.words))
                if written:
                    row.sources[exercise.name] = f"{ELSEWHERE}\n\n{written}"
            if marked not in ("", report.digest(row.sources.get(exercise.name, ""))):  # the mark is another answer's
                points = None
            if not written:
                points, comment, state = points or 0.0, "Nothing is written yet.", "blank"
            elif points is not None:
                state = "right"
            if points is not None:
                points, sentence = min(max(points, 0.0), exercise.points), comment
        states.add(state)
        used = collect.shortcuts(
            lesson, exercise, each.cells.get(exercise.name, ""), [*each.others, *each.cells.values()]
        )
        if points and used:
            row.notes.append(f"{exercise.name} calls {', '.join(used)} of helpers, which it is there to build.")
            if options.own_work:
                points, sentence = 0.0, f"Write it yourself: {', '.join(used)} is what this exercise builds."
        row.points[exercise.name], row.sentences[exercise.name] = points, sentence
    if "by hand" in states:
        row.status = "waits for marks"
    elif states <= set(STATES_OF_NOTHING):
        row.status = "blank"
    elif "stopped" in states:
        row.status = "stopped"
    return row


def _missing(roster: report.Roster, rows: list[report.Row]) -> list[report.Row]:
    """A row for everybody in the class list who handed in nothing of a lesson that others handed in."""
    there = {(roster.find(row.student), row.lesson) for row in rows}
    lessons = {row.lesson: row.most for row in rows if row.most}
    return [
        report.Row(roster.name(place), lesson, "nothing handed in", {}, most, {}, ["Nothing was handed in."])
        for lesson, most in sorted(lessons.items())
        for place in range(len(roster.rows))
        if (place, lesson) not in there
    ]


if __name__ == "__main__":
    sys.exit(main())
