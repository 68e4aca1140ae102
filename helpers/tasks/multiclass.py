"""What tasks share that name the class of each pixel: how their scores are laid out, in a report and in a table."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from helpers.tasks.binary import mean_and_spread


@dataclasses.dataclass(frozen=True)
class Layout:
    """The words for the scores of `metrics.street_scores`.

    Attributes:
        unit: what the interval is over, such as "scene".
    """

    unit: str
    titles = "mean IoU", "accuracy (mean IoU, one class)"

    def report(self, scores: dict) -> str:
        """Lay the scores out as text, beside those of calling every pixel the commonest class."""
        low, high = scores["interval"]
        baseline = scores["baseline"]
        mean = f"{scores['mean_iou']:.3f} [{low:.3f}, {high:.3f}]"
        lines = [f"{'':<40}{'network':<26}all {baseline['class']}"]
        lines.append(f"{f'mean IoU [95 % interval over {self.unit}s]':<40}{mean:<26}{baseline['mean_iou']:.3f}")
        lines.append(f"{'pixels that are right':<40}{scores['pixel_accuracy']:<26.3f}{baseline['pixel_accuracy']:.3f}")
        for name, value in scores["classes"].items():
            lines.append(f"{'IoU of ' + name:<40}{_shown(value)}")
        return "\n".join(lines)

    def columns(self, by_seed: Sequence[dict]) -> dict[str, int | float]:
        """The columns of results.csv, from the scores of each seed."""
        row: dict[str, int | float] = {}
        row["mean_iou"], row["mean_iou_spread_over_seeds"] = mean_and_spread([each["mean_iou"] for each in by_seed])
        row["mean_iou_low"] = float(np.mean([each["interval"][0] for each in by_seed]))
        row["mean_iou_high"] = float(np.mean([each["interval"][1] for each in by_seed]))
        row["mean_iou_one_class"] = by_seed[0]["baseline"]["mean_iou"]
        row["pixel_accuracy"] = float(np.mean([each["pixel_accuracy"] for each in by_seed]))
        row[f"{self.unit}s"] = by_seed[0]["scenes"]
        for name in by_seed[0]["classes"]:
            values = [each["classes"][name] for each in by_seed]
            row[name] = math.nan if None in values else float(np.mean(values))
        return row

    def cells(self, row: dict) -> tuple[str, str]:
        """The two cells of a row that `python -m helpers.train` prints."""
        main = f"{row['mean_iou']:.3f} [{row['mean_iou_low']:.3f}, {row['mean_iou_high']:.3f}]"
        if row["seeds"] > 1:
            main += f" +-{row['mean_iou_spread_over_seeds']:.3f}"
        return main, f"{row['pixel_accuracy']:.3f} ({row['mean_iou_one_class']:.3f})"

    def details(self, rows: dict[str, dict], scores: dict) -> list[str]:
        """More lines below the table: the IoU of each class, a column for each network.

        Args:
            rows: of the table, by the words above their columns.
            scores: of one run, which names the classes.
        """
        lines = ["", f"{'IoU':<16}" + "".join(f"{title[:20]:>22}" for title in rows)]
        for name in scores["classes"]:
            lines.append(f"{name:<16}" + "".join(f"{_shown(row.get(name)):>22}" for row in rows.values()))
        return lines


def _shown(value: float | None) -> str:
    return "no such pixel" if value is None or math.isnan(value) else f"{value:.3f}"
