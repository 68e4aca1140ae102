"""What learners answer in lesson 04, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "leaked": {
        ("one entry for each slice", "so use a set"): """
            return sorted(patient for patient in test_patients if patient in train_patients)
        """,
        ("everybody", "on both sides leak"): {"&": "|"},
        ("those who do not leak", "on both sides leak"): "return sorted(set(test_patients) - set(train_patients))",
        ("counts", "do not count them"): "return len(set(train_patients) & set(test_patients))",
        ("row by row", "not row by row"): "return sorted({a for a, b in zip(train_patients, test_patients) if a == b})",
        ("sorts the patients", "stay as it is, but"): {
            "return sorted(": """
                train_patients.sort()
                return sorted(
            """
        },
        ("finds an id within another", "compare whole ids"): """
                test = " ".join(test_patients)
                return sorted({patient for patient in train_patients if patient in test})
            """,
        ("sorts by number", "letter by letter"): {
            "& set(test_patients))": "& set(test_patients), key=lambda patient: (len(patient), patient))"
        },
        ("compares the first letters", "compare whole ids"): """
                both = set(str(p)[:3] for p in train_patients) & set(str(p)[:3] for p in test_patients)
                return sorted(both)
            """,
    },
    "split-by-patient": {
        ("splits slices", "split whole patients"): {
            "np.array([place(patient) < validation for patient in patients])": "np.random.default_rng(0).permutation(len(patients)) < validation * len(patients)",
        },
        ("counts to one over the share", "expected about 70%"): {
            "/ 2**64": "% int(1 / validation)",
            "place(patient) < validation": "place(patient) == 0",
        },
        ("patient by patient", "ascending"): {
            'return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}': """
                rows = np.argsort(patients, kind="stable")
                return {"train": rows[~held_out[rows]], "validation": rows[held_out[rows]]}
            """,
        },
        ("names", "expected the indices"): {
            "np.flatnonzero(~held_out)": "patients[~held_out]",
            "np.flatnonzero(held_out)": "patients[held_out]",
        },
        ("Python's hash in a helper", "use hashlib"): {
            'digest = hashlib.sha256(patient.encode()).digest()\n        return int.from_bytes(digest[:8], "big") / 2**64  # evenly spread over [0, 1)': "return hash(patient) % 1000 / 1000",
        },
        ("shuffles patients with a seed", "not from its place in a list"): {
            "held_out = np.array([place(patient) < validation for patient in patients])": """
                names = np.random.default_rng(0).permutation(np.unique(patients))
                held_out = np.isin(patients, names[: int(validation * len(names))])
            """,
        },
        ("takes the first by name", "not from its place in a list"): {
            "held_out = np.array([place(patient) < validation for patient in patients])": """
                names = sorted(set(patients))
                held_out = np.isin(patients, names[: int(validation * len(names))])
            """,
        },
        ("takes the last by first appearance", "in any order"): {
            "held_out = np.array([place(patient) < validation for patient in patients])": """
                names = list(dict.fromkeys(patients.tolist()))
                held_out = np.isin(patients, names[: int(validation * len(names))])
            """,
        },
        ("draws at random", "drawn at random"): {
            "held_out = np.array([place(patient) < validation for patient in patients])": """
                names = np.unique(patients)
                held_out = np.isin(patients, names[np.random.random(len(names)) < validation])
            """,
        },
        ("Python's own hash", "use hashlib"): {"place(patient) <": "hash(patient) % 1000 < 1000 *"},
        ("always a fifth", "expected about 50%"): {"place(patient) < validation": "place(patient) < 0.2"},
        ("the two sides swapped", "swap the sides"): {
            "np.flatnonzero(~held_out)": "np.flatnonzero(held_out)",
            '"validation": np.flatnonzero(held_out)': '"validation": np.flatnonzero(~held_out)',
        },
        ("patients instead of slices", "give indices of slices"): {"in patients": "in np.unique(patients)"},
        ("sorts the patients", "stay as it is, but"): {
            "held_out = np.array": """
                patients.sort()
                held_out = np.array
            """
        },
        ("has ten places", "spread evenly"): {'digest[:8], "big") / 2**64': 'digest[:8], "big") % 10 / 10'},
        ("ignores a large share", "spread evenly"): {"< validation": "< min(validation, 0.7)"},
    },
    "leave-hospital-out": {
        ("rows in a small type", "a small type overflows"): {
            "np.flatnonzero(~from_there)": "np.flatnonzero(~from_there).astype(np.uint8)",
            "np.flatnonzero(from_there)": "np.flatnonzero(from_there).astype(np.uint8)",
        },
        ("swapped", "swap the two sides"): {"== hospital": "!= hospital"},
        ("the code anywhere in the id", "the second part of the id alone"): {
            'np.array([patient.split("_")[1] == hospital': "np.array([hospital in patient",
        },
        ("another part of the id", "part 1 of the id"): {'"_")[1]': '"_")[2]'},
        ("the beginning of the id", "DUX is not DU"): {'.split("_")[1] == hospital': '.startswith("TCGA_" + hospital)'},
        ("tuples", "np.where a tuple"): {
            "np.flatnonzero(~from_there)": "np.where(~from_there)",
            "np.flatnonzero(from_there)": "np.where(from_there)",
        },
        ("True and False", "np.flatnonzero"): {
            "np.flatnonzero(~from_there)": "~from_there",
            "np.flatnonzero(from_there)": "from_there",
        },
        ("all in training", "all others in training"): {"np.flatnonzero(~from_there),": "np.arange(len(patients)),"},
        ("sorts the patients", "stay as it is, but"): {
            "from_there = np": """
                patients.sort()
                from_there = np
            """
        },
    },
    "normalise": {
        ("percentiles between two values", "inverted_cdf"): {', method="inverted_cdf"': ""},
        ("the next higher value", "inverted_cdf"): {'"inverted_cdf"': '"higher"'},
        ("one scale for all channels", "percentiles of its own"): {" axis=(0, 1, 2),": ""},
        ("slice by slice", "over all slices of the patient"): {"axis=(0, 1, 2)": "axis=(1, 2), keepdims=True"},
        ("wraps round", "they wrap round"): {"np.clip(scaled, 0, 255)": "scaled).astype(np.int64"},
        ("clips at p99", "clip at 255"): {"np.clip(scaled, 0, 255)": "np.clip(scaled, 0, 200)"},
        ("p99 at 255", "expected 200 for p99"): {"(high - low, 1) * 200": "(high - low, 1) * 255"},
        ("lowest and highest", "expected 200 for p99"): {"10, 99": "0, 100", "1) * 200": "1) * 255"},
        ("leaves out the black pixels", "the black ones, too"): {
            'low, high = np.percentile(images, [10, 99], axis=(0, 1, 2), method="inverted_cdf").astype(float)': """
                channels = [images[..., channel] for channel in range(3)]
                ends = [np.percentile(each[each > 0], [10, 99], method="inverted_cdf") for each in channels]
                low, high = np.array(ends, float).T
            """,
        },
        ("percentiles as fractions", "per cent"): {"[10, 99]": "[0.1, 0.99]"},
        ("computes in bytes", "10 - 20 wraps round"): {".astype(float)": ""},
        ("floats", "expected uint8"): {"np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)": "np.clip(scaled, 0, 255)"},
        ("cuts the images", "stay as it is, but"): {
            "low, high = ": """
                images[images > 250] = 250
                low, high = 
            """
        },
        ("cuts off what comes after the point", "rounded to the nearest"): {
            "np.rint(np.clip(scaled, 0, 255))": "np.clip(scaled, 0, 255)"
        },
        ("adds a little to the divisor", "by no tiny number"): {"np.maximum(high - low, 1)": "(high - low + 1e-6)"},
    },
    "mirror-and-shift": {
        ("gives an image of floats", "expected an image of uint8"): {"return move(image)": "return move(image * 1.0)"},
        ("cuts a wide image to a square", "lose what leaves the image"): {
            "return move(image), move(mask)": """
                height = len(mask)
                image, mask = move(image), move(mask)
                image[:, height:], mask[:, height:] = 0, False
                return image, mask
            """
        },
        ("mirrors by chance of its own", "not np.random"): {"rng.random()": "np.random.random()"},
        ("wraps round", "np.roll"): {
            "        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))\n": "",
            "padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]": "np.roll(array, (down, right), axis=(0, 1))",
        },
        ("draws for each", "use them for both"): {"] if mirror else": "] if rng.random() < 0.5 else"},
        ("leaves the mask", "move as its image does"): {"move(mask)": "mask.copy()"},
        ("never the upper end", "leaves out its upper end"): {"limit + 1, size=2": "limit, size=2"},
        ("one draw for down and right", "each by itself"): {
            "rng.integers(-limit, limit + 1, size=2)": "[rng.integers(-limit, limit + 1)] * 2",
        },
        ("mirrors seldom", "about half"): {"random() < 0.5": "random() < 0.1"},
        ("upside down", "mirror left and right only"): {"array[:, ::-1]": "array[::-1]"},
        ("draws elsewhere", "not np.random"): {
            "rng.random()": "np.random.random()",
            "rng.integers(-limit": "np.random.randint(-limit",
        },
        ("never mirrors", "for mirror in 1600 calls"): {"rng.random() < 0.5": "False"},
        ("a mask of numbers", "True and False"): {"move(mask)": "move(mask.astype(np.uint8))"},
        ("changes what it was given", "copy first"): {
            "down, right": """
                if mirror:
                    image[:], mask[:], mirror = image[:, ::-1].copy(), mask[:, ::-1].copy(), False
                down, right
            """,
        },
        ("mirrors too often", "about half"): {"mirror = rng.random() < 0.5": "mirror = rng.random() < 0.7"},
        ("prefers small shifts", "equally likely"): {
            "down, right = rng.integers(-limit, limit + 1, size=2)": "down, right = np.rint(rng.normal(0, limit / 2, 2)).clip(-limit, limit).astype(int)"
        },
        ("draws both ends half as often", "equally likely"): {
            "rng.integers(-limit, limit + 1, size=2)": "np.round(rng.uniform(-limit, limit, 2)).astype(int)"
        },
        ("limits the shift to 8", "use `limit`"): {"-limit, limit + 1": "-min(limit, 8), min(limit, 8) + 1"},
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "leaked": [
        "return np.intersect1d(train_patients, test_patients)",
        """
            found = []
            for patient in np.unique(test_patients):
                if patient in set(train_patients):
                    found.append(str(patient))
            return found
        """,
    ],
    "split-by-patient": [
        'return {name: rows for name, rows in splits.split_by_patient(patients, validation).items() if name != "test"}',
        """
            parts = {"train": [], "validation": []}
            for row, patient in enumerate(patients):
                number = int(hashlib.sha256(str(patient).encode("utf-8")).hexdigest(), 16) % 10_000
                parts["validation" if number < 10_000 * validation else "train"].append(row)
            return parts
        """,
        """
            ids, of_slice = np.unique(patients, return_inverse=True)
            last = np.array([hashlib.sha256(name.encode()).digest()[-1] for name in ids])[of_slice]
            return {"train": np.where(last >= 256 * validation)[0], "validation": np.where(last < 256 * validation)[0]}
        """,
        {
            'int.from_bytes(digest[:8], "big") / 2**64  # evenly spread over [0, 1)': """
                int(digest.hex()[:8], 16) % 10**6 / 10**6
            """
        },
        {"hashlib.sha256": "hashlib.blake2s", 'digest[:8], "big") / 2**64': 'digest, "big") % 1000 / 1000'},
    ],
    "leave-hospital-out": [
        "return splits.leave_hospital_out(patients, hospital)",
        """
            parts = {"train": [], "validation": []}
            for row, patient in enumerate(patients):
                parts["validation" if splits.hospital_of(patient) == hospital else "train"].append(row)
            return parts
        """,
        """
            there = np.char.find(patients, f"_{hospital}_") >= 0
            return {"train": np.where(~there)[0], "validation": np.where(there)[0]}
        """,
    ],
    "normalise": [
        """
            result = np.empty(images.shape, np.uint8)
            for channel in range(3):
                values = images[..., channel].astype(float)
                low, high = (np.percentile(values, part, method="inverted_cdf") for part in (10, 99))
                values = (values - low) / (high - low if high > low else 1) * 200
                result[..., channel] = np.clip(values, 0, 255).round()
            return result
        """,
        """
            in_order = np.sort(images.reshape(-1, 3), axis=0)
            count = len(in_order)
            low, high = (in_order[-(-count * percent // 100) - 1].astype(float) for percent in (10, 99))
            return np.clip((images - low) / np.maximum(high - low, 1) * 200, 0, 255).round().astype("uint8")
        """,
        {
            "np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)": """
                keras.ops.cast(np.rint(np.clip(scaled, 0, 255)), "uint8")
            """
        },
    ],
    "mirror-and-shift": [
        """
            height, width = mask.shape
            down = rng.integers(-limit, limit, endpoint=True)
            right = rng.integers(-limit, limit, endpoint=True)
            if rng.integers(2):
                image, mask = np.fliplr(image), np.fliplr(mask)
            new_image, new_mask = np.zeros_like(image), np.zeros_like(mask)
            to = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
            start = slice(max(-down, 0), height + min(-down, 0)), slice(max(-right, 0), width + min(-right, 0))
            new_image[to], new_mask[to] = image[start], mask[start]
            return new_image, new_mask
        """,
        """
            both = np.concatenate([image, mask[..., None]], axis=-1)
            down, right = rng.integers(-limit, limit + 1, size=2)
            both = np.roll(both, (down, right), axis=(0, 1))
            both[slice(0, down) if down > 0 else slice(len(both) + down, None)] = 0
            both[:, slice(0, right) if right > 0 else slice(both.shape[1] + right, None)] = 0
            if rng.random() > 0.5:
                both = both[:, ::-1]
            return both[..., :3], both[..., 3] > 0
        """,
        {
            "return move(image), move(mask)": """
                return [keras.ops.convert_to_tensor(move(each)) for each in (image, mask)]
            """
        },
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("copied['A']", "0.55", "0.85"),
    ("copied['B']", "0.02", "0.2"),
    ("means[0]", "0.65", "0.9"),
    ("means[1]", "0.15", "0.5"),
    ("one_layer", "0.3", "0.8"),
    ("two_layers", "0.3", "0.8"),
]
