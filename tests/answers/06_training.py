"""What learners answer in lesson 06, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "one-batch": {
        ("tests instead of training", "no weight has changed"): {".train_on_batch": ".test_on_batch"},
        ("leaves fit its batch of 32", "unless you set batch_size"): """
            return model.fit(images, masks, epochs=steps, verbose=0).history["loss"]
        """,
        ("gives the first and the last loss only", "a loss for each of 6 steps"): """
            losses = [model.train_on_batch(images, masks) for _ in range(steps)]
            return losses[0], losses[-1]
        """,
        ("takes another image in each step", "each step takes all the images"): {
            ", masks)) for _": "[i : i + 1], masks[i : i + 1])) for i",
        },
        ("stops when the loss is small", "stop nothing early"): """
            kept = []
            while len(kept) < steps and (not kept or kept[-1] > 0.05):
                kept.append(float(model.train_on_batch(images, masks)))
            return kept
        """,
        ("rounds", "not rounded"): {
            "float(model.train_on_batch(images, masks))": "round(float(model.train_on_batch(images, masks)), 2)"
        },
        ("compiles anew", "all 5 images"): {
            "return [": """
                model.compile(keras.optimizers.Adam(0.15), 'binary_crossentropy')
                return [
            """
        },
        ("changes the images", "stay as it is, but"): {
            "return [": """
                images *= 1.0
                images -= 0.001
                return [
            """
        },
        ("leaves the last image out", "all the images"): {"(images, masks)": "(images[:-1], masks[:-1])"},
    },
    "mend": {
        ("leaves the bug", "the images change places and the masks stay"): {
            "order = rng.permutation(len(images))": "images, order = rng.permutation(images), np.arange(len(images))"
        },
        ("draws a second order for the masks", "draw one order for both"): {
            "masks[rows]": "masks[rng.permutation(len(masks))[: len(rows)]]",
        },
        ("drops the smaller last batch", "the last batch has 2"): {"len(order)": "len(order) - batch + 1"},
        ("shuffles the batches", "shuffle the images, not the batches"): {
            "rng.permutation(len(images))": "np.arange(len(images))",
            "in range(0, len(order), batch)": "in rng.permutation(np.arange(0, len(order), batch))",
        },
        ("no longer shuffles", "mend the shuffling, do not drop it"): {"rng.permutation": "np.arange"},
        ("shuffles once, before the epochs", "a new order in each epoch"): {
            "    order = rng.permutation(len(images))  # for images and masks alike\n    ": "",
            "for _ in": "order = rng.permutation(len(images))\nfor _ in",
        },
        ("draws slices with replacement", "each of the 8 images once in an epoch"): {
            "rng.permutation(len(images))": "rng.integers(len(images), size=len(images))",
        },
        ("shuffles the images themselves", "stay as it is, but"): """
                history = []
                rng = np.random.default_rng(0)
                for epoch in range(epochs):
                    state = rng.permutation(len(images))
                    images[:] = images[state]
                    masks[:] = masks[state]
                    for first in range(0, len(images), batch):
                        history.append(float(model.train_on_batch(images[first:first+batch], masks[first:first+batch])))
                return history
            """,
        ("gives the mean of all steps", "step by step"): {"return kept": "return [np.mean(kept)] * len(kept)"},
        ("shuffles from the second epoch on", "drawn at random"): {
            "rng.permutation(len(images))": "rng.permutation(len(images)) if kept else np.arange(len(images))"
        },
    },
    "cosine": {
        ("no warm-up", "the first steps // 20 steps are a warm-up"): """
            return highest * (1 + np.cos(np.pi * step / steps)) / 2
        """,
        ("not halved", "halve it"): {"np.pi * done)) / 2": "np.pi * done))"},
        ("a warm-up of one step at least", "10 // 20 is 0"): {"steps // 20": "max(1, steps // 20)"},
        ("cosine counted from step 0", "t is 0 where the warm-up ends"): {
            "(step - warm_up) / (steps - warm_up)": "step / steps",
        },
        ("goes down to minus the highest", "add 1 and halve"): {
            "(1 + np.cos(np.pi * done)) / 2": "np.cos(np.pi * done)",
        },
        ("forgets pi", "half a cosine goes from 0 to pi"): {"np.pi * done": "done"},
        ("divides by all steps", "divide by steps - warm-up"): {"/ (steps - warm_up)": "/ steps"},
        ("rounds", "not rounded"): {
            "return highest * (1 + np.cos(np.pi * done)) / 2": "return round(highest * (1 + np.cos(np.pi * done)) / 2, 5)"
        },
        ("rounds the warm-up", "59 steps"): {"steps // 20": "round(steps / 20)"},
        ("a short pi", "step 21"): {"np.pi": "3.14"},
    },
    "keep-best": {
        ("keeps the epoch of a later NaN", "got epoch 3: nothing is larger than a NaN"): {
            'logs["val_dice"] > self.highest': 'not logs["val_dice"] <= self.highest'
        },
        ("keeps the lowest", "higher is better"): {"-np.inf": "np.inf", "> self.": "< self."},
        ("keeps the weights themselves, not a copy", "copy with get_weights"): {
            "self.model.get_weights()": "self.model.weights",
            "self.model.set_weights(self.kept)": "[old.assign(new) for old, new in zip(self.model.weights, self.kept)]",
        },
        ("never puts them back", "put it back"): {"self.model.set_weights(self.kept)": "pass"},
        ("begins at 0", "begin below every Dice"): {"-np.inf, None": "0.0, None"},
        ("keeps the weights of another training", "forget the first one's weights"): {
            "-np.inf, None": '-np.inf, getattr(self, "kept", None)',
        },
        ("prefers the later of equal epochs", "so > and not >="): {"> self": ">= self"},
        ("takes whatever comes first", "it must never be the best"): {
            "-np.inf, None": "None, None",
            'if logs["val_dice"] > self.highest:': 'if self.highest is None or logs["val_dice"] > self.highest:',
        },
        ("does not begin anew", "begin anew in on_train_begin"): {
            "-np.inf, None": 'getattr(self, "highest", -np.inf), getattr(self, "kept", None)',
        },
        ("looks at the training score", "compare logs['val_dice']"): {
            'if logs["val_dice"] > self.highest:': 'if logs["dice"] > self.highest:',
            'self.highest, self.kept = logs["val_dice"]': 'self.highest, self.kept = logs["dice"]',
        },
        ("keeps the trainable weights only", "moving means"): {
            "self.model.get_weights()": "[np.array(w) for w in self.model.trainable_weights]",
            "self.model.set_weights(self.kept)": "[w.assign(k) for w, k in zip(self.model.trainable_weights, self.kept)]",
        },
        ("goes back after a worse epoch", "at its end alone"): """
                class KeepBest(keras.callbacks.Callback):
                    def on_train_begin(self, logs=None):
                        self.best, self.kept = -np.inf, None

                    def on_epoch_end(self, epoch, logs=None):
                        if logs['val_dice'] > self.best:
                            self.best, self.kept = logs['val_dice'], self.model.get_weights()
                        elif self.kept is not None:
                            self.model.set_weights(self.kept)
            """,
        ("stops the training", "at its end alone"): """
                class KeepBest(keras.callbacks.Callback):
                    def on_train_begin(self, logs=None):
                        self.best, self.kept = -np.inf, None

                    def on_epoch_end(self, epoch, logs=None):
                        if logs['val_dice'] > self.best:
                            self.best, self.kept = logs['val_dice'], self.model.get_weights()
                        else:
                            self.model.stop_training = True

                    def on_train_end(self, logs=None):
                        if self.kept is not None:
                            self.model.set_weights(self.kept)
            """,
        ("keeps them in the class", "store them in self"): """
                class KeepBest(keras.callbacks.Callback):
                    kept = []

                    def on_train_begin(self, logs=None):
                        KeepBest.highest, KeepBest.weights = -np.inf, None

                    def on_epoch_end(self, epoch, logs=None):
                        if logs['val_dice'] > KeepBest.highest:
                            KeepBest.highest, KeepBest.weights = logs['val_dice'], self.model.get_weights()

                    def on_train_end(self, logs=None):
                        if KeepBest.weights is not None:
                            self.model.set_weights(KeepBest.weights)
            """,
        ("rounds the score", "without rounding"): {
            'if logs["val_dice"] > self.highest': 'if round(logs["val_dice"], 2) > self.highest'
        },
    },
    "train": {
        ("validates on the first batch alone", "all of it"): {
            "validation_data=validation": "validation_data=(validation[0][:8], validation[1][:8])"
        },
        ("stops early", "stop nothing early"): {
            "list(callbacks)": "[*callbacks, keras.callbacks.EarlyStopping(patience=1)]"
        },
        ("returns what fit returns", ".history is wanted"): {"return history.history": "return history"},
        ("does not validate", "give fit the validation pair as validation_data"): {"validation_data=validation, ": ""},
        ("no score", "metrics=[metrics.CountedDice()]"): {", metrics=[score]": ""},
        ("forgets the callbacks", "hand callbacks on to fit"): {"callbacks=list(callbacks), ": ""},
        ("hands on the first callback alone", "both of two callbacks"): {"list(callbacks)": "list(callbacks)[:1]"},
        ("schedule counts epochs", "it counts steps, not epochs"): {"epochs * -(-len(images) // 8)": "epochs"},
        ("leaves out the smaller batch", "smaller last batch"): {"-(-len": "(len"},
        ("a step for each image", "not images"): {"epochs * -(-len(images) // 8)": "epochs * len(images)"},
        ("no warm-up", "warm-up from 0"): {
            'rate = schedules.get("cosine", 0.003, ': "rate = keras.optimizers.schedules.CosineDecay(0.003, ",
        },
        ("one step too many", "a full one only one"): {
            "epochs * -(-len(images) // 8)": "epochs * (len(images) // 8 + 1)"
        },
        ("constant rate", "give AdamW the schedule"): {"AdamW(rate)": "AdamW(0.003)"},
        ("drops the batch size", "set batch_size=8"): {"batch_size=8, ": ""},
        ("another loss", "expected the loss losses.DiceCrossEntropy"): {
            "loss=losses.DiceCrossEntropy()": "loss=losses.Dice()"
        },
        ("validates on its training data", "the pair `validation`"): {
            "validation_data=validation": "validation_data=(images, masks)"
        },
        ("trains on wrong targets", "images and masks as they are"): {
            "images, masks, batch_size": "images, 1 - masks, batch_size"
        },
        ("another score of that name", "CountedDice"): {
            "score = keras.optimizers.AdamW(rate), metrics.CountedDice()": "score = keras.optimizers.AdamW(rate), keras.metrics.BinaryIoU([1], name='dice')"
        },
        ("no weight decay", "other settings"): {"AdamW(rate)": "AdamW(rate, weight_decay=0.0)"},
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "one-batch": [
        'return model.fit(images, masks, batch_size=len(images), epochs=steps, verbose=0).history["loss"]',
        """
            losses = np.zeros(steps)
            for step in range(steps):
                losses[step] = model.train_on_batch(images, masks, return_dict=True)["loss"]
            return losses
        """,
    ],
    "mend": [
        """
            rng = np.random.default_rng(0)
            kept = []
            for _ in range(epochs):
                order = rng.permutation(len(images))
                images, masks = images[order], masks[order]
                for start in range(0, len(images), batch):
                    rows = slice(start, start + batch)
                    kept.append(float(model.train_on_batch(images[rows], masks[rows])))
            return kept
        """,
        """
            kept = []
            for epoch in range(epochs):
                images = np.random.default_rng(epoch).permutation(images)
                masks = np.random.default_rng(epoch).permutation(masks)
                for start in range(0, len(images), batch):
                    kept.append(model.train_on_batch(images[start : start + batch], masks[start : start + batch]))
            return kept
        """,
        {"images[rows], masks[rows]": "*(keras.ops.take(each, rows, axis=0) for each in (images, masks))"},
    ],
    "cosine": [
        """
            rise = steps // 20
            if step <= rise and rise > 0:
                return step / rise * highest
            return highest * np.cos(np.pi / 2 * (step - rise) / (steps - rise)) ** 2
        """,
        """
            warm_up = steps // 20
            rising = np.linspace(0, highest, warm_up, endpoint=False)
            falling = highest / 2 * (1 + np.cos(np.linspace(0, np.pi, steps - warm_up + 1)))
            return np.concatenate([rising, falling])[step]
        """,
        'return float(schedules.get("cosine", highest, steps)(step))',
        {"(1 + np.cos(np.pi * done)) / 2": "(1 + keras.ops.cos(np.pi * done)) / 2"},
        """
            rise = steps // 20
            falling = keras.optimizers.schedules.CosineDecay(highest, steps - rise)
            return highest * step / rise if step < rise else falling(step - rise)
        """,
    ],
    "keep-best": [
        """
            class KeepBest(keras.callbacks.Callback):
                def on_train_begin(self, logs=None):
                    self.best, self.saved = -1.0, None

                def on_epoch_end(self, epoch, logs=None):
                    if logs["val_dice"] > self.best:
                        self.best = logs["val_dice"]
                        self.saved = self.model.get_weights()

                def on_train_end(self, logs=None):
                    self.model.set_weights(self.saved) if self.saved else None
        """,
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
        """
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
        """,
        """
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
        {"loss=losses.DiceCrossEntropy()": "loss=losses.DiceCrossEntropy(name='my_loss')"},
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
