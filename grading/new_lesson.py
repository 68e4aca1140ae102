"""Begin a lesson of your own: `python -m grading.new_lesson NAME`, or `make new-lesson NAME=16_my_lesson`."""

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TITLE = """# What do we want to know?

One sentence that promises an answer.

You will

- build ...,
- see ...

You need lesson 05. An hour, two cores, 1 GB of memory, no download."""
IMPORTS = """import helpers.data  # first: it keeps TensorFlow's start-up lines out of the notebook
import numpy as np
from helpers.scores import metrics

print(f"Ready: helpers {helpers.__version__}.")"""
GOAL = r"""## The share of true pixels that was found

With the pixels that lie in both areas, $b$, and those of the true one, $t$, we write `recall`:

$$\text{recall} = b / t$$"""
STUB = '''def recall(counts):
    """The share of the true pixels that was found.

    counts: (n, 3) whole numbers, the columns both, predicted, true; true is 1 or more.
    Returns (n,) numbers in [0, 1]. Example: [[1, 2, 4]] gives [0.25].
    """
    ### BEGIN SOLUTION
    return counts[:, 0] / counts[:, 2]
    ### END SOLUTION'''
CHECK = """# Check of recall: run this cell once it is written
got = np.asarray(recall(np.array([[1, 2, 4], [3, 3, 3]])))
assert got.shape == (2,), f"expected one number for each of 2 rows, got the shape {got.shape}: do not average"
assert not np.allclose(got, [0.5, 1]), "expected 0.25 for [1, 2, 4], got 0.5: divide by the true pixels, column 2"
assert np.allclose(got, [0.25, 1]), f"expected [0.25, 1], got {got.tolist()}: both / true"
### BEGIN HIDDEN TESTS
draw = np.random.default_rng()  # draws from SEED= when it is graded
areas = draw.random((2, 20, 4, 3)) < 0.8
drawn = metrics.counts(*areas)
expected = areas[0].reshape(20, 12).sum(axis=1)
assert np.allclose(recall(drawn) * expected, drawn[:, 0]), "expected both / true for drawn areas"
### END HIDDEN TESTS
print("Right: the share that was found.")"""
WHY = "**In your own words.** When is a high recall worth nothing? Two or three sentences, below."
ANSWER = """A prediction that marks everything has a recall of 1, so precision, or Dice, has to stand beside it.

(For three points: the example, and what has to stand beside it. Learners get an empty cell.)"""
RECAP = "## Recap\n\nWe built ..., and saw ..."


def notebook(name: str) -> dict:
    """A lesson with one exercise, its check, and one answer that a person marks."""

    def cell(kind, identity, source, **about):
        made = {"cell_type": kind, "id": identity, "metadata": {}, "source": source.splitlines(keepends=True)}
        if about:
            about = {"locked": about["grade"] and not about["solution"], "schema_version": 3, "task": False} | about
            made["metadata"]["nbgrader"] = dict(sorted((about | {"grade_id": identity}).items()))
            if not about["solution"]:
                made["metadata"]["jupyter"] = {"source_hidden": True}
        return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})

    cells = [
        cell("markdown", "title", TITLE),
        cell("code", "imports", IMPORTS),
        cell("markdown", "recall-goal", GOAL),
        cell("code", "recall", STUB, grade=False, solution=True),
        cell("code", "check-recall", CHECK, grade=True, solution=False, points=1),
        cell("markdown", "why-question", WHY),
        cell("markdown", "why", ANSWER, grade=True, solution=True, points=3),
        cell("markdown", "recap", RECAP),
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def main(arguments: list[str] | None = None) -> int:
    """Write the lesson; 2 if the name is none, or taken."""
    parser = argparse.ArgumentParser(prog="python -m grading.new_lesson", description=__doc__)
    parser.add_argument("name", help="number and words, such as 16_my_lesson")
    parser.add_argument("--solutions", type=pathlib.Path, default=ROOT / "solutions", help="the folder it goes into")
    options = parser.parse_args(arguments)
    path = options.solutions / options.name / f"{options.name}.ipynb"
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", options.name):
        print(
            f"error: {options.name!r} is no lesson's name: two digits, then words, as in 16_my_lesson", file=sys.stderr
        )
        return 2
    if path.exists():
        print(f"error: {path} is there already: take another name", file=sys.stderr)
        return 2
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(options.name), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path} is there: open it in JupyterLab and make it yours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
