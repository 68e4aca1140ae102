"""What learners answer in lesson 02, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "pixel-counts": {
        ("cuts off a mean times the size", "can fall just below one"): {
            "area.sum(axis=(1, 2))": "(area.mean(axis=(1, 2)) * area[0].size).astype(int)"
        },
        ("sums over the slices", "not over the slices"): """
            return np.array([(masks & predictions).sum(), predictions.sum(), masks.sum()])
        """,
        ("puts the counts in rows", "stack along axis -1"): """
            return np.array([area.sum(axis=(1, 2)) for area in (masks & predictions, predictions, masks)])
        """,
        ("swaps predicted and true", "predicted comes first"): """
            return np.stack([area.sum(axis=(1, 2)) for area in (masks & predictions, masks, predictions)], axis=-1)
        """,
        ("counts the union", "`&` those in both"): """
            return np.stack([area.sum(axis=(1, 2)) for area in (masks | predictions, predictions, masks)], axis=-1)
        """,
        ("averages", "count, do not average"): """
            return np.stack([area.mean(axis=(1, 2)) for area in (masks & predictions, predictions, masks)], axis=-1)
        """,
        ("counts where both are equal", "where both say no"): {"&": "=="},
        ("puts false positives second", "right or wrong"): {", predictions,": ", predictions & ~masks,"},
        ("counts right, false and missed", "right or wrong"): {", masks": " & ~masks, masks & ~predictions"},
        ("puts the true area first", "the columns are both, predicted, true"): {
            "(masks & predictions, predictions, masks)": "(masks, masks & predictions, predictions)",
        },
        ("counts in a small type", "overflows"): {
            "area.sum(axis=(1, 2))": "area.astype('uint8').sum(axis=(1, 2), dtype='uint8')"
        },
        ("gives floats", "expected whole numbers"): {"axis=-1)": "axis=-1).astype(float)"},
        ("changes the masks", "stay as it is, but"): """
                predictions_in = predictions
                both = (masks & predictions).sum(axis=(1,2))
                total = predictions.sum(axis=(1,2))
                true = masks.sum(axis=(1,2))
                masks &= predictions
                return np.stack([both, total, true], -1)
            """,
    },
    "dice": {
        ("counts both once", "both counts twice"): {"> 0, 2 * both": "> 0, both"},
        ("divides 0 by 0", "got nan"): "return 2 * counts[..., 0] / (counts[..., 1] + counts[..., 2])",
        ("adds 1 above and below", "with nothing added"): """
            return (2 * counts[..., 0] + 1) / (counts[..., 1] + counts[..., 2] + 1)
        """,
        ("adds a small number above and below", "however small"): """
            return (2 * counts[..., 0] + 1e-6) / (counts[..., 1] + counts[..., 2] + 1e-6)
        """,
        ("fills an array of whole numbers", "leave whole numbers"): {"empty)": "empty).astype(int)"},
        ("takes a slice without tumour for empty", "in which something is marked"): {"size >": "true >"},
        ("takes a missed tumour for empty", "a tumour that was missed"): {"size >": "predicted >"},
        ("does not listen to empty", "return what `empty` says"): {", empty)": ", 1.0)"},
        ("averages", "do not average here"): {", empty)": ", empty).mean()"},
        ("adds in place", "stay as it is, but"): """
                counts = np.asarray(counts)
                size = counts[..., 1]
                size += counts[..., 2]
                return np.where(size > 0, 2 * counts[..., 0] / np.maximum(size, 1), empty)
            """,
        ("rounds", "not rounded"): {"return np.where(": "return np.round(np.where(", "empty)\n": "empty), 3)\n"},
        ("counts in a small type", "overflows"): {"np.asarray(counts)": "np.asarray(counts).astype('int16')"},
    },
    "two-means": {
        ("shortens the names", "whose names are alike"): {"np.asarray(patients)": "np.asarray(patients, dtype='U8')"},
        ("averages slices within a patient", "add up the counts of a patient first"): {
            "sums = [counts[patients == name].sum(axis=0) for": "scores = [metrics.dice(counts[patients == name], empty).mean() for",
            "np.mean([metrics.dice(row, empty) for row in sums])": "np.mean(scores)",
        },
        ("adds up the whole set", "the Dice of the whole set"): """
            return metrics.dice(counts, empty).mean(), metrics.dice(counts.sum(axis=0), empty)
        """,
        ("swaps the two", "over slices comes first"): {
            "return metrics.dice(counts, empty).mean(), np.mean([metrics.dice(row, empty) for row in sums])": """
                over_slices = metrics.dice(counts, empty).mean()
                return np.mean([metrics.dice(row, empty) for row in sums]), over_slices
            """,
        },
        ("does not listen to empty", "hand `empty` on"): {"counts, empty).mean": "counts).mean", "row, empty": "row"},
        ("does not hand empty on for the patients", "for patients"): {"row, empty": "row"},
        ("counts a patient for each slice", "loop over np.unique(patients)"): {"in np.unique(patients)": "in patients"},
        ("leaves out the empty slices", "the empty slice counts"): {"counts, empty": "metrics.positives_only(counts)"},
        ("forgets the means", "expected two numbers"): {
            "empty).mean()": "empty)",
            "np.mean([metrics.dice(row, empty) for row in sums])": "[metrics.dice(row, empty) for row in sums]",
        },
        ("takes neighbours for patients", "need not be neighbours"): {
            "sums = [counts[patients == name].sum(axis=0) for name in np.unique(patients)]": """
                starts = [0, *(1 + np.flatnonzero(patients[1:] != patients[:-1]))]
                sums = np.add.reduceat(counts, starts, axis=0)
            """,
        },
        ("gives one number", "expected two numbers"): "return metrics.dice(counts, empty).mean()",
        ("takes three patients", "of six patients"): {"np.unique(patients)]": "np.unique(patients)[:3]]"},
        ("goes by the first letter", "whose names are alike"): {
            "patients = np.asarray(patients)": "patients = np.asarray([p[0] for p in patients])"
        },
        ("adds in place", "stay as it is, but"): """
                first = {}
                for name, row in zip(patients, counts):
                    if name in first:
                        first[name] += row
                    else:
                        first[name] = row
                over = metrics.dice(counts, empty).mean()
                return over, np.mean([metrics.dice(row, empty) for row in first.values()])
            """,
        ("rounds", "not rounded"): {
            "return metrics.dice(counts, empty).mean(), np.mean([metrics.dice(row, empty) for row in sums])": "return round(metrics.dice(counts, empty).mean(), 3), round(np.mean([metrics.dice(row, empty) for row in sums]), 3)"
        },
    },
    "gains": {
        ("takes the mean of each kind", "divide by the number of all slices"): {
            "change[kind].sum() / len(change)": "change[kind].mean()"
        },
        ("forgets to divide", "these are sums"): {" / len(change)": ""},
        ("subtracts the second", "second minus first"): {
            "metrics.dice(second) - metrics.dice(first)": "metrics.dice(first) - metrics.dice(second)"
        },
        ("takes a tumour at the limit for large", "exactly `limit` pixels is small"): {
            "true <= limit": "true < limit",
            "true > limit": "true >= limit",
        },
        ("counts the empty slices as small, too", "a kind of their own"): {
            "(true > 0) & (true <= limit)": "true <= limit"
        },
        ("goes by the predicted area", "not the predicted one"): {"first[:, 2]": "first[:, 1]"},
        ("goes by what the second marks", "not what the second network marks"): {"first[:, 2]": "second[:, 1]"},
        ("goes by what is in both", "not what is in both"): {"first[:, 2]": "first[:, 0]"},
        ("lets empty slices score 0", "an empty slice counts 1"): {
            "metrics.dice(second) - metrics.dice(first)": "metrics.dice(second, 0.0) - metrics.dice(first, 0.0)"
        },
        ("takes IoU", "this is IoU"): {
            "metrics.dice(second) - metrics.dice(first)": "metrics.iou(second) - metrics.iou(first)"
        },
        ("loses the sign", "with their sign"): {
            "metrics.dice(second) - metrics.dice(first)": "abs(metrics.dice(second) - metrics.dice(first))"
        },
        ("adds up the counts of a kind", "the counts are added up first"): {
            "return [change[kind].sum() / len(change) for kind in kinds]": """
                return [metrics.dice(second[kind].sum(axis=0)) - metrics.dice(first[kind].sum(axis=0)) for kind in kinds]
            """
        },
        ("divides by the slices with tumour", "not of those with tumour"): {"len(change)": "(true > 0).sum()"},
        ("gives per cent", "these are per cent"): {"change[kind].sum() /": "100 * change[kind].sum() /"},
        ("begins with the large ones", "the order is"): {"for kind in kinds]": "for kind in kinds[::-1]]"},
        ("puts the empty slices last", "the first one is last here"): {
            "(true == 0, (true > 0) & (true <= limit), true > limit)": "((true > 0) & (true <= limit), true > limit, true == 0)"
        },
        ("has a limit of its own", "use `limit`"): {"true = first[:, 2]": "true, limit = first[:, 2], 6"},
        ("leaves out the empty slices", "expected three numbers"): {"(true == 0, (true": "((true"},
        (
            "gives the change of each slice",
            "add up the slices of each kind",
        ): "return metrics.dice(second) - metrics.dice(first)",
        ("gives one number", "expected three numbers"): "return (metrics.dice(second) - metrics.dice(first)).mean()",
        ("weights the means of the kinds", "a mean of nothing is nan"): {
            "change[kind].sum() / len(change)": "kind.mean() * change[kind].mean()"
        },
        ("subtracts the counts first", "for each kind the sum of second minus first"): {
            "metrics.dice(second) - metrics.dice(first)": "metrics.dice(abs(second - first))"
        },
        ("rounds", "not rounded"): {"change[kind].sum() / len(change)": "round(change[kind].sum() / len(change), 3)"},
        ("adds a small number", "for each kind the sum of second minus first"): {
            "/ len(change)": "/ (len(change) + 1e-3)"
        },
        ("counts in a small type", "overflows"): {"first[:, 2]": "first[:, 2].astype('uint8')"},
        ("gives a dictionary", "in a list or an array"): {
            "return [change[kind].sum() / len(change) for kind in kinds]": """
                return {name: change[kind].sum() / len(change) for name, kind in zip(("none", "small", "large"), kinds)}
            """
        },
        ("gives the changes of each kind", "add up the slices of each kind"): {
            "change[kind].sum() / len(change)": "change[kind]"
        },
        ("subtracts in place", "stay as it is, but"): {
            "change = metrics.dice(second) - metrics.dice(first)": """
                change = metrics.dice(second) - metrics.dice(first)
                second -= first
            """
        },
    },
    "interval": {
        ("means in the values' type", "means of whole numbers are not whole"): {
            "drawn.mean(axis=1)": "drawn.mean(axis=1, dtype=drawn.dtype)"
        },
        ("takes seed 0 for none", "0 is a seed"): {"default_rng(seed)": "default_rng(seed or None)"},
        ("draws without replacement", "draw with replacement"): {
            ".choice(values, size=(draws, len(values)))": ".permuted(np.tile(values, (draws, 1)), axis=1)",
        },
        ("takes quantiles of the patients", "the spread of the patients"): """
            return np.quantile(values, 0.025), np.quantile(values, 0.975)
        """,
        ("draws one patient at a time", "the spread of the patients"): {"size=(draws, len(values))": "size=(draws, 1)"},
        ("takes standard deviations of the patients", "from a formula"): """
            return values.mean() - 1.96 * values.std(), values.mean() + 1.96 * values.std()
        """,
        ("takes the standard error", "from a formula"): {
            "low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])": """
                error = 1.96 * values.std() / np.sqrt(len(values))
                low, high = values.mean() - error, values.mean() + error
            """,
        },
        ("averages over the draws", "over axis 1"): {"mean(axis=1)": "mean(axis=0)"},
        ("draws too many patients", "takes n patients"): {"(draws, len(values))": "(draws, 1000)"},
        ("begins again in each draw", "before the loop"): {
            "drawn = np.random.default_rng(seed).choice(values, size=(draws, len(values)))": "drawn = np.array([np.random.default_rng(seed).choice(values, len(values)) for _ in range(draws)])",
        },
        ("takes the lowest mean", "between 0.025 and 0.975"): {"[0.025, 0.975]": "[0, 0.95]"},
        ("swaps the ends", "above the first end and below the second"): {"return low, high": "return high, low"},
        ("gives 90 %", "between 0.025 and 0.975"): {"[0.025, 0.975]": "[0.05, 0.95]"},
        ("mistakes per cent", "np.percentile from 0 to 100"): {"np.quantile": "np.percentile"},
        ("does not listen to the seed", "np.random.default_rng(seed)"): {"default_rng(seed)": "default_rng()"},
        ("has a seed of its own", "use `seed`"): {"default_rng(seed)": "default_rng(0)"},
        ("draws n - 1", "n - 1 values"): {"size=(draws, len(values))": "size=(draws, len(values) - 1)"},
        ("draws n + 1", "no more"): {"size=(draws, len(values))": "size=(draws, len(values) + 1)"},
        ("never draws the last", "never drawn"): {
            ".choice(values, size=(draws, len(values)))": ".choice(values[:-1], size=(draws, len(values)))"
        },
        ("sorts the values", "stay as it is, but"): {"values = np.asarray(values)": "values.sort()"},
        ("rounds", "do not round"): {"return low, high": "return round(low, 2), round(high, 2)"},
        ("gives 94 %", "not 0.03"): {"[0.025, 0.975]": "[0.03, 0.97]"},
        ("takes the draws' standard deviation", "no formula"): {
            "low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])": """
                m = drawn.mean(axis=1)
                low, high = m.mean() - 1.96 * m.std(), m.mean() + 1.96 * m.std()
            """
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "pixel-counts": [
        """
            rows = []
            for mask, prediction in zip(masks, predictions):
                rows.append([np.count_nonzero(mask & prediction), np.count_nonzero(prediction), np.count_nonzero(mask)])
            return rows
        """,
        """
            masks, predictions = masks.reshape(len(masks), -1), predictions.reshape(len(predictions), -1)
            both = (masks * predictions).sum(axis=1)
            return np.column_stack([both, predictions.sum(axis=1), masks.sum(axis=1)])
        """,
    ],
    "dice": [
        """
            size = counts[..., 1] + counts[..., 2]
            return np.where(size == 0, empty, 2 * counts[..., 0] / size)
        """,
        """
            counts = np.asarray(counts)
            if counts.ndim == 1:
                both, predicted, true = counts
                return empty if predicted + true == 0 else 2 * both / (predicted + true)
            return np.array([dice(row, empty) for row in counts])
        """,
        """
            both, size = counts[..., 0], counts[..., 1] + counts[..., 2]
            return np.divide(2 * both, size, out=np.full(size.shape, empty), where=size > 0)
        """,
    ],
    "two-means": [
        """
            totals = {}
            for name, row in zip(patients, counts):
                totals[name] = totals.get(name, 0) + row
            by_patient = metrics.dice(np.array(list(totals.values())), empty)
            return np.mean(metrics.dice(counts, empty)), np.mean(by_patient)
        """,
        """
            sums = metrics.per_patient(counts, patients)
            return [metrics.dice(counts, empty).mean(), np.mean([metrics.dice(row, empty) for row in sums.values()])]
        """,
    ],
    "gains": [
        """
            change = metrics.dice(second) - metrics.dice(first)
            kinds = np.digitize(first[:, 2], [1, limit + 1])
            return np.bincount(kinds, weights=change, minlength=3) / len(first)
        """,
        """
            sums = {"none": 0.0, "small": 0.0, "large": 0.0}
            for before, after in zip(first, second):
                kind = "none" if before[2] == 0 else "small" if before[2] <= limit else "large"
                sums[kind] += float(metrics.dice(after) - metrics.dice(before))
            return tuple(value / len(first) for value in sums.values())
        """,
        {
            "return [change[kind].sum() / len(change) for kind in kinds]": """
                return keras.ops.stack([keras.ops.sum(change[kind]) / len(change) for kind in kinds])
            """
        },
    ],
    "interval": [
        """
            rng = np.random.default_rng(seed)
            means = []
            for _ in range(draws):
                means.append(np.mean(rng.choice(values, len(values))))
            return tuple(np.percentile(means, [2.5, 97.5]))
        """,
        """
            rows = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
            means = np.sort(values[rows].mean(axis=1))
            return means[int(0.025 * draws)], means[min(int(0.975 * draws), draws - 1)]
        """,
    ],
}

RANGES = []  # the text quotes none

# what the text concludes from phantoms: expressions over the finished lesson
CLAIMS = [
    "accuracy['network'] - accuracy['all black'] < 0.01",
    "ways['cautious']['all slices, empty = 1'] > ways['bold']['all slices, empty = 1']",
    "all(ways['bold'][way] > ways['cautious'][way] for way in list(ways['cautious'])[1:])",
    "np.sign(gains(rows['cautious'], rows['bold'], 100)).tolist() == [-1, 1, 1]",
    "widths[1] > 1.3 * widths[0]",
    "library['all black'][0] > 0.45",
    "library['network'][2] - library['all black'][2] < (library['network'][0] - library['all black'][0]) / 2",
    "max(batched.values()) - min(batched.values()) > 0.02",
]
