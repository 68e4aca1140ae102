"""Score a trained network on patients or on streets, with a prediction that knows nothing beside it.

python -m helpers.evaluate --model brain --data phantom
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers import command
from helpers.data import brain, street_classes, streets
from helpers.nets import inference
from helpers.scores import metrics
from helpers.tasks import brain as brain_task
from helpers.tasks import streets as streets_task

EXAMPLE = """example, which makes the phantom brains on first use:

    python -m helpers.evaluate --model brain --data phantom --json scores.json

Score only patients that the network was not trained on: this command cannot know which those are. A network with
several classes is scored on the val split of a set of streets, and a picture of what it takes for what is drawn:

    python -m helpers.evaluate --model STREETS.keras --data cityscapes --scales 0.75 1 1.25 --figure confusion.png"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = argparse.ArgumentParser(
        prog="python -m helpers.evaluate",
        description="Print the honest scores of a trained network, and those of a network that finds nothing.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--model", required=True, metavar="FILE", help="a .keras file, or brain or phantom")
    result.add_argument(
        "--data", required=True, metavar="SOURCE", help="phantom, kaggle, cityscapes or a folder in such a layout"
    )
    result.add_argument(
        "--json", type=Path, metavar="FILE", help="write the scores here, with each patient's or class's"
    )
    result.add_argument("--threshold", type=float, default=0.5, metavar="P", help="brain: probability of tumour (0.5)")
    result.add_argument("--figure", type=Path, metavar="FILE", help="streets: draw the confusion matrix here (.png)")
    command.add_inference_options(result)
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
    for file in (options.json, options.figure):
        if file is not None and not file.parent.is_dir():
            raise FileNotFoundError(f"{file.parent}: no such folder for {file.name}; make it first.")
    model = inference.load_model(options.model)
    classes = model.output_shape[-1]
    if classes == 1:
        scores = of_patients(model, options)
    elif classes == len(street_classes.CLASSES):
        scores = of_streets(model, options)
    else:
        raise ValueError(f"{options.model}: predicts {classes} classes; give a network for brain slices or streets.")
    if options.json is not None:
        options.json.write_text(json.dumps(scores, indent=2) + "\n")
        print(f"\nwritten to {options.json}")


def of_patients(model, options: argparse.Namespace) -> dict:
    """Score brain slices, and print the table."""
    slices = brain.load(options.data)
    counts = brain_task.count(model, slices, options.flips, options.threshold, progress=True)
    scores = metrics.scores_from_counts(counts, slices.patients)
    print(f"{options.model} on {len(scores['patients'])} patients, {len(slices)} slices of {options.data}\n")
    print(report(scores))
    return scores


def of_streets(model, options: argparse.Namespace) -> dict:
    """Score the val split of a set of streets, print the table and draw the confusion matrix."""
    scenes = streets.scenes(options.data, "val")
    confusions = streets_task.count(model, scenes, options.flips, options.scales, options.window, progress=True)
    scores = metrics.street_scores(confusions, street_classes.NAMES)
    print(f"{options.model} on {len(scenes)} scenes of {options.data}\n")
    print(street_report(scores))
    if options.figure is not None:
        from helpers.show import figures  # seaborn takes a second

        figures.confusion(confusions.sum(axis=0), street_classes.NAMES).savefig(options.figure)
        print(f"\nthe confusion matrix is drawn in {options.figure}")
    return scores


def street_report(scores: dict) -> str:
    """Lay the scores of streets out as text."""
    low, high = scores["interval"]
    baseline = scores["baseline"]
    lines = [f"{'':<40}{'network':<26}all {baseline['class']}"]
    lines.append(f"{'mean IoU [95 % interval over scenes]':<40}{scores['mean_iou']:.3f} [{low:.3f}, {high:.3f}]      "
                 f"{baseline['mean_iou']:.3f}")  # fmt: skip
    lines.append(f"{'pixels that are right':<40}{scores['pixel_accuracy']:<26.3f}{baseline['pixel_accuracy']:.3f}")
    for name, value in scores["classes"].items():
        lines.append(f"{'IoU of ' + name:<40}" + ("no such pixel" if value is None else f"{value:.3f}"))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(command.run(main))
