"""Put a data set where the lessons and the other commands find it, and check every file of it.

python -m helpers.prepare brain
python -m helpers.prepare cityscapes
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers import command
from helpers.data import brain, disk, download, phantom_brain, phantom_streets, streets

EXAMPLE = """examples, which make the embedded phantom brains in half a minute and streets in ten seconds:

    python -m helpers.prepare brain
    python -m helpers.prepare cityscapes"""

WHERE = """Sets are kept in the folder that the environment variable DATA_HOME names, else in data/ of the repository,
or in ~/where_to_look_data where the package is installed without it.
What was interrupted goes on where it stopped when the same command is given again."""

BRAIN_EXAMPLE = f"""example, which makes the embedded phantom brains in half a minute:

    python -m helpers.prepare brain

the real slices (Kaggle's mateuszbuda/lgg-mri-segmentation), downloaded, or from a zip that you have:

    python -m helpers.prepare brain --source kaggle
    python -m helpers.prepare brain --source archive.zip

{WHERE}"""

CITYSCAPES_EXAMPLE = f"""example, which makes the embedded phantom streets in ten seconds:

    python -m helpers.prepare cityscapes

the real scenes (https://www.cityscapes-dataset.com, for which you register), from the zips that you have downloaded:

    python -m helpers.prepare cityscapes --source leftImg8bit_trainvaltest.zip gtFine_trainvaltest.zip

or downloaded with your account, which is asked for unless CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD are set:

    python -m helpers.prepare cityscapes --source cityscapes

{WHERE}"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser: a subcommand for each data set."""
    result = argparse.ArgumentParser(
        prog="python -m helpers.prepare",
        description="Make, download or unpack a data set, and check every file of it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sets = result.add_subparsers(dest="dataset", metavar="DATASET", required=True)
    part = add_set(
        sets,
        "brain",
        help="slices of brain MRI with tumours",
        description="Slices of brain MRI with tumours, in the layout of Kaggle's lgg-mri-segmentation.",
        epilog=BRAIN_EXAMPLE,
        source={"default": "phantom", "help": "phantom, kaggle, or a zip or folder that you have (phantom)"},
    )
    part.set_defaults(prepare=prepare_brain)
    part.add_argument("--patients", type=int, metavar="N", help="how many phantom patients (24)")
    part.add_argument("--seed", type=int, metavar="S", help="which phantom patients (0)")
    part = add_set(
        sets,
        "cityscapes",
        help="street scenes with 19 classes",
        description="Street scenes with the class of each pixel, in the layout of Cityscapes.",
        epilog=CITYSCAPES_EXAMPLE,
        source={"default": ["phantom"], "nargs": "+",
                "help": "phantom, cityscapes, or the zips or the folder that you have (phantom)"},
    )  # fmt: skip
    part.set_defaults(prepare=prepare_cityscapes)
    part.add_argument("--train", type=int, metavar="N", help="how many phantom scenes to train on (120)")
    part.add_argument("--val", type=int, metavar="N", help="how many phantom scenes to validate on (40)")
    part.add_argument("--seed", type=int, metavar="S", help="which phantom scenes (0)")
    return result


def add_set(sets, name: str, source: dict, **words: str) -> argparse.ArgumentParser:
    """Add a subcommand with what all have, and return its parser.

    Args:
        sets: the subparsers (of argparse).
        name: of the subcommand.
        source: how --source is read.
        words: for its help.
    """
    part = sets.add_parser(name, formatter_class=argparse.RawDescriptionHelpFormatter, **words)
    which = part.add_mutually_exclusive_group()
    which.add_argument("--source", metavar="SOURCE", **source)
    which.add_argument("--check", metavar="FOLDER", help="change nothing, and list all that is wrong with FOLDER")
    part.add_argument("--output", type=Path, metavar="FOLDER", help="put the set here, not in DATA_HOME")
    return part


def prepare_brain(options: argparse.Namespace) -> None:
    """Do what the subcommand `brain` was asked; ValueError when the check finds problems."""
    if options.check is not None:
        folder = brain.folder_of(options.check)
        refuse(check_brain(folder), folder, "patients' folders")
        return
    source = options.source
    phantoms = phantom_options(options, ("patients", "seed"), source)
    home = disk.data_home() / ("phantom_brain" if source == "phantom" else "lgg-mri-segmentation")
    data = "phantom" if source == "phantom" else "kaggle"  # what the other commands call it
    if options.output:
        home = options.output.expanduser().resolve()
        data = str(home / "kaggle_3m")
    if source in ("phantom", "kaggle") or Path(source).expanduser().is_file():
        print(f"the set goes to {home}", flush=True)
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
        refuse_output(options, source)
    problems = check_brain(folder)
    print_next(data, "--models UNet")
    refuse(problems, folder, "patients' folders")


def prepare_cityscapes(options: argparse.Namespace) -> None:
    """Do what the subcommand `cityscapes` was asked; ValueError when the check finds problems."""
    if options.check is not None:
        folder = streets.folder_of(options.check)
        refuse(check_streets(folder), folder, "scenes")
        return
    source = " ".join(options.source)
    paths = [Path(path).expanduser() for path in options.source]
    phantoms = phantom_options(options, ("train", "val", "seed"), source)
    home = disk.data_home() / ("phantom_streets" if source == "phantom" else "cityscapes")
    data = "phantom" if source == "phantom" else "cityscapes"  # what the other commands call it
    if options.output:
        home = options.output.expanduser().resolve()
        data = str(home)
    if source in ("phantom", "cityscapes") or paths[0].is_file():
        print(f"the set goes to {home}", flush=True)
    if source == "phantom":
        phantom_streets.make(home, **phantoms)
    elif source == "cityscapes":
        missing = [part for part in download.STREETS if not (home / part).is_dir()]
        for part, archive in zip(missing, download.fetch_cityscapes(home, missing), strict=True):
            download.unpack(archive, home, part)
            print(f"{archive} is no longer needed")
    elif len(paths) > 1 or paths[0].is_file():
        unpack_streets(paths, home)
    else:
        home = streets.folder_of(paths[0]).resolve()
        data = str(home)
        refuse_output(options, source)
    problems = check_streets(home)
    print_next(data, "--dataset cityscapes --models UNet")
    refuse(problems, home, "scenes")


def unpack_streets(paths: Sequence[Path], home: Path) -> None:
    """Unpack zips of Cityscapes into `home`; FileNotFoundError when it then lacks a part."""
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is no file: after --source give zips of Cityscapes, or one folder")
    found = [(path, part) for path in paths for part in download.parts_of_streets(path)]
    for path, part in found:  # not before all of them are known to be zips of Cityscapes
        download.unpack(path, home, part)
    for part, name in download.STREETS.items():
        if not (home / part).is_dir():
            raise FileNotFoundError(f"{home / part} is still missing: give --source {name} too (the rest is unpacked)")


def phantom_options(options: argparse.Namespace, names: Sequence[str], source: str) -> dict[str, int]:
    """Return the options that phantoms are made with; ValueError when they are given for something else."""
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    if given and source != "phantom":
        *others, last = (f"--{name}" for name in names)
        raise ValueError(f"{', '.join(others)} and {last} are for phantoms: leave them out, or --source {source}")
    return given


def refuse_output(options: argparse.Namespace, source: str) -> None:
    """Raise ValueError when --output is given for a folder."""
    if options.output:
        raise ValueError(f"{source} is used where it is: leave out --output, which is for a zip")


def print_next(data: str, options: str) -> None:
    """Print how to go on."""
    print(f'use them in a lesson with SOURCE = "{data}", or train a network on them:\n')
    print(f"    python -m helpers.train {options} --data {shlex.quote(data)}\n", flush=True)


def check_brain(folder: Path) -> list[str]:
    """Print what a folder of brain slices holds and all that is wrong with it, and return the latter."""
    problems = brain.check(folder)
    masks = list(folder.glob("*/*_mask.tif"))
    tell(f"{len({mask.parent for mask in masks})} patients, {len(masks)} slices in {folder}", problems)
    return problems


def check_streets(folder: Path) -> list[str]:
    """Print how many scenes a folder of streets holds and all that is wrong with it, and return the latter."""
    problems = streets.check(folder)
    counts = {split: len(list((folder / "leftImg8bit" / split).glob("*/[!.]*.png"))) for split in streets.SPLITS}
    words = ", ".join(f"{count} {split}" for split, count in counts.items())
    tell(f"scenes: {words} in {folder}", problems)
    return problems


def tell(content: str, problems: list[str]) -> None:
    """Print what a set holds and all that is wrong with it."""
    print(content, end="")
    print(": every file is in order" if not problems else "\n" + "\n".join(problems))


def refuse(problems: list[str], folder: Path, unit: str) -> None:
    """Raise ValueError when there are problems."""
    if problems:
        number = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
        raise ValueError(f"{folder} has {number}, listed above: get these files again, or take their {unit} out")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    options.prepare(options)


if __name__ == "__main__":
    sys.exit(command.run(main))
