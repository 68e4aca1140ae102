"""Train networks x losses x seeds, each in a folder of its own, and end with a table.

python -m helpers.train --models UNet SE_UNet --loss DiceLoss FocalLoss --train 3
"""

import argparse
import csv
import itertools
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers import command
from helpers.data import brain
from helpers.nets import zoo
from helpers.training import experiment, losses, metrics, schedules

EXAMPLE = """example, a few minutes on a laptop, with the phantom brains that are made on first use:

    python -m helpers.train --models UNet SE_UNet --loss DiceLoss --epoch 2 --size 64

four-fold cross-validation over the patients of the Kaggle set (python -m helpers.prepare brain --source kaggle):

    python -m helpers.train --models Lite0_UNet --pretrain True --data kaggle --folds 4

A run that was interrupted goes on where it stopped when the same command is given again; a finished one is skipped."""

DEFAULT = experiment.Settings()


def truth(text: str) -> bool:
    """Read "True" or "False"; bool("False") would be True."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = argparse.ArgumentParser(
        prog="python -m helpers.train",
        description="Train networks x losses x seeds and end with a table of honest scores.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add("--models", nargs="+", default=[DEFAULT.model], metavar="NAME", help=f"any of {', '.join(zoo.NAMES)}")
    add(
        "--pretrain", nargs="+", type=truth, metavar="BOOL",
        help="True or False for each of --models: begin with an encoder trained on ImageNet",
    )  # fmt: skip
    add("--loss", nargs="+", default=[DEFAULT.loss], metavar="NAME", help=f"any of {', '.join(losses.NAMES)}")
    add(
        "--train",
        type=int,
        default=1,
        metavar="N",
        help="train each this many times, with different seeds (1)",
    )
    add("--epoch", type=int, default=DEFAULT.epochs, metavar="N", help="epochs; 0 only scores (%(default)s)")
    add("--batch", type=int, default=DEFAULT.batch, metavar="N", help="slices in a step (%(default)s)")
    add("--learningrate", type=float, default=DEFAULT.learning_rate, metavar="RATE", help="(%(default)s)")
    add(
        "--schedule",
        default=DEFAULT.schedule,
        choices=schedules.NAMES,
        help="of the learning rate (%(default)s)",
    )
    add("--dataset", default=DEFAULT.dataset, choices=["brain"], help="(%(default)s)")
    add("--data", default=DEFAULT.data, metavar="SOURCE", help="phantom, kaggle or a folder (%(default)s)")
    add(
        "--size",
        type=int,
        default=DEFAULT.size,
        metavar="PIXELS",
        help="side of a training image (%(default)s)",
    )
    add(
        "--filters", type=int, default=DEFAULT.filters, metavar="N",
        help="width of the first stage (%(default)s; the original's is 32); 0 for each network's published width",
    )  # fmt: skip
    add("--folds", type=int, default=0, metavar="K", help="K-fold cross-validation over the patients")
    add("--validation", type=float, default=DEFAULT.validation, metavar="SHARE",
        help="share of the patients held out, without --folds (%(default)s); 0 trains on all")  # fmt: skip
    add("--seed", type=int, default=0, metavar="N", help="the first seed (0)")
    add(
        "--start",
        metavar="FILE",
        help="begin with the weights of this .keras file of the same network, or with phantom or brain",
    )
    add("--flips", action="store_true", help="score the mean prediction for a slice and its mirror image")
    add("--policy", metavar="NAME", help="float32 (default), mixed_float16 or mixed_bfloat16")
    add(
        "--out",
        type=Path,
        default=Path("runs"),
        metavar="FOLDER",
        help="where the runs are kept (%(default)s)",
    )
    add("--overwrite", action="store_true", help="begin finished and interrupted runs anew")
    return result


def plan(options: argparse.Namespace) -> list[tuple[experiment.Settings, Path]]:
    """Return each run with its folder; ValueError for what cannot work."""
    pretrain = options.pretrain or [False] * len(options.models)
    if len(pretrain) != len(options.models):
        raise ValueError(
            f"--pretrain has {len(pretrain)} values for {len(options.models)} --models: give True or False for each."
        )
    if options.train < 1:
        raise ValueError(f"--train is {options.train}: give 1 or more.")
    runs = []
    for (model, pretrained), loss, number in itertools.product(
        zip(options.models, pretrain, strict=True), options.loss, range(options.train)
    ):
        for fold in range(max(options.folds, 1)):
            settings = experiment.Settings(
                model=model,
                loss=loss,
                pretrained=pretrained,
                seed=options.seed + number,
                dataset=options.dataset,
                data=options.data,
                size=options.size,
                filters=options.filters or None,
                epochs=options.epoch,
                batch=options.batch,
                learning_rate=options.learningrate,
                schedule=options.schedule,
                validation=options.validation,
                folds=options.folds,
                fold=fold,
                start=options.start,
                flips=options.flips,
                policy=options.policy,
            )
            settings.check()
            name = f"{model}{'_pretrained' if pretrained else ''}-{loss}"
            part = f"seed_{settings.seed}" + (f"-fold_{fold}" if options.folds else "")
            runs.append((settings, options.out / options.dataset / name / part))
    return runs


def summarise(results: Sequence[experiment.Result]) -> list[dict[str, str | int | float]]:
    """Return a row for each network and loss: the folds joined, then the mean and spread over the seeds.

    "difference" is against the first network with the same loss, with the interval of `metrics.paired_interval`.
    """
    groups: dict[tuple, list[experiment.Result]] = {}
    for result in results:
        key = result.settings.model, result.settings.pretrained, result.settings.loss
        groups.setdefault(key, []).append(result)
    rows = []
    first: dict[str, np.ndarray] = {}
    for (model, pretrained, loss), group in groups.items():
        row: dict[str, str | int | float] = {"model": model, "pretrained": pretrained, "loss": loss}
        seeds = sorted({result.settings.seed for result in group})
        row["seeds"] = len(seeds)
        if "dice" in group[0].scores:
            by_seed = [joined([result for result in group if result.settings.seed == seed]) for seed in seeds]
            dice = [scores["dice"]["mean"] for scores in by_seed]
            row["dice"] = float(np.mean(dice))
            row["dice_spread_over_seeds"] = float(np.std(dice, ddof=1)) if len(seeds) > 1 else float("nan")
            row["dice_low"] = float(np.mean([scores["dice"]["interval"][0] for scores in by_seed]))
            row["dice_high"] = float(np.mean([scores["dice"]["interval"][1] for scores in by_seed]))
            row["dice_median"] = float(np.mean([scores["dice"]["median"] for scores in by_seed]))
            # None where no held-out slice has a tumour
            overlaps = [scores["positives_iou"] for scores in by_seed]
            row["positives_iou"] = math.nan if None in overlaps else float(np.mean(overlaps))
            overlaps = [scores["original_iou"] for scores in by_seed]
            row["original_iou"] = float(np.mean(overlaps))
            row["original_iou_spread_over_seeds"] = float(np.std(overlaps, ddof=1)) if len(seeds) > 1 else math.nan
            row["original_iou_all_black"] = by_seed[0]["baseline"]["original_iou"]
            row["patients"] = len(by_seed[0]["patients"])
            by_patient = np.array(
                [[scores["patients"][name] for name in sorted(scores["patients"])] for scores in by_seed]
            )
            if loss in first:
                difference = metrics.paired_interval(by_patient, first[loss])
                row.update(zip(("difference", "difference_low", "difference_high"), difference, strict=True))
            first.setdefault(loss, by_patient)
        row["parameters"] = group[0].parameters
        row["seconds_per_step"] = float(np.median([result.seconds_per_step for result in group]))
        rows.append(row)
    return rows


def joined(results: Sequence[experiment.Result]) -> dict:
    """Score the folds of one seed as one set of patients."""
    parts = [experiment.read_counts(result.folder) for result in results]
    return metrics.scores_from_counts(np.concatenate([c for c, _ in parts]), np.concatenate([p for _, p in parts]))


def table(rows: Sequence[dict]) -> str:
    """Lay the rows of `summarise` out as text."""
    lines = [
        f"{'model':<28}{'loss':<18}{'Dice per patient':<32}{'IoU, all slices (all black)':<30}"
        f"{'parameters':>12}{'s/step':>9}"
    ]
    for row in rows:
        dice = overlap = "not scored"
        if "dice" in row:
            dice = f"{row['dice']:.3f} [{row['dice_low']:.3f}, {row['dice_high']:.3f}]"
            if row["seeds"] > 1:
                dice += f" +-{row['dice_spread_over_seeds']:.3f}"
            overlap = f"{row['original_iou']:.3f} ({row['original_iou_all_black']:.3f})"
        lines.append(
            f"{_name(row):<28}{row['loss']:<18}{dice:<32}{overlap:<30}{row['parameters']:>12,}{row['seconds_per_step']:>9.3f}"
        )
    lines.append("[95 % interval over the patients] +- standard deviation over the seeds; final weights, none selected")
    compared = [row for row in rows if "difference" in row]
    if compared:
        lines.append(f"\nDice against {rows[0]['model']} with the same loss, on the same patients:")
    for row in compared:
        interval = f"[{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"
        lines.append(f"{_name(row):<28}{row['loss']:<18}{row['difference']:+.3f} {interval}")
    return "\n".join(lines)


def _name(row: dict) -> str:
    return row["model"] + (" pretrained" if row["pretrained"] else "")


def patients(results: Sequence[experiment.Result]) -> list[dict[str, str | int | float]]:
    """Return a row for each patient that a run held out."""
    return [
        {
            "model": result.settings.model,
            "pretrained": result.settings.pretrained,
            "loss": result.settings.loss,
            "seed": result.settings.seed,
            "fold": result.settings.fold,
            "patient": patient,
            "dice": dice,
        }
        for result in results
        for patient, dice in result.scores.get("patients", {}).items()
    ]


def write_rows(rows: Sequence[dict], path: Path) -> None:
    """Write rows, each a dictionary, as CSV."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    runs = plan(options)
    brain.folder_of(options.data)
    results = []
    for number, (settings, folder) in enumerate(runs, start=1):
        finished = (folder / "scores.json").exists() and not options.overwrite
        print(f"run {number} of {len(runs)}: {folder}" + (" is finished" if finished else ""), flush=True)
        results.append(experiment.run(settings, folder, overwrite=options.overwrite))
    rows = summarise(results)
    folder = options.out / options.dataset
    write_rows(rows, folder / "results.csv")
    write_rows(patients(results), folder / "patients.csv")
    print(f"\n{table(rows)}\n\nwritten to {folder / 'results.csv'}, and each patient's Dice to patients.csv beside it")
    print("to look at a prediction:\n")
    print(f"    python -m helpers.predict --model {results[-1].folder / 'final.keras'} --input IMAGE --output FOLDER")


if __name__ == "__main__":
    sys.exit(command.run(main))
