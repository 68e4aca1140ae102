"""How far a score would move with other patients, scenes or seeds: bootstrap intervals.

All of them are percentile intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13).
The same seed gives the same interval. With few patients an interval is too narrow, and with one it has no width.
Built by hand in lessons 02 and 11.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats


def bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
    statistic: Callable[..., np.ndarray] = np.mean,
) -> tuple[float, float]:
    """The interval of a statistic of one number for each patient.

    >>> bootstrap_interval([0.5, 0.5, 0.5])
    (0.5, 0.5)
    >>> bootstrap_interval([0.0, 1.0])  # a quarter of the draws are 0 and 0, a quarter 1 and 1
    (0.0, 1.0)

    Args:
        values: one number for each patient, (n,).
        level: share of the draws inside, in (0, 1).
        draws: how often n patients are drawn with replacement.
        seed: of the draws.
        statistic: function of an array and ``axis``, such as `np.mean` or `np.median`.

    Returns:
        The lower and upper end.

    Raises:
        ValueError: without values, or for a level out of range.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"values must hold one number for each patient, but its shape is {values.shape}.")
    if len(values) == 1:  # which SciPy refuses
        values = np.repeat(values, 2)
    rng = np.random.default_rng(seed)
    drawn = stats.bootstrap((values,), statistic, n_resamples=draws, vectorized=True, method="percentile", rng=rng)
    return _ends(drawn.bootstrap_distribution, level)


def paired_interval(
    scores: np.ndarray, baseline: np.ndarray, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """How much higher one network scores than another on the same patients, with the interval of the difference.

    Patients are drawn in pairs, for what is hard is hard for both networks; the seeds of either network are
    drawn too, since another seed moves a score as well (Bouthillier et al. 2021, "Accounting for Variance in
    Machine Learning Benchmarks"). With one seed the interval holds the patients alone, and with a few it is
    too narrow.

    >>> paired_interval([[0.5, 1.0]], [[0.25, 0.75]])  # each of two patients a quarter higher
    (0.25, 0.25, 0.25)

    Args:
        scores: a number for each seed and patient of the one network, (seeds, patients).
        baseline: the same for the other network, (its seeds, patients), the patients in the same order.
        level: share of the draws inside, in (0, 1).
        draws: how often patients and seeds are drawn with replacement.
        seed: of the draws.

    Returns:
        The difference of the means, and the lower and upper end of its interval.

    Raises:
        ValueError: the two are not of the same patients, or `level` is out of range.
    """
    scores, baseline = np.asarray(scores, float), np.asarray(baseline, float)
    if scores.ndim != 2 or baseline.ndim != 2 or scores.shape[1] != baseline.shape[1] or not scores.size:
        raise ValueError(
            f"scores and baseline must be (seeds, patients) with the same patients, got {scores.shape} and "
            f"{baseline.shape}."
        )
    rng = np.random.default_rng(seed)
    patients = rng.integers(scores.shape[1], size=(draws, 1, scores.shape[1]))

    def means(values: np.ndarray) -> np.ndarray:
        seeds = rng.integers(len(values), size=(draws, len(values), 1))
        return values[seeds, patients].mean(axis=(1, 2))

    low, high = _ends(means(scores) - means(baseline), level)
    return float(scores.mean() - baseline.mean()), low, high


def sum_interval(
    counts: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval of a score that is worked out from counts added up over all scenes, such as a mean IoU.

    How often each scene is drawn is all that a sum asks for, so no drawn scene is ever copied, as SciPy would.

    >>> right_and_all = np.array([[1, 4], [3, 4]])  # pixels of two scenes
    >>> sum_interval(right_and_all, lambda total: total[0] / total[1])
    (0.25, 0.75)

    Args:
        counts: what is added up, such as the confusion matrix of each scene: (n, ...).
        statistic: the score of a sum (...). A draw that adds up to nothing at all has none and is left out.
        level: share of the draws inside, in (0, 1).
        draws: how often n scenes are drawn with replacement.
        seed: of the draws.

    Returns:
        The lower and upper end.

    Raises:
        ValueError: for a level out of range.
    """
    n = len(counts)
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws)
    return _ends([statistic(total) for total in np.tensordot(times, counts, axes=1) if total.any()], level)


def _ends(drawn: np.ndarray | Sequence[float], level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, but it is {level!r}.")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
