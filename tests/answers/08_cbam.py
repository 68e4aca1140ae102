"""What learners answer in lesson 08, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "channel-weights": {
        ("takes no maximum below 0", "nothing is added or rounded"): {
            "features.max(axis=(1, 2))": "np.maximum(features, 0).max(axis=(1, 2))"
        },
        ("drops the axis of a single image", "for a single image"): {
            "1 / (1 + np.exp(-scores))": "(1 / (1 + np.exp(-scores))).squeeze()"
        },
        ("no minus", "lacks its minus"): {"np.exp(-scores)": "np.exp(scores)"},
        ("a sigmoid of the sigmoid", "taken twice"): {
            "return 1 / (1 + np.exp(-scores))": "return 1 / (1 + np.exp(-1 / (1 + np.exp(-scores))))"
        },
        ("reads the mean twice", "only the mean was read, twice"): {"features.max(": "features.mean("},
        ("the mean alone", "only the mean was read"): {" + read(features.max(axis=(1, 2)))": ""},
        ("the maximum alone", "that of the mean too"): {"read(features.mean(axis=(1, 2))) + ": ""},
        ("adds before the layers", "add behind them, not before"): {"(1, 2))) + read(features": "(1, 2)) + features"},
        ("averages", "do not average"): {"np.exp(-scores)": "np.exp(-scores / 2)"},
        ("two sigmoids", "one sigmoid of the sum"): {
            "return 1 / (1 + np.exp(-scores))": "return sum(1 / (1 + np.exp(-read(v))) for v in (features.mean(axis=(1, 2)), features.max(axis=(1, 2))))",
        },
        ("no sigmoid", "goes through a sigmoid"): {"return 1 / (1 + np.exp(-scores))": "return scores"},
        ("no ReLU", "comes a ReLU"): {
            "np.maximum(vectors @ squeeze[0] + squeeze[1], 0)": "vectors @ squeeze[0] + squeeze[1]",
        },
        ("two ReLUs", "also where it is below 0"): {
            "return inner @ excite[0] + excite[1]": "return np.maximum(inner @ excite[0] + excite[1], 0)",
        },
        ("no first bias", "the first bias is missing"): {" + squeeze[1]": ""},
        ("no second bias", "the second bias is missing"): {" + excite[1]": ""},
        ("the second bias once", "it counts twice"): {"np.exp(-scores)": "np.exp(excite[1] - scores)"},
        ("over the channels", "which are axes 1 and 2"): {
            "mean(axis=(1, 2))": "mean(axis=-1)",
            "max(axis=(1, 2))": "max(axis=-1)",
        },
        ("over width and channels", "mean and maximum run over axes 1 and 2"): {
            "mean(axis=(1, 2))": "mean(axis=(2, 3))",
            "max(axis=(1, 2))": "max(axis=(2, 3))",
        },
        ("over the batch", "of 2 images"): {"mean(axis=(1": "mean(axis=(0, 1", "max(axis=(1": "max(axis=(0, 1"},
        ("returns nothing", "got None: return it"): {"return 1 / (1": "1 / (1"},
        ("multiplies", "expected the weights alone"): {
            "return 1 / (1 + np.exp(-scores))": "return features * (1 / (1 + np.exp(-scores)))[:, None, None]",
        },
        ("the maximum alone, by name", "only the maximum read"): {"read(features.mean(axis=(1, 2))) + ": ""},
        ("no bias at all", "both biases are missing"): {" + squeeze[1]": "", " + excite[1]": ""},
        ("changes the features", "stay as it is, but"): {
            "scores = read(": """
                features *= 0.5
                features *= 2
                features -= 0.001
                scores = read(
            """
        },
        ("rounds", "not rounded"): {
            "return 1 / (1 + np.exp(-scores))": "return np.round(1 / (1 + np.exp(-scores)), 5)"
        },
    },
    "channel-gate": {
        ("two pairs", "two pairs of layers"): {
            "return": 'again = keras.layers.Dense(max(channels // ratio, 1), activation="relu")\nreturn',
            "excite(squeeze(mean))": "keras.layers.Dense(channels)(again(mean))",
        },
        ("no biases", "have biases"): {'"relu"': '"relu", use_bias=False', "(channels)": "(channels, use_bias=False)"},
        ("the ratio forgotten", "channels // ratio units"): {"channels // ratio, 1": "channels, 1"},
        ("no unit at all", "take at least 1"): {"max(channels // ratio, 1)": "channels // ratio"},
        ("returns the weights", "multiply x by the weights"): {"return x *": "return"},
        ("no ReLU", "ends in a ReLU"): {', activation="relu"': ""},
        ("no sigmoid", "goes through a sigmoid"): {"keras.ops.sigmoid": ""},
        ("the mean alone", "only the mean was read"): {" + excite(squeeze(maximum))": ""},
        ("the maximum alone", "results of mean and maximum are added"): {"excite(squeeze(mean)) + ": ""},
        ("an activation on the second layer", "without an activation"): {"(channels)": '(channels, activation="relu")'},
        ("a sigmoid on the second layer", "then one sigmoid"): {
            "Dense(channels)": 'Dense(channels, activation="sigmoid")',
            "keras.ops.sigmoid": "",
        },
        ("adds before the layers", "add behind them"): {")) + excite(squeeze(": " + "},
        ("averages", "do not average"): {
            "excite(squeeze(mean)) + excite(squeeze(maximum))": "(excite(squeeze(mean)) + excite(squeeze(maximum))) / 2",
        },
        ("adds x", "add nothing"): {"return x *": "return x + x *"},
        ("no axes kept", "laid along the width"): {
            "mean(x, axis=(1, 2), keepdims=True)": "mean(x, axis=(1, 2))",
            "max(x, axis=(1, 2), keepdims=True)": "max(x, axis=(1, 2))",
        },
        ("two sigmoids", "one sigmoid alone"): {"Dense(channels)": 'Dense(channels, activation="sigmoid")'},
        ("NumPy", "no NumPy"): {"keras.ops.mean": "np.mean", "keras.ops.max": "np.max"},
        ("put together along the batch", "along the batch"): {
            "mean)) + excite(squeeze(maximum": "keras.ops.concatenate([mean, maximum], axis=0)",
        },
        ("over the height alone", "over axes 1 and 2"): {
            "mean(x, axis=(1, 2)": "mean(x, axis=1",
            "max(x, axis=(1, 2)": "max(x, axis=1",
        },
        ("a Dropout on the weights", "in training alone"): {
            "return x * keras.ops.sigmoid(excite(squeeze(mean)) + excite(squeeze(maximum)))": "return x * keras.layers.Dropout(0.1)(keras.ops.sigmoid(excite(squeeze(mean)) + excite(squeeze(maximum))))"
        },
        ("a name of its own", "can hold twice"): {'activation="relu")': "activation=\"relu\", name='squeeze')"},
        ("units rounded", "round() does not"): {"channels // ratio": "round(channels / ratio)"},
        ("a sigmoid of the sigmoid", "taken twice"): {
            "keras.ops.sigmoid(excite(squeeze(mean)) + excite(squeeze(maximum)))": "keras.ops.sigmoid(keras.ops.sigmoid(excite(squeeze(mean)) + excite(squeeze(maximum))))"
        },
        ("over the channels", "not over the channels"): {
            "mean(x, axis=(1, 2)": "mean(x, axis=-1",
            "max(x, axis=(1, 2)": "max(x, axis=-1",
        },
        ("the layer of helpers", "of your own"): "return attention.ChannelGate(ratio)(x)",
    },
    "spatial-gate": {
        ("NumPy", "no NumPy"): {"keras.ops.max": "np.max", "keras.ops.mean": "np.mean"},
        ("the mean first", "got the mean first"): {"[maximum, mean]": "[mean, maximum]"},
        ("a bias", "has no bias"): {", use_bias=False": ""},
        ("no normalisation", "the normalisation is missing"): {
            "    scores = keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-5)(scores)\n": "",
        },
        ("one map", "reads two maps"): {"[maximum, mean]": "[maximum]"},
        ("reads all channels", "not the channels themselves"): {"keras.ops.concatenate([maximum, mean], axis=-1)": "x"},
        ("over height and width", "over the channels, axis -1"): {
            "max(x, axis=-1": "max(x, axis=(1, 2)",
            "mean(x, axis=-1": "mean(x, axis=(1, 2)",
        },
        ("over the height", "over the channels, axis -1"): {
            "max(x, axis=-1": "max(x, axis=1",
            "mean(x, axis=-1": "mean(x, axis=1",
        },
        ("a kernel of 3", "the kernel is 7 x 7"): {"Conv2D(1, 7": "Conv2D(1, 3"},
        ("nothing padded", 'padding="same" the size'): {'padding="same", ': ""},
        ("nothing padded, the map returned", 'padding="same" keeps'): {'padding="same", ': "", "return x *": "return"},
        ("no axis kept", "keepdims=True keeps the axis"): {
            "max(x, axis=-1, keepdims=True)": "max(x, axis=-1)",
            "mean(x, axis=-1, keepdims=True)": "mean(x, axis=-1)",
        },
        ("returns the map", "multiplied with x"): {"return x *": "return"},
        ("no sigmoid", "the sigmoid is missing"): {"keras.ops.sigmoid": ""},
        ("adds x", "add nothing"): {"return x *": "return x + x *"},
        ("Keras' epsilon", "where Keras has 1e-3"): {", epsilon=1e-5": ""},
        ("momentum 0.9", "another momentum"): {"momentum=0.99": "momentum=0.9"},
        ("a ReLU in between", "a ReLU before the sigmoid"): {"sigmoid(scores)": "sigmoid(keras.ops.relu(scores))"},
        ("a ReLU in the convolution", "a ReLU before the sigmoid"): {"=False": '=False, activation="relu"'},
        ("scores cut off", "nothing but convolution"): {
            "sigmoid(scores)": "sigmoid(keras.ops.maximum(scores, -1))",
        },
        ("two filters", "one filter"): {"Conv2D(1,": "Conv2D(2,"},
        ("a filter for each channel", "one filter"): {"Conv2D(1,": "Conv2D(4,"},
        ("a Dropout on the features", "in training alone"): {
            "return x * keras.ops.sigmoid(scores)": "return keras.layers.SpatialDropout2D(0.2)(x) * keras.ops.sigmoid(scores)"
        },
        ("a name of its own", "can hold twice"): {"use_bias=False)": "use_bias=False, name='spatial')"},
        ("a sigmoid in the convolution", "none in the convolution"): {"=False": '=False, activation="sigmoid"'},
        ("a sigmoid of the sigmoid", "taken twice"): {"sigmoid(scores)": "sigmoid(keras.ops.sigmoid(scores))"},
        ("the layer of helpers", "of your own"): "return attention.SpatialGate()(x)",
    },
    "cbam": {
        ("the other way round", "the order is the other way round"): """
            return attention.ChannelGate(ratio)(attention.SpatialGate()(x))
        """,
        ("side by side", "the spatial gate reads what the channel gate gives"): """
            return attention.ChannelGate(ratio)(x) * attention.SpatialGate()(x)
        """,
        ("added", "its answer is returned as it is"): """
            channels = attention.ChannelGate(ratio)(x)
            return channels + attention.SpatialGate()(channels)
        """,
        ("the ratio forgotten", "hand the ratio on"): "return attention.SpatialGate()(attention.ChannelGate(1)(x))",
        ("always 16", "with ratio 4 expected 654 parameters, got 264: hand the ratio on"): {"(ratio)": "()"},
        ("the layer of helpers", "of your own"): "return attention.CBAM(ratio)(x)",
        ("the channels alone", "the spatial gate is missing"): "return attention.ChannelGate(ratio)(x)",
        ("the pixels alone", "the channel gate is missing"): "return attention.SpatialGate()(x)",
        ("a Dropout between the gates", "in training alone"): {
            "(attention.ChannelGate(ratio)(x))": "(keras.layers.Dropout(0.1)(attention.ChannelGate(ratio)(x)))"
        },
        ("a name of its own", "can hold twice"): {"SpatialGate()": "SpatialGate(name='spatial')"},
    },
    "cbam-unet": {
        ("all pools read attended features", "expected pools 1 to 3"): {"skips[-1] if level == 4 else x": "skips[-1]"},
        ("no pool reads attended features", "expected pool 4 to read the attended"): {
            "skips[-1] if level == 4 else x": "x",
        },
        ("crosses un-attended", "expected 4 layers attention.CBAM"): {
            "skips.append(attention.CBAM()(x))": "skips.append(x)",
            "skips[-1] if level == 4 else x": "attention.CBAM()(x) if level == 4 else x",
        },
        ("three skips", "expected 4 layers attention.CBAM"): {".CBAM()(x)": ".CBAM()(x) if level < 4 else x"},
        ("on the concatenations", "on the skips, before the concatenation"): {
            "attention.CBAM()(x)": "x",
            '), width, f"decoder_{level}")': '), width, f"decoder_{level}")\nx = attention.CBAM()(x)',
        },
        ("the plain U-Net", "expected 4 layers attention.CBAM, got 0"): {"attention.CBAM()(x)": "x"},
        ("squeeze-and-excitation", "got 0"): {"append(attention.CBAM()": "append(attention.SqueezeExcitation()"},
        ("no sigmoid", "ends in a sigmoid"): {', activation="sigmoid"': ""},
        ("a head without bias", "a head with bias"): {'activation="sigmoid"': 'activation="sigmoid", use_bias=False'},
        ("always 16 filters", "use `filters`"): {"x, skips = inputs, []": "x, skips, filters = inputs, [], 16"},
        ("the filters for the ratio", "expected CBAMs of ratio 16"): {"(attention.CBAM()": "(attention.CBAM(filters)"},
        ("the skips from the start", "take the skips from the end"): {"skips.pop()": "skips.pop(0)"},
        ("one name for all", "a name of its own"): {'f"encoder_{level}"': '"encoder"'},
        ("the skip first", "the decoder first and then the skip"): {"(x, skips.pop(),": "(skips.pop(), x,"},
        ("returns the output", "keras.Model(inputs, outputs)"): {"return keras.Model(inputs, ": "return ("},
        ("a Dropout in the bottleneck", "in training alone"): {
            'x = unet.double_convolution(x, filters * 16, "bottleneck")': 'x = keras.layers.Dropout(0.3)(unet.double_convolution(x, filters * 16, "bottleneck"))'
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "channel-weights": [
        """
            def dense(vectors, layer):
                return vectors @ layer[0] + layer[1]

            def read(vectors):
                return dense(np.maximum(dense(vectors, squeeze), 0), excite)

            mean, maximum = features.mean(axis=(1, 2)), features.max(axis=(1, 2))
            return 1 / (1 + np.exp(-(read(mean) + read(maximum))))
        """,
        """
            scores = 0
            for vectors in (np.max(features, (1, 2)), np.mean(features, (1, 2))):
                inner = np.einsum("bc,cu->bu", vectors, squeeze[0]) + squeeze[1]
                scores = scores + np.where(inner > 0, inner, 0).dot(excite[0]) + excite[1]
            return np.exp(scores) / (1 + np.exp(scores))
        """,
    ],
    "channel-gate": [
        {
            "keras.ops.sigmoid(excite(squeeze(mean))": "keras.ops.sigmoid(excite(squeeze(maximum))",
            "excite(squeeze(maximum)))": "excite(squeeze(mean)))",
        },
        """
            class Gate(keras.layers.Layer):
                def __init__(self, channels):
                    super().__init__()
                    self.excite = keras.layers.Dense(channels)
                    self.squeeze = keras.layers.Dense(max(channels // ratio, 1), activation="relu")

                def call(self, x):
                    mean, maximum = keras.ops.mean(x, (1, 2), keepdims=True), keras.ops.max(x, (1, 2), keepdims=True)
                    return x * keras.ops.sigmoid(self.excite(self.squeeze(mean)) + self.excite(self.squeeze(maximum)))

            return Gate(x.shape[-1])(x)
        """,
        """
            class Gate(keras.layers.Layer):
                def build(self, shape):
                    channels, units = shape[-1], max(shape[-1] // ratio, 1)
                    self.first, self.second = self.add_weight((channels, units)), self.add_weight((units, channels))
                    self.first_bias, self.second_bias = self.add_weight((units,)), self.add_weight((channels,))

                def read(self, vectors):
                    return keras.ops.relu(vectors @ self.first + self.first_bias) @ self.second + self.second_bias

                def call(self, x):
                    scores = self.read(keras.ops.mean(x, (1, 2))) + self.read(keras.ops.max(x, (1, 2)))
                    return x * keras.ops.sigmoid(scores)[:, None, None]

            return Gate()(x)
        """,
        """
            channels = x.shape[-1]
            pair = keras.Sequential([keras.layers.Dense(max(1, channels // ratio)), keras.layers.ReLU(), keras.layers.Dense(channels)])
            readings = [keras.layers.GlobalAveragePooling2D()(x), keras.layers.GlobalMaxPooling2D()(x)]
            weights = keras.layers.Activation("sigmoid")(keras.layers.Add()([pair(reading) for reading in readings]))
            return keras.layers.Multiply()([x, keras.layers.Reshape((1, 1, channels))(weights)])
        """,
        """
                channels = x.shape[-1]
                a = keras.layers.Conv2D(max(1, channels // ratio), 1, activation='relu')
                b = keras.layers.Conv2D(channels, 1)
                return x * keras.ops.sigmoid(b(a(keras.ops.mean(x, (1, 2), keepdims=True))) + b(a(keras.ops.max(x, (1, 2), keepdims=True))))
            """,
    ],
    "spatial-gate": [
        """
            maps = [keras.ops.max(x, axis=-1, keepdims=True), keras.ops.mean(x, axis=-1, keepdims=True)]
            layer = keras.layers.Conv2D(1, 7, padding="same", use_bias=False)
            norm = keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-5)
            return x * keras.ops.sigmoid(norm(layer(keras.ops.concatenate(maps, axis=-1))))
        """,
        """
            high, mean = keras.ops.amax(x, axis=3)[..., None], keras.ops.average(x, axis=3)[..., None]
            y = keras.layers.Concatenate()([high, mean])
            y = keras.layers.Conv2D(1, (7, 7), padding="same", use_bias=False)(y)
            y = keras.layers.Activation("sigmoid")(keras.layers.BatchNormalization(epsilon=1e-5)(y))
            return keras.layers.Multiply()([x, y])
        """,
    ],
    "cbam": [
        """
            x = attention.ChannelGate(ratio=ratio)(x)
            return attention.SpatialGate(kernel_size=7)(x)
        """,
        "return keras.Sequential([attention.ChannelGate(ratio), attention.SpatialGate()])(x)",
    ],
    "cbam-unet": [
        """
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
        """,
        'return zoo.build("CBAM_UNet", (side, side, 3), filters=filters)',
        """
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
