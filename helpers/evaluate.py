"""Score a trained network on a data set, with a prediction that knows nothing beside it.

python -m helpers.evaluate --model brain --data phantom
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers import command, tasks
from helpers.data import disk
from helpers.training import run_folder

EXAMPLE = """example, which makes the phantom brains on first use:

    python -m helpers.evaluate --model brain --data phantom --json scores.json

Score only what the network was not trained on: this command cannot know what that is. A network for streets is scored
on the val split of a set of streets, and a picture of what it takes for what is drawn:

    python -m helpers.evaluate --model STREETS.keras --data cityscapes --scales 0.75 1 1.25 --figure confusion.png"""

PICTURES = (".png", ".pdf", ".svg")
"""What --figure draws."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = command.Parser(
        prog="python -m helpers.evaluate",
        description="Print the honest scores of a trained network, and those of one that knows nothing.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_model(result, tasks.TASKS)
    result.add_argument(
        "--data", required=True, metavar="SOURCE", help="phantom, kaggle, cityscapes or a folder in such a layout"
    )
    result.add_argument(
        "--json", type=Path, metavar="FILE", help="write the scores here, with each patient's or class's"
    )
    result.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw the confusion matrix of the classes here (.png, .pdf, .svg)"
    )
    command.add_inference_options(result)
    result.add_argument(
        "--groups", metavar="PATTERN",
        help="pairs: what is one group, a pattern or a CSV as `train` takes it (as in the run of the network)",
    )  # fmt: skip
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    if options.json is not None:
        command.check_output("--json", options.json)
    if options.figure is not None:
        command.check_output("--figure", options.figure, PICTURES)
    asked = command.area_rule(options)
    model, purpose = tasks.load(options.model, options.dataset)
    if options.groups is not None:
        tasks.refuse_unused(purpose.dataset, {"groups": "--groups"})
    averaging = purpose.averaging(command.averaging(options))
    rule = purpose.area_rule(asked, options.model)
    if options.figure is not None and len(purpose.classes) == 1:
        raise ValueError(f"--figure draws several classes, and {options.model} has one: leave it out.")
    task = tasks.get(purpose.dataset)
    scores, words, confusion = task.evaluate(model, purpose, options.data, rule, averaging, options.groups)
    print(f"{disk.printable(options.model)} on {words} of {disk.printable(options.data)}\n")
    print(task.layout(scores).report(scores))
    if options.json is not None:
        run_folder.write_json(options.json, scores)
        print(f"\nwritten to {disk.printable(options.json)}")
    if options.figure is not None and confusion is not None:
        from helpers.show import figures  # seaborn takes a second

        drawn = io.BytesIO()
        figures.confusion(confusion, purpose.classes).savefig(drawn, format=options.figure.suffix[1:].lower())
        run_folder.write(options.figure, drawn.getvalue())
        print(f"\nthe confusion matrix is drawn in {disk.printable(options.figure)}")


if __name__ == "__main__":
    begins_again = "nothing is written, and the same command begins again"
    sys.exit(command.run(main, begins_again, command.SMALL_WINDOWS))
