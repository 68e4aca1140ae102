"""What learners answer in lesson 06, and what its text promises."""

CALLBACK = """
class KeepBest(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        {begin}

    def on_epoch_end(self, epoch, logs=None):
        if {condition}:
            self.best = logs["val_dice"]
            self.saved = {copy}

    def on_train_end(self, logs=None):
        {end}
"""
GOOD = {
    "begin": "self.best, self.saved = -1.0, None",
    "condition": 'logs["val_dice"] > self.best',
    "copy": "self.model.get_weights()",
    "end": "self.model.set_weights(self.saved) if self.saved else None",
}


def callback(**parts):
    return CALLBACK.format(**{**GOOD, **parts})


TRAIN = """
def train(model, images, masks, validation, epochs, callbacks=()):
    steps = epochs * int(np.ceil(len(images) / 8))
    model.compile(
        keras.optimizers.AdamW(schedules.get("cosine", 0.003, steps)),
        loss=losses.get("Dice_CrossEntropy"),
        metrics=[metrics.CountedDice()],
    )
    fitted = model.fit(
        images,
        masks,
        8,
        epochs,
        verbose=0,
        callbacks=[*callbacks],
        validation_data=validation,
    )
    return fitted.history
"""


def changed(old, new):
    assert old in TRAIN
    return TRAIN.replace(old, new)


# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "one-batch": {
        "tests instead of training": (
            """
def overfit_one_batch(model, images, masks, steps):
    return [float(model.test_on_batch(images, masks)) for _ in range(steps)]
""",
            "no weight has changed",
        ),
        "leaves fit its batch of 32": (
            """
def overfit_one_batch(model, images, masks, steps):
    return model.fit(images, masks, epochs=steps, verbose=0).history["loss"]
""",
            "unless you set batch_size",
        ),
        "gives the first and the last loss only": (
            """
def overfit_one_batch(model, images, masks, steps):
    losses = [model.train_on_batch(images, masks) for _ in range(steps)]
    return losses[0], losses[-1]
""",
            "a loss for each of 6 steps",
        ),
        "takes another image in each step": (
            """
def overfit_one_batch(model, images, masks, steps):
    return [float(model.train_on_batch(images[i : i + 1], masks[i : i + 1])) for i in range(steps)]
""",
            "each step takes all the images",
        ),
    },
    "mend": {
        "leaves the bug": (
            """
def train_mended(model, images, masks, epochs, batch):
    generator = np.random.default_rng(0)
    kept = []
    for _ in range(epochs):
        images = generator.permutation(images)
        for start in range(0, len(images), batch):
            rows = slice(start, start + batch)
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
            "the images change places and the masks stay",
        ),
        "draws a second order for the masks": (
            """
def train_mended(model, images, masks, epochs, batch):
    generator = np.random.default_rng(0)
    kept = []
    for _ in range(epochs):
        images = generator.permutation(images)
        masks = generator.permutation(masks)
        for start in range(0, len(images), batch):
            rows = slice(start, start + batch)
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
            "draw one order for both",
        ),
        "drops the smaller last batch": (
            """
def train_mended(model, images, masks, epochs, batch):
    generator = np.random.default_rng(0)
    kept = []
    for _ in range(epochs):
        order = generator.permutation(len(images))
        for number in range(len(images) // batch):
            rows = order[number * batch : (number + 1) * batch]
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
            "the last batch has 2",
        ),
        "shuffles the batches": (
            """
def train_mended(model, images, masks, epochs, batch):
    generator = np.random.default_rng(0)
    kept = []
    for _ in range(epochs):
        for start in generator.permutation(np.arange(0, len(images), batch)):
            rows = slice(start, start + batch)
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
            "shuffle the images, not the batches",
        ),
        "no longer shuffles": (
            """
def train_mended(model, images, masks, epochs, batch):
    kept = []
    for _ in range(epochs):
        for start in range(0, len(images), batch):
            rows = slice(start, start + batch)
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
            "mend the shuffling, do not drop it",
        ),
        "shuffles once, before the epochs": (
            """
def train_mended(model, images, masks, epochs, batch):
    order = np.random.default_rng(0).permutation(len(images))
    images, masks = images[order], masks[order]
    kept = []
    for _ in range(epochs):
        for start in range(0, len(images), batch):
            rows = slice(start, start + batch)
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
            "a new order in each epoch",
        ),
        "draws slices with replacement": (
            """
def train_mended(model, images, masks, epochs, batch):
    generator = np.random.default_rng(0)
    kept = []
    for _ in range(epochs):
        drawn = generator.integers(len(images), size=len(images))
        for start in range(0, len(images), batch):
            rows = drawn[start : start + batch]
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
            "each of the 8 images once in an epoch",
        ),
    },
    "cosine": {
        "no warm-up": (
            """
def cosine(step, steps, highest):
    return highest * (1 + np.cos(np.pi * step / steps)) / 2
""",
            "the first steps // 20 steps are a warm-up",
        ),
        "not halved": (
            """
def cosine(step, steps, highest):
    warm_up = steps // 20
    if step < warm_up:
        return highest * step / warm_up
    return (1 + np.cos(np.pi * (step - warm_up) / (steps - warm_up))) * highest
""",
            "halve it",
        ),
        "a warm-up of one step at least": (
            """
def cosine(step, steps, highest):
    warm_up = max(1, steps // 20)
    if step < warm_up:
        return highest * step / warm_up
    return (1 + np.cos(np.pi * (step - warm_up) / (steps - warm_up))) / 2 * highest
""",
            "10 // 20 is 0",
        ),
        "cosine counted from step 0": (
            """
def cosine(step, steps, highest):
    warm_up = steps // 20
    if step < warm_up:
        return highest * step / warm_up
    return highest * (1 + np.cos(np.pi * step / steps)) / 2
""",
            "t is 0 where the warm-up ends",
        ),
        "goes down to minus the highest": (
            """
def cosine(step, steps, highest):
    warm_up = steps // 20
    if step < warm_up:
        return highest * step / warm_up
    return highest * np.cos(np.pi * (step - warm_up) / (steps - warm_up))
""",
            "add 1 and halve",
        ),
        "forgets pi": (
            """
def cosine(step, steps, highest):
    warm_up = steps // 20
    if step < warm_up:
        return highest * step / warm_up
    return highest * (1 + np.cos((step - warm_up) / (steps - warm_up))) / 2
""",
            "half a cosine goes from 0 to pi",
        ),
        "divides by all steps": (
            """
def cosine(step, steps, highest):
    warm_up = steps // 20
    if step < warm_up:
        return highest * step / warm_up
    return highest * (1 + np.cos(np.pi * (step - warm_up) / steps)) / 2
""",
            "divide by steps - warm-up",
        ),
    },
    "keep-best": {
        "keeps the lowest": (
            callback(begin="self.best, self.saved = 9.0, None", condition='logs["val_dice"] < self.best'),
            "higher is better",
        ),
        "keeps the weights themselves, not a copy": (
            callback(
                copy="self.model.weights",
                end="[old.assign(new) for old, new in zip(self.model.weights, self.saved)]",
            ),
            "copy with get_weights",
        ),
        "never puts them back": (callback(end="pass"), "put it back"),
        "begins at 0": (callback(begin="self.best, self.saved = 0.0, None"), "begin below every Dice"),
        "keeps the weights of another training": (
            callback(begin="self.best, self.saved = -1.0, getattr(self, 'saved', None)"),
            "forget the first one's weights",
        ),
        "prefers the later of equal epochs": (callback(condition='logs["val_dice"] >= self.best'), "so > and not >="),
        "takes whatever comes first": (
            callback(
                begin="self.best, self.saved = None, None",
                condition='self.best is None or logs["val_dice"] > self.best',
            ),
            "it must never be the best",
        ),
        "does not begin anew": (
            callback(begin='self.best, self.saved = getattr(self, "best", -1.0), getattr(self, "saved", None)'),
            "begin anew in on_train_begin",
        ),
        "looks at the training score": (callback().replace("val_dice", "dice"), "compare logs['val_dice']"),
    },
    "train": {
        "returns what fit returns": (changed("return fitted.history", "return fitted"), ".history is wanted"),
        "does not validate": (
            changed("        validation_data=validation,\n", ""),
            "give fit the validation pair as validation_data",
        ),
        "no score": (changed("        metrics=[metrics.CountedDice()],\n", ""), "metrics=[metrics.CountedDice()]"),
        "forgets the callbacks": (changed("        callbacks=[*callbacks],\n", ""), "hand callbacks on to fit"),
        "schedule counts epochs": (
            changed("epochs * int(np.ceil(len(images) / 8))", "epochs"),
            "it counts steps, not epochs",
        ),
        "leaves out the smaller batch": (
            changed("int(np.ceil(len(images) / 8))", "(len(images) // 8)"),
            "smaller last batch",
        ),
        "a step for each image": (changed("int(np.ceil(len(images) / 8))", "len(images)"), "not images"),
        "no warm-up": (
            changed('schedules.get("cosine", 0.003, steps)', "keras.optimizers.schedules.CosineDecay(0.003, steps)"),
            "warm-up from 0",
        ),
        "one step too many": (changed("int(np.ceil(len(images) / 8))", "(len(images) // 8 + 1)"), "16 images"),
        "constant rate": (
            changed('schedules.get("cosine", 0.003, steps)', "0.003"),
            "give AdamW the schedule",
        ),
        "drops the batch size": (changed("        8,\n", "        None,\n"), "set batch_size=8"),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "one-batch": [
        """
def overfit_one_batch(model, images, masks, steps):
    return model.fit(images, masks, batch_size=len(images), epochs=steps, verbose=0).history["loss"]
""",
        """
def overfit_one_batch(model, images, masks, steps):
    losses = np.zeros(steps)
    for step in range(steps):
        losses[step] = model.train_on_batch(images, masks, return_dict=True)["loss"]
    return losses
""",
    ],
    "mend": [
        """
def train_mended(model, images, masks, epochs, batch):
    generator = np.random.default_rng(0)
    kept = []
    for _ in range(epochs):
        order = generator.permutation(len(images))
        images, masks = images[order], masks[order]
        for start in range(0, len(images), batch):
            rows = slice(start, start + batch)
            kept.append(float(model.train_on_batch(images[rows], masks[rows])))
    return kept
""",
        """
def train_mended(model, images, masks, epochs, batch):
    kept = []
    for epoch in range(epochs):
        images = np.random.default_rng(epoch).permutation(images)
        masks = np.random.default_rng(epoch).permutation(masks)
        for start in range(0, len(images), batch):
            kept.append(model.train_on_batch(images[start : start + batch], masks[start : start + batch]))
    return kept
""",
    ],
    "cosine": [
        """
def cosine(step, steps, highest):
    rise = steps // 20
    if step <= rise and rise > 0:
        return step / rise * highest
    return highest * np.cos(np.pi / 2 * (step - rise) / (steps - rise)) ** 2
""",
        """
def cosine(step, steps, highest):
    warm_up = steps // 20
    rising = np.linspace(0, highest, warm_up, endpoint=False)
    falling = highest / 2 * (1 + np.cos(np.linspace(0, np.pi, steps - warm_up + 1)))
    return np.concatenate([rising, falling])[step]
""",
    ],
    "keep-best": [
        callback(),
        """
class KeepBest(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        if not np.isnan(logs["val_dice"]):
            self.epochs.append((logs["val_dice"], -epoch, [np.array(weight) for weight in self.model.get_weights()]))

    def on_train_end(self, logs=None):
        if self.epochs:
            self.model.set_weights(max(self.epochs, key=lambda kept: kept[:2])[2])
""",
    ],
    "train": [
        TRAIN,
        """
def train(model, images, masks, validation, epochs, callbacks=()):
    batches = len(range(0, len(images), 8))
    optimizer = keras.optimizers.AdamW(learning_rate=schedules.get("cosine", 3e-3, batches * epochs))
    model.compile(optimizer, losses.DiceCrossEntropy(), metrics=[metrics.CountedDice("dice")])
    record = keras.callbacks.History()
    watchers = [record, *callbacks]
    model.fit(
        images, masks, epochs=epochs, batch_size=8, callbacks=watchers, validation_data=validation, verbose=0
    )
    return dict(record.history)
""",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("max(falling['val_dice'])", "0.00", "0.10"),
    ("healthy[-1]", "0.0", "0.4"),
    ("history['val_dice'][0]", "0.0", "0.3"),
    ("stalled[-1]", "0.6", "1.3"),
    ("scores['dice']['mean']", "0.3", "0.85"),
    ("dice[tumour > np.median(tumour)].mean() - dice[tumour <= np.median(tumour)].mean()", "0.1", "0.8"),
]
