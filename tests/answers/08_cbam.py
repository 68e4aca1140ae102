"""Answers to the exercises of lesson 08 that its checks must reject, each with words of the message, or accept."""

GATE = """
def channel_gate(x, ratio):
    channels = x.shape[-1]
    squeeze = keras.layers.Dense(max(channels // ratio, 1), activation="relu")
    excite = keras.layers.Dense(channels)
    mean = keras.ops.mean(x, axis=(1, 2), keepdims=True)
    maximum = keras.ops.max(x, axis=(1, 2), keepdims=True)
    return x * keras.ops.sigmoid(excite(squeeze(mean)) + excite(squeeze(maximum)))
"""
WEIGHTS = """
def channel_weights(features, squeeze, excite):
    def dense(vectors, layer):
        return vectors @ layer[0] + layer[1]

    def read(vectors):
        return dense(np.maximum(dense(vectors, squeeze), 0), excite)

    mean, maximum = features.mean(axis=(1, 2)), features.max(axis=(1, 2))
    return 1 / (1 + np.exp(-(read(mean) + read(maximum))))
"""
SPATIAL = """
def spatial_gate(x):
    maps = [keras.ops.max(x, axis=-1, keepdims=True), keras.ops.mean(x, axis=-1, keepdims=True)]
    layer = keras.layers.Conv2D(1, 7, padding="same", use_bias=False)
    norm = keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-5)
    return x * keras.ops.sigmoid(norm(layer(keras.ops.concatenate(maps, axis=-1))))
"""
WHOLE = """
def cbam_unet(side, filters):
    inputs = keras.Input((side, side, 3))
    x, skips = inputs, []
    for level in (1, 2, 3, 4):
        plain = unet.double_convolution(x, filters * 2 ** (level - 1), f"encoder_{level}")
        attended = attention.CBAM()(plain)
        across, down = attended, (attended if level == 4 else plain)
        skips.append(across)
        x = keras.layers.MaxPooling2D(2)(down)
    x = unet.double_convolution(x, filters * 16, "bottleneck")
    for level in (4, 3, 2, 1):
        x = unet.transposed_merge(x, skips.pop(), filters * 2 ** (level - 1), f"decoder_{level}")
        x = unet.double_convolution(x, filters * 2 ** (level - 1), f"decoder_{level}")
    return keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))
"""


def but(answer, *changes):
    """The answer with (old, new) put in."""
    for old, new in changes:
        assert old in answer, old
        answer = answer.replace(old, new)
    return answer


# {exercise: {mistake: (the wrong answer, words of the message that names it)}}
WRONG = {
    "channel-weights": {
        "the mean alone": (but(WEIGHTS, ("read(mean) + read(maximum)", "read(mean)")), "only the mean was read"),
        "the maximum alone": (but(WEIGHTS, ("read(mean) + read(maximum)", "read(maximum)")), "that of the mean too"),
        "adds before the layers": (
            but(WEIGHTS, ("read(mean) + read(maximum)", "read(mean + maximum)")),
            "add behind them, not before",
        ),
        "averages": (
            but(WEIGHTS, ("(read(mean) + read(maximum))", "(read(mean) + read(maximum)) / 2")),
            "do not average",
        ),
        "two sigmoids": (
            but(
                WEIGHTS,
                (
                    "1 / (1 + np.exp(-(read(mean) + read(maximum))))",
                    "1 / (1 + np.exp(-read(mean))) + 1 / (1 + np.exp(-read(maximum)))",
                ),
            ),
            "one sigmoid of the sum",
        ),
        "no sigmoid": (
            but(WEIGHTS, ("1 / (1 + np.exp(-(read(mean) + read(maximum))))", "read(mean) + read(maximum)")),
            "goes through a sigmoid",
        ),
        "no ReLU": (
            but(WEIGHTS, ("np.maximum(dense(vectors, squeeze), 0)", "dense(vectors, squeeze)")),
            "comes a ReLU",
        ),
        "two ReLUs": (
            but(
                WEIGHTS,
                (
                    "dense(np.maximum(dense(vectors, squeeze), 0), excite)",
                    "np.maximum(dense(np.maximum(dense(vectors, squeeze), 0), excite), 0)",
                ),
            ),
            "also where it is below 0",
        ),
        "no first bias": (
            but(WEIGHTS, ("dense(vectors, squeeze)", "vectors @ squeeze[0]")),
            "the first bias is missing",
        ),
        "no second bias": (
            but(
                WEIGHTS,
                (
                    "dense(np.maximum(dense(vectors, squeeze), 0), excite)",
                    "np.maximum(dense(vectors, squeeze), 0) @ excite[0]",
                ),
            ),
            "the second bias is missing",
        ),
        "the second bias once": (
            but(WEIGHTS, ("read(mean) + read(maximum)", "read(mean) + read(maximum) - excite[1]")),
            "it counts twice",
        ),
        "over the channels": (
            but(
                WEIGHTS,
                ("features.mean(axis=(1, 2))", "features.mean(axis=-1)"),
                ("features.max(axis=(1, 2))", "features.max(axis=-1)"),
            ),
            "which are axes 1 and 2",
        ),
        "over width and channels": (
            but(WEIGHTS, ("axis=(1, 2)", "axis=(2, 3)")),
            "mean and maximum run over axes 1 and 2",
        ),
        "over the batch": (but(WEIGHTS, ("axis=(1, 2)", "axis=(0, 1, 2)")), "of 2 images"),
        "returns nothing": (but(WEIGHTS, ("    return 1 / (1 +", "    1 / (1 +")), "got None: return it"),
        "multiplies": (
            but(
                WEIGHTS,
                ("return 1 /", "return features * (1 /"),
                ("read(maximum))))", "read(maximum)))))[:, None, None]"),
            ),
            "expected the weights alone",
        ),
        "the maximum alone, by name": (
            but(WEIGHTS, ("read(mean) + read(maximum)", "read(maximum)")),
            "only the maximum read",
        ),
        "no bias at all": (
            but(WEIGHTS, ("vectors @ layer[0] + layer[1]", "vectors @ layer[0]")),
            "both biases are missing",
        ),
    },
    "channel-gate": {
        "two pairs": (
            but(
                GATE,
                (
                    "excite(squeeze(mean)) +",
                    'keras.layers.Dense(channels)(keras.layers.Dense(max(channels // ratio, 1), activation="relu")(mean)) +',
                ),
            ),
            "two pairs of layers",
        ),
        "no biases": (
            but(
                GATE,
                ('activation="relu")', 'activation="relu", use_bias=False)'),
                ("Dense(channels)", "Dense(channels, use_bias=False)"),
            ),
            "have biases",
        ),
        "the ratio forgotten": (but(GATE, ("channels // ratio", "channels")), "channels // ratio units"),
        "no unit at all": (but(GATE, ("max(channels // ratio, 1)", "channels // ratio")), "take at least 1"),
        "returns the weights": (but(GATE, ("return x *", "return")), "multiply x by the weights"),
        "no ReLU": (but(GATE, (', activation="relu"', "")), "ends in a ReLU"),
        "no sigmoid": (but(GATE, ("keras.ops.sigmoid", "")), "goes through a sigmoid"),
        "the mean alone": (but(GATE, (" + excite(squeeze(maximum))", "")), "only the mean was read"),
        "the maximum alone": (but(GATE, ("excite(squeeze(mean)) + ", "")), "results of mean and maximum are added"),
        "an activation on the second layer": (
            but(GATE, ("Dense(channels)", 'Dense(channels, activation="relu")')),
            "without an activation",
        ),
        "a sigmoid on the second layer": (
            but(GATE, ("Dense(channels)", 'Dense(channels, activation="sigmoid")'), ("keras.ops.sigmoid", "")),
            "then one sigmoid",
        ),
        "adds before the layers": (
            but(GATE, ("excite(squeeze(mean)) + excite(squeeze(maximum))", "excite(squeeze(mean + maximum))")),
            "add behind them",
        ),
        "averages": (
            but(
                GATE,
                (
                    "(excite(squeeze(mean)) + excite(squeeze(maximum)))",
                    "((excite(squeeze(mean)) + excite(squeeze(maximum))) / 2)",
                ),
            ),
            "do not average",
        ),
        "adds x": (but(GATE, ("return x *", "return x + x *")), "add nothing"),
        "no axes kept": (but(GATE, (", keepdims=True", "")), "laid along the width"),
        "two sigmoids": (
            but(GATE, ("Dense(channels)", 'Dense(channels, activation="sigmoid")')),
            "one sigmoid alone",
        ),
        "NumPy": (but(GATE, ("keras.ops.mean", "np.mean"), ("keras.ops.max", "np.max")), "no NumPy"),
        "put together along the batch": (
            but(
                GATE,
                (
                    "excite(squeeze(mean)) + excite(squeeze(maximum))",
                    "excite(squeeze(keras.ops.concatenate([mean, maximum], axis=0)))",
                ),
            ),
            "along the batch",
        ),
        "over the height alone": (but(GATE, ("axis=(1, 2)", "axis=1")), "over axes 1 and 2"),
    },
    "spatial-gate": {
        "the mean first": (
            but(
                SPATIAL,
                (
                    "[keras.ops.max(x, axis=-1, keepdims=True), keras.ops.mean(x, axis=-1, keepdims=True)]",
                    "[keras.ops.mean(x, axis=-1, keepdims=True), keras.ops.max(x, axis=-1, keepdims=True)]",
                ),
            ),
            "got the mean first",
        ),
        "a bias": (but(SPATIAL, (", use_bias=False", "")), "has no bias"),
        "no normalisation": (
            but(
                SPATIAL,
                ("norm(layer(keras.ops.concatenate(maps, axis=-1)))", "layer(keras.ops.concatenate(maps, axis=-1))"),
            ),
            "the normalisation is missing",
        ),
        "one map": (
            but(SPATIAL, (", keras.ops.mean(x, axis=-1, keepdims=True)]", "]")),
            "reads two maps",
        ),
        "reads all channels": (
            but(SPATIAL, ("layer(keras.ops.concatenate(maps, axis=-1))", "layer(x)")),
            "not the channels themselves",
        ),
        "over height and width": (
            but(SPATIAL, ("axis=-1, keepdims", "axis=(1, 2), keepdims")),
            "over the channels, axis -1",
        ),
        "over the height": (but(SPATIAL, ("axis=-1, keepdims", "axis=1, keepdims")), "over the channels, axis -1"),
        "a kernel of 3": (but(SPATIAL, ("Conv2D(1, 7", "Conv2D(1, 3")), "the kernel is 7 x 7"),
        "nothing padded": (but(SPATIAL, ('padding="same", ', "")), 'padding="same" the size'),
        "nothing padded, the map returned": (
            but(SPATIAL, ('padding="same", ', ""), ("return x * ", "return ")),
            'padding="same" keeps',
        ),
        "no axis kept": (but(SPATIAL, (", keepdims=True", "")), "keepdims=True keeps the axis"),
        "returns the map": (but(SPATIAL, ("return x * ", "return ")), "multiplied with x"),
        "no sigmoid": (but(SPATIAL, ("keras.ops.sigmoid", "")), "the sigmoid is missing"),
        "adds x": (but(SPATIAL, ("return x * ", "return x + x * ")), "add nothing"),
        "Keras' epsilon": (but(SPATIAL, (", epsilon=1e-5", "")), "where Keras has 1e-3"),
        "momentum 0.9": (but(SPATIAL, ("momentum=0.99", "momentum=0.9")), "momentum=0.99"),
        "a ReLU in between": (
            but(
                SPATIAL,
                (
                    "norm(layer(keras.ops.concatenate(maps, axis=-1)))",
                    "keras.ops.relu(norm(layer(keras.ops.concatenate(maps, axis=-1))))",
                ),
            ),
            "a ReLU before the sigmoid",
        ),
        "a ReLU in the convolution": (
            but(SPATIAL, ("use_bias=False)", 'use_bias=False, activation="relu")')),
            "a ReLU before the sigmoid",
        ),
        "scores cut off": (
            but(
                SPATIAL,
                (
                    "norm(layer(keras.ops.concatenate(maps, axis=-1)))",
                    "keras.ops.maximum(norm(layer(keras.ops.concatenate(maps, axis=-1))), -1)",
                ),
            ),
            "[image, row, column, channel]",
        ),
        "two filters": (but(SPATIAL, ("Conv2D(1,", "Conv2D(2,")), "one filter"),
        "a filter for each channel": (
            but(SPATIAL, ("Conv2D(1,", "Conv2D(4,")),
            "one filter",
        ),
    },
    "cbam": {
        "the other way round": (
            """
def cbam(x, ratio):
    return attention.ChannelGate(ratio)(attention.SpatialGate()(x))
""",
            "the order is the other way round",
        ),
        "side by side": (
            """
def cbam(x, ratio):
    return attention.ChannelGate(ratio)(x) * attention.SpatialGate()(x)
""",
            "the spatial gate reads what the channel gate gives",
        ),
        "added": (
            """
def cbam(x, ratio):
    channels = attention.ChannelGate(ratio)(x)
    return channels + attention.SpatialGate()(channels)
""",
            "its answer is returned as it is",
        ),
        "the ratio forgotten": (
            """
def cbam(x, ratio):
    return attention.SpatialGate()(attention.ChannelGate(1)(x))
""",
            "hand the ratio on",
        ),
        "always 16": (
            """
def cbam(x, ratio):
    return attention.CBAM()(x)
""",
            "with ratio 4 expected 654 parameters, got 264: hand the ratio on",
        ),
        "the channels alone": (
            """
def cbam(x, ratio):
    return attention.ChannelGate(ratio)(x)
""",
            "the spatial gate is missing",
        ),
        "the pixels alone": (
            """
def cbam(x, ratio):
    return attention.SpatialGate()(x)
""",
            "the channel gate is missing",
        ),
    },
    "cbam-unet": {
        "all pools read attended features": (
            but(WHOLE, ("(attended if level == 4 else plain)", "attended")),
            "expected pools 1 to 3",
        ),
        "no pool reads attended features": (
            but(WHOLE, ("(attended if level == 4 else plain)", "plain")),
            "expected pool 4 to read the attended",
        ),
        "crosses un-attended": (
            but(WHOLE, ("across, down = attended", "across, down = plain")),
            "expected 4 layers attention.CBAM",
        ),
        "three skips": (
            but(WHOLE, ("attention.CBAM()(plain)", "attention.CBAM()(plain) if level < 4 else plain")),
            "expected 4 layers attention.CBAM",
        ),
        "on the concatenations": (
            but(
                WHOLE,
                ("attention.CBAM()(plain)", "plain"),
                (
                    '        x = unet.double_convolution(x, filters * 2 ** (level - 1), f"decoder',
                    '        x = attention.CBAM()(x)\n        x = unet.double_convolution(x, filters * 2 ** (level - 1), f"decoder',
                ),
            ),
            "on the skips, before the concatenation",
        ),
        "the plain U-Net": (
            but(WHOLE, ("attention.CBAM()(plain)", "plain")),
            "expected 4 layers attention.CBAM, got 0",
        ),
        "squeeze-and-excitation": (but(WHOLE, ("attention.CBAM()", "attention.SqueezeExcitation()")), "got 0"),
        "no sigmoid": (but(WHOLE, (', activation="sigmoid"', "")), "ends in a sigmoid"),
        "a head without bias": (
            but(WHOLE, ('activation="sigmoid")', 'activation="sigmoid", use_bias=False)')),
            "a head with bias",
        ),
        "always 16 filters": (but(WHOLE, ("    inputs =", "    filters = 16\n    inputs =")), "use `filters`"),
        "the filters for the ratio": (
            but(WHOLE, ("attention.CBAM()", "attention.CBAM(filters)")),
            "expected CBAMs of ratio 16",
        ),
        "the skips from the start": (but(WHOLE, ("skips.pop()", "skips.pop(0)")), "take the skips from the end"),
        "the skip first": (but(WHOLE, ("(x, skips.pop(),", "(skips.pop(), x,")), "the decoder first and then the skip"),
        "returns the output": (
            but(
                WHOLE,
                ("return keras.Model(inputs, ", "return ("),
            ),
            "keras.Model(inputs, outputs)",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "channel-weights": [
        WEIGHTS,
        """
def channel_weights(features, squeeze, excite):
    scores = 0
    for vectors in (np.max(features, (1, 2)), np.mean(features, (1, 2))):
        inner = np.einsum("bc,cu->bu", vectors, squeeze[0]) + squeeze[1]
        scores = scores + np.where(inner > 0, inner, 0).dot(excite[0]) + excite[1]
    return np.exp(scores) / (1 + np.exp(scores))
""",
    ],
    "channel-gate": [
        but(
            GATE,
            ("excite(squeeze(mean)) + excite(squeeze(maximum))", "excite(squeeze(maximum)) + excite(squeeze(mean))"),
        ),
        """
def channel_gate(x, ratio):
    return attention.ChannelGate(ratio)(x)
""",
        """
def channel_gate(x, ratio):
    channels = x.shape[-1]
    pair = keras.Sequential([keras.layers.Dense(max(1, channels // ratio)), keras.layers.ReLU(), keras.layers.Dense(channels)])
    readings = [keras.layers.GlobalAveragePooling2D()(x), keras.layers.GlobalMaxPooling2D()(x)]
    weights = keras.layers.Activation("sigmoid")(keras.layers.Add()([pair(reading) for reading in readings]))
    return keras.layers.Multiply()([x, keras.layers.Reshape((1, 1, channels))(weights)])
""",
    ],
    "spatial-gate": [
        SPATIAL,
        """
def spatial_gate(x):
    return attention.SpatialGate()(x)
""",
        """
def spatial_gate(x):
    high, mean = keras.ops.amax(x, axis=3)[..., None], keras.ops.average(x, axis=3)[..., None]
    y = keras.layers.Concatenate()([high, mean])
    y = keras.layers.Conv2D(1, (7, 7), padding="same", use_bias=False)(y)
    y = keras.layers.Activation("sigmoid")(keras.layers.BatchNormalization(epsilon=1e-5)(y))
    return keras.layers.Multiply()([x, y])
""",
    ],
    "cbam": [
        """
def cbam(x, ratio):
    return attention.CBAM(ratio)(x)
""",
        """
def cbam(x, ratio):
    x = attention.ChannelGate(ratio=ratio)(x)
    return attention.SpatialGate(kernel_size=7)(x)
""",
    ],
    "cbam-unet": [
        WHOLE,
        """
def cbam_unet(side, filters):
    return zoo.build("CBAM_UNet", (side, side, 3), filters=filters)
""",
        """
def cbam_unet(side, filters):
    inputs = keras.Input((side, side, 3))

    def level(x, width, number):
        x = unet.double_convolution(x, width, f"down_{number}")
        if number == 5:
            return x
        across = attention.CBAM(ratio=16)(x)
        below = level(keras.layers.MaxPool2D()(across if number == 4 else x), 2 * width, number + 1)
        return unet.double_convolution(unet.transposed_merge(below, across, width, f"up_{number}"), width, f"up_{number}")

    logits = keras.layers.Conv2D(1, 1)(level(inputs, filters, 1))
    return keras.Model(inputs, keras.layers.Activation("sigmoid", dtype="float32")(logits))
""",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("min(min(values) for values in dice.values())", "0.1", "0.92"),
    ("max(max(values) for values in dice.values())", "0.1", "0.92"),
    ("spread", "0.02", "0.7"),
    ("least", "0.0", "0.8"),
    ("min(moves)", "-0.5", "0.3"),
    ("max(moves)", "-0.5", "0.3"),
]
