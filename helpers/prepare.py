"""Put a data set where the lessons and the other commands find it, and check every file of it.

python -m helpers.prepare brain
python -m helpers.prepare cityscapes
"""

import argparse
import sys
from collections.abc import Sequence

from helpers import command, tasks

EXAMPLE = """examples, which make the embedded phantom brains in half a minute and streets in ten seconds:

    python -m helpers.prepare brain
    python -m helpers.prepare cityscapes"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser: a subcommand for each data set."""
    result = command.Parser(
        prog="python -m helpers.prepare",
        description="Make, download or unpack a data set, and check every file of it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sets = result.add_subparsers(dest="dataset", metavar="DATASET", required=True)
    for task in tasks.TASKS.values():
        task.add_preparation(sets)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    options.prepare(options)


if __name__ == "__main__":
    sys.exit(command.run(main))
