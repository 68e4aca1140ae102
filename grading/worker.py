"""One of the grader's processes: it judges the submissions that it is sent, and answers, each in a line of JSON."""

import dataclasses
import json
import os
import pathlib
import resource
import sys

from grading import inside

MOST_MEMORY = 12 * 2**30


def main() -> None:
    """Serve until the input ends."""
    reader, writer = inside.take_the_pipes()
    orders, answers = os.fdopen(reader), os.fdopen(writer, "w")
    os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", MPLBACKEND="agg")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    # the description of a network may lie about its size; that ends this process, and not the machine
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    import helpers  # noqa: F401 (before Keras)
    from grading import check, collect, sandbox

    known = {}
    for line in orders:
        order = json.loads(line)
        place = order["solutions"]
        if place not in known:
            known[place] = collect.lessons(pathlib.Path(place))
        try:
            verdicts = check.judge(
                known[place][order["lesson"]], order["cells"], order["others"], sandbox.Limits(**order["limits"]),
                order["seed"], order["walls"],
            )  # fmt: skip
            answer = {"verdicts": [dataclasses.asdict(each) for each in verdicts]}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.exit(main())
