"""Answers to the exercises of lesson 09 that its checks must reject, each with words of the message, or accept."""

MAP = """
def gate_map(features, gate, theta, phi, psi):
    batch, rows, columns, channels = features.shape
    blocks = features.reshape(batch, rows // 2, 2, columns // 2, 2, channels)
    read = np.einsum("nyixjc,ijcu->nyxu", blocks, theta)
    inner = np.maximum(read + (gate @ phi[0] + phi[1]), 0)
    scores = (inner @ psi[0] + psi[1])[..., 0]
    return 1 / (1 + np.exp(-scores))
"""
GATE = """
def attention_gate(features, gate):
    channels = features.shape[-1]
    theta = keras.layers.Conv2D(channels // 2, 2, strides=2, use_bias=False)(features)
    phi = keras.layers.Conv2D(channels // 2, 1)(gate)
    inner = keras.layers.ReLU()(keras.layers.Add()([phi, theta]))
    weights = keras.ops.sigmoid(keras.layers.Conv2D(1, 1)(inner))
    weights = attention.Double()(weights)
    x = keras.layers.Conv2D(channels, 1)(keras.layers.Multiply()([features, weights]))
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return x
"""
COUNT = """
def gate_parameters(channels, gate_channels):
    units = channels // 2
    kernels = 4 * channels * units + gate_channels * units + units + channels**2
    biases = units + 1 + channels
    return kernels + biases + 4 * channels
"""
WHOLE = """
def attention_unet(side, filters):
    inputs = keras.Input((side, side, 3))
    x, skips = inputs, {}
    for level in (1, 2, 3, 4):
        skips[level] = unet.double_convolution(x, filters * 2 ** (level - 1), f"encoder_{level}")
        x = keras.layers.MaxPooling2D(2)(skips[level])
    x = unet.double_convolution(x, filters * 16, "bottleneck")
    for level in (4, 3, 2, 1):
        skip = skips[level]
        if level != 1:
            skip = attention.AttentionGate()(skip, x)
        x = unet.transposed_merge(x, skip, filters * 2 ** (level - 1), f"decoder_{level}")
        x = unet.double_convolution(x, filters * 2 ** (level - 1), f"decoder_{level}")
    return keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))
"""
MEASURES = """
def gate_measures(weights, masks):
    spread, agreement = np.zeros(len(weights)), np.zeros(len(weights))
    for row in range(len(weights)):
        values, mask = np.ravel(weights[row]), np.ravel(masks[row])
        spread[row] = np.std(values)
        if spread[row] > 1e-6 and mask.any():
            agreement[row] = np.corrcoef(values, mask)[0, 1]
    return spread.mean(), agreement.mean()
"""


def but(answer, *changes):
    """The answer with (old, new) put in."""
    for old, new in changes:
        assert old in answer, old
        answer = answer.replace(old, new)
    return answer


# {exercise: {mistake: (the wrong answer, words of the message that names it)}}
WRONG = {
    "gate-map": {
        "no sigmoid": (but(MAP, ("1 / (1 + np.exp(-scores))", "scores")), "before the sigmoid"),
        "a sigmoid the wrong way round": (but(MAP, ("np.exp(-scores)", "np.exp(scores)")), "with a minus"),
        "no ReLU": (
            but(MAP, ("np.maximum(read + (gate @ phi[0] + phi[1]), 0)", "read + gate @ phi[0] + phi[1]")),
            "the ReLU is missing",
        ),
        "two ReLUs": (
            but(
                MAP,
                (
                    "np.maximum(read + (gate @ phi[0] + phi[1]), 0)",
                    "np.maximum(read, 0) + np.maximum(gate @ phi[0] + phi[1], 0)",
                ),
            ),
            "one ReLU of the sum",
        ),
        "a product": (but(MAP, ("read + (", "read * (")), "added, not multiplied"),
        "a ReLU behind psi, too": (
            but(
                MAP,
                (
                    "scores = (inner @ psi[0] + psi[1])[..., 0]",
                    "scores = np.maximum(inner @ psi[0] + psi[1], 0)[..., 0]",
                ),
            ),
            "no ReLU behind psi",
        ),
        "the bias of phi": (but(MAP, (" + phi[1]", "")), "the bias of phi"),
        "the bias of psi": (but(MAP, (" + psi[1]", "")), "the bias of psi"),
        "one pixel of each block": (
            but(MAP, ('np.einsum("nyixjc,ijcu->nyxu", blocks, theta)', "features[:, ::2, ::2] @ theta[0, 0]")),
            "all four pixels",
        ),
        "a mean over the block": (
            but(MAP, ("blocks, theta)", "blocks, theta) / 4")),
            "it takes no mean",
        ),
        "rows and columns exchanged": (but(MAP, ("ijcu->", "jicu->")), "i is the row"),
        "no bias at all": (but(MAP, (" + phi[1]", ""), (" + psi[1]", "")), "the biases of phi and of psi"),
        "a maximum over the block": (
            but(
                MAP,
                (
                    'read = np.einsum("nyixjc,ijcu->nyxu", blocks, theta)',
                    'read = np.einsum("nyixjc,ijcu->nyxuij", blocks, theta).max(axis=(-2, -1))',
                ),
            ),
            "it takes no maximum",
        ),
        "no gating signal": (but(MAP, ("read + (gate @ phi[0] + phi[1])", "read")), "the gating signal is missing"),
        "no features": (but(MAP, ("read + (", "(")), "the features are missing"),
        "a channel left": (but(MAP, ("[..., 0]\n", "\n")), "take it off"),
        "stretched": (
            but(
                MAP,
                ("return 1 / (1 + np.exp(-scores))", "return (1 / (1 + np.exp(-scores))).repeat(2, 1).repeat(2, 2)"),
            ),
            "stretch nothing yet",
        ),
    },
    "attention-gate": {
        "theta without stride": (but(GATE, (", strides=2", "")), "theta has stride 2"),
        "no stretching": (
            but(GATE, ("    weights = attention.Double()(weights)\n", "")),
            "stretched before the product",
        ),
        "the map alone": (but(GATE, ("    return x\n", "    return weights\n")), "multiply the features by the map"),
        "theta reads one pixel": (
            but(GATE, ("channels // 2, 2, strides=2", "channels // 2, 1, strides=2")),
            "blocks of 2 x 2",
        ),
        "theta with a bias": (but(GATE, (", use_bias=False", "")), "theta without a bias"),
        "no bias at all": (
            but(GATE, ("Conv2D(channels // 2, 1)", "Conv2D(channels // 2, 1, use_bias=False)")),
            "a bias in phi",
        ),
        "as many units as channels": (but(GATE, ("channels // 2", "channels")), "half as many units"),
        "a weight for each unit": (
            but(GATE, ("Conv2D(1, 1)(inner)", "Conv2D(channels, 1)(inner)")),
            "psi leaves one channel",
        ),
        "nothing behind the product": (
            but(
                GATE,
                (
                    "x = keras.layers.Conv2D(channels, 1)(keras.layers.Multiply()([features, weights]))",
                    "return features * weights",
                ),
            ),
            "one behind the product",
        ),
        "no normalisation": (
            but(GATE, ("    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)\n", "")),
            "1 batch normalisation, got 0",
        ),
        "normalised twice": (
            but(
                GATE,
                (
                    "Conv2D(channels // 2, 1)(gate)",
                    "Conv2D(channels // 2, 1)(gate)\n    phi = keras.layers.BatchNormalization()(phi)",
                ),
            ),
            "1 batch normalisation, got 2",
        ),
        "Keras' own normalisation": (but(GATE, ("momentum=0.9, epsilon=1e-5", "")), "Keras' own"),
        "no ReLU": (
            but(GATE, ("keras.layers.ReLU()(keras.layers.Add()([phi, theta]))", "phi + theta")),
            "the ReLU of theta plus phi",
        ),
        "two ReLUs": (
            but(
                GATE,
                (
                    "keras.layers.ReLU()(keras.layers.Add()([phi, theta]))",
                    "keras.ops.relu(phi) + keras.ops.relu(theta)",
                ),
            ),
            "one ReLU of the sum",
        ),
        "multiplied": (but(GATE, ("keras.layers.Add()([phi, theta])", "phi * theta")), "added, not multiplied"),
        "no sigmoid": (but(GATE, ("keras.ops.sigmoid(", "(")), "the sigmoid behind psi"),
        "the sigmoid last": (
            but(
                GATE,
                ("keras.ops.sigmoid(keras.layers.Conv2D(1, 1)(inner))", "keras.layers.Conv2D(1, 1)(inner)"),
                ("attention.Double()(weights)", "keras.ops.sigmoid(attention.Double()(weights))"),
            ),
            "before the stretching",
        ),
        "nearest": (but(GATE, ("attention.Double()", "keras.layers.UpSampling2D(2)")), "by repeating pixels"),
        "the convolution before the product": (
            but(
                GATE,
                (
                    "keras.layers.Conv2D(channels, 1)(keras.layers.Multiply()([features, weights]))",
                    "keras.layers.Multiply()([keras.layers.Conv2D(channels, 1)(features), weights])",
                ),
            ),
            "the convolution reads the product",
        ),
        "all before the product": (
            but(
                GATE,
                ("keras.layers.Multiply()([features, weights])", "features"),
                ("    return x\n", "    return x * weights\n"),
            ),
            "convolution and normalisation read the product",
        ),
        "features added": (
            but(GATE, ("keras.layers.Multiply()([features, weights])", "features + features * weights")),
            "add nothing",
        ),
        "a ReLU at the end": (but(GATE, ("    return x\n", "    return keras.ops.relu(x)\n")), "no activation behind"),
        "the layer of helpers": (
            "def attention_gate(features, gate):\n    return attention.AttentionGate()(features, gate)",
            "from Keras layers",
        ),
    },
    "gate-parameters": {
        "theta with a bias": (but(COUNT, ("units + 1 +", "2 * units + 1 +")), "theta has no bias"),
        "theta of 1 x 1": (but(COUNT, ("4 * channels * units", "channels * units")), "kernel is 2 x 2"),
        "the trained ones alone": (but(COUNT, ("biases + 4 * channels", "biases + 2 * channels")), "not trained"),
        "four for each unit": (but(COUNT, ("biases + 4 * channels", "biases + 4 * units")), "not for each unit"),
        "always 32 units": (but(COUNT, ("channels // 2", "32")), "not always 32"),
        "no normalisation": (but(COUNT, ("biases + 4 * channels", "biases")), "the normalisation is missing"),
        "no convolution": (
            but(COUNT, (" + channels**2", ""), ("1 + channels", "1")),
            "the convolution behind the product is missing",
        ),
        "the gate of other libraries": (
            but(COUNT, (" + channels**2", ""), ("1 + channels", "1"), ("biases + 4 * channels", "biases")),
            "convolution and normalisation",
        ),
        "no bias behind the product": (but(COUNT, ("1 + channels", "1")), "has a bias for each channel"),
        "no bias in phi": (but(COUNT, ("biases = units +", "biases =")), "for each unit"),
        "no psi": (but(COUNT, ("units + units +", "units +"), ("units + 1 +", "units +")), "psi is missing"),
        "no bias in psi": (but(COUNT, ("units + 1 +", "units +")), "psi has a bias"),
        "all channels as units": (but(COUNT, ("channels // 2", "channels")), "half as many units"),
        "phi reads the features": (
            but(COUNT, ("gate_channels * units", "channels * units")),
            "its own number of channels",
        ),
        "divided by /": (but(COUNT, ("//", "/")), "a whole number"),
    },
    "attention-unet": {
        "a gate on each skip": (but(WHOLE, ("if level != 1", "if level")), "no gate on the top skip"),
        "no gate on the deepest": (but(WHOLE, ("if level != 1", "if level in (2, 3)")), "expected 3 layers"),
        "the gate is not merged": (
            but(
                WHOLE,
                (
                    "            skip = attention.AttentionGate()(skip, x)\n",
                    "            attention.AttentionGate()(skip, x)\n",
                ),
            ),
            "expected 3 layers",
        ),
        "the bottleneck gates all": (
            but(
                WHOLE,
                ('"bottleneck")', '"bottleneck")\n    deepest = x'),
                ("AttentionGate()(skip, x)", "AttentionGate()(skip, deepest)"),
            ),
            "what the level below gives",
        ),
        "the encoder gates": (
            but(
                WHOLE,
                (
                    "x = keras.layers.MaxPooling2D(2)(skips[level])",
                    "x = skips[level, 1] = keras.layers.MaxPooling2D(2)(skips[level])",
                ),
                ("AttentionGate()(skip, x)", "AttentionGate()(skip, skips[level, 1])"),
            ),
            "not the encoder's",
        ),
        "doubled before the gate": (
            but(WHOLE, ("AttentionGate()(skip, x)", "AttentionGate()(skip, attention.Double()(x))")),
            "before it is doubled",
        ),
        "gates inside the encoder": (
            but(WHOLE, ("MaxPooling2D(2)(skips[level])", "MaxPooling2D(2)(keras.ops.relu(skips[level] - 0.5))")),
            "what each pool reads",
        ),
        "always 32 filters": (
            but(WHOLE, ("keras.Input((side, side, 3))", "keras.Input((side, side, 3)); filters = 32")),
            "use `filters`",
        ),
        "gating signal first": (but(WHOLE, ("()(skip, x)", "()(x, skip)")), "features first"),
        "one gate for all": (
            but(
                WHOLE,
                ("inputs =", "gate = attention.AttentionGate()\n    inputs ="),
                ("attention.AttentionGate()(skip", "gate(skip"),
            ),
            "made new for each level",
        ),
        "no sigmoid": (but(WHOLE, (', activation="sigmoid"', "")), "the head ends in a sigmoid"),
        "a head without bias": (
            but(WHOLE, ('activation="sigmoid"', 'activation="sigmoid", use_bias=False')),
            "a head with bias",
        ),
        "always 8 filters": (
            but(WHOLE, ("keras.Input((side, side, 3))", "keras.Input((side, side, 3)); filters = 8")),
            "use `filters`",
        ),
    },
    "gate-measures": {
        "all slices together": (
            but(MEASURES, ("return spread.mean()", "return np.std(weights)")),
            "all slices together",
        ),
        "the variance": (but(MEASURES, ("np.std(values)", "np.std(values) ** 2")), "not its square"),
        "the range": (but(MEASURES, ("spread.mean()", "np.ptp(weights, axis=(1, 2)).mean()")), "highest minus lowest"),
        "down the rows": (
            but(MEASURES, ("return spread.mean()", "return weights.std(axis=1).mean()")),
            "not over its rows",
        ),
        "exchanged": (
            but(MEASURES, ("spread.mean(), agreement.mean()", "agreement.mean(), spread.mean()")),
            "spread first",
        ),
        "sums": (but(MEASURES, ("spread.mean(), agreement.mean()", "spread.sum(), agreement.sum()")), "not the sum"),
        "correlated all together": (
            but(MEASURES, ("agreement.mean()", "np.corrcoef(weights.ravel(), masks.ravel())[0, 1]")),
            "not of all slices together",
        ),
        "the covariance": (
            but(MEASURES, ("np.corrcoef(values, mask)", "np.cov(values, mask, bias=True)")),
            "the covariance",
        ),
        "inside minus outside": (
            but(MEASURES, ("np.corrcoef(values, mask)[0, 1]", "values[mask].mean() - values[~mask].mean()")),
            "minus that outside",
        ),
        "the whole table": (but(MEASURES, ("[0, 1]\n", "[0, 0]\n")), "a table of four"),
        "no sign": (
            but(MEASURES, ("= np.corrcoef(values, mask)[0, 1]", "= abs(np.corrcoef(values, mask)[0, 1])")),
            "keep the sign",
        ),
        "even maps not tested": (but(MEASURES, ("spread[row] > 1e-6 and ", "")), "test the spread first"),
        "exactly 0": (but(MEASURES, ("spread[row] > 1e-6", "spread[row] > 0")), "even is a spread below 1e-6"),
        "empty masks not tested": (but(MEASURES, (" and mask.any()", "")), "test the mask first"),
        "left out": (
            but(MEASURES, ("agreement.mean()", "agreement[agreement != 0].mean()")),
            "it is not left out",
        ),
        "even maps left out of the spread": (
            but(MEASURES, ("return spread.mean()", "return spread[spread > 1e-6].mean()")),
            "an even map counts 0 in the spread",
        ),
        "no spread without tumour": (
            but(MEASURES, ("return spread.mean()", "return (spread * masks.any(axis=(1, 2))).mean()")),
            "the spread asks for no tumour",
        ),
        "healthy slices left out of the spread": (
            but(MEASURES, ("return spread.mean()", "return spread[masks.any(axis=(1, 2))].mean()")),
            "the spread asks for no tumour",
        ),
        "one number": (
            but(MEASURES, ("return spread.mean(), agreement.mean()", "return spread.mean()")),
            "two numbers",
        ),
    },
}

RIGHT = {
    "gate-map": [
        MAP,
        """
def gate_map(features, gate, theta, phi, psi):
    total = np.einsum("nyxc,cu->nyxu", gate, phi[0]) + phi[1]
    for i in range(2):
        for j in range(2):
            total = total + np.tensordot(features[:, i::2, j::2, :], theta[i, j], 1)
    scores = np.tensordot(total * (total > 0), psi[0], 1) + psi[1]
    return (1 + np.tanh(scores.squeeze(-1) / 2)) / 2
""",
    ],
    "attention-gate": [
        GATE,
        """
def attention_gate(features, gate):
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
    ],
    "gate-parameters": [
        COUNT,
        """
def gate_parameters(channels, gate_channels):
    gate = attention.AttentionGate()
    gate.build((None, 4, 4, channels), (None, 2, 2, gate_channels))
    return gate.count_params()
""",
        """
def gate_parameters(channels, gate_channels):
    units = int(channels / 2)
    return units * (4 * channels + gate_channels + 2) + 1 + channels * (channels + 5)
""",
    ],
    "attention-unet": [
        WHOLE,
        """
def attention_unet(side, filters):
    return zoo.build("Attention_UNet", (side, side, 3), filters=filters)
""",
        """
def attention_unet(side, filters):
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
        MEASURES,
        """
def gate_measures(weights, masks):
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
    ("min(changes.values())", "-0.6", "0.2"),
    ("max(changes.values())", "-0.6", "0.2"),
    ("gap", "-0.3", "0.3"),
]
