"""Train networks x losses x seeds, each in a folder of its own, and end with a table.

python -m helpers.train --models UNet SE_UNet --loss DiceLoss FocalLoss --train 3
"""

import argparse
import csv
import dataclasses
import itertools
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers import command
from helpers.data import streets
from helpers.nets import zoo
from helpers.scores import intervals, losses, metrics
from helpers.training import experiment, schedules

EXAMPLE = """example, a few minutes on a laptop, with the phantom brains that are made on first use:

    python -m helpers.train --models UNet SE_UNet --loss DiceLoss --epoch 2 --size 64

four-fold cross-validation over the patients of the Kaggle set (python -m helpers.prepare brain --source kaggle):

    python -m helpers.train --models Lite0_UNet --pretrain True --data kaggle --folds 4

phantom streets, and those of Cityscapes (python -m helpers.prepare cityscapes):

    python -m helpers.train --dataset cityscapes
    python -m helpers.train --dataset cityscapes --data cityscapes

A run that was interrupted goes on where it stopped when the same command is given again; a finished one is skipped."""


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
    brain_settings, street_settings = experiment.DEFAULTS["brain"], experiment.DEFAULTS["cityscapes"]

    def add(flag: str, field: str, text: str = "", only: str | None = None, **options) -> None:
        """Add an option for a field of `experiment.Settings`, whose default depends on the data set."""
        defaults = [_words(getattr(settings, field)) for settings in (brain_settings, street_settings)]
        if only:
            shown = f"{only}; {defaults[only == 'streets']}"
        else:
            shown = defaults[0] if defaults[0] == defaults[1] else f"brain {defaults[0]}, streets {defaults[1]}"
        result.add_argument(flag, dest=field, help=f"{text} ({shown})".replace("%", "%%").strip(), **options)

    number, rate = {"type": int, "metavar": "N"}, {"type": float, "metavar": "RATE"}
    result.add_argument("--dataset", default="brain", choices=list(experiment.TASKS), help="(%(default)s)")
    add("--data", "data", "phantom; kaggle or cityscapes, as `prepare` put it; or a folder", metavar="SOURCE")
    result.add_argument(
        "--models", nargs="+", metavar="NAME",
        help=f"any of {', '.join(zoo.NAMES)} (brain {brain_settings.model}, streets {street_settings.model}, "
        "pretrained)",
    )  # fmt: skip
    result.add_argument(
        "--pretrain", nargs="+", type=truth, metavar="BOOL",
        help="True or False for each of --models: begin with an encoder trained on ImageNet",
    )  # fmt: skip
    result.add_argument(
        "--loss",
        nargs="+",
        metavar="NAME",
        help=f"any of {', '.join(losses.NAMES)} (brain {brain_settings.loss}, streets {street_settings.loss})",
    )
    result.add_argument(
        "--train", type=int, default=1, metavar="N", help="train each this many times, with different seeds (1)"
    )
    add("--epoch", "epochs", "epochs; 0 only scores", **number)
    add("--steps", "steps", "steps in an epoch, when it is not to be a pass over the training images", **number)
    add("--validate-every", "validate_every", "epochs from one validation to the next", **number)
    add("--batch", "batch", "images in a step", **number)
    add("--optimizer", "optimizer", choices=schedules.OPTIMIZERS)
    add("--learningrate", "learning_rate", **rate)
    add("--schedule", "schedule", "of the learning rate", choices=schedules.NAMES)
    add("--weight-decay", "weight_decay", **rate)
    add("--size", "size", "side of a training image", "brain", type=int, metavar="PIXELS")
    add("--crop", "crop", "the pieces that are trained on", "streets", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"))
    add("--scale", "scale", "scale by a factor between these two before the piece is cut out", "streets",
        type=float, nargs=2, metavar=("LOWEST", "HIGHEST"))  # fmt: skip
    add("--filters", "filters", "width of the first stage; 0 for each network's published width", **number)
    add("--auxiliary", "auxiliary", "weight of the second head's loss; UNet_S5_D16 alone has one", "streets", **rate)
    add("--class-weights", "class_weights", "weigh rare classes up in the cross-entropy", "streets",
        action=argparse.BooleanOptionalAction)  # fmt: skip
    add("--folds", "folds", "K-fold cross-validation over the patients", "brain", type=int, metavar="K")
    add("--validation", "validation", "share of the patients held out, without --folds; 0 trains on all", "brain",
        type=float, metavar="SHARE")  # fmt: skip
    add("--seed", "seed", "the first seed", **number)
    result.add_argument(
        "--start",
        metavar="FILE",
        help="begin with the weights of this .keras file of the same network, or with phantom or brain",
    )
    add("--flips", "flips", "score the mean prediction for an image and its mirror image",
        action=argparse.BooleanOptionalAction)  # fmt: skip
    result.add_argument(
        "--devices", type=int, default=1, metavar="N",
        help="devices of this machine to divide each batch among (1); several machines: helpers/training/devices.py",
    )  # fmt: skip
    result.add_argument("--policy", metavar="NAME", help="float32 (default), mixed_float16 or mixed_bfloat16")
    result.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="FOLDER", help="where the runs are kept (%(default)s)"
    )
    result.add_argument("--overwrite", action="store_true", help="begin finished and interrupted runs anew")
    return result


def _words(value) -> str:
    if value is None:
        return "None"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def plan(options: argparse.Namespace) -> list[tuple[experiment.Settings, Path]]:
    """Return each run with its folder; ValueError for what cannot work."""
    default = experiment.DEFAULTS[options.dataset]
    models = options.models or [default.model]
    pretrain = options.pretrain or [default.pretrained and not options.models] * len(models)
    if len(pretrain) != len(models):
        raise ValueError(
            f"--pretrain has {len(pretrain)} values for {len(models)} --models: give True or False for each."
        )
    fields = {field.name for field in dataclasses.fields(experiment.Settings)}
    given = {name: value for name, value in vars(options).items() if name in fields and value is not None}
    # The weights of the classes belong to the default's loss, as the pretrained encoder does to its network.
    if options.loss:
        given.setdefault("class_weights", False)
    common = dataclasses.replace(default, **given)
    if options.filters == 0:
        common = dataclasses.replace(common, filters=None)
    if options.train < 1:
        raise ValueError(f"--train is {options.train}: give 1 or more.")
    runs = []
    for (model, pretrained), loss, number in itertools.product(
        zip(models, pretrain, strict=True), options.loss or [default.loss], range(options.train)
    ):
        for fold in range(max(common.folds, 1)):
            settings = dataclasses.replace(
                common, model=model, loss=loss, pretrained=pretrained, seed=common.seed + number, fold=fold
            )
            settings.check()
            name = f"{model}{'_pretrained' if pretrained else ''}-{loss}"
            part = f"seed_{settings.seed}" + (f"-fold_{fold}" if common.folds else "")
            runs.append((settings, options.out / options.dataset / name / part))
    return runs


def summarise(results: Sequence[experiment.Result]) -> list[dict[str, str | int | float]]:
    """Return a row for each network and loss, with the mean and the spread over the seeds.

    Brain: the folds of a seed are joined first; "difference" is against the first network with the same loss, with the
    interval of `intervals.paired_interval`. Streets: mean IoU, and the mean IoU of each class.
    """
    groups: dict[tuple, list[experiment.Result]] = {}
    for result in results:
        key = result.settings.model, result.settings.pretrained, result.settings.loss
        groups.setdefault(key, []).append(result)
    rows = []
    first: dict[str, np.ndarray] = {}
    for (model, pretrained, loss), group in groups.items():
        row: dict[str, str | int | float] = {"model": model, "pretrained": pretrained, "loss": loss}
        row["seeds"] = len({result.settings.seed for result in group})
        if "dice" in group[0].scores:
            row.update(_brain_columns(group, first))
        elif "mean_iou" in group[0].scores:
            row.update(_street_columns(group))
        row["parameters"] = group[0].parameters
        row["seconds_per_step"] = float(np.median([result.seconds_per_step for result in group]))
        rows.append(row)
    return rows


def _brain_columns(group: Sequence[experiment.Result], first: dict[str, np.ndarray]) -> dict[str, int | float]:
    seeds = sorted({result.settings.seed for result in group})
    by_seed = [joined([result for result in group if result.settings.seed == seed]) for seed in seeds]
    row = {}
    row["dice"], row["dice_spread_over_seeds"] = _mean_and_spread([scores["dice"]["mean"] for scores in by_seed])
    row["dice_low"] = float(np.mean([scores["dice"]["interval"][0] for scores in by_seed]))
    row["dice_high"] = float(np.mean([scores["dice"]["interval"][1] for scores in by_seed]))
    row["dice_median"] = float(np.mean([scores["dice"]["median"] for scores in by_seed]))
    # None where no held-out slice has a tumour
    overlaps = [scores["positives_iou"] for scores in by_seed]
    row["positives_iou"] = math.nan if None in overlaps else float(np.mean(overlaps))
    overlaps = [scores["original_iou"] for scores in by_seed]
    row["original_iou"], row["original_iou_spread_over_seeds"] = _mean_and_spread(overlaps)
    row["original_iou_all_black"] = by_seed[0]["baseline"]["original_iou"]
    row["patients"] = len(by_seed[0]["patients"])
    by_patient = np.array([[scores["patients"][name] for name in sorted(scores["patients"])] for scores in by_seed])
    loss = group[0].settings.loss
    if loss in first:
        difference = intervals.paired_interval(by_patient, first[loss])
        row.update(zip(("difference", "difference_low", "difference_high"), difference, strict=True))
    first.setdefault(loss, by_patient)
    return row


def _street_columns(group: Sequence[experiment.Result]) -> dict[str, int | float]:
    scores = [result.scores for result in group]
    row = {}
    row["mean_iou"], row["mean_iou_spread_over_seeds"] = _mean_and_spread([each["mean_iou"] for each in scores])
    row["mean_iou_low"] = float(np.mean([each["interval"][0] for each in scores]))
    row["mean_iou_high"] = float(np.mean([each["interval"][1] for each in scores]))
    row["mean_iou_one_class"] = scores[0]["baseline"]["mean_iou"]
    row["pixel_accuracy"] = float(np.mean([each["pixel_accuracy"] for each in scores]))
    row["scenes"] = scores[0]["scenes"]
    for name in scores[0]["classes"]:
        values = [each["classes"][name] for each in scores]
        row[name] = math.nan if None in values else float(np.mean(values))
    return row


def _mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def joined(results: Sequence[experiment.Result]) -> dict:
    """Score the folds of one seed as one set of patients."""
    parts = [experiment.read_counts(result.folder) for result in results]
    return metrics.scores_from_counts(np.concatenate([c for c, _ in parts]), np.concatenate([p for _, p in parts]))


def table(rows: Sequence[dict]) -> str:
    """Lay the rows of `summarise` out as text."""
    of_streets = any("mean_iou" in row for row in rows)
    score, over = ("mean_iou", "scenes") if of_streets else ("dice", "patients")
    titles = ("mean IoU", "accuracy (mean IoU, one class)") if of_streets else (
        "Dice per patient", "IoU, all slices (all black)")  # fmt: skip
    lines = [f"{'model':<28}{'loss':<24}{titles[0]:<32}{titles[1]:<32}{'parameters':>12}{'s/step':>9}"]
    for row in rows:
        main = beside = "not scored"
        if score in row:
            main = f"{row[score]:.3f} [{row[f'{score}_low']:.3f}, {row[f'{score}_high']:.3f}]"
            if row["seeds"] > 1:
                main += f" +-{row[f'{score}_spread_over_seeds']:.3f}"
            pair = (
                ("pixel_accuracy", "mean_iou_one_class") if of_streets else ("original_iou", "original_iou_all_black")
            )
            beside = f"{row[pair[0]]:.3f} ({row[pair[1]]:.3f})"
        lines.append(
            f"{_name(row):<28}{row['loss']:<24}{main:<32}{beside:<32}{row['parameters']:>12,}{row['seconds_per_step']:>9.3f}"
        )
    lines.append(f"[95 % interval over the {over}] +- standard deviation over the seeds; final weights, none selected")
    compared = [row for row in rows if "difference" in row]
    if compared:
        lines.append(f"\nDice against {rows[0]['model']} with the same loss, on the same patients:")
    for row in compared:
        interval = f"[{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"
        lines.append(f"{_name(row):<28}{row['loss']:<24}{row['difference']:+.3f} {interval}")
    if of_streets:
        lines.append("")
        lines += [f"{'IoU':<16}" + "".join(f"{_name(row)[:20]:>22}" for row in rows)]
        for name in streets.NAMES:
            lines.append(f"{name:<16}" + "".join(f"{_shown(row.get(name, math.nan)):>22}" for row in rows))
    return "\n".join(lines)


def _shown(value: float) -> str:
    return "no such pixel" if math.isnan(value) else f"{value:.3f}"


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
    experiment.TASKS[options.dataset].reader.folder_of(runs[0][0].data)
    results = []
    for number, (settings, folder) in enumerate(runs, start=1):
        finished = (folder / "scores.json").exists() and not options.overwrite
        print(f"run {number} of {len(runs)}: {folder}" + (" is finished" if finished else ""), flush=True)
        result = experiment.run(settings, folder, options.overwrite, number_of_devices=options.devices)
        if result is not None:
            results.append(result)
    if not results:
        return  # the first of several processes has the results
    rows = summarise(results)
    folder = options.out / options.dataset
    write_rows(rows, folder / "results.csv")
    written = f"\n{table(rows)}\n\nwritten to {folder / 'results.csv'}"
    if options.dataset == "brain":
        write_rows(patients(results), folder / "patients.csv")
        written += ", and each patient's Dice to patients.csv beside it"
    print(written)
    print("to look at a prediction:\n")
    print(f"    python -m helpers.predict --model {results[-1].folder / 'final.keras'} --input IMAGE --output FOLDER")


if __name__ == "__main__":
    sys.exit(command.run(main))
