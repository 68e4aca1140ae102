"""What learners answer in lesson 07, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "channel-weights": {
        ("means in the features' type", "means of whole numbers are not whole"): {
            "mean(axis=(1, 2))": "mean(axis=(1, 2), dtype=features.dtype)"
        },
        ("drops the axis of a single slice", "for a single slice"): {
            "1 / (1 + np.exp(-hidden @ second))": "(1 / (1 + np.exp(-hidden @ second))).squeeze()"
        },
        ("the mean over the batch too", "axes 1 and 2, and leaves slices and channels"): {"axis=(1": "axis=(0, 1"},
        ("the mean over the channels", "axes 1 and 2, and leaves slices and channels"): {"axis=(1, 2)": "axis=-1"},
        ("the mean over width and channels", "the mean goes over height and width, axes 1 and 2"): {"(1, 2)": "(2, 3)"},
        ("a softmax", "a softmax makes channels compete"): {
            "return 1 / (1 + np.exp(-hidden @ second))": """
                scores = np.exp(hidden @ second)
                return scores / scores.sum(axis=1, keepdims=True)
            """,
        },
        ("no ReLU", "the ReLU between the two matrices is missing"): """
            return 1 / (1 + np.exp(-(features.mean(axis=(1, 2)) @ first @ second)))
        """,
        ("no sigmoid", "before the sigmoid"): "return np.maximum(features.mean(axis=(1, 2)) @ first, 0) @ second",
        ("a ReLU at the end too", "no weight below 0.5"): {"-hidden @ second": "-np.maximum(hidden @ second, 0)"},
        ("the maximum", "not its maximum"): {"features.mean": "features.max"},
        ("the sum", "not its sum"): {"features.mean": "features.sum"},
        ("forgets the minus", "with a minus"): {"-hidden": "hidden"},
        ("the matrices the other way round", "have changed places"): {
            "means @ first": "means @ second",
            "hidden @ second": "hidden @ first",
        },
        ("clips the scores", "large scores go through"): {"-hidden @ second": "-np.clip(hidden @ second, -10, 10)"},
        ("scales the features", "scaling them comes after"): {
            "1 / (1 + np.exp(-hidden @ second))": "features * (1 / (1 + np.exp(-hidden @ second)))[:, None, None]",
        },
        ("returns nothing", "got None: return it"): {"return 1": "1"},
        ("the mean over the batch too, stretched", "keeps the slices of a batch apart"): {
            "features.mean(axis=(1, 2))": "np.broadcast_to(features.mean(axis=(0, 1, 2)), (len(features), features.shape[-1]))",
        },
        ("the matrices from the left", "the matrices stand on the right"): {
            "means @ first": "first @ means.T",
            "1 / (1 + np.exp(-hidden @ second))": "(1 / (1 + np.exp(-second @ hidden))).T",
        },
        ("the rule made up", "1 - mean was our own rule"): "return 1 - features.mean(axis=(1, 2))",
        ("changes the features", "stay as it is, but"): {
            "means = features": """
                features -= features.min() * 0
                features *= 0.999
                means = features
            """
        },
        ("rounds", "not rounded"): {
            "return 1 / (1 + np.exp(-hidden @ second))": "return np.round(1 / (1 + np.exp(-hidden @ second)), 5)"
        },
    },
    "excitation": {
        ("rounds the units up", "parameters, got"): {"max(channels // self.ratio, 1)": "-(-channels // self.ratio)"},
        ("keeps the biases", "biases"): {'"relu", use_bias=False': '"relu"', '"sigmoid", use_bias=False': '"sigmoid"'},
        ("the ratio for the units", "not `ratio` of them"): {"max(channels // self.ratio, 1)": "self.ratio"},
        ("no unit for few channels", "max(channels // ratio, 1)"): {
            "units = max(channels // self.ratio, 1)": "units = channels // self.ratio",
        },
        ("a softmax", "no softmax"): {'activation="sigmoid"': 'activation="softmax"'},
        ("no sigmoid", "needs its sigmoid"): {'activation="sigmoid", ': ""},
        ("no ReLU", "needs its ReLU"): {'activation="relu", ': ""},
        ("the mean over the batch too", "keeps the slices of a batch apart"): {"=(1, 2))": "=(0, 1, 2))[None]"},
        ("adds", "multiply"): {"inputs * keras": "inputs + keras"},
        ("returns the weights", "multiply the inputs by their weights"): {"inputs * keras": "keras"},
        ("no axes for height and width", "expand_dims"): {"keras.ops.expand_dims(weights, (1, 2))": "weights"},
        ("NumPy", "no NumPy"): {"keras.ops.mean": "np.mean"},
        ("returns nothing", "call returns them"): {"return inputs": "inputs"},
        ("a method of NumPy", "a tensor has no .mean()"): {"keras.ops.mean(inputs, ": "inputs.mean("},
        ("the layers not kept", "keep them as self."): {
            "self.first = keras": "first = keras",
            "self.second = keras": "second = keras",
            "self.first.build": "first.build",
            "self.second.build": "second.build",
        },
        ("a fixed height and width", "no fixed height or width"): {
            ".mean(inputs, axis=(1, 2))": ".sum(inputs, axis=(1, 2)) / (inputs.shape[1] * inputs.shape[2])",
        },
        ("one square matrix", "expected matrices of (8, 2) and (2, 8)"): """
            class Excitation(keras.layers.Layer):
                def __init__(self, ratio=16, **kwargs):
                    super().__init__(**kwargs)
                    self.ratio = ratio

                def build(self, input_shape):
                    self.one = self.add_weight(shape=(input_shape[-1], 4))

                def call(self, inputs):
                    return inputs * keras.ops.mean(inputs, axis=(1, 2), keepdims=True)
        """,
        ("a Dropout", "in training"): {
            "weights = self.second(self.first(keras.ops.mean(inputs, axis=(1, 2))))": "weights = self.drop(self.second(self.first(keras.ops.mean(inputs, axis=(1, 2)))))",
            "self.first.build": """
                self.drop = keras.layers.Dropout(0.2)
                self.first.build
            """,
        },
        ("a frozen layer", "that learn"): {
            'activation="relu", use_bias=False': 'activation="relu", use_bias=False, trainable=False'
        },
        ("begins with zeros", "drawn at random"): {
            'activation="sigmoid", use_bias=False': "activation=\"sigmoid\", use_bias=False, kernel_initializer='zeros'"
        },
    },
    "cost": {
        ("the level's own channels", "twice the channels of its level"): {
            "[2 * width for width in widths]": "list(widths)",
        },
        ("one matrix", "two matrices"): """
            return sum(count * max(count // ratio, 1) for count in [2 * filters * 2**level for level in range(4)])
        """,
        ("counts biases", "no biases"): {"ratio, 1)": "ratio, 1) + count + max(count // ratio, 1)"},
        ("forgets the head", "before the head"): {"[*widths, filters]": "widths"},
        ("the level below the pool", "not those of the level below"): {
            "[*widths, filters]": "[2 * width for width in widths] + [filters]",
        },
        ("a fifth pool, and no head", "a fifth pool is counted"): {"[*widths, filters]": "[*widths, filters * 16]"},
        ("the stages alone", "everywhere means the merges too"): {"channels +=": "channels ="},
        ("no unit for few channels", "there is at least one unit"): {"max(count // ratio, 1)": "(count // ratio)"},
        ("ignores everywhere", "there are five more"): """
            return sum(2 * count * max(count // ratio, 1) for count in [2 * filters * 2**level for level in range(4)])
        """,
        ("known numbers", "got 0"): """
            known = {(4, 2, False): 5440, (4, 16, True): 880, (32, 16, True): 54_528, (32, 16, False): 43_520}
            return known.get((filters, ratio, everywhere), 0)
        """,
        ("gives a float", "expected a whole number"): {"return sum(": "return 1.0 * sum("},
    },
    "plug": {
        ("no plug", "there is no SE in it"): 'return zoo.build("UNet", (None, None, 3), filters=filters)',
        ("at the skips", "SEs on the skips"): {"merge=plug, stage=at_stages": "skip=plug"},
        ("the class for a plug", "a function of (level, channels)"): {
            "3), merge=plug": "3), merge=attention.SqueezeExcitation",
        },
        ("a layer for a plug", "a function of (level, channels)"): {
            "3), merge=plug": "3), merge=attention.SqueezeExcitation()",
        },
        ("one layer for all", "a new layer each time"): {
            "def plug": "layer = attention.SqueezeExcitation()\n\ndef plug",
            "return attention.SqueezeExcitation()": "return layer",
        },
        ("always everywhere", "so the merges alone"): """
            return zoo.build("Full_SE_UNet", (None, None, 3), filters=filters)
        """,
        ("never everywhere", "stage=plug too"): 'return zoo.build("SE_UNet", (None, None, 3), filters=filters)',
        ("everywhere without the merges", "everywhere means the merges too"): {
            "merge=plug, stage": "merge=None if everywhere else plug, stage",
        },
        ("always 32 filters", "use `filters`"): """
            return zoo.build("Full_SE_UNet" if everywhere else "SE_UNet", (None, None, 3))
        """,
        ("another ratio", "ratio 16"): {"attention.SqueezeExcitation()": "attention.SqueezeExcitation(ratio=8)"},
        ("returns nothing", "return what build_unet gives"): 'zoo.build("SE_UNet", (None, None, 3), filters=filters)',
        ("one name for all", "one name serves two layers"): {".SqueezeExcitation()": '.SqueezeExcitation(name="se")'},
        ("one name for each level", "one with place and level in it"): {
            "attention.SqueezeExcitation()": 'attention.SqueezeExcitation(name=f"se_{level}")',
        },
        ("a Dropout behind the SE", "in training alone"): {
            "return attention.SqueezeExcitation()": "return keras.Sequential([attention.SqueezeExcitation(), keras.layers.Dropout(0.2)])"
        },
    },
    "fold": {
        ("lets no factor exceed 1", "times its own factor"): {"factors[": "np.minimum(factors, 1)["},
        ("loses the sign", "times its own factor"): {"factors[": "np.abs(factors)["},
        ("the channels that go out", "they belong to those that come in"): "return kernel * factors",
        ("divides", "do not divide"): {"kernel *": "kernel /"},
        ("the width", "the kernel's width"): {"factors[:,": "factors[:, None,"},
        ("in place", "stay as it is, but"): {
            "return kernel * factors[:, None]": "kernel *= factors[:, None]\nreturn kernel"
        },
        ("the mean", "its own factor"): "return kernel * factors.mean()",
        ("adds up", "the kernel's shape"): "return (kernel * factors[:, None]).sum(axis=2)",
        ("returns nothing", "return it"): {"return ": ""},
        ("the axes change places", "have changed places"): "return np.swapaxes(kernel, 2, 3) * factors",
        ("one channel too few", "[row, column, channel in, channel out]"): {"factors[": "np.array([1, *factors[1:]])["},
        ("changes the factors", "stay as it is, but"): {
            "return kernel": """
                factors /= 1.0
                factors += 1e-9
                return kernel
            """
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "channel-weights": [
        """
            count, _, _, channels = features.shape
            means = features.reshape(count, -1, channels).sum(axis=1) / (features.shape[1] * features.shape[2])
            scores = np.clip(means @ first, 0, None) @ second
            return np.exp(scores) / (1 + np.exp(scores))
        """,
        """
            def of_one(features):
                hidden = np.einsum("hwc,cu->u", features, first) / features[..., 0].size
                return 1 / (1 + np.exp(-np.where(hidden > 0, hidden, 0).dot(second)))

            return np.array([of_one(each) for each in features])
        """,
        """
            features, first, second = (keras.ops.cast(each, "float32") for each in (features, first, second))
            hidden = keras.ops.relu(keras.ops.matmul(keras.ops.mean(features, axis=(1, 2)), first))
            return keras.ops.sigmoid(keras.ops.matmul(hidden, second))
        """,
    ],
    "excitation": [
        """
            class Excitation(keras.layers.Layer):
                def __init__(self, ratio=16, **kwargs):
                    super().__init__(**kwargs)
                    self.ratio = ratio

                def build(self, input_shape):
                    units = max(1, input_shape[-1] // self.ratio)
                    self.pool = keras.layers.GlobalAveragePooling2D(keepdims=True)
                    self.one = keras.layers.Dense(units, "relu", use_bias=False)
                    self.two = keras.layers.Dense(input_shape[-1], "sigmoid", use_bias=False)

                def call(self, inputs):
                    return keras.layers.Multiply()([inputs, self.two(self.one(self.pool(inputs)))])
        """,
        """
            class Excitation(keras.layers.Layer):
                def __init__(self, ratio=16, **kwargs):
                    super().__init__(**kwargs)
                    self.ratio = ratio

                def build(self, input_shape):
                    units = max(1, input_shape[-1] // self.ratio)
                    self.one = self.add_weight(shape=(input_shape[-1], units))
                    self.two = self.add_weight(shape=(units, input_shape[-1]))

                def call(self, inputs):
                    means = keras.ops.mean(inputs, axis=(1, 2), keepdims=True)
                    hidden = keras.ops.relu(keras.ops.matmul(means, self.one))
                    return keras.ops.sigmoid(keras.ops.matmul(hidden, self.two)) * inputs
        """,
        """
            class Excitation(keras.layers.Layer):
                def __init__(self, ratio=16, **kwargs):
                    super().__init__(**kwargs)
                    self.ratio = ratio

                def build(self, input_shape):
                    self.last = keras.layers.Dense(input_shape[-1], "sigmoid", use_bias=False)
                    self.last.build((None, max(input_shape[-1] // self.ratio, 1)))
                    self.middle = keras.layers.Dense(max(input_shape[-1] // self.ratio, 1), "relu", use_bias=False)
                    self.middle.build((None, input_shape[-1]))

                def call(self, inputs):
                    return inputs * self.last(self.middle(keras.ops.mean(inputs, axis=(1, 2))))[:, None, None]
        """,
    ],
    "cost": [
        """
            def of_layer(channels):
                units = max(1, channels // ratio)
                return channels * units + units * channels

            total = 0
            for level in (1, 2, 3, 4):
                width = filters * 2 ** (level - 1)
                total += of_layer(2 * width) + (of_layer(width) if everywhere else 0)
            return total + (of_layer(filters) if everywhere else 0)
        """,
        """
            channels = [filters * times for times in ((2, 4, 8, 16, 1, 2, 4, 8, 1) if everywhere else (2, 4, 8, 16))]
            return 2 * sum(count * (count // ratio or 1) for count in channels)
        """,
    ],
    "plug": [
        'return zoo.build("Full_SE_UNet" if everywhere else "SE_UNet", (None, None, 3), filters=filters)',
        """
            plugs = {"merge": lambda level, width: attention.SqueezeExcitation(16)}
            if everywhere:
                plugs["stage"] = plugs["merge"]
            widths = [filters, 2 * filters, 4 * filters, 8 * filters]
            return unet.build_unet(encoders.plain([*widths, 16 * filters]), widths[::-1], (None, None, 3), **plugs)
        """,
    ],
    "fold": [
        "return kernel * np.reshape(factors, (1, 1, -1, 1))",
        """
            folded = np.empty_like(kernel)
            for channel, factor in enumerate(factors):
                folded[:, :, channel] = factor * kernel[:, :, channel]
            return folded
        """,
        'return keras.ops.multiply(keras.ops.cast(kernel, "float32"), keras.ops.cast(factors[:, None], "float32"))',
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("np.min(dice['SE_UNet'] + dice['UNet'])", "0.1", "0.9"),
    ("np.max(dice['SE_UNet'] + dice['UNet'])", "0.1", "0.9"),
    ("between_channels", "0.03", "0.3"),
    ("between_slices", "0.01", "0.15"),
    ("np.mean(difference)", "0.0", "0.1"),
    ("in_step['brightness']", "0.2", "0.9"),
    ("np.mean(left['as trained']) - np.mean(left['all 1'])", "0.1", "0.7"),
    ('np.mean(left["as trained"]) - np.mean(left["another slice\'s"])', "0.05", "0.6"),
    ("asleep[1]", "0.05", "0.6"),
]
