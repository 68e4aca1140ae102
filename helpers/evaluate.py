"""Score a trained network on a folder of patients, with the all-black baseline beside it.

python -m helpers.evaluate --model brain --data phantom
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers import command
from helpers.data import brain
from helpers.training import experiment, inference, metrics

EXAMPLE = """example, which makes the phantom brains on first use:

    python -m helpers.evaluate --model brain --data phantom --json scores.json

Score only patients that the network was not trained on: this command cannot know which those are."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = argparse.ArgumentParser(
        prog="python -m helpers.evaluate",
        description="Print the honest scores of a trained network, and those of a network that finds nothing.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--model", required=True, metavar="FILE", help="a .keras file, or brain or phantom")
    result.add_argument("--data", required=True, metavar="SOURCE", help="phantom, kaggle or a folder of patients")
    result.add_argument("--json", type=Path, metavar="FILE", help="write the scores here, with each patient's")
    result.add_argument("--flips", action="store_true", help="average over each slice and its mirror image")
    result.add_argument("--threshold", type=float, default=0.5, metavar="P", help="probability of tumour (0.5)")
    return result


def report(scores: dict) -> str:
    """Lay the scores out as text."""

    def column(part: dict) -> list[str]:
        low, high = part["dice"]["interval"]
        return [
            f"{part['dice']['mean']:.3f} [{low:.3f}, {high:.3f}]",
            f"{part['dice']['median']:.3f}",
            "no such slice" if part["positives_iou"] is None else f"{part['positives_iou']:.3f}",
            f"{part['false_positive_slices']} of {scores['tumour_free_slices']}",
            f"{part['original_iou']:.3f}",
        ]

    names = [
        "Dice per patient, mean [95 % interval]",
        "Dice per patient, median",
        "IoU, slices with tumour",
        "slices without tumour where some was found",
        "IoU as the original counts it, empty slices 1",
    ]
    lines = [f"{'':<48}{'network':<26}all black"]
    rows = zip(names, column(scores), column(scores["baseline"]), strict=True)
    return "\n".join(lines + [f"{name:<48}{network:<26}{black}" for name, network, black in rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    if not 0 < options.threshold < 1:
        raise ValueError(f"--threshold is {options.threshold}: give a probability between 0 and 1.")
    if options.json is not None and not options.json.parent.is_dir():
        raise FileNotFoundError(f"{options.json.parent}: no such folder for --json; make it first.")
    model = inference.load_model(options.model)
    slices = brain.load(options.data)
    counts = experiment.count(model, slices, options.flips, options.threshold, progress=True)
    scores = metrics.scores_from_counts(counts, slices.patients)
    print(f"{options.model} on {len(scores['patients'])} patients, {len(slices)} slices of {options.data}\n")
    print(report(scores))
    if options.json is not None:
        options.json.write_text(json.dumps(scores, indent=2) + "\n")
        print(f"\nwritten to {options.json}")


if __name__ == "__main__":
    sys.exit(command.run(main))
