"""What learners answer in lesson 11, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "scores-of": {
        ("sorts the seeds as text", "seeds from 9 to more than 10"): {
            "return rows.pivot": "rows = rows.assign(seed=rows.seed.astype(str))\nreturn rows.pivot"
        },
        ("seeds and patients of others too", "of this network and loss alone"): {
            ".to_numpy()": ".reindex(index=sorted(table.seed.unique()), columns=sorted(table.patient.unique())).to_numpy()"
        },
        ("drops the axis of a single seed", "where there is one seed"): {".to_numpy()": ".to_numpy().squeeze()"},
        ("forgets the loss", "of the model AND of the loss"): """
            return table[table.model == model].pivot(index="seed", columns="patient", values="dice").to_numpy()
        """,
        ("averages over the losses", "rows of another loss are mixed in"): {
            " & (table.loss == loss)": "",
            "rows.pivot(": "rows.pivot_table(",
        },
        ("forgets the model", "rows of another network are mixed in"): {
            "(table.model == model) & ": "",
            "rows.pivot(": "rows.pivot_table(",
        },
        ("seeds as columns", "swap index and columns"): {'seed", columns="patient"': 'patient", columns="seed"'},
        ("a name that only begins alike", "the numbers are in other places"): {
            "(table.model == model)": "table.model.str.startswith(model)",
            "rows.pivot(": "rows.pivot_table(",
        },
        ("averages the seeds", "do not average the seeds"): {
            '.pivot(index="seed", columns="patient", values="dice"': '.groupby("patient").dice.mean(',
        },
        ("the numbers in a row", "a pivot lays them out"): """
            return table[(table.model == model) & (table.loss == loss)].dice.to_numpy()
        """,
        ("in the order of the table", "kept the order of the table"): {
            ".to_numpy()": ".loc[rows.seed.unique(), rows.patient.unique()].to_numpy()",
        },
        ("a data frame", ".to_numpy()"): {'values="dice").to_numpy()': 'values="dice")'},
        ("sorts names as numbers", "p100 before p99"): {
            'return rows.pivot(index="seed", columns="patient", values="dice").to_numpy()': """
                wide = rows.pivot(index="seed", columns="patient", values="dice")
                return wide[sorted(wide, key=lambda name: (len(name), name))].to_numpy()
            """,
        },
        ("looks for the loss's name anywhere", "choose the rows of the model AND of the loss"): {
            "table.loss == loss": "table.loss.str.contains(loss)",
        },
    },
    "difference-interval": {
        ("96 per cent", "the quantiles are 0.025 and 0.975"): {"[0.025, 0.975]": "[0.02, 0.98]"},
        ("draws each by itself", "the pairs are lost"): {
            "differences[rows].mean": "(ours[rows] - theirs[rng.integers(len(differences), size=(draws, len(differences)))]).mean",
        },
        ("theirs minus ours", "ours minus theirs"): {"ours) - np.asarray(theirs": "theirs) - np.asarray(ours"},
        ("without replacement", "with replacement"): {
            "rng.integers(len(differences), size=(draws, len(differences)))": "np.array([rng.permutation(len(differences)) for _ in range(draws)])",
        },
        ("of the patients, not of the mean", "the interval is that of the mean"): {"[rows].mean(axis=1)": "[rows]"},
        ("90 %", "0.025 and 0.975"): {"[0.025, 0.975]": "[0.05, 0.95]"},
        ("percentiles of shares", "np.percentile 2.5 and 97.5"): {"np.quantile(": "np.percentile("},
        ("half as many patients", "as many patients as there are"): {
            "size=(draws, len(differences))": "size=(draws, max(len(differences) // 2, 1))",
        },
        ("a generator of its own", "generator that is handed in"): {"rng.": "np.random.default_rng(0)."},
        ("the difference too", "two numbers"): {"return low": "return differences.mean(), low"},
        ("one patient fewer in each draw", "draw 5 of the 5"): {
            "size=(draws, len(differences))": "size=(draws, len(differences) - 1)",
        },
        ("never draws the last", "never drawn"): {
            "integers(len(differences), size": "integers(len(differences) - 1, size"
        },
        ("never draws the first", "never drawn"): {"integers(len(differences)": "integers(1, len(differences)"},
        ("a normal interval", "the quantiles of the drawn means as they are"): """
            differences = np.asarray(ours) - np.asarray(theirs)
            rows = rng.integers(len(differences), size=(draws, len(differences)))
            means = differences[rows].mean(axis=1)
            return means.mean() - 1.96 * means.std(), means.mean() + 1.96 * means.std()
        """,
        ("a basic interval", "the quantiles of the drawn means as they are"): {
            "return low, high": "return 2 * differences.mean() - high, 2 * differences.mean() - low",
        },
        ("rounds", "do not round"): {"return low, high": "return round(low, 2), round(high, 2)"},
        ("2000 draws whatever is asked", "use `draws`"): {"size=(draws, ": "size=(2000, "},
        ("changes ours", "stay as they are"): {
            "np.asarray(ours) - np.asarray(theirs)": "np.subtract(ours, theirs, out=ours)",
        },
        ("nothing for one patient", "one patient: expected"): {
            "rows =": "if len(differences) == 1:\n    return 0.0, 0.0\nrows =",
        },
    },
    "sign-flip": {
        ("one side", "compare absolute values"): {
            "np.abs((signs * differences).mean(axis=1))": "(signs * differences).mean(axis=1)",
            "np.abs(differences.mean())": "differences.mean()",
        },
        ("further, not as far", ">= and not >"): {"means + 1e-12 >=": "means - 1e-12 >"},
        ("can be 0", "(1 + count) / (1 + draws)"): {
            "(1 + np.sum(means + 1e-12 >= np.abs(differences.mean()))) / (1 + draws)": "np.mean(means + 1e-12 >= np.abs(differences.mean()))",
        },
        ("counts those nearer to 0", "FURTHER"): {"means + 1e-12 >=": "means + 1e-12 <"},
        ("one sign for all", "without flips"): {"size=(draws, len(differences))": "size=(draws, 1)"},
        ("no absolute value of the mean as it is", "absolute values on both sides"): {
            "np.abs(differences.mean())": "differences.mean()",
        },
        ("a generator of its own", "generator that is handed in"): {"rng.": "np.random.default_rng(0)."},
        ("forgets brackets", "a p lies in (0, 1]"): {
            "(1 + np.sum(means + 1e-12 >= np.abs(differences.mean()))) / (1 + draws)": "1 + np.sum(means + 1e-12 >= np.abs(differences.mean())) / 1 + draws",
        },
        ("unequal chances", "the same chance"): {"choice([-1, 1], ": "choice([-1, 1], p=[0.4, 0.6], "},
        ("999 draws whatever is asked", "use `draws`"): """
            signs = rng.choice([-1, 1], size=(999, len(differences)))
            means = np.abs((signs * differences).mean(axis=1))
            return (1 + np.sum(means + 1e-12 >= np.abs(differences.mean()))) / 1000
        """,
        ("changes the differences", "stay as they are"): {
            "np.abs(differences.mean())": "(lambda d: np.abs(d.mean()))(np.subtract(differences, 0))",
            "(signs * differences)": "(signs * np.multiply(differences, 1 + 1e-15, out=np.asarray(differences)))",
        },
        ("draws patients instead of signs", "for [1, 1] expected about 0.5"): {
            "signs = rng.choice([-1, 1], ": "rows = rng.integers(len(differences), ",
            "(signs * differences)": "(differences - differences.mean())[rows]",
        },
        ("a wide tolerance", "add 1e-12, not more"): {"means + 1e-12": "means + 1e-3"},
        ("a mean for each patient", "over the patients, axis=1"): {"mean(axis=1)": "mean(axis=0)"},
        ("the tolerance before the absolute value", "add 1e-12 to those"): {
            "np.abs((signs * differences).mean(axis=1))": "np.abs((signs * differences).mean(axis=1) + 1e-12)",
            "means + 1e-12": "means",
        },
        ("no tolerance", "add 1e-12 to each drawn absolute mean"): {"means + 1e-12": "means"},
    },
    "both-interval": {
        ("as many seeds of theirs as of ours", "and 2 of the 2"): {
            "rng.integers(len(scores), size=len(scores))": "rng.integers(len(scores), size=len(ours))"
        },
        ("averages the seeds", "averaged, not drawn"): {"rng.integers(len(scores), size=": "np.arange("},
        ("draws the patients twice", "draw them once"): {
            "seeds =": "patients = rng.integers(scores.shape[1], size=scores.shape[1])\nseeds =",
        },
        ("theirs minus ours", "ours minus theirs"): {"means[0] - means[1]": "means[1] - means[0]"},
        ("seeds of ours alone", "the seeds of theirs are drawn too"): {
            "scores), size=len(scores": "ours), size=len(ours)) if scores is ours else np.arange(len(theirs",
        },
        ("seeds in pairs", "the seeds of theirs are drawn too"): {
            "means = []": "drawn = rng.integers(len(ours), size=len(ours))\nmeans = []",
            "seeds = rng.integers(len(scores), size=len(scores))": "seeds = drawn % len(scores)",
        },
        ("seeds in pairs where there are as many", "its OWN seeds"): {
            "means = []": "means, drawn = [], rng.integers(len(ours), size=len(ours))",
            "seeds = ": "seeds = drawn if len(scores) == len(ours) else ",
        },
        ("one patient fewer in each draw", "draw 5 of the 5"): {
            "size=ours.shape[1])": "size=ours.shape[1] - 1)",
        },
        ("never draws the last patient", "the last one too"): {
            "integers(ours.shape[1],": "integers(ours.shape[1] - 1,"
        },
        ("never draws the last seed", "the last one too"): {
            "integers(len(scores),": "integers(len(scores) - (len(scores) > 2),",
            "size=len(scores)": "size=len(scores) + 0",
        },
        ("one seed fewer in each draw", "4 seeds"): {"size=len(scores)": "size=max(len(scores) - 1, 1)"},
        ("a normal interval", "expected (0.1, 0.3)"): {
            "np.quantile(differences, [0.025, 0.975])": "np.mean(differences) + np.std(differences) * np.array([-1.96, 1.96])",
        },
        ("1000 draws whatever is asked", "use `draws`"): {"range(draws)": "range(1000)"},
        ("a generator of its own", "generator that is handed in"): {
            "differences = []": "rng, differences = np.random.default_rng(0), []",
        },
        ("changes ours", "stay as they are"): {"differences = []": "ours -= 0.05\ndifferences = []"},
        ("seeds alone", "of whom the last gains 1"): {"rng.integers(ours.shape[1], size=": "np.arange("},
    },
    "coverage": {
        ("a count", "divide by the number of comparisons"): {" / len(comparisons)": ""},
        ("an end at the truth is outside", "just reaches the truth"): {"low <= truth <= high": "low < truth < high"},
        ("the upper end at the truth is outside", "compare with <="): {"low <= truth <= high": "low <= truth < high"},
        ("the lower end alone", "compare both ends"): {"low <= truth <= high": "low <= truth"},
        ("the upper end alone", "compare both ends"): {"low <= truth <= high": "truth <= high"},
        ("around 0 whatever the truth", "use `truth`"): {"low <= truth <= high": "low <= 0 <= high"},
        ("theirs first", "in this order"): {"interval(ours, theirs)": "interval(theirs, ours)"},
        ("an interval of its own", "call `interval`"): {
            "interval(ours, theirs)": "(np.mean(ours) - np.mean(theirs) - 1, np.mean(ours) - np.mean(theirs) + 1)",
        },
        ("the misses", "not the one that misses"): {"held / len(comparisons)": "1 - held / len(comparisons)"},
        ("per cent", "expected 0.5"): {"held / len": "100 * held / len"},
        ("changes the comparisons", "stay as they are"): {
            "low, high =": "ours *= 0.999\nlow, high =",
        },
        ("reaches only 0", "whose end just reaches 0.5"): {
            "low <= truth <= high": "low < truth <= high if truth else low <= 0 <= high",
        },
    },
    "welch": {
        ("theirs minus ours", "ours minus theirs"): {"ours.mean() - theirs.mean()": "theirs.mean() - ours.mean()"},
        ("the normal's 1.96", "in place of t"): {"stats.t.ppf(0.975, nu)": "stats.norm.ppf(0.975)"},
        ("90 %", "the quantile 0.975"): {"0.975": "0.95"},
        ("n + n - 2", "take nu"): {
            "ppf(0.975, nu)": "ppf(0.975, n - 2)",
            "reach =": "n = len(ours) + len(theirs)\nreach =",
        },
        ("divides squares by n", "ddof=1"): {
            "a, b = ours.var(ddof=1)": "a, b = ours.var()",
            "theirs.var(ddof=1)": "theirs.var()",
        },
        ("the spread of one training", "divided by their number"): {
            "ours.var(ddof=1) / len(ours), theirs.var(ddof=1) / len(theirs)": "ours.var(ddof=1), theirs.var(ddof=1)",
            "nu = (a + b) ** 2 / (a**2 / (len(ours) - 1) + b**2 / (len(theirs) - 1))": "nu = (a / len(ours) + b / len(theirs)) ** 2 / ((a / len(ours)) ** 2 / (len(ours) - 1) + (b / len(theirs)) ** 2 / (len(theirs) - 1))",
        },
        ("no root", "the root"): {"np.sqrt(a + b)": "(a + b)"},
        ("patients as the sample", "axis=1"): {
            "np.mean(ours, axis=1), np.mean(theirs, axis=1)": "np.mean(ours, axis=0), np.mean(theirs, axis=0)",
        },
        ("Student's", "Student's interval"): """
            return tuple(stats.ttest_ind(np.mean(ours, axis=1), np.mean(theirs, axis=1)).confidence_interval())
        """,
        ("seeds in pairs", "expected"): """
            d = np.mean(ours, axis=1)[:3] - np.mean(theirs, axis=1)[:3]
            reach = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
            return d.mean() - reach, d.mean() + reach
        """,
        ("nu with n", "look at nu"): {"(len(ours) - 1) + b**2 / (len(theirs) - 1)": "len(ours) + b**2 / len(theirs)"},
        ("changes ours", "stay as they are"): {"ours, theirs = np": "ours *= 0.99\nours, theirs = np"},
    },
    "verdict": {
        ("the lower end may reach it", "it reaches -0.02"): {"-worth < low": "-worth <= low"},
        ("asks for 0 first", "ask for the size first"): {
            '    if -worth < low and high < worth:\n        return "too small to matter"\n': "",
            'return "cannot tell"': """
                if -worth < low and high < worth:
                    return "too small to matter"
                return "cannot tell"
            """,
        },
        ("0 inside is no difference", "absence of evidence"): {'return "cannot tell"': 'return "too small to matter"'},
        ("at 0 is above", "is not above 0"): {"low > 0": "low >= 0"},
        ("a fixed size", "use `worth`"): {"-worth < low and high < worth": "-0.02 < low and high < 0.02"},
        ("one end is enough", "expected"): {
            "-worth < low and high < worth": "(-worth < low or high < worth) and not (low > 0 and high >= worth)",
        },
        ("asks for a width", "may be a single number"): {
            "-worth < low and high < worth": "-worth < low < high < worth"
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "scores-of": [
        """
            rows = table.query("model == @model and loss == @loss").sort_values(["seed", "patient"])
            return rows.dice.to_numpy().reshape(rows.seed.nunique(), -1)
        """,
        """
            chosen = table.set_index(["model", "loss", "seed", "patient"]).dice.sort_index().loc[model, loss]
            return chosen.unstack().sort_index().sort_index(axis=1).values
        """,
    ],
    "difference-interval": [
        """
            n, found = len(ours), []
            for _ in range(draws):
                rows = rng.choice(n, n)
                found.append(np.mean(np.asarray(ours)[rows]) - np.mean(np.asarray(theirs)[rows]))
            return tuple(np.percentile(found, [2.5, 97.5]))
        """,
        """
            d = np.subtract(ours, theirs)
            means = rng.choice(d, size=(draws, d.size)).mean(axis=1)
            return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
        """,
    ],
    "sign-flip": [
        """
            count, size = 0, abs(np.mean(differences)) - 1e-12
            for _ in range(draws):
                signs = np.where(rng.random(len(differences)) < 0.5, -1, 1)
                count += abs(np.mean(signs * differences)) >= size
            return (count + 1) / (draws + 1)
        """,
        """
            sums = np.abs((2 * rng.integers(0, 2, (draws, len(differences))) - 1) @ differences)
            return (np.count_nonzero(sums >= abs(np.sum(differences)) - 1e-12) + 1) / (draws + 1)
        """,
    ],
    "both-interval": [
        """
            n = ours.shape[1]
            patients = rng.integers(n, size=(draws, 1, n))

            def means(x):
                return x[rng.integers(len(x), size=(draws, len(x), 1)), patients].mean(axis=(1, 2))

            return tuple(np.quantile(means(ours) - means(theirs), [0.025, 0.975]))
        """,
        """
            found = np.empty(draws)
            for k in range(draws):
                weights = np.bincount(rng.integers(ours.shape[1], size=ours.shape[1]), minlength=ours.shape[1])
                a = np.average(ours, axis=1, weights=weights)
                b = np.average(theirs, axis=1, weights=weights)
                found[k] = rng.choice(a, len(a)).mean() - rng.choice(b, len(b)).mean()
            return np.percentile(found, [2.5, 97.5])
        """,
    ],
    "coverage": [
        """
            ends = np.array([interval(ours, theirs) for ours, theirs in comparisons])
            return np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        """,
        """
            missed = sum(max(low - truth, truth - high) > 0 for low, high in (interval(*pair) for pair in comparisons))
            return 1 - missed / len(comparisons)
        """,
    ],
    "welch": [
        """
            return stats.ttest_ind(ours.mean(axis=1), theirs.mean(axis=1), equal_var=False).confidence_interval(0.95)
        """,
        """
            means = [[float(np.mean(seed)) for seed in scores] for scores in (ours, theirs)]
            v = [np.var(m, ddof=1) / len(m) for m in means]
            nu = sum(v) ** 2 / sum(x**2 / (len(m) - 1) for x, m in zip(v, means))
            return stats.t.interval(0.95, nu, loc=np.mean(means[0]) - np.mean(means[1]), scale=sum(v) ** 0.5)
        """,
    ],
    "verdict": [
        """
            if max(abs(low), abs(high)) < worth:
                return "too small to matter"
            return "better" if low > 0 else ("worse" if high < 0 else "cannot tell")
        """,
        {
            "-worth < low and high < worth:\n": "low > -worth:\n    if high < worth:\n",
            'if high < 0:\n        return "worse"\n': 'elif high < 0:\n    return "worse"\nelse:\n',
        },
    ],
}

RANGES = [
    ("wider", "4", "6"),
    ("len(fooled)", "6", "10"),
    ("held['patients']", "0.42", "0.58"),
    ("held['patients and seeds']", "0.85", "0.93"),
    ("held['trainings']", "0.93", "0.99"),
    ("lengths['welch'] / lengths['over_both']", "1.4", "2"),
    ("estimates['Lite0_UNet'][1]", "-0.01", "0"),
    ("-by_loss['UNet, FocalLoss'][0]", "0.1", "0.25"),
    ("np.mean(apart > largest)", "0.3", "0.45"),
    ("spread[from_random].min()", "0.5", "7.1"),
    ("spread[from_random].max()", "0.5", "7.1"),
    ("needed[0]", "10", "60"),
    ("needed[2]", "10", "60"),
]
