"""What learners answer in lesson 07, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "channel-weights": {
        "the mean over the batch too": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=(0, 1, 2)) @ first, 0)
    return 1 / (1 + np.exp(-hidden @ second))
""",
            "axes 1 and 2, and leaves slices and channels",
        ),
        "the mean over the channels": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=-1) @ first, 0)
    return 1 / (1 + np.exp(-hidden @ second))
""",
            "axes 1 and 2, and leaves slices and channels",
        ),
        "the mean over width and channels": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=(2, 3)) @ first, 0)
    return 1 / (1 + np.exp(-hidden @ second))
""",
            "the mean goes over height and width, axes 1 and 2",
        ),
        "a softmax": (
            """
def channel_weights(features, first, second):
    scores = np.exp(np.maximum(features.mean(axis=(1, 2)) @ first, 0) @ second)
    return scores / scores.sum(axis=1, keepdims=True)
""",
            "a softmax makes channels compete",
        ),
        "no ReLU": (
            """
def channel_weights(features, first, second):
    return 1 / (1 + np.exp(-(features.mean(axis=(1, 2)) @ first @ second)))
""",
            "the ReLU between the two matrices is missing",
        ),
        "no sigmoid": (
            """
def channel_weights(features, first, second):
    return np.maximum(features.mean(axis=(1, 2)) @ first, 0) @ second
""",
            "before the sigmoid",
        ),
        "a ReLU at the end too": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=(1, 2)) @ first, 0)
    return 1 / (1 + np.exp(-np.maximum(hidden @ second, 0)))
""",
            "no weight below 0.5",
        ),
        "the maximum": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.max(axis=(1, 2)) @ first, 0)
    return 1 / (1 + np.exp(-hidden @ second))
""",
            "not its maximum",
        ),
        "the sum": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.sum(axis=(1, 2)) @ first, 0)
    return 1 / (1 + np.exp(-hidden @ second))
""",
            "not its sum",
        ),
        "forgets the minus": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=(1, 2)) @ first, 0)
    return 1 / (1 + np.exp(hidden @ second))
""",
            "with a minus",
        ),
        "the matrices the other way round": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=(1, 2)) @ second, 0)
    return 1 / (1 + np.exp(-hidden @ first))
""",
            "have changed places",
        ),
        "scales the features": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=(1, 2)) @ first, 0)
    return features * (1 / (1 + np.exp(-hidden @ second)))[:, None, None]
""",
            "scaling them comes after",
        ),
        "returns nothing": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(features.mean(axis=(1, 2)) @ first, 0)
    1 / (1 + np.exp(-hidden @ second))
""",
            "got None: return them",
        ),
        "the mean over the batch too, stretched": (
            """
def channel_weights(features, first, second):
    means = np.broadcast_to(features.mean(axis=(0, 1, 2)), (len(features), features.shape[-1]))
    return 1 / (1 + np.exp(-np.maximum(means @ first, 0) @ second))
""",
            "keeps the slices of a batch apart",
        ),
        "the matrices from the left": (
            """
def channel_weights(features, first, second):
    hidden = np.maximum(first @ features.mean(axis=(1, 2)).T, 0)
    return (1 / (1 + np.exp(-second @ hidden))).T
""",
            "the matrices stand on the right",
        ),
        "the rule made up": (
            """
def channel_weights(features, first, second):
    return 1 - features.mean(axis=(1, 2))
""",
            "1 - mean was our own rule",
        ),
    },
    "excitation": {
        "keeps the biases": (
            """
class Excitation(keras.layers.Layer):
    def __init__(self, ratio=16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        self.first = keras.layers.Dense(max(input_shape[-1] // self.ratio, 1), "relu")
        self.second = keras.layers.Dense(input_shape[-1], "sigmoid")

    def call(self, inputs):
        weights = self.second(self.first(keras.ops.mean(inputs, axis=(1, 2))))
        return inputs * keras.ops.expand_dims(weights, (1, 2))
""",
            "biases",
        ),
        "the ratio for the units": (
            """
class Excitation(keras.layers.Layer):
    def __init__(self, ratio=16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        self.first = keras.layers.Dense(self.ratio, "relu", use_bias=False)
        self.second = keras.layers.Dense(input_shape[-1], "sigmoid", use_bias=False)

    def call(self, inputs):
        weights = self.second(self.first(keras.ops.mean(inputs, axis=(1, 2))))
        return inputs * keras.ops.expand_dims(weights, (1, 2))
""",
            "not `ratio` of them",
        ),
        "no unit for few channels": (
            """
class Excitation(keras.layers.Layer):
    def __init__(self, ratio=16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        self.first = keras.layers.Dense(input_shape[-1] // self.ratio, "relu", use_bias=False)
        self.second = keras.layers.Dense(input_shape[-1], "sigmoid", use_bias=False)

    def call(self, inputs):
        weights = self.second(self.first(keras.ops.mean(inputs, axis=(1, 2))))
        return inputs * keras.ops.expand_dims(weights, (1, 2))
""",
            "max(channels // ratio, 1)",
        ),
        "a softmax": (
            """
class Excitation(attention.SqueezeExcitation):
    def build(self, input_shape):
        super().build(input_shape)
        self.excite.activation = keras.activations.softmax
""",
            "no softmax",
        ),
        "no sigmoid": (
            """
class Excitation(attention.SqueezeExcitation):
    def build(self, input_shape):
        super().build(input_shape)
        self.excite.activation = keras.activations.linear
""",
            "needs its sigmoid",
        ),
        "no ReLU": (
            """
class Excitation(attention.SqueezeExcitation):
    def build(self, input_shape):
        super().build(input_shape)
        self.squeeze.activation = keras.activations.linear
""",
            "needs its ReLU",
        ),
        "the mean over the batch too": (
            """
class Excitation(attention.SqueezeExcitation):
    def call(self, inputs):
        return inputs * self.excite(self.squeeze(keras.ops.mean(inputs, axis=(0, 1, 2))[None]))[:, None, None]
""",
            "keeps the slices of a batch apart",
        ),
        "adds": (
            """
class Excitation(attention.SqueezeExcitation):
    def call(self, inputs):
        return inputs + self.attention(inputs)
""",
            "multiply",
        ),
        "returns the weights": (
            """
class Excitation(attention.SqueezeExcitation):
    def call(self, inputs):
        return self.attention(inputs)
""",
            "multiply the inputs by their weights",
        ),
        "no axes for height and width": (
            """
class Excitation(attention.SqueezeExcitation):
    def call(self, inputs):
        return inputs * self.excite(self.squeeze(keras.ops.mean(inputs, axis=(1, 2))))
""",
            "expand_dims",
        ),
        "NumPy": (
            """
class Excitation(attention.SqueezeExcitation):
    def call(self, inputs):
        weights = self.excite(self.squeeze(np.mean(inputs, axis=(1, 2))))
        return inputs * keras.ops.expand_dims(weights, (1, 2))
""",
            "no NumPy",
        ),
        "returns nothing": (
            """
class Excitation(attention.SqueezeExcitation):
    def call(self, inputs):
        inputs * self.attention(inputs)
""",
            "call returns them",
        ),
        "a method of NumPy": (
            """
class Excitation(attention.SqueezeExcitation):
    def call(self, inputs):
        return inputs * self.excite(self.squeeze(inputs.mean(axis=(1, 2))))[:, None, None]
""",
            "a tensor has no .mean()",
        ),
        "the layers not kept": (
            """
class Excitation(keras.layers.Layer):
    def __init__(self, ratio=16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        first = keras.layers.Dense(max(input_shape[-1] // self.ratio, 1), "relu", use_bias=False)
        second = keras.layers.Dense(input_shape[-1], "sigmoid", use_bias=False)

    def call(self, inputs):
        return inputs * self.second(self.first(keras.ops.mean(inputs, axis=(1, 2))))[:, None, None]
""",
            "keep them as self.",
        ),
        "a fixed height and width": (
            """
class Excitation(keras.layers.Layer):
    def __init__(self, ratio=16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        self.first = keras.layers.Dense(max(input_shape[-1] // self.ratio, 1), "relu", use_bias=False)
        self.second = keras.layers.Dense(input_shape[-1], "sigmoid", use_bias=False)

    def call(self, inputs):
        means = keras.ops.sum(inputs, axis=(1, 2)) / (inputs.shape[1] * inputs.shape[2])
        return inputs * self.second(self.first(means))[:, None, None]
""",
            "no fixed height or width",
        ),
        "one square matrix": (
            """
class Excitation(keras.layers.Layer):
    def __init__(self, ratio=16, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        self.one = self.add_weight(shape=(input_shape[-1], 4))

    def call(self, inputs):
        return inputs * keras.ops.mean(inputs, axis=(1, 2), keepdims=True)
""",
            "expected matrices of (8, 2) and (2, 8)",
        ),
    },
    "cost": {
        "the level's own channels": (
            """
def added_parameters(filters, ratio, everywhere):
    widths = [filters * 2**level for level in range(4)]
    channels = widths + ([*widths, filters] if everywhere else [])
    return sum(2 * count * max(count // ratio, 1) for count in channels)
""",
            "twice the channels of its level",
        ),
        "one matrix": (
            """
def added_parameters(filters, ratio, everywhere):
    return sum(count * max(count // ratio, 1) for count in [2 * filters * 2**level for level in range(4)])
""",
            "two matrices",
        ),
        "counts biases": (
            """
def added_parameters(filters, ratio, everywhere):
    total = 0
    for channels in [2 * filters * 2**level for level in range(4)]:
        units = max(channels // ratio, 1)
        total += 2 * channels * units + channels + units
    return total
""",
            "no biases",
        ),
        "forgets the head": (
            """
def added_parameters(filters, ratio, everywhere):
    widths = [filters * 2**level for level in range(4)]
    channels = [2 * width for width in widths] + (widths if everywhere else [])
    return sum(2 * count * max(count // ratio, 1) for count in channels)
""",
            "before the head",
        ),
        "the level below the pool": (
            """
def added_parameters(filters, ratio, everywhere):
    widths = [filters * 2**level for level in range(4)]
    channels = [2 * width for width in widths]
    if everywhere:
        channels += [2 * width for width in widths] + [filters]
    return sum(2 * count * max(count // ratio, 1) for count in channels)
""",
            "not those of the level below",
        ),
        "a fifth pool, and no head": (
            """
def added_parameters(filters, ratio, everywhere):
    widths = [filters * 2**level for level in range(5)]
    channels = [2 * width for width in widths[:4]] + (widths if everywhere else [])
    return sum(2 * count * max(count // ratio, 1) for count in channels)
""",
            "a fifth pool is counted",
        ),
        "the stages alone": (
            """
def added_parameters(filters, ratio, everywhere):
    widths = [filters * 2**level for level in range(4)]
    channels = [*widths, filters] if everywhere else [2 * width for width in widths]
    return sum(2 * count * max(count // ratio, 1) for count in channels)
""",
            "everywhere means the merges too",
        ),
        "no unit for few channels": (
            """
def added_parameters(filters, ratio, everywhere):
    widths = [filters * 2**level for level in range(4)]
    channels = [2 * width for width in widths] + ([*widths, filters] if everywhere else [])
    return sum(2 * count * (count // ratio) for count in channels)
""",
            "there is at least one unit",
        ),
        "ignores everywhere": (
            """
def added_parameters(filters, ratio, everywhere):
    return sum(2 * count * max(count // ratio, 1) for count in [2 * filters * 2**level for level in range(4)])
""",
            "there are five more",
        ),
        "known numbers": (
            """
def added_parameters(filters, ratio, everywhere):
    known = {(4, 2, False): 5440, (4, 16, True): 880, (32, 16, True): 54_528, (32, 16, False): 43_520}
    return known.get((filters, ratio, everywhere), 0) 
""",
            "got 0",
        ),
    },
    "plug": {
        "no plug": (
            """
def attended_unet(filters, everywhere):
    return zoo.build("UNet", (None, None, 3), filters=filters)
""",
            "there is no SE in it",
        ),
        "at the skips": (
            """
def attended_unet(filters, everywhere):
    widths = [filters * 2**level for level in range(5)]

    def plug(level, channels):
        return attention.SqueezeExcitation()

    return unet.build_unet(encoders.plain(widths), widths[-2::-1], (None, None, 3), skip=plug)
""",
            "SEs on the skips",
        ),
        "the class for a plug": (
            """
def attended_unet(filters, everywhere):
    widths = [filters * 2**level for level in range(5)]
    return unet.build_unet(
        encoders.plain(widths), widths[-2::-1], (None, None, 3), merge=attention.SqueezeExcitation
    )
""",
            "a function of (level, channels)",
        ),
        "a layer for a plug": (
            """
def attended_unet(filters, everywhere):
    widths = [filters * 2**level for level in range(5)]
    return unet.build_unet(
        encoders.plain(widths), widths[-2::-1], (None, None, 3), merge=attention.SqueezeExcitation()
    )
""",
            "a function of (level, channels)",
        ),
        "one layer for all": (
            """
def attended_unet(filters, everywhere):
    widths, layer = [filters * 2**level for level in range(5)], attention.SqueezeExcitation()
    return unet.build_unet(
        encoders.plain(widths), widths[-2::-1], (None, None, 3), merge=lambda level, channels: layer
    )
""",
            "a new layer each time",
        ),
        "always everywhere": (
            """
def attended_unet(filters, everywhere):
    return zoo.build("Full_SE_UNet", (None, None, 3), filters=filters)
""",
            "so the merges alone",
        ),
        "never everywhere": (
            """
def attended_unet(filters, everywhere):
    return zoo.build("SE_UNet", (None, None, 3), filters=filters)
""",
            "stage=plug too",
        ),
        "everywhere without the merges": (
            """
def attended_unet(filters, everywhere):
    widths = [filters * 2**level for level in range(5)]

    def plug(level, channels):
        return attention.SqueezeExcitation()

    place = {"stage" if everywhere else "merge": plug}
    return unet.build_unet(encoders.plain(widths), widths[-2::-1], (None, None, 3), **place)
""",
            "everywhere means the merges too",
        ),
        "always 32 filters": (
            """
def attended_unet(filters, everywhere):
    return zoo.build("Full_SE_UNet" if everywhere else "SE_UNet", (None, None, 3))
""",
            "use `filters`",
        ),
        "another ratio": (
            """
def attended_unet(filters, everywhere):
    widths = [filters * 2**level for level in range(5)]

    def plug(level, channels):
        return attention.SqueezeExcitation(ratio=8)

    return unet.build_unet(
        encoders.plain(widths), widths[-2::-1], (None, None, 3), merge=plug, stage=plug if everywhere else None
    )
""",
            "ratio 16",
        ),
        "returns nothing": (
            """
def attended_unet(filters, everywhere):
    zoo.build("SE_UNet", (None, None, 3), filters=filters)
""",
            "return what build_unet gives",
        ),
        "one name for all": (
            """
def attended_unet(filters, everywhere):
    widths = [filters * 2**level for level in range(5)]

    def plug(level, channels):
        return attention.SqueezeExcitation(name="se")

    return unet.build_unet(
        encoders.plain(widths), widths[-2::-1], (None, None, 3), merge=plug, stage=plug if everywhere else None
    )
""",
            "one name serves two layers",
        ),
        "one name for each level": (
            """
def attended_unet(filters, everywhere):
    widths = [filters * 2**level for level in range(5)]

    def plug(level, channels):
        return attention.SqueezeExcitation(name=f"se_{level}")

    return unet.build_unet(
        encoders.plain(widths), widths[-2::-1], (None, None, 3), merge=plug, stage=plug if everywhere else None
    )
""",
            "one with place and level in it",
        ),
    },
    "fold": {
        "the channels that go out": (
            """
def fold(kernel, factors):
    return kernel * factors
""",
            "they belong to those that come in",
        ),
        "divides": (
            """
def fold(kernel, factors):
    return kernel / factors[:, None]
""",
            "do not divide",
        ),
        "the width": (
            """
def fold(kernel, factors):
    return kernel * factors[:, None, None]
""",
            "the kernel's width",
        ),
        "in place": (
            """
def fold(kernel, factors):
    kernel *= factors[:, None]
    return kernel
""",
            "no *=",
        ),
        "the mean": (
            """
def fold(kernel, factors):
    return kernel * factors.mean()
""",
            "its own factor",
        ),
        "adds up": (
            """
def fold(kernel, factors):
    return (kernel * factors[:, None]).sum(axis=2)
""",
            "the kernel's shape",
        ),
        "returns nothing": (
            """
def fold(kernel, factors):
    kernel * factors[:, None]
""",
            "return it",
        ),
        "the axes change places": (
            """
def fold(kernel, factors):
    return np.swapaxes(kernel, 2, 3) * factors
""",
            "have changed places",
        ),
        "one channel too few": (
            """
def fold(kernel, factors):
    folded = kernel.copy()
    for channel in range(1, len(factors)):
        folded[:, :, channel] *= factors[channel]
    return folded
""",
            "[row, column, channel in, channel out]",
        ),
    },
}

# {exercise: answers}: correct, but written differently from the solution; each is accepted.
RIGHT = {
    "channel-weights": [
        """
def channel_weights(features, first, second):
    count, _, _, channels = features.shape
    means = features.reshape(count, -1, channels).sum(axis=1) / (features.shape[1] * features.shape[2])
    scores = np.clip(means @ first, 0, None) @ second
    return np.exp(scores) / (1 + np.exp(scores))
""",
        """
def channel_weights(features, first, second):
    def of_one(features):
        hidden = np.einsum("hwc,cu->u", features, first) / features[..., 0].size
        return 1 / (1 + np.exp(-np.where(hidden > 0, hidden, 0).dot(second)))

    return np.array([of_one(each) for each in features])
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
def added_parameters(filters, ratio, everywhere):
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
def added_parameters(filters, ratio, everywhere):
    channels = [filters * times for times in ((2, 4, 8, 16, 1, 2, 4, 8, 1) if everywhere else (2, 4, 8, 16))]
    return 2 * sum(count * (count // ratio or 1) for count in channels)
""",
    ],
    "plug": [
        """
def attended_unet(filters, everywhere):
    return zoo.build("Full_SE_UNet" if everywhere else "SE_UNet", (None, None, 3), filters=filters)
""",
        """
def attended_unet(filters, everywhere):
    plugs = {"merge": lambda level, width: attention.SqueezeExcitation(16)}
    if everywhere:
        plugs["stage"] = plugs["merge"]
    widths = [filters, 2 * filters, 4 * filters, 8 * filters]
    return unet.build_unet(encoders.plain([*widths, 16 * filters]), widths[::-1], (None, None, 3), **plugs)
""",
    ],
    "fold": [
        """
def fold(kernel, factors):
    return kernel * np.reshape(factors, (1, 1, -1, 1))
""",
        """
def fold(kernel, factors):
    folded = np.empty_like(kernel)
    for channel, factor in enumerate(factors):
        folded[:, :, channel] = factor * kernel[:, :, channel]
    return folded
""",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("np.min(dice['SE_UNet'] + dice['UNet'])", "0.2", "0.9"),
    ("np.max(dice['SE_UNet'] + dice['UNet'])", "0.2", "0.9"),
    ("between_channels", "0.03", "0.3"),
    ("between_slices", "0.01", "0.15"),
    ("np.mean(difference)", "0.0", "0.1"),
    ("in_step['brightness']", "0.2", "0.9"),
    ("np.mean(left['as trained']) - np.mean(left['all 1'])", "0.1", "0.7"),
    ('np.mean(left["as trained"]) - np.mean(left["another slice\'s"])', "0.05", "0.6"),
    ("asleep[1]", "0.05", "0.6"),
]
