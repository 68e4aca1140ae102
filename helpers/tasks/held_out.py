"""What tasks share that hold units (patients, groups of images) out of training: a share of them, or a fold."""

import numpy as np

from helpers.data import splits
from helpers.settings import Settings

USES = frozenset({"validation", "folds", "fold"})
"""The settings that are read here."""


def check(settings: Settings) -> None:
    """Raise ValueError for a fold that cannot be."""
    if settings.folds and settings.fold >= settings.folds:
        raise ValueError(f"fold is {settings.fold}: give a number from 0 to {settings.folds - 1}.")
    if settings.folds == 1:
        raise ValueError(f"folds is {settings.folds}: give 2 or more, or 0 for one split.")


def split(settings: Settings, units: np.ndarray, word: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and those that are held out; no unit is on both sides.

    Args:
        settings: `validation`, or `folds` and `fold`.
        units: (n,) str, the unit of each row.
        word: what a unit is called.

    Raises:
        ValueError: there are too few units.
    """
    try:
        if settings.folds:
            folds = splits.folds_by_patient(units, settings.folds)
            rows = np.flatnonzero(folds != settings.fold), np.flatnonzero(folds == settings.fold)
        elif settings.validation == 0:
            return np.arange(len(units)), np.arange(0)
        else:
            parts = splits.split_by_patient(units, validation=settings.validation)
            rows = parts["train"], parts["validation"]
    except ValueError:
        rows = np.arange(0), np.arange(0)
    if not len(rows[0]) or not len(rows[1]):
        raise ValueError(
            f"{settings.data}: its {len(np.unique(units))} {word}s do not fill both sides of the split; "
            f"give more {word}s, fewer folds or another `validation`."
        )
    return rows
