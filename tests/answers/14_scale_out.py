"""What learners answer in lesson 14, wrong and right, and the ranges that its text quotes."""


def _hours(line):
    return f"""
def hours(forward, batch, steps, devices, teraflops, efficiency=1.0):
    return {line}
"""


def _unscale(good_step, test="all(np.isfinite(each).all() for each in gradients)", skipped="None, scale / 2, 0"):
    return f"""
def unscale(gradients, scale, good, patience):
    if not ({test}):
        return {skipped}
    {good_step}
"""


def _rows(*lines):
    body = "\n    ".join(lines)
    return f"""
def my_rows(step, batch, process, processes, scenes, seed):
    size = batch // processes
    {body}
"""


SMALLER = "smaller = [each.astype('float32') / scale for each in gradients]"
NEXT = "return (smaller, scale * 2, 0) if good + 1 == patience else (smaller, scale, good + 1)"

# {exercise: {what is wrong with the answer: (answer, words of the message that names it)}}
WRONG = {
    "hours": {
        "counts a multiply-add once": (
            _hours("forward * 3 * batch * steps / (devices * efficiency * teraflops * 1e12) / 3600"),
            "a multiply-add is two operations",
        ),
        "forgets the way back": (
            _hours("forward * 2 * batch * steps / (devices * efficiency * teraflops * 1e12) / 3600"),
            "so three times forward in all",
        ),
        "forgets both": (
            _hours("forward * batch * steps / (devices * efficiency * teraflops * 1e12) / 3600"),
            "an image takes forward and backward",
        ),
        "takes the way back for as long as the way there": (
            _hours("forward * 4 * batch * steps / (devices * efficiency * teraflops * 1e12) / 3600"),
            "twice as many as forward, not as many",
        ),
        "gives seconds": (
            _hours("forward * 6 * batch * steps / (devices * efficiency * teraflops * 1e12)"),
            "these are seconds",
        ),
        "gives minutes": (
            _hours("forward * 6 * batch * steps / (devices * efficiency * teraflops * 1e12) / 60"),
            "these are minutes",
        ),
        "gives days": (
            _hours("forward * 6 * batch * steps / (devices * efficiency * teraflops * 1e12) / 86400"),
            "these are days",
        ),
        "takes one device": (
            _hours("forward * 6 * batch * steps / (efficiency * teraflops * 1e12) / 3600"),
            "four devices share each step",
        ),
        "multiplies by the devices": (
            _hours("forward * 6 * batch * steps * devices / (efficiency * teraflops * 1e12) / 3600"),
            "more devices take less time",
        ),
        "multiplies by the efficiency": (
            _hours("forward * 6 * batch * steps * efficiency / (devices * teraflops * 1e12) / 3600"),
            "a lower efficiency takes more time",
        ),
        "leaves the efficiency out": (
            _hours("forward * 6 * batch * steps / (devices * teraflops * 1e12) / 3600"),
            "leave the efficiency out",
        ),
        "leaves the batch out": (
            _hours("forward * 6 * steps / (devices * efficiency * teraflops * 1e12) / 3600"),
            "each step has `batch` images",
        ),
        "divides the batch without the rest": (
            _hours("forward * 6 * (batch // devices) * steps / (efficiency * teraflops * 1e12) / 3600"),
            "divide with /, not with //",
        ),
        "takes tera for giga": (
            _hours("forward * 6 * batch * steps / (devices * efficiency * teraflops * 1e9) / 3600"),
            "tera is 1e12, giga 1e9",
        ),
        "forgets tera": (
            _hours("forward * 6 * batch * steps / (devices * efficiency * teraflops) / 3600"),
            "a TFLOP/s is 1e12",
        ),
        "multiplies by the teraflops": (
            _hours("forward * 6 * batch * steps * teraflops / (devices * efficiency * 1e12) / 3600"),
            "a quicker device takes less time",
        ),
        "prints": (_hours("print(forward)"), "expected one number"),
    },
    "stopwatch": {
        "does not wait": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        step()
    times = []
    for _ in range(repeats):
        started = clock()
        step()
        times.append(clock() - started)
    return np.median(times)
""",
            "a step was still at work",
        ),
        "does not wait in the warm-up": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        step()
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.median(times)
""",
            "in the warm-up too",
        ),
        "takes the mean": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    started = clock()
    for _ in range(repeats):
        wait(step())
    return (clock() - started) / repeats
""",
            "one slow step moves the mean",
        ),
        "measures the warm-up": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    times = []
    for _ in range(warm_up + repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.median(times)
""",
            "expected 1.501 seconds, got 2.001: the warm-up is not measured",
        ),
        "measures the warm-up, and takes the mean": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    times = []
    for _ in range(warm_up + repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.mean(times)
""",
            "the median is asked for",
        ),
        "has no warm-up": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.median(times)
""",
            "expected 2 steps of warm-up and then 5",
        ),
        "takes the quickest": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return min(times)
""",
            "that is the quickest",
        ),
        "adds up": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    started = clock()
    for _ in range(repeats):
        wait(step())
    return clock() - started
""",
            "that is the sum",
        ),
        "has a clock of its own": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        wait(step())
        times.append(time.perf_counter() - started)
    return np.median(times)
""",
            "which was never asked",
        ),
        "waits for nothing": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step)
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step)
        times.append(clock() - started)
    return np.median(times)
""",
            "expected `wait` to get what `step` returned",
        ),
        "always makes two and five": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(2):
        wait(step())
    times = []
    for _ in range(5):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.median(times)
""",
            "`warm_up` and `repeats` say how many",
        ),
        "always warms up twice": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(2):
        wait(step())
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.median(times)
""",
            "`warm_up` and `repeats` say how many",
        ),
        "always repeats five times": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    times = []
    for _ in range(5):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.median(times)
""",
            "`warm_up` and `repeats` say how many",
        ),
        "takes the upper of the middle two": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return sorted(times)[repeats // 2]
""",
            "the mean of the middle two",
        ),
        "takes the lower of the middle two": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return sorted(times)[(repeats - 1) // 2]
""",
            "the mean of the middle two",
        ),
        "gives all times": (
            """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return times
""",
            "expected one number",
        ),
    },
    "loss-scale": {
        "divides in float16": (
            _unscale(f"smaller = [each / np.float16(scale) for each in gradients]; {NEXT}"),
            "so make it float32 before you divide",
        ),
        "divides in float16, then makes float32": (
            _unscale(f"smaller = [(each / scale).astype('float32') for each in gradients]; {NEXT}"),
            "so make it float32 before you divide",
        ),
        "multiplies": (
            _unscale(f"smaller = [each.astype('float32') * scale for each in gradients]; {NEXT}"),
            "the loss was scaled up, so divide",
        ),
        "does not divide": (
            _unscale(f"smaller = [each.astype('float32') for each in gradients]; {NEXT}"),
            "as given: divide by the scale",
        ),
        "changes what was given": (
            """
def unscale(gradients, scale, good, patience):
    if not all(np.isfinite(each).all() for each in gradients):
        return None, scale / 2, 0
    for each in gradients:
        each /= scale
    return gradients, scale, good + 1
""",
            "to stay as they are",
        ),
        "looks at the first array only": (
            _unscale(f"{SMALLER}; {NEXT}", test="np.isfinite(gradients[0]).all()"),
            "inf in the second array counts too",
        ),
        "does not see nan": (
            _unscale(f"{SMALLER}; {NEXT}", test="not any(np.isinf(each).any() for each in gradients)"),
            "is nan looked for",
        ),
        "does not see minus infinity": (
            _unscale(
                f"{SMALLER}; {NEXT}",
                test="not any(np.any(np.isnan(each) | (each == np.inf)) for each in gradients)",
            ),
            "minus infinity counts too",
        ),
        "adds the gradients up": (
            _unscale(f"{SMALLER}; {NEXT}", test="all(np.isfinite(each.sum()) for each in gradients)"),
            "only their sum in float16 is not",
        ),
        "halves the gradients": (
            _unscale(f"{SMALLER}; {NEXT}", skipped="[each / 2 for each in gradients], scale, 0"),
            "halve the scale, not the gradients",
        ),
        "halves the gradients and the scale": (
            _unscale(
                f"{SMALLER}; {NEXT}",
                skipped="[each.astype('float32') / scale / 2 for each in gradients], scale / 2, 0",
            ),
            "halve the scale, not the gradients",
        ),
        "goes on with what is not finite": (
            _unscale(
                f"{SMALLER}; {NEXT}", skipped="[each.astype('float32') / scale for each in gradients], scale / 2, 0"
            ),
            "expected None instead of gradients",
        ),
        "tests the whole list": (
            _unscale(f"{SMALLER}; {NEXT}", test="np.isfinite(gradients).all()"),
            "arrays of different shapes, so test each by itself",
        ),
        "gives zeros": (
            _unscale(f"{SMALLER}; {NEXT}", skipped="[np.zeros_like(each) for each in gradients], scale / 2, 0"),
            "momentum and weight decay",
        ),
        "keeps the scale": (
            _unscale(f"{SMALLER}; {NEXT}", skipped="None, scale, 0"),
            "expected half the scale",
        ),
        "keeps the row": (
            _unscale(f"{SMALLER}; {NEXT}", skipped="None, scale / 2, good"),
            "the row is broken",
        ),
        "doubles a step too late": (
            _unscale(f"{SMALLER}; return (smaller, scale * 2, 0) if good == patience else (smaller, scale, good + 1)"),
            "this step counts too",
        ),
        "does not begin the row anew": (
            _unscale(f"{SMALLER}; return smaller, scale * 2 if good + 1 == patience else scale, good + 1"),
            "the row begins anew",
        ),
        "divides by the next scale": (
            _unscale(
                "new, good = (scale * 2, 0) if good + 1 == patience else (scale, good + 1); "
                "return [each.astype('float32') / new for each in gradients], new, good"
            ),
            "not yet by 8",
        ),
        "returns the gradients alone": (
            _unscale("return [each.astype('float32') / scale for each in gradients]"),
            "expected (gradients, scale, good)",
        ),
    },
    "combine": {
        "takes the mean": (
            """
def whole_gradient(gradients, valid):
    return np.nanmean(gradients, axis=0)
""",
            "counts a part with few valid pixels as much",
        ),
        "takes the sum": (
            """
def whole_gradient(gradients, valid):
    return np.nansum(gradients, axis=0)
""",
            "that is the sum of the parts",
        ),
        "does not divide": (
            """
def whole_gradient(gradients, valid):
    return np.nansum(gradients * valid[:, None], axis=0)
""",
            "divide by all the valid ones",
        ),
        "divides by the parts": (
            """
def whole_gradient(gradients, valid):
    return np.nansum(gradients * valid[:, None], axis=0) / len(valid)
""",
            "not by the number of parts",
        ),
        "weighs the other way round": (
            """
def whole_gradient(gradients, valid):
    return np.average(gradients, axis=0, weights=1 / valid)
""",
            "weighs more, not less",
        ),
        "takes the largest part": (
            """
def whole_gradient(gradients, valid):
    return gradients[np.argmax(valid)]
""",
            "the largest part alone",
        ),
        "weighs the columns": (
            """
def whole_gradient(gradients, valid):
    return np.nansum(gradients * valid, axis=0) / valid.sum()
""",
            "each column was weighed",
        ),
        "weighs the columns, and does not divide": (
            """
def whole_gradient(gradients, valid):
    return np.nansum(gradients * valid, axis=0)
""",
            "each column was weighed",
        ),
        "weighs the columns of the mean": (
            """
def whole_gradient(gradients, valid):
    return np.nanmean(gradients * valid, axis=0)
""",
            "each column was weighed",
        ),
        "takes two parts": (
            """
def whole_gradient(gradients, valid):
    return (gradients[0] * valid[0] + gradients[1] * valid[1]) / (valid[0] + valid[1])
""",
            "that is of parts 0 and 1",
        ),
        "takes two parts of all": (
            """
def whole_gradient(gradients, valid):
    return (gradients[0] * valid[0] + gradients[1] * valid[1]) / valid.sum()
""",
            "that leaves parts out",
        ),
        "keeps nan": (
            """
def whole_gradient(gradients, valid):
    return (gradients * valid[:, None]).sum(axis=0) / valid.sum()
""",
            "0 times nan is nan",
        ),
        "gives one number": (
            """
def whole_gradient(gradients, valid):
    return np.average(gradients, axis=0, weights=valid).mean()
""",
            "a number for each of 3 weights",
        ),
    },
    "my-rows": {
        "reads all of the batch": (
            _rows(
                "places = range(step * batch, step * batch + batch)",
                "return np.array([np.random.default_rng((seed, p // scenes)).permutation(scenes)[p % scenes] for p in places])",
            ),
            "divide the batch",
        ),
        "reads the same part everywhere": (
            _rows(
                "places = range(step * batch, step * batch + size)",
                "return np.array([np.random.default_rng((seed, p // scenes)).permutation(scenes)[p % scenes] for p in places])",
            ),
            "another part for each process",
        ),
        "reads every second place": (
            _rows(
                "places = range(step * batch + process, step * batch + batch, processes)",
                "return np.array([np.random.default_rng((seed, p // scenes)).permutation(scenes)[p % scenes] for p in places])",
            ),
            "not every second place",
        ),
        "does not shuffle": (
            _rows(
                "start = step * batch + process * size",
                "return np.arange(start, start + size) % scenes",
            ),
            "use the order of the pass",
        ),
        "draws an order for each process": (
            _rows(
                "start = step * batch + process * size",
                "order = np.random.default_rng((seed + process, start // scenes)).permutation(scenes)",
                "return np.array([order[p % scenes] for p in range(start, start + size)])",
            ),
            "one order, the same for all processes",
        ),
        "goes on with one generator": (
            _rows(
                "generator = np.random.default_rng(seed)",
                "row = np.concatenate([generator.permutation(scenes) for _ in range(50)])",
                "return row[step * batch + process * size :][:size]",
            ),
            "draw each pass from its own (seed, p)",
        ),
        "begins each step anew": (
            _rows(
                "order = np.random.default_rng((seed, 0)).permutation(scenes)",
                "return np.take(order, np.arange(process * size, process * size + size), mode='wrap')",
            ),
            "that is step 0 again",
        ),
        "counts its own places only": (
            _rows(
                "start = step * size + process * size",
                "return np.array([np.random.default_rng((seed, p // scenes)).permutation(scenes)[p % scenes]"
                " for p in range(start, start + size)])",
            ),
            "a step takes `batch` places",
        ),
        "drops the end of a pass": (
            _rows(
                "steps = max(scenes // batch, 1)",
                "order = np.random.default_rng((seed, step // steps)).permutation(scenes)",
                "start = step % steps * batch + process * size",
                "return order[start : start + size]",
            ),
            "the end of pass 0 was dropped",
        ),
        "has one order for all passes": (
            _rows(
                "order = np.random.default_rng((seed, 0)).permutation(scenes)",
                "start = step * batch + process * size",
                "return np.array([order[p % scenes] for p in range(start, start + size)])",
            ),
            "pass 1 has an order of its own",
        ),
        "forgets that a pass ends": (
            _rows(
                "order = np.random.default_rng((seed, 0)).permutation(scenes)",
                "start = step * batch + process * size",
                "return np.array([order[p] for p in range(start, start + size)])",
            ),
            "expected the next pass where one ends",
        ),
        "cuts a part short": (
            _rows(
                "order = np.random.default_rng((seed, 0)).permutation(scenes)",
                "start = step * batch + process * size",
                "return order[start : start + size]",
            ),
            "goes on in the next pass",
        ),
        "joins two passes only": (
            _rows(
                "start = step * batch",
                "number = start // scenes",
                "two = [np.random.default_rng((seed, each)).permutation(scenes) for each in (number, number + 1)]",
                "first = start - number * scenes + process * size",
                "return np.concatenate([*two, two[1], two[1]])[first : first + size]",
            ),
            "go through several passes",
        ),
        "joins two passes for each part": (
            _rows(
                "start = step * batch + process * size",
                "number = start // scenes",
                "two = [np.random.default_rng((seed, each)).permutation(scenes) for each in (number, number + 1)]",
                "return np.concatenate(two)[start % scenes :][:size]",
            ),
            "and if need be in the one after",
        ),
        "keeps a state": (
            """
generators = {}


def my_rows(step, batch, process, processes, scenes, seed):
    size = batch // processes
    if (process, scenes) not in generators or step == 0:
        places = (np.random.default_rng((seed, p)).permutation(scenes) for p in range(100))
        generators[process, scenes] = np.concatenate(list(places)).tolist()
        generators[process, scenes] = generators[process, scenes][process * size :]
    rows = generators[process, scenes][:size]
    generators[process, scenes] = generators[process, scenes][batch:]
    return rows
""",
            "keep no state",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "hours": [
        _hours("2 * (forward + 2 * forward) * batch * steps / (1e12 * teraflops) / (devices * efficiency) / 60**2"),
        """
def hours(forward, batch, steps, devices, teraflops, efficiency=1.0):
    images = batch * steps
    tera = 6 * forward * images / 1e12
    speed = teraflops * devices * efficiency
    return np.float64(tera / speed / 60 / 60)
""",
    ],
    "stopwatch": [
        """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    seconds = np.zeros(warm_up + repeats)
    for number in range(warm_up + repeats):
        before = clock()
        result = step()
        wait(result)
        seconds[number] = clock() - before
    return np.median(seconds[warm_up:])
""",
        """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for _ in range(warm_up):
        wait(step())
    marks = [clock()]
    while len(marks) <= repeats:
        wait(step())
        marks.append(clock())
    times = sorted(np.diff(marks))
    return (times[(repeats - 1) // 2] + times[repeats // 2]) / 2
""",
        """
def seconds_per_step(step, wait, warm_up=2, repeats=5, clock=time.perf_counter):
    for result in [step() for _ in range(warm_up)][-1:]:
        wait(result)
    times = []
    for _ in range(repeats):
        started = clock()
        wait(step())
        times.append(clock() - started)
    return np.median(times)
""",
    ],
    "loss-scale": [
        """
def unscale(gradients, scale, good, patience):
    if any(np.isnan(each).any() or np.isinf(each).any() for each in gradients):
        return None, 0.5 * scale, 0
    good = (good + 1) % patience
    return [np.divide(each, scale, dtype="float32") for each in gradients], scale if good else 2 * scale, good
""",
        """
def unscale(gradients, scale, good, patience):
    larger = [np.float32(each) for each in gradients]
    if not np.isfinite(np.concatenate([each.ravel() for each in larger])).all():
        return (None, scale / 2, 0)
    result = [np.float32(each / scale) for each in larger]
    good += 1
    if good >= patience:
        scale, good = scale * 2, 0
    return (result, scale, good)
""",
    ],
    "combine": [
        """
def whole_gradient(gradients, valid):
    sums = np.where(valid[:, None] > 0, gradients * valid[:, None], 0)
    return sums.sum(axis=0) / valid.sum()
""",
        """
def whole_gradient(gradients, valid):
    return np.nan_to_num(gradients).T @ (valid / valid.sum())
""",
        """
def whole_gradient(gradients, valid):
    total = 0
    for gradient, pixels in zip(gradients, valid):
        if pixels:
            total = total + pixels * gradient
    return total / sum(valid)
""",
    ],
    "my-rows": [
        _rows(
            "start = step * batch + process * size",
            "passes = range((start + size) // scenes + 1)",
            "row = np.concatenate([np.random.default_rng((seed, p)).permutation(scenes) for p in passes])",
            "return row[start : start + size]",
        ),
        """
def my_rows(step, batch, process, processes, scenes, seed):
    chosen = []
    for place in range(step * batch, (step + 1) * batch):
        order = np.random.default_rng((seed, place // scenes)).permutation(scenes)
        chosen.append(int(order[place % scenes]))
    return np.split(np.array(chosen), processes)[process].tolist()
""",
    ],
}

# (expression over the finished notebook's names, lowest, highest), as the text quotes them.
RANGES = [
    ("lost[1]", "0.8", "0.9"),
    ("difference", "0", "0.02"),
]
