"""Segment an image, or every image in a folder, with a trained network.

python -m helpers.predict --model brain --input IMAGE_OR_FOLDER --output FOLDER
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers import command, tasks
from helpers.data import disk, image_files

EXAMPLE = """example, with a phantom brain (python -m helpers.prepare brain makes it):

    python -m helpers.prepare brain
    python -m helpers.predict --model brain --input data/phantom_brain --output predictions

For each image, NAME_mask.png (0 or 255) and NAME_overlay.png (the contour of the prediction in red, and in green that
of NAME_mask.tif where there is one) are written, at the image's own size. The slices of one patient in one folder are
normalised together, as in training; a slice that is given alone is normalised with those that lie beside it.

What cannot be read is listed at the end, and the others are predicted. A photograph that is larger than 2048 x 1024 is
predicted in windows if the network takes any size.

A network for streets writes NAME_labelIds.png, ready for the benchmark's server, and NAME_overlay.png, the classes in
the colours of Cityscapes over the photograph:

    python -m helpers.predict --model STREETS.keras --input data/phantom_streets/leftImg8bit/val --output predictions"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = command.Parser(
        prog="python -m helpers.predict",
        description="Write what a network finds, and an overlay, for each image.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_model(result, tasks.TASKS)
    result.add_argument("--input", type=Path, required=True, metavar="PATH", help="an image, or a folder of them")
    result.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="made if missing")
    command.add_inference_options(result)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    paths, failures = image_files.below(options.input)
    root = options.input if options.input.is_dir() else options.input.parent
    asked = command.area_rule(options)
    model, purpose = tasks.load(options.model, options.dataset)
    averaging = purpose.averaging(command.averaging(options))
    rule = purpose.area_rule(asked, options.model)
    task = tasks.get(purpose.dataset)
    refuse_true_masks(task, paths, root, options.output)
    options.output.mkdir(parents=True, exist_ok=True)
    unreadable = task.segment(model, purpose, paths, root, options.output, rule, averaging)
    print(f"{len(paths) - len(unreadable)} masks and overlays are in {disk.printable(options.output)}")
    if failures or unreadable:
        raise OSError("\n".join([*failures, *unreadable]))


def refuse_true_masks(task: type[tasks.Task], paths: Sequence[Path], root: Path, output: Path) -> None:
    """Raise ValueError if what is found would take the place of true masks, or be taken for true ones."""
    if output.resolve() == root.resolve():
        raise ValueError(
            f"--output {output} is the folder of the images, where what is found would be taken for true masks: give "
            "another folder."
        )
    for path in paths:
        mask, overlay = (output / path.parent.relative_to(root) / name for name in task.written(path.stem))
        if mask.exists() and not overlay.exists():
            raise ValueError(f"{mask} is there and was not predicted: give another folder as --output, or move it.")


if __name__ == "__main__":
    begins_again = "what is written is kept, and the same command begins again with the first image"
    sys.exit(command.run(main, begins_again, command.SMALL_WINDOWS))
