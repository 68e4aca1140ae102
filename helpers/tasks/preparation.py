"""What the subcommands of `python -m helpers.prepare` share: options, the next step, and the end of a check."""

import argparse
import functools
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from helpers.data import disk, inspection

WHERE = """Sets are kept in the folder that the environment variable DATA_HOME names, else in data/ of the repository,
or in ~/where_to_look_data where the package is installed without it.
What was interrupted goes on where it stopped when the same command is given again."""


def add_set(
    sets, name: str, prepare: Callable[[argparse.Namespace], None], source: dict, **words: str
) -> argparse.ArgumentParser:
    """Add a subcommand with what all have, and return its parser.

    Args:
        sets: the subparsers (of argparse).
        name: of the subcommand.
        prepare: does what it was asked.
        source: how --source is read.
        words: for its help.
    """
    part = sets.add_parser(name, formatter_class=argparse.RawDescriptionHelpFormatter, **words)
    which = part.add_mutually_exclusive_group()
    which.add_argument("--source", metavar="SOURCE", **source)
    which.add_argument("--check", metavar="FOLDER", help="change nothing, and list all that is wrong with FOLDER")
    part.set_defaults(prepare=prepare)
    return part


def add_output(part: argparse.ArgumentParser) -> None:
    """Add the option for another place."""
    part.add_argument("--output", type=Path, metavar="FOLDER", help="put the set here, not in DATA_HOME")


def print_place(home: Path) -> None:
    """Print where a set is put."""
    print(f"the set goes to {home}", flush=True)


def phantom_options(options: argparse.Namespace, names: Sequence[str], source: str) -> dict[str, Any]:
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


def print_next(data: str, options: str, lesson: bool = True) -> None:
    """Print how to go on: in a lesson, which can read this set, and on the command line."""
    shown = disk.printable(data)
    print(f'use them in a lesson with SOURCE = "{shown}", or train' if lesson else "train", "a network on them:\n")
    print(f"    python -m helpers.train {options} --data {shlex.quote(shown)}\n", flush=True)


def tell(found: inspection.Inspection) -> None:
    """Print what a set holds and all that is wrong with it."""
    print(found.words, end="")
    print(": every file is in order" if not found.findings else "\n" + "\n".join(found.lines))


def refuse(found: inspection.Inspection, unit: str) -> None:
    """Raise ValueError when something is wrong that `tell` has listed."""
    if found.findings:
        raise ValueError(f"{_number(found)}, listed above: {_advice(unit)}")


def require(found: inspection.Inspection, unit: str) -> None:
    """Raise ValueError with the list of all that is wrong, before a training or a scoring on it begins.

    Where all of it is only worth knowing, it is printed once, to standard error.
    """
    text = "\n".join([f"{_number(found)}:", *found.lines])
    if any(finding.stops for finding in found.findings):
        raise ValueError(f"{text}\n{_advice(unit)}")
    if found.findings:
        _warn_once(text)


@functools.cache
def _warn_once(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _number(found: inspection.Inspection) -> str:
    number = len(found.findings)
    return f"{disk.printable(found.folder)} has {number} problem" + ("s" if number > 1 else "")


def _advice(unit: str) -> str:
    return f"get these files again, or take their {unit} out"
