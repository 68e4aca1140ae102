"""What learners answer in lesson 14, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "hours": {
        ("counts a multiply-add once", "a multiply-add is two operations"): {"* 3 * 2 *": "* 3 *"},
        ("forgets the way back", "so three times forward in all"): {"* 3 * 2 *": "* 2 *"},
        ("forgets both", "an image takes forward and backward"): {"forward * 3 * 2 * batch": "forward * batch"},
        ("takes the way back for as long as the way there", "twice as many as forward, not as many"): {
            "* 3 * 2 *": "* 2 * 2 *",
        },
        ("gives seconds", "these are seconds"): {" / 3600": ""},
        ("gives minutes", "these are minutes"): {"/ 3600": "/ 60"},
        ("gives days", "these are days"): {"/ 3600": "/ 86400"},
        ("takes one device", "four devices share each step"): {"(devices * efficiency": "(efficiency"},
        ("multiplies by the devices", "more devices take less time"): {"/ (devices * ": "* devices / ("},
        ("multiplies by the efficiency", "a lower efficiency takes more time"): {
            "return operations / (devices * efficiency": "return operations * efficiency / (devices",
        },
        ("leaves the efficiency out", "leave the efficiency out"): {"devices * efficiency *": "devices *"},
        ("leaves the batch out", "each step has `batch` images"): {" * batch * steps": " * steps"},
        ("divides the batch without the rest", "divide with /, not with //"): {
            " * batch * steps": " * (batch // devices) * steps",
            "(devices * efficiency": "(efficiency",
        },
        ("takes tera for giga", "tera is 1e12, giga 1e9"): {"teraflops * 1e12": "teraflops * 1e9"},
        ("forgets tera", "a TFLOP/s is 1e12"): {" * 1e12)": ")"},
        ("multiplies by the teraflops", "a quicker device takes less time"): {
            "/ (devices * efficiency * teraflops": "* teraflops / (devices * efficiency",
        },
        ("prints", "expected one number"): "return print(forward)",
        ("rounds", "nothing is rounded"): {
            "return operations / (devices * efficiency * teraflops * 1e12) / 3600": "return round(operations / (devices * efficiency * teraflops * 1e12) / 3600, 2)"
        },
        ("gives whole hours", "nothing rounded"): {"/ 3600": "// 3600"},
        ("full efficiency on one device", "one device too"): {
            "devices * efficiency": "devices * (efficiency if devices > 1 else 1.0)"
        },
        ("rounds long trainings", "nothing is rounded"): {
            "return operations / (devices * efficiency * teraflops * 1e12) / 3600": """
                result = operations / (devices * efficiency * teraflops * 1e12) / 3600
                return round(result) if result > 100 else result
            """,
        },
    },
    "stopwatch": {
        ("does not wait", "a step was still at work"): {
            "range(warm_up):\n        wait(step())": "range(warm_up):\n    step()",
            "clock()\n        wait(step())": "clock()\nstep()",
        },
        ("does not wait in the warm-up", "in the warm-up too"): {
            "range(warm_up):\n        wait(step())": "range(warm_up):\n    step()",
        },
        ("takes the mean", "one slow step moves the mean"): {"float(np.median(times))": "float(np.mean(times))"},
        ("measures the warm-up", "expected 1.501 seconds, got 2.001: the warm-up is not measured"): {
            "    for _ in range(warm_up):\n        wait(step())\n": "",
            "range(repeats)": "range(warm_up + repeats)",
        },
        ("measures the warm-up, and takes the mean", "the median is asked for"): {
            "    for _ in range(warm_up):\n        wait(step())\n": "",
            "range(repeats)": "range(warm_up + repeats)",
            "np.median": "np.mean",
        },
        ("has no warm-up", "expected 2 steps of warm-up and then 5"): {"range(warm_up)": "range(0)"},
        ("takes the quickest", "that is the quickest"): {"float(np.median(times))": "min(times)"},
        ("adds up", "that is the sum"): {"float(np.median(times))": "sum(times)"},
        ("has a clock of its own", "which was never asked"): {
            "started = clock()": "started = time.perf_counter()",
            "clock() - started": "time.perf_counter() - started",
        },
        ("waits for nothing", "expected `wait` to get what `step` returned"): {
            "range(warm_up):\n        wait(step())": "range(warm_up):\n    wait(step)",
            "clock()\n        wait(step())": "clock()\nwait(step)",
        },
        ("always makes two and five", "`warm_up` and `repeats` say how many"): {"warm_up)": "2)", "repeats)": "5)"},
        ("always warms up twice", "`warm_up` and `repeats` say how many"): {"range(warm_up)": "range(2)"},
        ("always repeats five times", "`warm_up` and `repeats` say how many"): {"range(repeats)": "range(5)"},
        ("takes the upper of the middle two", "the mean of the middle two"): {
            "float(np.median(times))": "sorted(times)[repeats // 2]",
        },
        ("takes the lower of the middle two", "the mean of the middle two"): {
            "float(np.median(times))": "sorted(times)[(repeats - 1) // 2]",
        },
        ("gives all times", "expected one number"): {"float(np.median(times))": "times"},
        ("adds a little", "add and round nothing"): {
            "times.append(clock() - started)": "times.append(clock() - started + 1e-4)"
        },
    },
    "loss-scale": {
        ("divides in float16", "so make it float32 before you divide"): {
            'each.astype("float32") / scale': "each / np.float16(scale)",
        },
        ("divides in float16, then makes float32", "so make it float32 before you divide"): {
            'each.astype("float32") / scale': '(each / scale).astype("float32")',
        },
        ("multiplies", "the loss was scaled up, so divide"): {'("float32") / scale': '("float32") * scale'},
        ("does not divide", "as given: divide by the scale"): {'("float32") / scale': '("float32")'},
        ("changes what was given", "to stay as it is"): {
            'smaller = [each.astype("float32") / scale for each in gradients]': """
                smaller = gradients
                for each in gradients:
                    each /= scale
            """,
        },
        ("looks at the first array only", "inf in the second array counts too"): {
            "all(np.isfinite(each).all() for each in gradients)": "np.isfinite(gradients[0]).all()",
        },
        ("does not see nan", "is nan looked for"): {"not all(np.isfinite(each).all()": "any(np.isinf(each).any()"},
        ("does not see minus infinity", "minus infinity counts too"): {
            "not all(np.isfinite(each).all()": "any(np.any(np.isnan(each) | (each == np.inf))",
        },
        ("adds the gradients up", "only their sum in float16 is not"): {").all(": ".sum()"},
        ("halves the gradients", "halve the scale, not the gradients"): {
            "return None, scale / 2, 0": "return [each / 2 for each in gradients], scale, 0",
        },
        ("halves the gradients and the scale", "halve the scale, not the gradients"): {
            "None, scale": '[each.astype("float32") / scale / 2 for each in gradients], scale',
        },
        ("goes on with what is not finite", "expected None instead of gradients"): {
            "return None, scale / 2, 0": 'return [each.astype("float32") / scale for each in gradients], scale / 2, 0',
        },
        ("tests the whole list", "arrays of different shapes, so test each by itself"): {
            "all(np.isfinite(each).all() for each in gradients)": "np.isfinite(gradients).all()",
        },
        ("gives zeros", "momentum and weight decay"): {
            "return None,": "return [np.zeros_like(each) for each in gradients],",
        },
        ("keeps the scale", "expected half the scale"): {"None, scale / 2, 0": "None, scale, 0"},
        ("keeps the row", "the row is broken"): {"None, scale / 2, 0": "None, scale / 2, good"},
        ("doubles a step too late", "this step counts too"): {"good + 1 == patience": "good == patience"},
        ("does not begin the row anew", "the row begins anew"): {"scale * 2, 0": "scale * 2, good + 1"},
        ("divides by the next scale", "not yet by 8"): {
            "smaller =": "divisor = scale * 2 if good + 1 == patience else scale\nsmaller =",
            '("float32") / scale': '("float32") / divisor',
        },
        ("returns the gradients alone", "expected (gradients, scale, good)"): """
            if not (all(np.isfinite(each).all() for each in gradients)):
                return None, scale / 2, 0
            return [each.astype('float32') / scale for each in gradients]
        """,
        ("replaces a gradient in the list", "stay as it is, but"): {
            "smaller = [each": """
                gradients[0] = gradients[0].astype('float32')
                smaller = [each
            """
        },
        ("never below 1", "no limits"): {"scale / 2": "max(scale / 2, 1.0)"},
        ("a largest scale", "it has no limits"): {"scale * 2, 0": "min(scale * 2, 2.0**24), 0"},
        ("takes the largest for infinite", "65,504 too"): {"np.isfinite(each).all()": "(abs(each) < 65_500).all()"},
        ("takes zeros for lost", "gradients of 0 are finite"): {
            "smaller =": "if not any(each.any() for each in gradients):\n    return None, scale / 2, 0\nsmaller =",
        },
    },
    "combine": {
        ("drops the axis of a single weight", "for a single weight"): {
            "np.average(gradients[there], axis=0, weights=valid[there])": """
                np.average(gradients[there], axis=0, weights=valid[there]).squeeze()
            """
        },
        ("takes the mean", "counts a part with few valid pixels as much"): "return np.nanmean(gradients, axis=0)",
        ("takes the sum", "that is the sum of the parts"): "return np.nansum(gradients, axis=0)",
        ("does not divide", "divide by all the valid ones"): "return np.nansum(gradients * valid[:, None], axis=0)",
        ("divides by the parts", "not by the number of parts"): """
            return np.nansum(gradients * valid[:, None], axis=0) / len(valid)
        """,
        ("weighs the other way round", "weighs more, not less"): """
            return np.average(gradients, axis=0, weights=1 / valid)
        """,
        ("takes the largest part", "the largest part alone"): "return gradients[np.argmax(valid)]",
        ("weighs the columns", "each column was weighed"): "return np.nansum(gradients * valid, axis=0) / valid.sum()",
        ("weighs the columns, and does not divide", "each column was weighed"): """
            return np.nansum(gradients * valid, axis=0)
        """,
        ("weighs the columns of the mean", "each column was weighed"): "return np.nanmean(gradients * valid, axis=0)",
        ("divides without the rest", "cut off to a whole number"): """
            return np.nansum(gradients * valid[:, None], axis=0) // valid.sum()
        """,
        ("takes two parts", "that is of parts 0 and 1"): """
            return (gradients[0] * valid[0] + gradients[1] * valid[1]) / (valid[0] + valid[1])
        """,
        ("takes two parts of all", "that leaves parts out"): """
            return (gradients[0] * valid[0] + gradients[1] * valid[1]) / valid.sum()
        """,
        ("keeps nan", "0 times nan is nan"): "return (gradients * valid[:, None]).sum(axis=0) / valid.sum()",
        ("gives one number", "a number for each of 3 weights"): """
            return np.average(gradients, axis=0, weights=valid).mean()
        """,
        ("puts 0 in place of nan", "stay as it is, but"): {
            "there = valid > 0": """
                gradients[np.isnan(gradients)] = 0
                there = valid > 0
            """
        },
        ("weighs in a small type", "whole numbers as they are"): {
            "return np": """
                valid = valid.astype('uint8')
                return np
            """
        },
        ("rounds", "not rounded"): {
            "return np.average(gradients[there], axis=0, weights=valid[there])": "return np.round(np.average(gradients[there], axis=0, weights=valid[there]), 4)"
        },
        ("looks for an empty part in the first place", "any part may be"): {
            "there = valid > 0": "there = np.arange(len(valid)) >= (valid[0] == 0)",
        },
    },
    "my-rows": {
        ("places in a small type", "a small type overflows"): {
            "for number, row in places]": "for number, row in places], 'uint8'"
        },
        ("reads all of the batch", "divide the batch"): {"size = batch // processes": "size = batch"},
        ("reads the same part everywhere", "another part for each process"): {" + process * size": ""},
        ("reads every second place", "not every second place"): {
            "range(start, start + size)": "range(step * batch + process, step * batch + batch, processes)",
        },
        ("does not shuffle", "use the order of the pass"): {
            "np.random.default_rng((seed, number)).permutation(scenes)[row]": "row",
        },
        ("draws an order for each process", "one order, the same for all processes"): {
            "(seed, number)": "(seed + process, number)",
        },
        ("goes on with one generator", "draw each pass from its own (seed, p)"): {
            "places =": """
                rng = np.random.default_rng(seed)
                passes = [rng.permutation(scenes) for _ in range(50)]
                places =
            """,
            "np.random.default_rng((seed, number)).permutation(scenes)[row]": "passes[number][row]",
        },
        ("begins each step anew", "that is step 0 again"): {"step * batch + process * size": "process * size"},
        ("counts its own places only", "a step takes `batch` places"): {"batch +": "size +"},
        ("drops the end of a pass", "the end of pass 0 was dropped"): {
            "places =": """
                steps = max(scenes // batch, 1)
                start = step // steps * scenes + step % steps * batch + process * size
                places =
            """,
        },
        ("has one order for all passes", "pass 1 has an order of its own"): {"(seed, number)": "(seed, 0)"},
        ("forgets that a pass ends", "expected the next pass where one ends"): {"divmod(place, scenes)": "(0, place)"},
        ("cuts a part short", "goes on in the next pass"): {"start + size": "min(start + size, scenes)"},
        ("joins two passes only", "go through several passes"): {
            "divmod(place, scenes)": "(min(place // scenes, step * batch // scenes + 1), place % scenes)",
        },
        ("joins two passes for each part", "and if need be in the one after"): {
            "range(start, start + size)": "range(start, min(start + size, (start // scenes + 2) * scenes))",
        },
        ("keeps a state", "keep no state"): """
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
        ("ends after some passes", "however late"): {
            "divmod(place, scenes)": "divmod(place, scenes) if place < 60 else (0, place % scenes)"
        },
        ("gives floats", "expected whole numbers"): {"return np.array([": "return np.array([1.0 * "},
        ("takes a seed of 0 for none", "for seed 0 and 2 processes"): {"(seed, number)": "(seed or 1, number)"},
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "hours": [
        "return 2 * (forward + 2 * forward) * batch * steps / (1e12 * teraflops) / (devices * efficiency) / 60**2",
        """
            images = batch * steps
            tera = 6 * forward * images / 1e12
            speed = teraflops * devices * efficiency
            return np.float64(tera / speed / 60 / 60)
        """,
    ],
    "stopwatch": [
        """
            seconds = np.zeros(warm_up + repeats)
            for number in range(warm_up + repeats):
                before = clock()
                result = step()
                wait(result)
                seconds[number] = clock() - before
            return np.median(seconds[warm_up:])
        """,
        """
            for _ in range(warm_up):
                wait(step())
            marks = [clock()]
            while len(marks) <= repeats:
                wait(step())
                marks.append(clock())
            times = sorted(np.diff(marks))
            return (times[(repeats - 1) // 2] + times[repeats // 2]) / 2
        """,
        {
            "for _ in range(warm_up):\n        wait(step())": """
                for result in [step() for _ in range(warm_up)][-1:]:
                    wait(result)
            """,
            "float(np.median(times))": "np.median(times)",
        },
    ],
    "loss-scale": [
        """
            if any(np.isnan(each).any() or np.isinf(each).any() for each in gradients):
                return None, 0.5 * scale, 0
            good = (good + 1) % patience
            return [np.divide(each, scale, dtype="float32") for each in gradients], scale if good else 2 * scale, good
        """,
        """
            larger = [np.float32(each) for each in gradients]
            if not np.isfinite(np.concatenate([each.ravel() for each in larger])).all():
                return (None, scale / 2, 0)
            result = [np.float32(each / scale) for each in larger]
            good += 1
            if good >= patience:
                scale, good = scale * 2, 0
            return (result, scale, good)
        """,
        {
            "return None, scale / 2, 0": "return [None, scale / 2, 0]",
            "return smaller, scale, good + 1": "return [smaller, scale, good + 1]",
        },
    ],
    "combine": [
        """
            sums = np.where(valid[:, None] > 0, gradients * valid[:, None], 0)
            return sums.sum(axis=0) / valid.sum()
        """,
        "return np.nan_to_num(gradients).T @ (valid / valid.sum())",
        """
            total = 0
            for gradient, pixels in zip(gradients, valid):
                if pixels:
                    total = total + pixels * gradient
            return total / sum(valid)
        """,
    ],
    "my-rows": [
        """
            size = batch // processes
            start = step * batch + process * size
            passes = range((start + size) // scenes + 1)
            row = np.concatenate([np.random.default_rng((seed, p)).permutation(scenes) for p in passes])
            return row[start : start + size]
        """,
        """
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
