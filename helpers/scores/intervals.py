"""How far a score would move with other patients, scenes or trainings, and what such an interval allows us to say.

Patients and scenes are many, and drawn: percentile intervals of the bootstrap (Efron and Tibshirani 1993, "An
Introduction to the Bootstrap", chapter 13); the same seed gives the same interval. With few of them such an interval
is too narrow, and with one it has no width. Trainings are few, three or six, so `welch_interval` takes Student's t.
Built by hand in lessons 02 and 11.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy  # whose `stats`, a second to import, it loads at the first use


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
    drawn = scipy.stats.bootstrap(
        (values,), statistic, n_resamples=draws, vectorized=True, method="percentile", rng=rng
    )
    return _ends(drawn.bootstrap_distribution, level)


def paired_interval(
    scores: np.ndarray, baseline: np.ndarray, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """How much higher one network scores than another on the same patients, with the interval of the difference.

    Patients are drawn in pairs, for what is hard is hard for both networks; the seeds of either network are
    drawn too, since another seed moves a score as well (Bouthillier et al. 2021, "Accounting for Variance in
    Machine Learning Benchmarks"). With one row each, which may be the mean over seeds, the interval speaks of other
    patients and of these trainings alone. With several rows it is meant to speak of other trainings too, and with
    few it is too narrow: at three seeds "95 %" hold the truth in 80 to 90 % of simulated comparisons (lesson 11);
    `welch_interval` keeps its word.

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
    scores, baseline = _of_the_same_patients(scores, baseline)
    rng = np.random.default_rng(seed)
    patients = rng.integers(scores.shape[1], size=(draws, 1, scores.shape[1]))

    def means(values: np.ndarray) -> np.ndarray:
        seeds = rng.integers(len(values), size=(draws, len(values), 1))
        return values[seeds, patients].mean(axis=(1, 2))

    low, high = _ends(means(scores) - means(baseline), level)
    return float(scores.mean() - baseline.mean()), low, high


def welch_interval(scores: np.ndarray, baseline: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """How much higher one network scores than another, with the interval over other trainings of both.

    Each training is one number, its mean over the patients, and the interval is Welch's (Welch 1947, "The
    Generalization of Student's Problem when Several Different Population Variances are Involved"): the seeds of the
    two networks may scatter by different amounts. It speaks of other trainings and of these patients;
    `paired_interval` of the means over seeds speaks of other patients and of these trainings.

    >>> difference, low, high = welch_interval([[0.5, 0.7], [0.7, 0.9]], [[0.4, 0.6], [0.4, 0.6]])
    >>> f"{difference:.2f} [{low:.2f}, {high:.2f}]"  # 0.1 times 12.7, for one of the two scatters
    '0.20 [-1.07, 1.47]'

    Args:
        scores: a number for each seed and patient of the one network, (seeds, patients), two seeds or more.
        baseline: the same for the other network, (its seeds, patients).
        level: how often such an interval holds the truth, in (0, 1).

    Returns:
        The difference of the means, and the lower and upper end of its interval.

    Raises:
        ValueError: the two are not of the same patients, a network has one seed, or `level` is out of range.
    """
    scores, baseline = _of_the_same_patients(scores, baseline)
    if min(len(scores), len(baseline)) < 2:
        raise ValueError(
            f"scores and baseline have {len(scores)} and {len(baseline)} seeds: train each network twice at least, for "
            "one training does not say how far another would lie from it."
        )
    ours, theirs = scores.mean(axis=1), baseline.mean(axis=1)
    difference = float(ours.mean() - theirs.mean())
    squares = np.array([ours.var(ddof=1) / len(ours), theirs.var(ddof=1) / len(theirs)])
    _check(level)
    if not squares.any():
        return difference, difference, difference
    freedom = squares.sum() ** 2 / np.sum(squares**2 / (np.array([len(ours), len(theirs)]) - 1))
    reach = float(scipy.stats.t.ppf((1 + level) / 2, freedom) * squares.sum() ** 0.5)
    return difference, difference - reach, difference + reach


def verdict(low: float, high: float, worth: float) -> str:
    """What an interval of a difference allows us to say, where differences below `worth` do not matter.

    >>> verdict(0.01, 0.05, worth=0.02), verdict(-0.01, 0.05, worth=0.02), verdict(-0.01, 0.01, worth=0.02)
    ('better', 'cannot tell', 'too small to matter')

    Args:
        low: the lower end.
        high: the upper end.
        worth: the smallest difference that matters, 0 or more.

    Returns:
        "too small to matter" if all of the interval lies between -worth and worth, else "better" if it lies above
        0 and "worse" if it lies below, else "cannot tell".
    """
    if -worth < low and high < worth:
        return "too small to matter"
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


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


def _of_the_same_patients(scores: np.ndarray, baseline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, baseline = np.asarray(scores, float), np.asarray(baseline, float)
    if scores.ndim != 2 or baseline.ndim != 2 or scores.shape[1] != baseline.shape[1] or not scores.size:
        raise ValueError(
            f"scores and baseline must be (seeds, patients) with the same patients, got {scores.shape} and "
            f"{baseline.shape}."
        )
    return scores, baseline


def _ends(drawn: np.ndarray | Sequence[float], level: float) -> tuple[float, float]:
    _check(level)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _check(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, but it is {level!r}.")
