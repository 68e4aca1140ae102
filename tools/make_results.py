"""Work the intervals, the verdicts and the tables of helpers/results out of the scores of the patients stored there.

python tools/make_results.py     # rewrites results.csv of the comparisons, and the tables of the two README.md

Nothing is trained. The tables stand between marks such as <!-- results --> and <!-- /results -->; the text around
them is written by hand.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas

from helpers.scores import intervals
from helpers.training import table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "helpers/results"
COMPARISONS = ("comparison", "comparison_of_losses")
WORTH = 0.02  # as in lesson 11


def scores_of(name: str) -> dict[tuple[str, str], np.ndarray]:
    """The scores (seeds, patients) of each network and loss of a comparison, in the order of its table."""
    groups = pandas.read_csv(RESULTS / name / "patients.csv").groupby(["model", "loss"], sort=False)
    return {key: rows.pivot(index="seed", columns="patient", values="dice").to_numpy() for key, rows in groups}


def with_differences(name: str) -> pandas.DataFrame:
    """results.csv of a comparison, its differences worked out anew."""
    rows = pandas.read_csv(RESULTS / name / "results.csv")
    rows = rows[[column for column in rows if not column.startswith("difference")]]
    first: dict[str, np.ndarray] = {}
    found: list[dict[str, float]] = []
    for (_, loss), scores in scores_of(name).items():
        found.append(table.differences(scores, first[loss]) if loss in first else {})
        first.setdefault(loss, scores)
    return rows.join(pandas.DataFrame(found))


def comparison() -> tuple[list[str], list[str]]:
    """The rows of "Did attention help", for helpers/results/README.md and shorter for README.md."""
    rows, cost = (
        pandas.read_csv(RESULTS / "comparison" / f"{name}.csv").set_index("model") for name in ("results", "cost")
    )
    scores = {model: values for (model, _), values in scores_of("comparison").items()}
    baseline = next(iter(scores.values()))
    level = 1 - 0.05 / (len(scores) - 1)
    columns = [
        "mean Dice", "of each seed", "difference to the U-Net", "95 % over other trainings", "95 % over other patients",
        f"{100 * level:.0f} % over other trainings", "verdict", "IoU, slices with tumour",
        "IoU as the original counts it, +- seeds", "parameters", "ms a step",
    ]  # fmt: skip
    long = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    short = [
        "| | mean Dice | difference to the U-Net [95 % interval over other trainings] | verdict |",
        "|---|---|---|---|",
    ]
    verdicts: list[str] = []
    fooled = 0
    for model, values in scores.items():
        row = rows.loc[model]
        name = model + (", ImageNet encoder" if row.pretrained else "")
        seeds = ", ".join(f"{mean:.3f}" for mean in values.mean(axis=1))
        said, difference = [""] * 5, ""
        if values is not baseline:
            worked = table.differences(values, baseline)
            ends_of_patients = worked["difference_patients_low"], worked["difference_patients_high"]
            ends = [
                interval(worked[f"difference{which}_low"], worked[f"difference{which}_high"])
                for which in ("", "_patients")
            ]
            all_at_once = intervals.welch_interval(values, baseline, level)[1:]
            word = intervals.verdict(worked["difference_low"], worked["difference_high"], WORTH)
            said = [f"{worked['difference']:+.3f}", *ends, interval(*all_at_once), word]
            difference = f"{said[0]} {said[1]}"
            verdicts.append(word)
            fooled += min(ends_of_patients) > 0 or max(ends_of_patients) < 0
        overlap = f"{row.original_iou:.3f} +- {row.original_iou_spread_over_seeds:.3f}"
        cells = [
            name, f"{values.mean():.3f}", seeds, *said, f"{row.positives_iou:.3f}", overlap, f"{row.parameters:,}",
            f"{cost.milliseconds_per_step[model]:.0f}",
        ]  # fmt: skip
        long.append(f"| {' | '.join(cells)} |")
        short.append(f"| {name} | {values.mean():.3f} | {difference} | {said[-1]} |")
    own = intervals.bootstrap_interval(baseline.mean(axis=0))
    long += ["", f"The U-Net's own 95 % interval over the patients is [{own[0]:.3f}, {own[1]:.3f}]."]
    told = sum(word != "cannot tell" for word in verdicts)
    short += [
        "",
        f"{len(baseline)} seeds tell {told or 'none'} of these {len(verdicts)} from the plain U-Net. An interval over "
        f"the patients alone would have called {fooled} of the {len(verdicts)} differences real.",
    ]
    return long, short


def losses() -> list[str]:
    """The rows of "Layer or loss"."""
    all_three, one = scores_of("comparison"), scores_of("comparison_of_losses")
    lines = [
        "| | mean Dice, Dice + focal (mean of the seeds) | Dice (one seed) | focal (one seed) |",
        "|---|---|---|---|",
    ]
    for model in dict.fromkeys(model for model, _ in one):
        cells = [f"{all_three[model, 'Dice_Focal'].mean():.3f}"]
        for loss in ("DiceLoss", "FocalLoss"):
            values = one[model, loss][0]
            low, high = intervals.bootstrap_interval(values)
            cells.append(f"{values.mean():.3f} [{low:.3f}, {high:.3f}]")
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return lines


def interval(low: float, high: float) -> str:
    """An interval of a difference, as it is printed."""
    return f"[{low:+.3f}, {high:+.3f}]"


def dice_of(name: str) -> dict:
    """Mean, median and interval of the stored patients, as a scores.json has them."""
    values = pandas.read_csv(RESULTS / name / "patients.csv").sort_values("patient").dice.to_numpy()
    return {"mean": values.mean(), "median": np.median(values), "interval": intervals.bootstrap_interval(values)}


def brains() -> tuple[list[str], list[str]]:
    """The rows of the networks that were trained in full, for helpers/results/README.md and shorter for README.md."""
    long = [
        "| | Dice per patient, mean [95 % interval] | median | IoU, slices with tumour "
        "| tumour-free slices with a false alarm | IoU as the original counts it |",
        "|---|---|---|---|---|---|",
    ]
    short = [
        "| | Dice per patient, mean [95 % interval over the patients] | IoU as the original counts it |",
        "|---|---|---|",
    ]
    folders = {
        "trained on real patients, 4-fold cross-validation": "brain_cross_validation",
        "trained on phantoms alone": "brain_from_phantoms",
    }
    scores = {name: json.loads((RESULTS / folder / "scores.json").read_text()) for name, folder in folders.items()}
    tumour_free = scores["trained on phantoms alone"]["tumour_free_slices"]
    rows = {name: row | {"dice": dice_of(folders[name])} for name, row in scores.items()}
    rows["finds nothing (all black)"] = scores["trained on phantoms alone"]["baseline"]
    for name, row in rows.items():
        low, high = row["dice"]["interval"]
        dice, overlap = f"{row['dice']['mean']:.3f} [{low:.3f}, {high:.3f}]", f"{row['original_iou']:.3f}"
        alarms = f"{row['false_positive_slices']} of {tumour_free:,}"
        long.append(
            f"| {name} | {dice} | {row['dice']['median']:.3f} | {row['positives_iou']:.3f} | {alarms} | {overlap} |"
        )
        short.append(f"| {name} | {dice} | {overlap} |")
    return long, short


def streets() -> list[str]:
    """The rows of the streets, for README.md."""
    lines = ["| | mean IoU [95 % interval over the scenes] |", "|---|---|"]
    folders = {"trained for an hour on one core": "streets", "and for three hours more": "streets_longer"}
    for words, folder in folders.items():
        scores = json.loads((RESULTS / folder / "scores.json").read_text())
        low, high = scores["interval"]
        lines.append(f"| {words} | {scores['mean_iou']:.3f} [{low:.3f}, {high:.3f}] |")
    baseline = scores["baseline"]
    return [*lines, f"| everything is {baseline['class']} | {baseline['mean_iou']:.3f} |"]


def filled(text: str, tables: dict[str, list[str]]) -> str:
    """A page, with the tables that it has marks for."""
    for name, lines in tables.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = mark.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text)  # noqa: B023
    return text


def pages() -> dict[Path, str]:
    """The two pages as they should be."""
    tables = {"losses": losses(), "streets": streets()}
    tables["comparison"], tables["attention"] = comparison()
    tables["results"], tables["brains"] = brains()
    return {
        path: filled(path.read_text(encoding="utf-8"), tables) for path in (RESULTS / "README.md", ROOT / "README.md")
    }


def main() -> None:
    """Write the tables."""
    for name in COMPARISONS:
        with_differences(name).to_csv(RESULTS / name / "results.csv", index=False)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
