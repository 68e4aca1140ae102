"""What learners answer in lesson 02, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "pixel-counts": {
        "sums over the slices": (
            """
def pixel_counts(masks, predictions):
    return np.array([(masks & predictions).sum(), predictions.sum(), masks.sum()])
""",
            "not over the slices",
        ),
        "puts the counts in rows": (
            """
def pixel_counts(masks, predictions):
    return np.array([area.sum(axis=(1, 2)) for area in (masks & predictions, predictions, masks)])
""",
            "stack along axis -1",
        ),
        "swaps predicted and true": (
            """
def pixel_counts(masks, predictions):
    return np.stack([area.sum(axis=(1, 2)) for area in (masks & predictions, masks, predictions)], axis=-1)
""",
            "predicted comes first",
        ),
        "counts the union": (
            """
def pixel_counts(masks, predictions):
    return np.stack([area.sum(axis=(1, 2)) for area in (masks | predictions, predictions, masks)], axis=-1)
""",
            "`&` those in both",
        ),
        "averages": (
            """
def pixel_counts(masks, predictions):
    return np.stack([area.mean(axis=(1, 2)) for area in (masks & predictions, predictions, masks)], axis=-1)
""",
            "count, do not average",
        ),
        "counts where both are equal": (
            """
def pixel_counts(masks, predictions):
    areas = (masks == predictions, predictions, masks)
    return np.stack([area.sum(axis=(1, 2)) for area in areas], axis=-1)
""",
            "where both say no",
        ),
        "puts false positives second": (
            """
def pixel_counts(masks, predictions):
    areas = (masks & predictions, predictions & ~masks, masks)
    return np.stack([area.sum(axis=(1, 2)) for area in areas], axis=-1)
""",
            "right or wrong",
        ),
        "counts right, false and missed": (
            """
def pixel_counts(masks, predictions):
    areas = (masks & predictions, predictions & ~masks, masks & ~predictions)
    return np.stack([area.sum(axis=(1, 2)) for area in areas], axis=-1)
""",
            "right or wrong",
        ),
        "puts the true area first": (
            """
def pixel_counts(masks, predictions):
    areas = (masks, masks & predictions, predictions)
    return np.stack([area.sum(axis=(1, 2)) for area in areas], axis=-1)
""",
            "the columns are both, predicted, true",
        ),
    },
    "dice": {
        "counts both once": (
            """
def dice(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.where(predicted + true > 0, both / np.maximum(predicted + true, 1), empty)
""",
            "both counts twice",
        ),
        "divides 0 by 0": (
            """
def dice(counts, empty=1.0):
    return 2 * counts[..., 0] / (counts[..., 1] + counts[..., 2])
""",
            "got nan",
        ),
        "adds 1 above and below": (
            """
def dice(counts, empty=1.0):
    return (2 * counts[..., 0] + 1) / (counts[..., 1] + counts[..., 2] + 1)
""",
            "with nothing added",
        ),
        "adds a small number above and below": (
            """
def dice(counts, empty=1.0):
    return (2 * counts[..., 0] + 1e-6) / (counts[..., 1] + counts[..., 2] + 1e-6)
""",
            "however small",
        ),
        "fills an array of whole numbers": (
            """
def dice(counts, empty=1.0):
    both, size = counts[..., 0], counts[..., 1] + counts[..., 2]
    scores = np.zeros_like(both)
    scores[size > 0] = 2 * both[size > 0] / size[size > 0]
    scores[size == 0] = empty
    return scores
""",
            "leave whole numbers",
        ),
        "takes a slice without tumour for empty": (
            """
def dice(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.where(true > 0, 2 * both / np.maximum(predicted + true, 1), empty)
""",
            "in which something is marked",
        ),
        "takes a missed tumour for empty": (
            """
def dice(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.where((predicted > 0), 2 * both / np.maximum(predicted + true, 1), empty)
""",
            "a tumour that was missed",
        ),
        "does not listen to empty": (
            """
def dice(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.where(predicted + true > 0, 2 * both / np.maximum(predicted + true, 1), 1.0)
""",
            "return what `empty` says",
        ),
        "averages": (
            """
def dice(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.where(predicted + true > 0, 2 * both / np.maximum(predicted + true, 1), empty).mean()
""",
            "do not average here",
        ),
    },
    "iou": {
        "does not take off what is in both": (
            """
def iou(counts, empty=1.0):
    both, size = counts[..., 0], counts[..., 1] + counts[..., 2]
    return np.where(size > 0, both / np.maximum(size, 1), empty)
""",
            "take them off once",
        ),
        "is Dice": (
            """
def iou(counts, empty=1.0):
    return metrics.dice(counts, empty)
""",
            "this is Dice",
        ),
        "divides 0 by 0": (
            """
def iou(counts, empty=1.0):
    return counts[..., 0] / (counts[..., 1] + counts[..., 2] - counts[..., 0])
""",
            "got nan",
        ),
        "adds 1 above and below": (
            """
def iou(counts, empty=1.0):
    return (counts[..., 0] + 1) / (counts[..., 1] + counts[..., 2] - counts[..., 0] + 1)
""",
            "1 was added above and below",
        ),
        "adds a small number above and below": (
            """
def iou(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    return (both + 1e-6) / (predicted + true - both + 1e-6)
""",
            "however small",
        ),
        "takes both off twice": (
            """
def iou(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    either = predicted + true - 2 * both
    return np.where(either > 0, both / np.maximum(either, 1), empty)
""",
            "not twice",
        ),
        "takes the larger area for the union": (
            """
def iou(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    either = np.maximum(predicted, true)
    return np.where(either > 0, both / np.maximum(either, 1), empty)
""",
            "12 pixels lie in either",
        ),
        "mixes the bits": (
            """
def iou(counts, empty=1.0):
    both, predicted, true = counts[..., 0], counts[..., 1], counts[..., 2]
    either = predicted | true
    return np.where(either > 0, both / np.maximum(either, 1), empty)
""",
            "12 pixels lie in either",
        ),
        "does not listen to empty": (
            """
def iou(counts, empty=1.0):
    both, either = counts[..., 0], counts[..., 1] + counts[..., 2] - counts[..., 0]
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)
""",
            "return what `empty` says",
        ),
    },
    "two-means": {
        "averages slices within a patient": (
            """
def two_means(counts, patients, empty=1.0):
    scores = metrics.dice(counts, empty)
    return scores.mean(), np.mean([scores[patients == name].mean() for name in np.unique(patients)])
""",
            "add up the counts of a patient first",
        ),
        "adds up the whole set": (
            """
def two_means(counts, patients, empty=1.0):
    return metrics.dice(counts, empty).mean(), metrics.dice(counts.sum(axis=0), empty)
""",
            "the Dice of the whole set",
        ),
        "swaps the two": (
            """
def two_means(counts, patients, empty=1.0):
    sums = [counts[patients == name].sum(axis=0) for name in np.unique(patients)]
    return np.mean([metrics.dice(row, empty) for row in sums]), metrics.dice(counts, empty).mean()
""",
            "over slices comes first",
        ),
        "does not listen to empty": (
            """
def two_means(counts, patients, empty=1.0):
    sums = [counts[patients == name].sum(axis=0) for name in np.unique(patients)]
    return metrics.dice(counts).mean(), np.mean([metrics.dice(row) for row in sums])
""",
            "hand `empty` on",
        ),
        "does not hand empty on for the patients": (
            """
def two_means(counts, patients, empty=1.0):
    sums = [counts[patients == name].sum(axis=0) for name in np.unique(patients)]
    return metrics.dice(counts, empty).mean(), np.mean([metrics.dice(row) for row in sums])
""",
            "for patients",
        ),
        "counts a patient for each slice": (
            """
def two_means(counts, patients, empty=1.0):
    sums = [counts[patients == name].sum(axis=0) for name in patients]
    return metrics.dice(counts, empty).mean(), np.mean([metrics.dice(row, empty) for row in sums])
""",
            "loop over np.unique(patients)",
        ),
        "leaves out the empty slices": (
            """
def two_means(counts, patients, empty=1.0):
    sums = [counts[patients == name].sum(axis=0) for name in np.unique(patients)]
    return metrics.dice(metrics.positives_only(counts)).mean(), np.mean([metrics.dice(row, empty) for row in sums])
""",
            "the empty slice counts",
        ),
        "forgets the means": (
            """
def two_means(counts, patients, empty=1.0):
    sums = [counts[patients == name].sum(axis=0) for name in np.unique(patients)]
    return metrics.dice(counts, empty), [metrics.dice(row, empty) for row in sums]
""",
            "expected two numbers",
        ),
        "takes neighbours for patients": (
            """
def two_means(counts, patients, empty=1.0):
    starts = [0] + [k for k in range(1, len(patients)) if patients[k] != patients[k - 1]]
    sums = np.add.reduceat(counts, starts, axis=0)
    return metrics.dice(counts, empty).mean(), metrics.dice(sums, empty).mean()
""",
            "need not be neighbours",
        ),
        "gives one number": (
            """
def two_means(counts, patients, empty=1.0):
    return metrics.dice(counts, empty).mean()
""",
            "expected two numbers",
        ),
    },
    "interval": {
        "draws without replacement": (
            """
def interval(values, draws, seed):
    generator = np.random.default_rng(seed)
    means = [generator.permutation(values).mean() for _ in range(draws)]
    return np.quantile(means, 0.025), np.quantile(means, 0.975)
""",
            "draw with replacement",
        ),
        "takes quantiles of the patients": (
            """
def interval(values, draws, seed):
    return np.quantile(values, 0.025), np.quantile(values, 0.975)
""",
            "the spread of the patients",
        ),
        "draws one patient at a time": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng(seed).choice(values, size=draws)
    return np.quantile(drawn, 0.025), np.quantile(drawn, 0.975)
""",
            "the spread of the patients",
        ),
        "takes standard deviations of the patients": (
            """
def interval(values, draws, seed):
    return values.mean() - 1.96 * values.std(), values.mean() + 1.96 * values.std()
""",
            "from a formula",
        ),
        "takes the standard error": (
            """
def interval(values, draws, seed):
    error = 1.96 * values.std() / np.sqrt(len(values))
    return values.mean() - error, values.mean() + error
""",
            "from a formula",
        ),
        "averages over the draws": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng(seed).choice(values, size=(draws, len(values)))
    return np.quantile(drawn.mean(axis=0), [0.025, 0.975])
""",
            "over axis 1",
        ),
        "draws too many patients": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng(seed).choice(values, size=(draws, 1000))
    return np.quantile(drawn.mean(axis=1), [0.025, 0.975])
""",
            "takes n patients",
        ),
        "begins again in each draw": (
            """
def interval(values, draws, seed):
    means = [np.random.default_rng(seed).choice(values, len(values)).mean() for _ in range(draws)]
    return np.quantile(means, [0.025, 0.975])
""",
            "before the loop",
        ),
        "takes the lowest mean": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng(seed).choice(values, size=(draws, len(values)))
    return np.quantile(drawn.mean(axis=1), [0, 0.95])
""",
            "between 0.025 and 0.975",
        ),
        "gives 90 %": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng(seed).choice(values, size=(draws, len(values))).mean(axis=1)
    return np.quantile(drawn, 0.05), np.quantile(drawn, 0.95)
""",
            "between 0.025 and 0.975",
        ),
        "mistakes per cent": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng(seed).choice(values, size=(draws, len(values))).mean(axis=1)
    return np.percentile(drawn, 0.025), np.percentile(drawn, 0.975)
""",
            "np.percentile from 0 to 100",
        ),
        "does not listen to the seed": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng().choice(values, size=(draws, len(values))).mean(axis=1)
    return np.quantile(drawn, 0.025), np.quantile(drawn, 0.975)
""",
            "np.random.default_rng(seed)",
        ),
        "has a seed of its own": (
            """
def interval(values, draws, seed):
    drawn = np.random.default_rng(0).choice(values, size=(draws, len(values))).mean(axis=1)
    return np.quantile(drawn, 0.025), np.quantile(drawn, 0.975)
""",
            "use `seed`",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "pixel-counts": [
        """
def pixel_counts(masks, predictions):
    rows = []
    for mask, prediction in zip(masks, predictions):
        rows.append([np.count_nonzero(mask & prediction), np.count_nonzero(prediction), np.count_nonzero(mask)])
    return rows
""",
        """
def pixel_counts(masks, predictions):
    masks, predictions = masks.reshape(len(masks), -1), predictions.reshape(len(predictions), -1)
    both = (masks * predictions).sum(axis=1)
    return np.column_stack([both, predictions.sum(axis=1), masks.sum(axis=1)])
""",
    ],
    "dice": [
        """
def dice(counts, empty=1.0):
    size = counts[..., 1] + counts[..., 2]
    return np.where(size == 0, empty, 2 * counts[..., 0] / size)
""",
        """
def dice(counts, empty=1.0):
    counts = np.asarray(counts)
    if counts.ndim == 1:
        both, predicted, true = counts
        return empty if predicted + true == 0 else 2 * both / (predicted + true)
    return np.array([dice(row, empty) for row in counts])
""",
    ],
    "iou": [
        """
def iou(counts, empty=1.0):
    value = metrics.dice(counts, empty=np.nan)
    return np.where(np.isnan(value), empty, value / (2 - value))
""",
        """
def iou(counts, empty=1.0):
    both = counts[..., 0]
    union = both + (counts[..., 1] - both) + (counts[..., 2] - both)
    return np.divide(both, union, out=np.full(both.shape, float(empty)), where=union > 0)
""",
    ],
    "two-means": [
        """
def two_means(counts, patients, empty=1.0):
    totals = {}
    for name, row in zip(patients, counts):
        totals[name] = totals.get(name, 0) + row
    by_patient = metrics.dice(np.array(list(totals.values())), empty)
    return np.mean(metrics.dice(counts, empty)), np.mean(by_patient)
""",
        """
def two_means(counts, patients, empty=1.0):
    sums = metrics.per_patient(counts, patients)
    return [metrics.dice(counts, empty).mean(), np.mean([metrics.dice(row, empty) for row in sums.values()])]
""",
    ],
    "interval": [
        """
def interval(values, draws, seed):
    generator = np.random.default_rng(seed)
    means = []
    for _ in range(draws):
        means.append(np.mean(generator.choice(values, len(values))))
    return tuple(np.percentile(means, [2.5, 97.5]))
""",
        """
def interval(values, draws, seed):
    rows = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    means = np.sort(values[rows].mean(axis=1))
    return means[int(0.025 * draws)], means[min(int(0.975 * draws), draws - 1)]
""",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("black_accuracy", "0.98", "0.999"),
    ("black_mean", "0.5", "0.8"),
    ("network_dice", "0.6", "0.85"),
    ("library['all black'][0]", "0.49", "0.5"),
]
