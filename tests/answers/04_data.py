"""What learners answer in lesson 04, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "leaked": {
        "one entry for each slice": (
            """
def leaked(train_patients, test_patients):
    return sorted(patient for patient in test_patients if patient in train_patients)
""",
            "so use a set",
        ),
        "everybody": (
            """
def leaked(train_patients, test_patients):
    return sorted(set(train_patients) | set(test_patients))
""",
            "on both sides leak",
        ),
        "those who do not leak": (
            """
def leaked(train_patients, test_patients):
    return sorted(set(test_patients) - set(train_patients))
""",
            "on both sides leak",
        ),
        "counts": (
            """
def leaked(train_patients, test_patients):
    return len(set(train_patients) & set(test_patients))
""",
            "do not count them",
        ),
        "row by row": (
            """
def leaked(train_patients, test_patients):
    return sorted({a for a, b in zip(train_patients, test_patients) if a == b})
""",
            "not row by row",
        ),
    },
    "split-by-patient": {
        "splits slices": (
            """
def split_by_patient(patients, validation=0.2):
    order = np.random.default_rng(0).permutation(len(patients))
    cut = int(validation * len(patients))
    return {"train": np.sort(order[cut:]), "validation": np.sort(order[:cut])}
""",
            "split whole patients",
        ),
        "counts to one over the share": (
            """
def split_by_patient(patients, validation=0.2):
    draws = [int.from_bytes(hashlib.sha256(patient.encode()).digest()[:8], "big") for patient in patients]
    there = np.array([draw % int(1 / validation) == 0 for draw in draws])
    return {"train": np.flatnonzero(~there), "validation": np.flatnonzero(there)}
""",
            "expected about 70%",
        ),
        "patient by patient": (
            """
def split_by_patient(patients, validation=0.2):
    parts = {"train": [], "validation": []}
    for name in np.unique(patients):
        draw = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
        parts["validation" if draw < validation else "train"].extend(np.flatnonzero(patients == name))
    return parts
""",
            "ascending",
        ),
        "names": (
            """
def split_by_patient(patients, validation=0.2):
    draws = [int.from_bytes(hashlib.sha256(patient.encode()).digest()[:8], "big") / 2**64 for patient in patients]
    there = np.array(draws) < validation
    return {"train": patients[~there], "validation": patients[there]}
""",
            "expected the indices",
        ),
        "Python's hash in a helper": (
            """
def draw(patient):
    return hash(patient) % 1000 / 1000


def split_by_patient(patients, validation=0.2):
    there = np.array([draw(patient) < validation for patient in patients])
    return {"train": np.flatnonzero(~there), "validation": np.flatnonzero(there)}
""",
            "use hashlib",
        ),
        "shuffles patients with a seed": (
            """
def split_by_patient(patients, validation=0.2):
    names = np.random.default_rng(0).permutation(np.unique(patients))
    held_out = np.isin(patients, names[: int(validation * len(names))])
    return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}
""",
            "not from its place in a list",
        ),
        "takes the first by name": (
            """
def split_by_patient(patients, validation=0.2):
    names = sorted(set(patients))
    held_out = np.isin(patients, names[: int(validation * len(names))])
    return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}
""",
            "not from its place in a list",
        ),
        "takes the last by first appearance": (
            """
def split_by_patient(patients, validation=0.2):
    names = list(dict.fromkeys(patients.tolist()))
    held_out = np.isin(patients, names[: int(validation * len(names))])
    return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}
""",
            "in any order",
        ),
        "draws at random": (
            """
def split_by_patient(patients, validation=0.2):
    names = np.unique(patients)
    held_out = np.isin(patients, names[np.random.random(len(names)) < validation])
    return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}
""",
            "drawn at random",
        ),
        "Python's own hash": (
            """
def split_by_patient(patients, validation=0.2):
    held_out = np.array([hash(patient) % 1000 < 1000 * validation for patient in patients.tolist()])
    return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}
""",
            "use hashlib",
        ),
        "always a fifth": (
            """
def split_by_patient(patients, validation=0.2):
    numbers = [int(hashlib.sha256(patient.encode()).hexdigest(), 16) for patient in patients]
    held_out = np.array([number % 5 == 0 for number in numbers])
    return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}
""",
            "expected about 50%",
        ),
        "the two sides swapped": (
            """
def split_by_patient(patients, validation=0.2):
    numbers = [int(hashlib.sha256(patient.encode()).hexdigest()[:8], 16) for patient in patients]
    train = np.array([number / 16**8 < validation for number in numbers])
    return {"train": np.flatnonzero(train), "validation": np.flatnonzero(~train)}
""",
            "swap the sides",
        ),
        "patients instead of slices": (
            """
def split_by_patient(patients, validation=0.2):
    names = np.unique(patients)
    numbers = [int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) for name in names]
    held_out = np.array(numbers) / 16**8 < validation
    return {"train": np.flatnonzero(~held_out), "validation": np.flatnonzero(held_out)}
""",
            "give indices of slices",
        ),
    },
    "leave-hospital-out": {
        "swapped": (
            """
def leave_hospital_out(patients, hospital):
    there = np.array([patient.split("_")[1] == hospital for patient in patients])
    return {"train": np.flatnonzero(there), "validation": np.flatnonzero(~there)}
""",
            "swap the two sides",
        ),
        "the code anywhere in the id": (
            """
def leave_hospital_out(patients, hospital):
    there = np.array([hospital in patient for patient in patients])
    return {"train": np.flatnonzero(~there), "validation": np.flatnonzero(there)}
""",
            "the second part of the id alone",
        ),
        "another part of the id": (
            """
def leave_hospital_out(patients, hospital):
    there = np.array([patient.split("_")[2] == hospital for patient in patients])
    return {"train": np.flatnonzero(~there), "validation": np.flatnonzero(there)}
""",
            "part 1 of the id",
        ),
        "the beginning of the id": (
            """
def leave_hospital_out(patients, hospital):
    there = np.array([patient.startswith("TCGA_" + hospital) for patient in patients])
    return {"train": np.flatnonzero(~there), "validation": np.flatnonzero(there)}
""",
            "DUX is not DU",
        ),
        "True and False": (
            """
def leave_hospital_out(patients, hospital):
    there = np.array([patient.split("_")[1] == hospital for patient in patients])
    return {"train": ~there, "validation": there}
""",
            "np.flatnonzero",
        ),
        "all in training": (
            """
def leave_hospital_out(patients, hospital):
    there = np.array([patient.split("_")[1] == hospital for patient in patients])
    return {"train": np.arange(len(patients)), "validation": np.flatnonzero(there)}
""",
            "all others in training",
        ),
    },
    "normalise": {
        "one scale for all channels": (
            """
def normalise(images):
    low, high = np.percentile(images, [10, 99], method="inverted_cdf").astype(float)
    return np.rint(np.clip((images - low) / max(high - low, 1) * 200, 0, 255)).astype(np.uint8)
""",
            "percentiles of its own",
        ),
        "slice by slice": (
            """
def normalise(images):
    low, high = np.percentile(images, [10, 99], axis=(1, 2), keepdims=True, method="inverted_cdf").astype(float)
    return np.rint(np.clip((images - low) / np.maximum(high - low, 1) * 200, 0, 255)).astype(np.uint8)
""",
            "over all slices of the patient",
        ),
        "wraps round": (
            """
def normalise(images):
    low, high = np.percentile(images, [10, 99], axis=(0, 1, 2), method="inverted_cdf").astype(float)
    return np.rint((images - low) / np.maximum(high - low, 1) * 200).astype(np.int64).astype(np.uint8)
""",
            "they wrap round",
        ),
        "clips at p99": (
            """
def normalise(images):
    low, high = np.percentile(images, [10, 99], axis=(0, 1, 2), method="inverted_cdf").astype(float)
    return np.rint(np.clip((images - low) / np.maximum(high - low, 1), 0, 1) * 200).astype(np.uint8)
""",
            "clip at 255",
        ),
        "p99 at 255": (
            """
def normalise(images):
    low, high = np.percentile(images, [10, 99], axis=(0, 1, 2), method="inverted_cdf").astype(float)
    return np.rint(np.clip((images - low) / np.maximum(high - low, 1) * 255, 0, 255)).astype(np.uint8)
""",
            "expected 200 for p99",
        ),
        "lowest and highest": (
            """
def normalise(images):
    low, high = images.min(axis=(0, 1, 2)).astype(float), images.max(axis=(0, 1, 2)).astype(float)
    return np.rint(np.clip((images - low) / np.maximum(high - low, 1) * 255, 0, 255)).astype(np.uint8)
""",
            "expected 200 for p99",
        ),
        "leaves out the black pixels": (
            """
def normalise(images):
    result = np.empty_like(images)
    for channel in range(3):
        values = images[..., channel]
        low, high = np.percentile(values[values > 0], [10, 99], method="inverted_cdf").astype(float)
        scaled = (values - low) / np.maximum(high - low, 1) * 200
        result[..., channel] = np.rint(np.clip(scaled, 0, 255))
    return result
""",
            "the black ones, too",
        ),
        "percentiles as fractions": (
            """
def normalise(images):
    low, high = np.percentile(images, [0.1, 0.99], axis=(0, 1, 2), method="inverted_cdf").astype(float)
    return np.rint(np.clip((images - low) / np.maximum(high - low, 1.0) * 200, 0, 255)).astype(np.uint8)
""",
            "per cent",
        ),
        "computes in bytes": (
            """
def normalise(images):
    low, high = np.percentile(images, [10, 99], axis=(0, 1, 2), method="inverted_cdf")
    return np.rint(np.clip((images - low) / np.maximum(high - low, 1) * 200, 0, 255)).astype(np.uint8)
""",
            "10 - 20 wraps round",
        ),
        "floats": (
            """
def normalise(images):
    low, high = np.percentile(images, [10, 99], axis=(0, 1, 2), method="inverted_cdf").astype(float)
    return np.clip((images - low) / np.maximum(high - low, 1) * 200, 0, 255)
""",
            "expected uint8",
        ),
    },
    "mirror-and-shift": {
        "wraps round": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    if generator.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    shift = generator.integers(-limit, limit + 1, size=2)
    return np.roll(image, shift, axis=(0, 1)), np.roll(mask, shift, axis=(0, 1))
""",
            "np.roll",
        ),
        "draws for each": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    def move(array):
        array = array[:, ::-1] if generator.random() < 0.5 else array
        down, right = generator.integers(-limit, limit + 1, size=2)
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "use them for both",
        ),
        "leaves the mask": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    if generator.random() < 0.5:
        image = image[:, ::-1]
    down, right = generator.integers(-limit, limit + 1, size=2)
    padded = np.pad(image, [(limit, limit), (limit, limit), (0, 0)])
    return padded[limit - down :, limit - right :][: mask.shape[0], : mask.shape[1]], mask.copy()
""",
            "move as its image does",
        ),
        "never the upper end": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    mirror = generator.random() < 0.5
    down, right = generator.integers(-limit, limit, size=2)
    def move(array):
        array = array[:, ::-1] if mirror else array
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "leaves out its upper end",
        ),
        "one draw for down and right": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    mirror = generator.random() < 0.5
    shift = generator.integers(-limit, limit + 1)
    def move(array):
        array = array[:, ::-1] if mirror else array
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - shift :, limit - shift :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "each by itself",
        ),
        "mirrors seldom": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    mirror = generator.random() < 0.1
    down, right = generator.integers(-limit, limit + 1, size=2)
    def move(array):
        array = array[:, ::-1] if mirror else array
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "about half",
        ),
        "upside down": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    mirror = generator.random() < 0.5
    down, right = generator.integers(-limit, limit + 1, size=2)
    def move(array):
        array = array[::-1] if mirror else array
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "mirror left and right only",
        ),
        "draws elsewhere": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    mirror = np.random.random() < 0.5
    down, right = np.random.randint(-limit, limit + 1, size=2)
    def move(array):
        array = array[:, ::-1] if mirror else array
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "not np.random",
        ),
        "never mirrors": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    down, right = generator.integers(-limit, limit + 1, size=2)
    def move(array):
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "for mirror in 100 calls",
        ),
        "a mask of numbers": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    mirror = generator.random() < 0.5
    down, right = generator.integers(-limit, limit + 1, size=2)
    def move(array):
        array = array[:, ::-1] if mirror else array
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask.astype(np.uint8))
""",
            "True and False",
        ),
        "changes what it was given": (
            """
def mirror_and_shift(image, mask, generator, limit=8):
    if generator.random() < 0.5:
        image[:] = image[:, ::-1].copy()
        mask[:] = mask[:, ::-1].copy()
    down, right = generator.integers(-limit, limit + 1, size=2)
    def move(array):
        padded = np.pad(array, [(limit, limit)] * 2 + [(0, 0)] * (array.ndim - 2))
        return padded[limit - down :, limit - right :][: array.shape[0], : array.shape[1]]
    return move(image), move(mask)
""",
            "copy first",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "leaked": [
        """
def leaked(train_patients, test_patients):
    return np.intersect1d(train_patients, test_patients)
""",
        """
def leaked(train_patients, test_patients):
    found = []
    for patient in np.unique(test_patients):
        if patient in set(train_patients):
            found.append(str(patient))
    return found
""",
    ],
    "split-by-patient": [
        """
def split_by_patient(patients, validation=0.2):
    return {name: rows for name, rows in splits.split_by_patient(patients, validation).items() if name != "test"}
""",
        """
def split_by_patient(patients, validation=0.2):
    parts = {"train": [], "validation": []}
    for row, patient in enumerate(patients):
        number = int(hashlib.sha256(str(patient).encode("utf-8")).hexdigest(), 16) % 10_000
        parts["validation" if number < 10_000 * validation else "train"].append(row)
    return parts
""",
        """
def split_by_patient(patients, validation=0.2):
    ids, of_slice = np.unique(patients, return_inverse=True)
    last = np.array([hashlib.sha256(name.encode()).digest()[-1] for name in ids])[of_slice]
    return {"train": np.where(last >= 256 * validation)[0], "validation": np.where(last < 256 * validation)[0]}
""",
    ],
    "leave-hospital-out": [
        """
def leave_hospital_out(patients, hospital):
    return splits.leave_hospital_out(patients, hospital)
""",
        """
def leave_hospital_out(patients, hospital):
    parts = {"train": [], "validation": []}
    for row, patient in enumerate(patients):
        parts["validation" if splits.hospital_of(patient) == hospital else "train"].append(row)
    return parts
""",
        """
def leave_hospital_out(patients, hospital):
    there = np.char.find(patients, f"_{hospital}_") >= 0
    return {"train": np.where(~there)[0], "validation": np.where(there)[0]}
""",
    ],
    "normalise": [
        """
def normalise(images):
    result = np.empty(images.shape, np.uint8)
    for channel in range(3):
        values = images[..., channel].astype(float)
        low, high = np.percentile(values, 10), np.percentile(values, 99)
        values = (values - low) / (high - low if high > low else 1) * 200
        result[..., channel] = np.clip(values, 0, 255).round()
    return result
""",
        """
def normalise(images):
    in_order = np.sort(images.reshape(-1, 3), axis=0)
    count = len(in_order)
    low, high = (in_order[-(-count * percent // 100) - 1].astype(float) for percent in (10, 99))
    return np.clip((images - low) / np.maximum(high - low, 1) * 200, 0, 255).round().astype("uint8")
""",
    ],
    "mirror-and-shift": [
        """
def mirror_and_shift(image, mask, generator, limit=8):
    height, width = mask.shape
    down = generator.integers(-limit, limit, endpoint=True)
    right = generator.integers(-limit, limit, endpoint=True)
    if generator.integers(2):
        image, mask = np.fliplr(image), np.fliplr(mask)
    new_image, new_mask = np.zeros_like(image), np.zeros_like(mask)
    to = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
    start = slice(max(-down, 0), height + min(-down, 0)), slice(max(-right, 0), width + min(-right, 0))
    new_image[to], new_mask[to] = image[start], mask[start]
    return new_image, new_mask
""",
        """
def mirror_and_shift(image, mask, generator, limit=8):
    both = np.concatenate([image, mask[..., None]], axis=-1)
    down, right = generator.integers(-limit, limit + 1, size=2)
    both = np.roll(both, (down, right), axis=(0, 1))
    both[slice(0, down) if down > 0 else slice(len(both) + down, None)] = 0
    both[:, slice(0, right) if right > 0 else slice(both.shape[1] + right, None)] = 0
    if generator.random() > 0.5:
        both = both[:, ::-1]
    return both[..., :3], both[..., 3] > 0
""",
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
