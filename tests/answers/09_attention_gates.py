"""What learners answer in lesson 09, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "gate-map": {
        ("no sigmoid", "before the sigmoid"): {"1 / (1 + np.exp(-scores[..., 0]))": "scores[..., 0]"},
        ("a sigmoid the wrong way round", "with a minus"): {"np.exp(-scores": "np.exp(scores"},
        ("a sigmoid of the sigmoid", "taken twice"): {
            "1 / (1 + np.exp(-scores[..., 0]))": "1 / (1 + np.exp(-1 / (1 + np.exp(-scores[..., 0]))))"
        },
        ("returns nothing", "got None: return it"): {"return 1 / (1": "1 / (1"},
        ("no ReLU", "the ReLU is missing"): {
            "np.maximum(read + gate @ phi[0] + phi[1], 0)": "read + gate @ phi[0] + phi[1]",
        },
        ("two ReLUs", "one ReLU of the sum"): {"read + gate": "read, 0) + np.maximum(gate"},
        ("a product", "added, not multiplied"): {"read + gate @ phi[0] + phi[1]": "read * (gate @ phi[0] + phi[1])"},
        ("a ReLU behind psi, too", "no ReLU behind psi"): {
            "inner @ psi[0] + psi[1]": "np.maximum(inner @ psi[0] + psi[1], 0)",
        },
        ("the bias of phi", "the bias of phi"): {" + phi[1]": ""},
        ("the bias of psi", "the bias of psi"): {" + psi[1]": ""},
        ("one pixel of each block", "all four pixels"): {" for i in (0, 1) for j in (0, 1)": " for i, j in [(0, 0)]"},
        ("a mean over the block", "it takes no mean"): {"read + gate": "read / 4 + gate"},
        ("rows and columns exchanged", "i is the row"): {"@ theta[i, j]": "@ theta[j, i]"},
        ("no bias at all", "the biases of phi and of psi"): {" + phi[1]": "", " + psi[1]": ""},
        ("a maximum over the block", "it takes no maximum"): {
            "sum(features[:, i::2, j::2] @ theta[i, j] for i in (0, 1) for j in (0, 1))": "np.max([features[:, i::2, j::2] @ theta[i, j] for i in (0, 1) for j in (0, 1)], axis=0)",
        },
        ("no gating signal", "the gating signal is missing"): {"read + gate @ phi[0] + phi[1]": "read"},
        ("no features", "the features are missing"): {"read + gate": "gate"},
        ("a channel left", "take it off"): {"scores[..., 0]": "scores"},
        ("stretched", "stretch nothing yet"): {
            "1 / (1 + np.exp(-scores[..., 0]))": "(1 / (1 + np.exp(-scores[..., 0]))).repeat(2, 1).repeat(2, 2)",
        },
        ("changes the gating signal", "stay as it is, but"): {
            "read = sum(": """
                gate += 0.001
                read = sum(
            """
        },
        ("squeezes", "takes off one axis"): {"scores[..., 0]": "scores.squeeze()"},
    },
    "attention-gate": {
        ("NumPy", "no NumPy"): {"keras.ops.relu(theta + phi)": "np.maximum(theta + phi, 0)"},
        ("theta without stride", "theta has stride 2"): {", strides=2": ""},
        ("no stretching", "stretched before the product"): {
            '    weights = keras.layers.UpSampling2D(2, interpolation="bilinear")(weights)\n': "",
        },
        ("the map alone", "multiply the features by the map"): {
            "return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)": "return weights",
        },
        ("theta reads one pixel", "blocks of 2 x 2"): {"channels // 2, 2, strides=2": "channels // 2, 1, strides=2"},
        ("theta with a bias", "theta without a bias"): {", use_bias=False": ""},
        ("no bias at all", "a bias in phi"): {"Conv2D(channels // 2, 1)": "Conv2D(channels // 2, 1, use_bias=False)"},
        ("as many units as channels", "half as many units"): {" // 2, 2": ", 2", " // 2, 1": ", 1"},
        ("a weight for each unit", "psi leaves one channel"): {"Conv2D(1, 1,": "Conv2D(channels, 1,"},
        ("nothing behind the product", "one behind the product"): {
            "x = keras.layers.Conv2D(channels, 1)(features * weights)": "return features * weights",
        },
        ("no normalisation", "1 batch normalisation, got 0"): {
            "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)": "x",
        },
        ("normalised twice", "1 batch normalisation, got 2"): {"+ phi)": "+ keras.layers.BatchNormalization()(phi))"},
        ("Keras' own normalisation", "Keras' own"): {"momentum=0.9, epsilon=1e-5": ""},
        ("no ReLU", "the ReLU of theta plus phi"): {"keras.ops.relu(theta + phi)": "theta + phi"},
        ("two ReLUs", "one ReLU of the sum"): {"theta + phi": "theta) + keras.ops.relu(phi"},
        ("multiplied", "added, not multiplied"): {"theta + phi": "theta * phi"},
        ("no sigmoid", "the sigmoid behind psi"): {', activation="sigmoid"': ""},
        ("a sigmoid of the sigmoid", "taken twice"): {
            "(keras.ops.relu(theta + phi))": "(keras.ops.relu(theta + phi))\nweights = keras.ops.sigmoid(weights)"
        },
        ("a sigmoid behind the stretching, too", "and behind it"): {
            "features * weights": "features * keras.ops.sigmoid(weights)"
        },
        ("the sigmoid last", "before the stretching"): {
            ', activation="sigmoid"': "",
            "features * weights": "features * keras.ops.sigmoid(weights)",
        },
        ("nearest", "by repeating pixels"): {', interpolation="bilinear"': ""},
        ("the convolution before the product", "the convolution reads the product"): {
            "(features * weights)": "(features) * weights",
        },
        ("all before the product", "convolution and normalisation read the product"): {
            "(features * weights)": "(features)",
            "epsilon=1e-5)(x)": "epsilon=1e-5)(x) * weights",
        },
        ("features added", "add nothing"): {"features * weights": "features + features * weights"},
        ("a ReLU at the end", "no activation behind"): {
            "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)": "keras.ops.relu(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))",
        },
        ("the layer of helpers", "from Keras layers"): "return attention.AttentionGate()(features, gate)",
        ("a Dropout on the product", "in training alone"): {
            "features * weights)": "keras.layers.Dropout(0.2)(features * weights))"
        },
        ("a name of its own", "can hold twice"): {
            "channels // 2, 2, strides=2, use_bias=False": "channels // 2, 2, strides=2, use_bias=False, name='theta'"
        },
    },
    "gate-parameters": {
        ("theta with a bias", "theta has no bias"): {"4 * channels * units": "4 * channels * units + units"},
        ("theta of 1 x 1", "kernel is 2 x 2"): {"theta = 4 * channels": "theta = channels"},
        ("the trained ones alone", "not trained"): {"channels + 4 * channels": "channels + 2 * channels"},
        ("four for each unit", "not for each unit"): {"channels + 4 * channels": "channels + 4 * units"},
        ("always 32 units", "not always 32"): {"channels // 2": "32"},
        ("no normalisation", "the normalisation is missing"): {"channels + 4 * channels": "channels"},
        ("no convolution", "the convolution behind the product is missing"): {" + channels * channels + channels": ""},
        ("the gate of other libraries", "convolution and normalisation"): {
            " + channels * channels + channels + 4 * channels": "",
        },
        ("no bias behind the product", "has a bias for each channel"): {"channels + channels": "channels"},
        ("no bias in phi", "for each unit"): {"gate_channels * units + units": "gate_channels * units"},
        ("no psi", "psi is missing"): {"phi + psi +": "phi +"},
        ("no bias in psi", "psi has a bias"): {"psi = units + 1": "psi = units"},
        ("all channels as units", "half as many units"): {"channels // 2": "channels"},
        ("phi reads the features", "its own number of channels"): {"phi = gate_channels": "phi = channels"},
        ("divided by /", "a whole number"): {"channels // 2": "channels / 2"},
        ("two units at least", "2 channels, 3"): {
            "units = channels // 2": "units = channels >> 1 if channels > 2 else 2"
        },
    },
    "attention-unet": {
        ("a gate on each skip", "no gate on the top skip"): {"level > 1": "level > 0"},
        ("no gate on the deepest", "expected 3 layers"): {"level > 1": "level in (2, 3)"},
        ("the gate is not merged", "expected 3 layers"): {"skip = ": ""},
        ("the bottleneck gates all", "what the level below gives"): {
            '"bottleneck")': '"bottleneck")\ndeepest = x',
            "(skip, x)": "(skip, deepest)",
        },
        ("the encoder gates", "not the encoder's"): {
            "skips = inputs": "skips, pools = inputs, []",
            "skips[-1])": "skips[-1])\npools.append(x)",
            "skip, x": "skip, pools[level - 1]",
        },
        ("doubled before the gate", "before it is doubled"): {"(skip, x)": "(skip, attention.Double()(x))"},
        ("gates inside the encoder", "what each pool reads"): {"skips[-1]": "keras.ops.relu(skips[-1] - 0.5)"},
        ("always 32 filters", "use `filters`"): {"x, skips = inputs, []": "x, skips, filters = inputs, [], 32"},
        ("gating signal first", "features first"): {"(skip, x)": "(x, skip)"},
        ("the skips from the start", "take the skips from the end"): {"skips.pop()": "skips.pop(0)"},
        ("one name for all", "a name of its own"): {'f"encoder_{level}"': '"encoder"'},
        ("one gate for all", "made new for each level"): {
            "x, skips = inputs, []": "x, skips, gate = inputs, [], attention.AttentionGate()",
            "attention.AttentionGate()(skip, x)": "gate(skip, x)",
        },
        ("no sigmoid", "the head ends in a sigmoid"): {', activation="sigmoid"': ""},
        ("a head without bias", "a head with bias"): {'activation="sigmoid"': 'activation="sigmoid", use_bias=False'},
        ("always 8 filters", "use `filters`"): {"x, skips = inputs, []": "x, skips, filters = inputs, [], 8"},
        ("a Dropout in the bottleneck", "in training alone"): {
            'x = unet.double_convolution(x, filters * 16, "bottleneck")': 'x = keras.layers.Dropout(0.5)(unet.double_convolution(x, filters * 16, "bottleneck"))'
        },
    },
    "gate-measures": {
        ("leaves out a tumour of one pixel", "one pixel is a tumour"): {"mask.any()": "mask.sum() > 1"},
        ("all slices together", "all slices together"): {"np.mean(spreads)": "np.std(weights)"},
        ("the variance", "not its square"): {"values.std()": "values.var()", "> 1e-6": "> 1e-12"},
        ("the range", "highest minus lowest"): {"np.mean(spreads)": "np.ptp(weights, axis=(1, 2)).mean()"},
        ("down the rows", "not over its rows"): {"np.mean(spreads)": "np.std(weights, axis=1).mean()"},
        ("exchanged", "spread first"): {"spreads), np.mean(agreements": "agreements), np.mean(spreads"},
        ("sums", "not the sum"): {"np.mean(spreads), np.mean(agreements)": "np.sum(spreads), np.sum(agreements)"},
        ("correlated all together", "not of all slices together"): {
            "np.mean(agreements)": "np.corrcoef(weights.ravel(), masks.ravel())[0, 1]",
        },
        ("the covariance", "the covariance"): {
            "np.corrcoef(values.ravel(), mask.ravel())": "np.cov(values.ravel(), mask.ravel(), bias=True)",
        },
        ("rows of a slice", "one row each"): {"values.ravel(), mask.ravel()": "values, mask"},
        ("inside minus outside", "minus that outside"): {
            "np.corrcoef(values.ravel(), mask.ravel())[0, 1]": "values[mask].mean() - values[~mask].mean()",
        },
        ("the whole table", "a table of four"): {"[0, 1] if": "[0, 0] if"},
        ("no sign", "keep the sign"): {
            "np.corrcoef(values.ravel(), mask.ravel())[0, 1]": "abs(np.corrcoef(values.ravel(), mask.ravel())[0, 1])",
        },
        ("even maps not tested", "test the spread first"): {"spreads[-1] > 1e-6 and ": ""},
        ("exactly 0", "even is a spread below 1e-6"): {"> 1e-6": "> 0"},
        ("empty masks not tested", "test the mask first"): {" and mask.any()": ""},
        ("left out", "it is not left out"): {"agreements)": "[each for each in agreements if each != 0])"},
        ("even maps left out of the spread", "an even map counts 0 in the spread"): {
            "np.mean(spreads)": "np.mean([each for each in spreads if each > 1e-6])",
        },
        ("no spread without tumour", "the spread asks for no tumour"): {
            "np.mean(spreads)": "np.mean(spreads * masks.any(axis=(1, 2)))",
        },
        ("healthy slices left out of the spread", "the spread asks for no tumour"): {
            "np.mean(spreads)": "np.mean(np.array(spreads)[masks.any(axis=(1, 2))])",
        },
        ("one number", "two numbers"): {"return np.mean(spreads), np.mean(agreements)": "return np.mean(spreads)"},
        ("changes the weights", "stay as it is, but"): {
            "spreads, agreements = [], []": """
                spreads, agreements = [], []
                weights -= weights.min()
            """
        },
        ("takes more maps for even", "no larger one"): {"> 1e-6": "> 1e-3"},
        ("rounds", "not rounded"): {
            "return np.mean(spreads), np.mean(agreements)": "return round(np.mean(spreads), 3), round(np.mean(agreements), 3)"
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "gate-map": [
        """
            batch, rows, columns, channels = features.shape
            blocks = features.reshape(batch, rows // 2, 2, columns // 2, 2, channels)
            read = np.einsum("nyixjc,ijcu->nyxu", blocks, theta)
            inner = np.maximum(read + (gate @ phi[0] + phi[1]), 0)
            scores = (inner @ psi[0] + psi[1])[..., 0]
            return 1 / (1 + np.exp(-scores))
        """,
        """
            total = np.einsum("nyxc,cu->nyxu", gate, phi[0]) + phi[1]
            for i in range(2):
                for j in range(2):
                    total = total + np.tensordot(features[:, i::2, j::2, :], theta[i, j], 1)
            scores = np.tensordot(total * (total > 0), psi[0], 1) + psi[1]
            return (1 + np.tanh(scores.squeeze(-1) / 2)) / 2
        """,
        """
                import keras
                map = keras.ops.conv(features, theta, strides=2) + gate @ phi[0] + phi[1]
                return keras.ops.convert_to_numpy(keras.ops.sigmoid(keras.ops.relu(map) @ psi[0] + psi[1]))[..., 0]
            """,
    ],
    "attention-gate": [
        """
            channels = features.shape[-1]
            theta = keras.layers.Conv2D(channels // 2, 2, strides=2, use_bias=False)(features)
            phi = keras.layers.Conv2D(channels // 2, 1)(gate)
            inner = keras.layers.ReLU()(keras.layers.Add()([phi, theta]))
            weights = keras.ops.sigmoid(keras.layers.Conv2D(1, 1)(inner))
            weights = attention.Double()(weights)
            x = keras.layers.Conv2D(channels, 1)(keras.layers.Multiply()([features, weights]))
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
            return x
        """,
        """
            channels = features.shape[-1]
            conv = keras.layers.Conv2D
            total = conv(channels // 2, 1, use_bias=True)(gate) + conv(
                channels // 2, (2, 2), strides=(2, 2), padding="same", use_bias=False
            )(features)
            total = keras.layers.Activation("relu")(total)
            weights = keras.layers.Activation("sigmoid")(conv(1, 1)(total))
            weights = keras.ops.image.resize(weights, tuple(features.shape[1:3]), interpolation="bilinear")
            x = conv(channels, 1)(weights * features)
            return keras.layers.BatchNormalization(momentum=0.9, epsilon=0.00001)(x)
        """,
        """
                class Gate(keras.layers.Layer):
                    def __init__(self, channels):
                        super().__init__()
                        self.theta = keras.layers.Conv2D(channels // 2, 2, strides=2, use_bias=False)
                        self.phi = keras.layers.Dense(channels // 2)
                        self.psi = keras.layers.Conv2D(1, 1, activation="sigmoid")
                        self.up = keras.layers.UpSampling2D(2, interpolation="bilinear")
                        self.last = keras.layers.Conv2D(channels, 1)
                        self.norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)

                    def call(self, features, gate, training=None):
                        weights = self.up(self.psi(keras.ops.relu(self.theta(features) + self.phi(gate))))
                        return self.norm(self.last(features * weights), training=training)


                def attention_gate(features, gate):
                    return Gate(features.shape[-1])(features, gate)
            """,
        {
            'keras.layers.UpSampling2D(2, interpolation="bilinear")(weights)': "keras.layers.Resizing(features.shape[1], features.shape[2])(weights)"
        },
        {
            "x = keras.layers.Conv2D(channels, 1)(features * weights)\n    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)": "return keras.Sequential([keras.layers.Conv2D(channels, 1), keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)])(features * weights)"
        },
    ],
    "gate-parameters": [
        """
            units = channels // 2
            kernels = 4 * channels * units + gate_channels * units + units + channels**2
            biases = units + 1 + channels
            return kernels + biases + 4 * channels
        """,
        """
            gate = attention.AttentionGate()
            gate.build((None, 4, 4, channels), (None, 2, 2, gate_channels))
            return gate.count_params()
        """,
        """
            units = int(channels / 2)
            return units * (4 * channels + gate_channels + 2) + 1 + channels * (channels + 5)
        """,
    ],
    "attention-unet": [
        {
            "[]": "{}",
            "skips.append(unet.double_convolution(x,": "skips[level] = unet.double_convolution(x,",
            'f"encoder_{level}"))': 'f"encoder_{level}")',
            "keras.layers.MaxPooling2D(2)(skips[-1])": "keras.layers.MaxPooling2D(2)(skips[level])",
            "skip, width = skips.pop(), filters * 2 ** (level - 1)": "skip = skips[level]",
            ">": "!=",
            "skip, width,": "skip, filters * 2 ** (level - 1),",
            "= unet.double_convolution(x, width,": "= unet.double_convolution(x, filters * 2 ** (level - 1),",
        },
        'return zoo.build("Attention_UNet", (side, side, 3), filters=filters)',
        """
            inputs = keras.Input((side, side, 3))

            def level(x, width, number):
                x = unet.double_convolution(x, width, f"down_{number}")
                if number == 5:
                    return x
                below = level(keras.layers.MaxPool2D()(x), 2 * width, number + 1)
                across = x if number == 1 else attention.AttentionGate(name=f"gate_{number}")(x, gate=below)
                x = unet.transposed_merge(below, across, width, f"up_{number}")
                return unet.double_convolution(x, width, f"up_{number}")

            logits = keras.layers.Conv2D(1, 1)(level(inputs, filters, 1))
            return keras.Model(inputs, keras.layers.Activation("sigmoid", dtype="float32")(logits))
        """,
    ],
    "gate-measures": [
        """
            spread, agreement = np.zeros(len(weights)), np.zeros(len(weights))
            for row in range(len(weights)):
                values, mask = np.ravel(weights[row]), np.ravel(masks[row])
                spread[row] = np.std(values)
                if spread[row] > 1e-6 and mask.any():
                    agreement[row] = np.corrcoef(values, mask)[0, 1]
            return spread.mean(), agreement.mean()
        """,
        """
            w, m = weights.reshape(len(weights), -1).astype(float), masks.reshape(len(masks), -1).astype(float)
            w, m = w - w.mean(axis=1, keepdims=True), m - m.mean(axis=1, keepdims=True)
            spread, sizes = np.sqrt((w**2).mean(axis=1)), np.sqrt((m**2).mean(axis=1))
            products = np.where(spread > 1e-6, (w * m).mean(axis=1), 0)
            return spread.mean(), (products / np.maximum(spread * sizes, 1e-12)).mean()
        """,
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ('min(dice["gated", seed] for seed in range(SEEDS))', "0.3", "0.9"),
    ('max(dice["gated", seed] for seed in range(SEEDS))', "0.3", "0.9"),
    ('min(measured["before", seed][level][0] for seed in range(SEEDS) for level in LEVELS)', "0", "0.05"),
    ('max(measured["before", seed][level][0] for seed in range(SEEDS) for level in LEVELS)', "0", "0.05"),
]
