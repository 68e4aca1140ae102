"""What tasks share that look for one area: how its scores are laid out, in a report and as a row of a table."""

import csv
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.scores import metrics

Table = list[Sequence]
"""Rows of a CSV, the names of its columns first."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The words for the scores of `metrics.scores_from_counts`.

    Attributes:
        unit: what each score is of, such as "patient".
        image: what a unit has several of, such as "slice".
        area: what is looked for, such as "tumour".
    """

    unit: str
    image: str
    area: str

    @property
    def titles(self) -> tuple[str, str]:
        """Of the two columns of `cells`."""
        return f"Dice per {self.unit}", f"IoU, all {self.image}s (all black)"

    def report(self, scores: dict) -> str:
        """Lay the scores out as text, beside those of a prediction that is all black."""

        def column(part: dict) -> list[str]:
            low, high = part["dice"]["interval"]
            return [
                f"{part['dice']['mean']:.3f} [{low:.3f}, {high:.3f}]",
                f"{part['dice']['median']:.3f}",
                f"no such {self.image}" if part["positives_iou"] is None else f"{part['positives_iou']:.3f}",
                f"{part['false_positive_slices']} of {scores['tumour_free_slices']}",
                f"{part['original_iou']:.3f}",
            ]

        names = [
            f"Dice per {self.unit}, mean [95 % interval]",
            f"Dice per {self.unit}, median",
            f"IoU, {self.image}s with {self.area}",
            f"{self.image}s without {self.area} where some was found",
            f"IoU as the original counts it, empty {self.image}s 1",
        ]
        lines = [f"{'':<48}{'network':<26}all black"]
        rows = zip(names, column(scores), column(scores["baseline"]), strict=True)
        return "\n".join(lines + [f"{name:<48}{network:<26}{black}" for name, network, black in rows])

    def columns(self, by_seed: Sequence[dict]) -> dict[str, int | float]:
        """The columns of results.csv, from the scores of each seed."""
        row: dict[str, int | float] = {}
        row["dice"], row["dice_spread_over_seeds"] = mean_and_spread([scores["dice"]["mean"] for scores in by_seed])
        row["dice_low"] = float(np.mean([scores["dice"]["interval"][0] for scores in by_seed]))
        row["dice_high"] = float(np.mean([scores["dice"]["interval"][1] for scores in by_seed]))
        row["dice_median"] = float(np.mean([scores["dice"]["median"] for scores in by_seed]))
        # None where no held-out image shows the area
        overlaps = [scores["positives_iou"] for scores in by_seed]
        row["positives_iou"] = math.nan if None in overlaps else float(np.mean(overlaps))
        overlaps = [scores["original_iou"] for scores in by_seed]
        row["original_iou"], row["original_iou_spread_over_seeds"] = mean_and_spread(overlaps)
        row["original_iou_all_black"] = by_seed[0]["baseline"]["original_iou"]
        row[f"{self.unit}s"] = len(by_seed[0]["patients"])
        return row

    def cells(self, row: dict) -> tuple[str, str]:
        """The two cells of a row that `python -m helpers.train` prints."""
        main = f"{row['dice']:.3f} [{row['dice_low']:.3f}, {row['dice_high']:.3f}]"
        if row["seeds"] > 1:
            main += f" +-{row['dice_spread_over_seeds']:.3f}"
        return main, f"{row['original_iou']:.3f} ({row['original_iou_all_black']:.3f})"

    def details(self, rows: dict[str, dict], scores: dict) -> list[str]:
        """More lines below the table: none."""
        return []


def counts_table(
    layout: Layout, units: np.ndarray, column: str, images: np.ndarray | list[str], counts: np.ndarray
) -> Table:
    """The counts (n, 3) of each held-out image, to join folds with; `column` is over what tells the images apart."""
    rows = zip(units, images, *counts.T, strict=True)
    return [(layout.unit, column, "both", "predicted", "true"), *rows]


def read_counts(path: Path, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Read a table of `counts_table`: counts (n, 3) and units (n,)."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counts = np.array([[int(row[name]) for name in ("both", "predicted", "true")] for row in rows], "int64")
    return counts.reshape(-1, 3), np.array([row[layout.unit] for row in rows])


def joined(paths: Sequence[Path], layout: Layout) -> dict:
    """The scores of the tables of several folds, as of one set."""
    counts, units = zip(*(read_counts(path, layout) for path in paths), strict=True)
    return metrics.scores_from_counts(np.concatenate(counts), np.concatenate(units))


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the standard deviation, NaN for a single value."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
