"""What learners answer in lesson 11, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "scores-of": {
        "forgets the loss": (
            """
def scores_of(table, model, loss):
    return table[table.model == model].pivot(index="seed", columns="patient", values="dice").to_numpy()
""",
            "of the model AND of the loss",
        ),
        "averages over the losses": (
            """
def scores_of(table, model, loss):
    rows = table[table.model == model]
    return rows.pivot_table(index="seed", columns="patient", values="dice").to_numpy()
""",
            "rows of another loss are mixed in",
        ),
        "forgets the model": (
            """
def scores_of(table, model, loss):
    rows = table[table.loss == loss]
    return rows.pivot_table(index="seed", columns="patient", values="dice").to_numpy()
""",
            "rows of another network are mixed in",
        ),
        "seeds as columns": (
            """
def scores_of(table, model, loss):
    rows = table[(table.model == model) & (table.loss == loss)]
    return rows.pivot(index="patient", columns="seed", values="dice").to_numpy()
""",
            "swap index and columns",
        ),
        "averages the seeds": (
            """
def scores_of(table, model, loss):
    rows = table[(table.model == model) & (table.loss == loss)]
    return rows.groupby("patient").dice.mean().to_numpy()
""",
            "do not average the seeds",
        ),
        "the numbers in a row": (
            """
def scores_of(table, model, loss):
    return table[(table.model == model) & (table.loss == loss)].dice.to_numpy()
""",
            "a pivot lays them out",
        ),
        "in the order of the table": (
            """
def scores_of(table, model, loss):
    rows = table[(table.model == model) & (table.loss == loss)]
    return np.array([[rows[(rows.seed == s) & (rows.patient == p)].dice.item() for p in rows.patient.unique()]
                     for s in rows.seed.unique()])
""",
            "kept the order of the table",
        ),
        "a data frame": (
            """
def scores_of(table, model, loss):
    rows = table[(table.model == model) & (table.loss == loss)]
    return rows.pivot(index="seed", columns="patient", values="dice")
""",
            ".to_numpy()",
        ),
    },
    "difference-interval": {
        "draws each by itself": (
            """
def difference_interval(ours, theirs, draws, generator):
    n = len(ours)
    a = ours[generator.integers(n, size=(draws, n))].mean(axis=1)
    b = theirs[generator.integers(n, size=(draws, n))].mean(axis=1)
    return np.quantile(a - b, [0.025, 0.975])
""",
            "the pairs are lost",
        ),
        "theirs minus ours": (
            """
def difference_interval(ours, theirs, draws, generator):
    d = theirs - ours
    return np.quantile(d[generator.integers(len(d), size=(draws, len(d)))].mean(axis=1), [0.025, 0.975])
""",
            "ours minus theirs",
        ),
        "without replacement": (
            """
def difference_interval(ours, theirs, draws, generator):
    d = ours - theirs
    return np.quantile([d[generator.permutation(len(d))].mean() for _ in range(draws)], [0.025, 0.975])
""",
            "with replacement",
        ),
        "of the patients, not of the mean": (
            """
def difference_interval(ours, theirs, draws, generator):
    d = ours - theirs
    return np.quantile(d[generator.integers(len(d), size=(draws, len(d)))], [0.025, 0.975])
""",
            "the interval is that of the mean",
        ),
        "90 %": (
            """
def difference_interval(ours, theirs, draws, generator):
    d = ours - theirs
    return np.quantile(d[generator.integers(len(d), size=(draws, len(d)))].mean(axis=1), [0.05, 0.95])
""",
            "0.025 and 0.975",
        ),
        "half as many patients": (
            """
def difference_interval(ours, theirs, draws, generator):
    d = ours - theirs
    n = max(len(d) // 2, 1)
    return np.quantile(d[generator.integers(len(d), size=(draws, n))].mean(axis=1), [0.025, 0.975])
""",
            "as many patients as there are",
        ),
        "a generator of its own": (
            """
def difference_interval(ours, theirs, draws, generator):
    d = ours - theirs
    rows = np.random.default_rng(0).integers(len(d), size=(draws, len(d)))
    return np.quantile(d[rows].mean(axis=1), [0.025, 0.975])
""",
            "generator that is handed in",
        ),
        "the difference too": (
            """
def difference_interval(ours, theirs, draws, generator):
    d = ours - theirs
    low, high = np.quantile(d[generator.integers(len(d), size=(draws, len(d)))].mean(axis=1), [0.025, 0.975])
    return d.mean(), low, high
""",
            "two numbers",
        ),
    },
    "sign-flip": {
        "one side": (
            """
def sign_flip_test(differences, draws, generator):
    signs = generator.choice([-1, 1], size=(draws, len(differences)))
    means = (signs * differences).mean(axis=1)
    return (1 + np.sum(means + 1e-12 >= differences.mean())) / (1 + draws)
""",
            "compare absolute values",
        ),
        "further, not as far": (
            """
def sign_flip_test(differences, draws, generator):
    signs = generator.choice([-1, 1], size=(draws, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    return (1 + np.sum(means > np.abs(differences.mean()) + 1e-12)) / (1 + draws)
""",
            ">= and not >",
        ),
        "can be 0": (
            """
def sign_flip_test(differences, draws, generator):
    signs = generator.choice([-1, 1], size=(draws, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    return np.mean(means + 1e-12 >= np.abs(differences.mean()))
""",
            "(1 + count) / (1 + draws)",
        ),
        "counts those nearer to 0": (
            """
def sign_flip_test(differences, draws, generator):
    signs = generator.choice([-1, 1], size=(draws, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    return (1 + np.sum(means < np.abs(differences.mean()) - 1e-12)) / (1 + draws)
""",
            "FURTHER",
        ),
        "one sign for all": (
            """
def sign_flip_test(differences, draws, generator):
    signs = generator.choice([-1, 1], size=(draws, 1))
    means = np.abs((signs * differences).mean(axis=1))
    return (1 + np.sum(means + 1e-12 >= np.abs(differences.mean()))) / (1 + draws)
""",
            "without flips",
        ),
        "no absolute value of the mean as it is": (
            """
def sign_flip_test(differences, draws, generator):
    signs = generator.choice([-1, 1], size=(draws, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    return (1 + np.sum(means + 1e-12 >= differences.mean())) / (1 + draws)
""",
            "absolute values on both sides",
        ),
        "a generator of its own": (
            """
def sign_flip_test(differences, draws, generator):
    signs = np.random.default_rng(0).choice([-1, 1], size=(draws, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    return (1 + np.sum(means + 1e-12 >= np.abs(np.mean(differences)))) / (1 + draws)
""",
            "generator that is handed in",
        ),
        "forgets brackets": (
            """
def sign_flip_test(differences, draws, generator):
    signs = generator.choice([-1, 1], size=(draws, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    return 1 + np.sum(means + 1e-12 >= np.abs(np.mean(differences))) / 1 + draws
""",
            "a p lies in (0, 1]",
        ),
        "draws patients instead of signs": (
            """
def sign_flip_test(differences, draws, generator):
    d = differences - differences.mean()
    rows = generator.integers(len(d), size=(draws, len(d)))
    means = np.abs(d[rows].mean(axis=1))
    return (1 + np.sum(means + 1e-12 >= np.abs(differences.mean()))) / (1 + draws)
""",
            "for [1, 1] expected about 0.5",
        ),
    },
    "both-interval": {
        "averages the seeds": (
            """
def both_interval(ours, theirs, draws, generator):
    d = ours.mean(axis=0) - theirs.mean(axis=0)
    return np.quantile(d[generator.integers(len(d), size=(draws, len(d)))].mean(axis=1), [0.025, 0.975])
""",
            "averaged, not drawn",
        ),
        "draws the patients twice": (
            """
def both_interval(ours, theirs, draws, generator):
    d = []
    for _ in range(draws):
        means = []
        for x in (ours, theirs):
            p = generator.integers(x.shape[1], size=x.shape[1])
            s = generator.integers(len(x), size=len(x))
            means.append(x[s][:, p].mean())
        d.append(means[0] - means[1])
    return np.quantile(d, [0.025, 0.975])
""",
            "draw them once",
        ),
        "theirs minus ours": (
            """
def both_interval(ours, theirs, draws, generator):
    d = []
    for _ in range(draws):
        p = generator.integers(ours.shape[1], size=ours.shape[1])
        means = [x[generator.integers(len(x), size=len(x))][:, p].mean() for x in (ours, theirs)]
        d.append(means[1] - means[0])
    return np.quantile(d, [0.025, 0.975])
""",
            "ours minus theirs",
        ),
        "seeds of ours alone": (
            """
def both_interval(ours, theirs, draws, generator):
    d = []
    for _ in range(draws):
        p = generator.integers(ours.shape[1], size=ours.shape[1])
        s = generator.integers(len(ours), size=len(ours))
        d.append(ours[s][:, p].mean() - theirs[:, p].mean())
    return np.quantile(d, [0.025, 0.975])
""",
            "the seeds of theirs are drawn too",
        ),
        "seeds in pairs": (
            """
def both_interval(ours, theirs, draws, generator):
    d = []
    for _ in range(draws):
        p = generator.integers(ours.shape[1], size=ours.shape[1])
        s = generator.integers(len(ours), size=len(ours))
        d.append(ours[s][:, p].mean() - theirs[s % len(theirs)][:, p].mean())
    return np.quantile(d, [0.025, 0.975])
""",
            "the seeds of theirs are drawn too",
        ),
        "seeds in pairs where there are as many": (
            """
def both_interval(ours, theirs, draws, generator):
    d = []
    for _ in range(draws):
        p = generator.integers(ours.shape[1], size=ours.shape[1])
        s = generator.integers(len(ours), size=len(ours))
        t = s if len(ours) == len(theirs) else generator.integers(len(theirs), size=len(theirs))
        d.append(ours[s][:, p].mean() - theirs[t][:, p].mean())
    return np.quantile(d, [0.025, 0.975])
""",
            "its OWN seeds",
        ),
        "seeds alone": (
            """
def both_interval(ours, theirs, draws, generator):
    d = []
    for _ in range(draws):
        a = ours[generator.integers(len(ours), size=len(ours))].mean()
        b = theirs[generator.integers(len(theirs), size=len(theirs))].mean()
        d.append(a - b)
    return np.quantile(d, [0.025, 0.975])
""",
            "seeds and patients are both drawn",
        ),
    },
    "verdict": {
        "asks for 0 first": (
            """
def verdict(low, high, worth):
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    if -worth < low and high < worth:
        return "too small to matter"
    return "cannot tell"
""",
            "ask for the size first",
        ),
        "0 inside is no difference": (
            """
def verdict(low, high, worth):
    if low > 0:
        return "better" if high >= worth else "too small to matter"
    if high < 0:
        return "worse" if low <= -worth else "too small to matter"
    return "too small to matter"
""",
            "absence of evidence",
        ),
        "at 0 is above": (
            """
def verdict(low, high, worth):
    if -worth < low and high < worth:
        return "too small to matter"
    return "better" if low >= 0 else "worse" if high < 0 else "cannot tell"
""",
            "is not above 0",
        ),
        "a fixed size": (
            """
def verdict(low, high, worth):
    if -0.02 < low and high < 0.02:
        return "too small to matter"
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"
""",
            "use `worth`",
        ),
        "one end is enough": (
            """
def verdict(low, high, worth):
    if -worth < low or high < worth:
        if low > 0 and high >= worth:
            return "better"
        return "too small to matter"
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"
""",
            "expected",
        ),
    },
}

# {exercise: [answer, ...]}; each is another way than the solution's, and right.
RIGHT = {
    "scores-of": [
        """
def scores_of(table, model, loss):
    rows = table.query("model == @model and loss == @loss").sort_values(["seed", "patient"])
    return rows.dice.to_numpy().reshape(rows.seed.nunique(), -1)
""",
        """
def scores_of(table, model, loss):
    chosen = table.set_index(["model", "loss", "seed", "patient"]).dice.sort_index().loc[model, loss]
    return chosen.unstack().sort_index().sort_index(axis=1).values
""",
    ],
    "difference-interval": [
        """
def difference_interval(ours, theirs, draws, generator):
    n, found = len(ours), []
    for _ in range(draws):
        rows = generator.choice(n, n)
        found.append(np.mean(np.asarray(ours)[rows]) - np.mean(np.asarray(theirs)[rows]))
    return tuple(np.percentile(found, [2.5, 97.5]))
""",
        """
def difference_interval(ours, theirs, draws, generator):
    d = np.subtract(ours, theirs)
    means = generator.choice(d, size=(draws, d.size)).mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
""",
    ],
    "sign-flip": [
        """
def sign_flip_test(differences, draws, generator):
    count, size = 0, abs(np.mean(differences)) - 1e-12
    for _ in range(draws):
        signs = np.where(generator.random(len(differences)) < 0.5, -1, 1)
        count += abs(np.mean(signs * differences)) >= size
    return (count + 1) / (draws + 1)
""",
        """
def sign_flip_test(differences, draws, generator):
    sums = np.abs((2 * generator.integers(0, 2, (draws, len(differences))) - 1) @ differences)
    return (np.count_nonzero(sums >= abs(np.sum(differences)) - 1e-12) + 1) / (draws + 1)
""",
    ],
    "both-interval": [
        """
def both_interval(ours, theirs, draws, generator):
    n = ours.shape[1]
    patients = generator.integers(n, size=(draws, 1, n))

    def means(x):
        return x[generator.integers(len(x), size=(draws, len(x), 1)), patients].mean(axis=(1, 2))

    return tuple(np.quantile(means(ours) - means(theirs), [0.025, 0.975]))
""",
        """
def both_interval(ours, theirs, draws, generator):
    found = np.empty(draws)
    for k in range(draws):
        weights = np.bincount(generator.integers(ours.shape[1], size=ours.shape[1]), minlength=ours.shape[1])
        a = np.average(ours, axis=1, weights=weights)
        b = np.average(theirs, axis=1, weights=weights)
        found[k] = generator.choice(a, len(a)).mean() - generator.choice(b, len(b)).mean()
    return np.percentile(found, [2.5, 97.5])
""",
    ],
    "verdict": [
        """
def verdict(low, high, worth):
    if max(abs(low), abs(high)) < worth:
        return "too small to matter"
    return "better" if low > 0 else ("worse" if high < 0 else "cannot tell")
""",
        """
def verdict(low, high, worth):
    if low > -worth:
        if high < worth:
            return "too small to matter"
    if low > 0:
        return "better"
    elif high < 0:
        return "worse"
    else:
        return "cannot tell"
""",
    ],
}

RANGES = [
    ("wider", "4", "6"),
    ("len(fooled)", "6", "10"),
    ("estimates['Full_SE_UNet'][1]", "0", "0.01"),
    ("-by_loss['UNet, FocalLoss'][0]", "0.1", "0.25"),
    ("np.mean(apart > largest)", "0.3", "0.45"),
    ("spread[from_random].min()", "0.5", "7.1"),
    ("spread[from_random].max()", "0.5", "7.1"),
    ("needed", "60", "90"),
]
