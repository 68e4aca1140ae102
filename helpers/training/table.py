"""From finished runs to a table: a row for each network and loss, with the mean and the spread over the seeds."""

import itertools
import json
import math
from collections.abc import Sequence

import numpy as np
import pandas

from helpers import tasks
from helpers.scores import intervals
from helpers.training.run_folder import Result

_KEYS = ["model", "pretrained", "loss"]


def summarise(results: Sequence[Result]) -> pandas.DataFrame:
    """Return a row for each network and loss, as results.csv has it; one data set alone.

    The folds of a seed are joined first. Where each patient (or group) has a score, there are the columns of
    `differences` to the first network with the same loss on the same ones.

    Raises:
        ValueError: a fold's table is damaged, or a run was scored on other patients than the first.
    """
    groups: dict[tuple, list[Result]] = {}
    for result in results:
        groups.setdefault(_key(result), []).append(result)
    rows = []
    first: dict[str, np.ndarray] = {}
    names: list[str] = []
    for key, group in groups.items():
        row: dict[str, str | int | float] = dict(zip(_KEYS, key, strict=True))
        seeds = [list(folds) for _, folds in itertools.groupby(sorted(group, key=_seed), _seed)]
        by_seed = [_joined(folds) for folds in seeds]
        row["seeds"] = len(by_seed)
        if _scored(group[0].scores):
            row.update(_task(group[0]).layout(by_seed[0]).columns(by_seed))
        if "patients" in by_seed[0]:
            names = names or sorted(by_seed[0]["patients"])
            for scores, folds in zip(by_seed, seeds, strict=True):
                if sorted(scores["patients"]) != names:
                    raise ValueError(
                        f"{folds[0].folder}: was scored on other patients or groups than {results[0].folder}, so the "
                        "two cannot stand in one table: train it again with --overwrite, or elsewhere (--out)."
                    )
            by_patient = np.array([[scores["patients"][name] for name in names] for scores in by_seed])
            if key[-1] in first:
                row.update(differences(by_patient, first[key[-1]]))
            first.setdefault(key[-1], by_patient)
        row["parameters"] = group[0].parameters
        row["seconds_per_step"] = float(np.median([result.seconds_per_step for result in group]))
        rows.append(row)
    return pandas.DataFrame(rows)


def differences(scores: np.ndarray, baseline: np.ndarray) -> dict[str, float]:
    """How far a network is from another: the columns of results.csv that say so.

    "difference_low" and "difference_high" are the interval over other trainings, on these patients
    (`intervals.welch_interval`; NaN where a network has one seed), "difference_patients_low" and
    "difference_patients_high" that over other patients, with these trainings (`intervals.paired_interval`).

    Args:
        scores: a number for each seed and patient (or group), (seeds, patients).
        baseline: those of the other network, (its seeds, patients).
    """
    means = [values.mean(axis=0, keepdims=True) for values in (scores, baseline)]
    difference, *patients = intervals.paired_interval(*means)
    seeds = [math.nan, math.nan]
    if min(len(scores), len(baseline)) > 1:
        _, *seeds = intervals.welch_interval(scores, baseline)
    names = ("difference", *(f"difference_{which}" for which in ("low", "high", "patients_low", "patients_high")))
    return dict(zip(names, (difference, *seeds, *patients), strict=True))


def _key(result: Result) -> tuple[str, bool, str]:
    return result.settings.model, result.settings.pretrained, result.settings.loss


def _seed(result: Result) -> int:
    return result.settings.seed


def _task(result: Result) -> type[tasks.Task]:
    return tasks.get(result.settings.dataset)


def _scored(scores: dict) -> bool:
    return set(scores) != {"parameters"}


def _joined(folds: Sequence[Result]) -> dict:
    """The scores of one seed; ValueError if the table of a fold is damaged or cut off."""
    if len(folds) == 1:
        return folds[0].scores
    for fold in folds:
        try:
            whole = _agree(_task(fold).joined([fold.folder]), fold.scores)
        except (KeyError, OSError, TypeError, ValueError):
            whole = False
        if not whole:
            raise ValueError(
                f"{fold.folder}: its table of what was held out is damaged: delete scores.json beside it and run the "
                "same command again, which writes both anew."
            )
    return _task(folds[0]).joined([fold.folder for fold in folds])


def _agree(scores: dict, others: dict) -> bool:
    """Whether scores are the same where both have them; a bootstrap's interval may differ with another SciPy."""

    def without_intervals(part: dict) -> dict:
        return {
            key: without_intervals(value) if isinstance(value, dict) else value
            for key, value in part.items()
            if key != "interval"
        }

    both = scores.keys() & others.keys()
    parts = ({key: each[key] for key in both} for each in (scores, others))
    one, other = (json.dumps(without_intervals(part), sort_keys=True) for part in parts)
    return one == other


def text(table: pandas.DataFrame, results: Sequence[Result]) -> str:
    """Lay a table of `summarise` out as text, for the runs that it sums up."""
    rows = {_name(row): row for row in table.to_dict("records")} if table.loss.nunique() == 1 else {}
    rows = rows or {f"{_name(row)} {row['loss']}": row for row in table.to_dict("records")}
    scores = results[0].scores
    scored = _scored(scores)
    layout = _task(results[0]).layout(scores) if scored else None
    titles = layout.titles if layout else ("", "")
    lines = [f"{'model':<28}{'loss':<24}{titles[0]:<32}{titles[1]:<32}{'parameters':>12}{'s/step':>9}"]
    for row in rows.values():
        main, beside = layout.cells(row) if layout else ("not scored", "not scored")
        lines.append(
            f"{_name(row):<28}{row['loss']:<24}{main:<32}{beside:<32}{row['parameters']:>12,}{row['seconds_per_step']:>9.3f}"
        )
    if layout is None:
        return "\n".join(lines)
    lines.append(
        f"[95 % interval over the {layout.unit}s] +- standard deviation over the seeds; final weights, none selected"
    )
    if "difference" in table:
        lines.append(
            f"\nDice against {table.model.iloc[0]} with the same loss, on the same {layout.unit}s; 95 % intervals:"
        )
        over = f"over {layout.unit}s, these trainings"
        lines.append(f"{'':<28}{'':<24}{'':<8}{'over trainings':<24}{over}")
        for row in table.loc[table.difference.notna()].to_dict("records"):
            seeds, others = (
                f"[{row[f'difference_{part}low']:+.3f}, {row[f'difference_{part}high']:+.3f}]"
                for part in ("", "patients_")
            )
            if math.isnan(row["difference_low"]):
                seeds = "of one training: none"
            lines.append(f"{_name(row):<28}{row['loss']:<24}{row['difference']:+.3f}  {seeds:<24}{others}")
    return "\n".join(lines + layout.details(rows, scores))


def _name(row: dict) -> str:
    return row["model"] + (" pretrained" if row["pretrained"] else "")


def patients(results: Sequence[Result]) -> pandas.DataFrame:
    """Return a row for each patient (or group) that a run held out; empty where runs have no such scores."""
    rows = []
    for result in results:
        if "patients" in result.scores:
            unit = _task(result).layout(result.scores).unit
            run = {**dict(zip(_KEYS, _key(result), strict=True)), "seed": result.settings.seed}
            for patient, dice in result.scores["patients"].items():
                rows.append({**run, "fold": result.settings.fold, unit: patient, "dice": dice})
    return pandas.DataFrame(rows)
