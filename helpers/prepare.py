"""Put a data set where the lessons and the other commands find it, and check every file of it.

python -m helpers.prepare brain
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers import command
from helpers.data import brain, disk, download, phantom_brain

EXAMPLE = """example, which makes the embedded phantom brains in half a minute:

    python -m helpers.prepare brain"""

BRAIN_EXAMPLE = f"""{EXAMPLE}

the real slices (Kaggle's mateuszbuda/lgg-mri-segmentation), downloaded, or from a zip that you have:

    python -m helpers.prepare brain --source kaggle
    python -m helpers.prepare brain --source archive.zip

Sets are kept in the folder that the environment variable DATA_HOME names, else in the repository's data/.
What was interrupted goes on where it stopped when the same command is given again."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser: a subcommand for each data set."""
    result = argparse.ArgumentParser(
        prog="python -m helpers.prepare",
        description="Make, download or unpack a data set, and check every file of it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sets = result.add_subparsers(dest="dataset", metavar="DATASET", required=True)
    part = sets.add_parser(
        "brain",
        help="slices of brain MRI with tumours",
        description="Slices of brain MRI with tumours, in the layout of Kaggle's lgg-mri-segmentation.",
        epilog=BRAIN_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    part.set_defaults(prepare=prepare_brain)
    which = part.add_mutually_exclusive_group()
    which.add_argument(
        "--source", default="phantom", help="phantom, kaggle, or a zip or folder that you have (%(default)s)"
    )
    which.add_argument("--check", metavar="FOLDER", help="change nothing, and list all that is wrong with FOLDER")
    part.add_argument("--output", type=Path, metavar="FOLDER", help="put the set here, not in DATA_HOME")
    part.add_argument("--patients", type=int, metavar="N", help="how many phantom patients (24)")
    part.add_argument("--seed", type=int, metavar="S", help="which phantom patients (0)")
    return result


def prepare_brain(options: argparse.Namespace) -> None:
    """Do what the subcommand `brain` was asked; ValueError when the check finds problems."""
    if options.check is not None:
        folder = brain.folder_of(options.check)
        refuse(check(folder), folder)
        return
    source = options.source
    phantoms = {name: value for name in ("patients", "seed") if (value := getattr(options, name)) is not None}
    if phantoms and source != "phantom":
        raise ValueError(f"--patients and --seed are for phantoms: leave them out, or --source {source}")
    home = disk.data_home() / ("phantom_brain" if source == "phantom" else "lgg-mri-segmentation")
    data = "phantom" if source == "phantom" else "kaggle"  # what the other commands call it
    if options.output:
        home = options.output.expanduser().resolve()
        data = str(home / "kaggle_3m")
    if source == "phantom":
        folder = phantom_brain.make(home, **phantoms)
    elif source == "kaggle":
        folder = home / "kaggle_3m"
        if not folder.is_dir():
            archive = download.fetch_kaggle(home)
            folder = download.unpack(archive, home)
            print(f"{archive} is no longer needed")
    elif Path(source).expanduser().is_file():
        folder = download.unpack(Path(source).expanduser(), home)
    else:
        folder = brain.folder_of(source).resolve()
        data = str(folder)
        if options.output:
            raise ValueError(f"{source} is used where it is: leave out --output, which is for a zip")
    problems = check(folder)
    print(f'use them in a lesson with SOURCE = "{data}", or train a network on them:\n')
    print(f"    python -m helpers.train --models UNet --data {shlex.quote(data)}\n", flush=True)
    refuse(problems, folder)


def check(folder: Path) -> list[str]:
    """Print what a folder of brain slices holds and all that is wrong with it, and return the latter."""
    problems = brain.check(folder)
    masks = list(folder.glob("*/*_mask.tif"))
    print(f"{len({mask.parent for mask in masks})} patients, {len(masks)} slices in {folder}", end="")
    print(": every file is in order" if not problems else "\n" + "\n".join(problems))
    return problems


def refuse(problems: list[str], folder: Path) -> None:
    """Raise ValueError when there are problems."""
    if problems:
        number = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
        raise ValueError(
            f"{folder} has {number}, listed above: get these files again, or take their patients' folders out"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    options.prepare(options)


if __name__ == "__main__":
    sys.exit(command.run(main))
