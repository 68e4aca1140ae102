"""What learners answer in lesson 05, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "double-convolution": {
        "keeps the biases": (
            """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = keras.layers.ReLU()(x)
    return x
""",
            "biases",
        ),
        "loses the border": (
            """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = keras.layers.ReLU()(x)
    return x
""",
            'padding="same"',
        ),
        "one convolution": (
            """
def double_convolution(x, width):
    x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return keras.layers.ReLU()(x)
""",
            "two 3 x 3 convolutions",
        ),
        "the second reads the input": (
            """
def double_convolution(x, width):
    for _ in range(2):
        y = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        y = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(y)
        y = keras.layers.ReLU()(y)
    return y
""",
            "the second reads what the first has given",
        ),
        "no normalisation": (
            """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False, activation="relu")(x)
    return x
""",
            "after each convolution one BatchNormalization",
        ),
        "normalises twice at the end": (
            """
def double_convolution(x, width):
    x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    for _ in range(2):
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return keras.layers.ReLU()(x)
""",
            "the normalisation after each convolution",
        ),
        "normalises after the ReLU": (
            """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False, activation="relu")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return x
""",
            "convolution, normalisation, ReLU",
        ),
        "no ReLU in the middle": (
            """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return keras.layers.ReLU()(x)
""",
            "the order is convolution, normalisation, ReLU",
        ),
        "momentum in the first alone": (
            """
def double_convolution(x, width):
    for settings in ({"momentum": 0.9}, {}):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(epsilon=1e-5, **settings)(x)
        x = keras.layers.ReLU()(x)
    return x
""",
            "momentum=0.9",
        ),
        "a whole model": (
            """
def double_convolution(x, width):
    return keras.Model(x, unet.double_convolution(x, width, "mine"))
""",
            "return what the last layer gives",
        ),
        "Keras' momentum": (
            """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
        x = keras.layers.ReLU()(x)
    return x
""",
            "momentum=0.9",
        ),
        "Keras' epsilon": (
            """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    return x
""",
            "epsilon=1e-5",
        ),
        "returns nothing": (
            """
def double_convolution(x, width):
    unet.double_convolution(x, width, "mine")
""",
            "return what the last layer gives",
        ),
        "always 8 channels": (
            """
def double_convolution(x, width):
    return unet.double_convolution(x, 8, "mine")
""",
            "use `width`",
        ),
    },
    "down": {
        "the other way round": (
            """
def down(x, width):
    skip = unet.double_convolution(x, width, "down")
    return keras.layers.MaxPooling2D(2)(skip), skip
""",
            "the other way round",
        ),
        "skips the input": (
            """
def down(x, width):
    return x, keras.layers.MaxPooling2D(2)(unet.double_convolution(x, width, "down"))
""",
            "the block's output, before the pool",
        ),
        "skips the pooled": (
            """
def down(x, width):
    pooled = keras.layers.MaxPooling2D(2)(unet.double_convolution(x, width, "down"))
    return pooled, pooled
""",
            "the block's output, before the pool",
        ),
        "averages": (
            """
def down(x, width):
    skip = unet.double_convolution(x, width, "down")
    return skip, keras.layers.AveragePooling2D(2)(skip)
""",
            "expected the largest of each 2 x 2 pixels",
        ),
        "a stride for a pool": (
            """
def down(x, width):
    skip = unet.double_convolution(x, width, "down")
    return skip, keras.layers.Conv2D(width, 2, strides=2)(skip)
""",
            "no mean and no stride",
        ),
        "two blocks": (
            """
def down(x, width):
    pooled = keras.layers.MaxPooling2D(2)(unet.double_convolution(x, width, "pooled"))
    return unet.double_convolution(x, width, "skip"), pooled
""",
            "on the same features as the skip",
        ),
        "the pool before the block": (
            """
def down(x, width):
    pooled = keras.layers.MaxPooling2D(2)(x)
    return unet.double_convolution(x, width, "down"), pooled
""",
            "pool the skip",
        ),
        "no pair": (
            """
def down(x, width):
    return keras.layers.MaxPooling2D(2)(unet.double_convolution(x, width, "down"))
""",
            "the pair (skip, pooled)",
        ),
        "two blocks one after the other": (
            """
def down(x, width):
    skip = unet.double_convolution(unet.double_convolution(x, width, "first"), width, "second")
    return skip, keras.layers.MaxPooling2D(2)(skip)
""",
            "one double convolution",
        ),
    },
    "up": {
        "skip first": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
    return unet.double_convolution(keras.layers.Concatenate()([skip, doubled]), width, "up")
""",
            "expected (up, skip)",
        ),
        "half the channels below": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(below.shape[-1] // 2, 2, strides=2)(below)
    return unet.double_convolution(keras.layers.Concatenate()([doubled, skip]), width, "up")
""",
            "Conv2DTranspose(width, 2, strides=2)",
        ),
        "forgets the skip": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
    return unet.double_convolution(doubled, width, "up")
""",
            "forgetting the skip",
        ),
        "adds": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
    return unet.double_convolution(keras.layers.Add()([doubled, skip]), width, "up")
""",
            "adding them",
        ),
        "doubles the skip's place": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
    return unet.double_convolution(keras.layers.Concatenate()([doubled, doubled]), width, "up")
""",
            "the skip is nowhere in the answer",
        ),
        "UpSampling2D": (
            """
def up(below, skip, width):
    doubled = keras.layers.UpSampling2D(2)(below)
    return unet.double_convolution(keras.layers.Concatenate()([doubled, skip]), width, "up")
""",
            "UpSampling2D has nothing to learn",
        ),
        "a kernel of 3": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 3, strides=2, padding="same")(below)
    return unet.double_convolution(keras.layers.Concatenate()([doubled, skip]), width, "up")
""",
            "Conv2DTranspose(width, 2, strides=2)",
        ),
        "no bias": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2, use_bias=False)(below)
    return unet.double_convolution(keras.layers.Concatenate()([doubled, skip]), width, "up")
""",
            "keeps its bias",
        ),
        "an activation": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2, activation="relu")(below)
    return unet.double_convolution(keras.layers.Concatenate()([doubled, skip]), width, "up")
""",
            "no activation",
        ),
        "no block": (
            """
def up(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
    return keras.layers.Concatenate()([doubled, skip])
""",
            "`width` channels",
        ),
    },
    "whole-unet": {
        "three levels": (
            """
def whole_unet(side, filters):
    widths = [filters * 2**level for level in range(4)]
    return unet.build_unet(encoders.plain(widths), widths[-2::-1], (side, side, 3))
""",
            "four levels down",
        ),
        "no sigmoid": (
            """
def whole_unet(side, filters):
    model = zoo.build("UNet", (side, side, 3), filters=filters)
    return keras.Model(model.inputs, model.get_layer("head_conv").output)
""",
            "ends in a sigmoid",
        ),
        "a head of 3 x 3": (
            """
def whole_unet(side, filters):
    model = zoo.build("UNet", (side, side, 3), filters=filters)
    features = model.get_layer("decoder_1_relu_2").output
    return keras.Model(model.inputs, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(features))
""",
            "a 1 x 1 convolution",
        ),
        "a head without bias": (
            """
def whole_unet(side, filters):
    model = zoo.build("UNet", (side, side, 3), filters=filters)
    features = model.get_layer("decoder_1_relu_2").output
    return keras.Model(model.inputs, keras.layers.Conv2D(1, 1, use_bias=False, activation="sigmoid")(features))
""",
            "the head has a bias",
        ),
        "the same width everywhere": (
            """
def whole_unet(side, filters):
    return unet.build_unet(encoders.plain([filters] * 5), [filters] * 4, (side, side, 3))
""",
            "doubles the channels",
        ),
        "no widths on the way up": (
            """
def whole_unet(side, filters):
    widths = [filters * 2**level for level in range(5)]
    return unet.build_unet(encoders.plain(widths), [filters] * 4, (side, side, 3))
""",
            "those of its skip",
        ),
        "skip first": (
            """
def whole_unet(side, filters):
    widths = [filters * 2**level for level in range(5)]

    def merge(below, skip, width, name):
        doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
        return keras.layers.Concatenate()([skip, doubled])

    return unet.build_unet(encoders.plain(widths), widths[-2::-1], (side, side, 3), up=merge)
""",
            "look at the order",
        ),
        "always 4 filters": (
            """
def whole_unet(side, filters):
    return zoo.build("UNet", (side, side, 3), filters=4)
""",
            "use `filters`",
        ),
        "always 32 pixels": (
            """
def whole_unet(side, filters):
    return zoo.build("UNet", (32, 32, 3), filters=filters)
""",
            "use `side`",
        ),
        "returns the output": (
            """
def whole_unet(side, filters):
    return zoo.build("UNet", (side, side, 3), filters=filters).output
""",
            "keras.Model(inputs, outputs)",
        ),
    },
    "predict-padded": {
        "nothing padded": (
            """
def predict_padded(network, images, multiple):
    return network(images)
""",
            "pad both the height and the width",
        ),
        "the height alone": (
            """
def predict_padded(network, images, multiple):
    height = images.shape[1]
    padded = np.pad(images, [(0, 0), (0, -height % multiple), (0, 0), (0, 0)])
    return network(padded)[:, :height]
""",
            "pad both the height and the width",
        ),
        "cuts the images": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1] // multiple * multiple, images.shape[2] // multiple * multiple
    return network(images[:, :height, :width])
""",
            "pad, do not cut",
        ),
        "forgets to cut": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1:3]
    return network(np.pad(images, [(0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)]))
""",
            "cut it off again",
        ),
        "a whole multiple more": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1:3]
    below, right = multiple - height % multiple, multiple - width % multiple
    return network(np.pad(images, [(0, 0), (0, below), (0, right), (0, 0)]))[:, :height, :width]
""",
            "it divides already",
        ),
        "cuts with a negative end": (
            """
def predict_padded(network, images, multiple):
    below, right = -images.shape[1] % multiple, -images.shape[2] % multiple
    return network(np.pad(images, [(0, 0), (0, below), (0, right), (0, 0)]))[:, :-below, :-right]
""",
            "cuts everything off",
        ),
        "pads on all sides": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1:3]
    top, left = -height % multiple // 2, -width % multiple // 2
    margins = [(0, 0), (top, -height % multiple - top), (left, -width % multiple - left), (0, 0)]
    return network(np.pad(images, margins))[:, top : top + height, left : left + width]
""",
            "in the upper left corner",
        ),
        "pads above, cuts below": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1:3]
    padded = np.pad(images, [(0, 0), (-height % multiple, 0), (-width % multiple, 0), (0, 0)])
    return network(padded)[:, :height, :width]
""",
            "in the upper left corner",
        ),
        "a square": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1:3]
    side = max(height, width) + -max(height, width) % multiple
    padded = np.pad(images, [(0, 0), (0, side - height), (0, side - width), (0, 0)])
    return network(padded)[:, :height, :width]
""",
            "no more than needed",
        ),
        "resizes": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1:3]
    larger = keras.ops.image.resize(images, (height + -height % multiple, width + -width % multiple))
    answers = network(keras.ops.convert_to_numpy(larger))
    return keras.ops.convert_to_numpy(keras.ops.image.resize(answers, (height, width)))
""",
            "in the upper left corner",
        ),
        "always 4": (
            """
def predict_padded(network, images, multiple):
    height, width = images.shape[1:3]
    return network(np.pad(images, [(0, 0), (0, -height % 4), (0, -width % 4), (0, 0)]))[:, :height, :width]
""",
            "use `multiple`",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "double-convolution": [
        """
def double_convolution(x, width):
    return unet.double_convolution(x, width, "mine")
""",
        """
def double_convolution(x, width):
    def once(features):
        features = keras.layers.Conv2D(width, (3, 3), padding="same", use_bias=False)(features)
        features = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(features)
        return keras.layers.Activation("relu")(features)

    return once(once(x))
""",
        """
def double_convolution(x, width):
    layers = []
    for _ in range(2):
        layers.append(keras.layers.Conv2D(width, 3, padding="same", use_bias=False))
        layers.append(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        layers.append(keras.layers.ReLU())
    return keras.Sequential(layers)(x)
""",
        """
def double_convolution(x, width):
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.ops.relu(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
    return x
""",
    ],
    "down": [
        """
def down(x, width):
    x = unet.double_convolution(x, width, "mine")
    return [x, keras.layers.MaxPool2D((2, 2), strides=2)(x)]
""",
        """
def down(x, width):
    features = unet.double_convolution(x, width, "level")
    return features, keras.ops.max_pool(features, 2)
""",
    ],
    "up": [
        """
def up(below, skip, width):
    x = unet.transposed_merge(below, skip, width, "mine")
    return unet.double_convolution(x, width, "mine")
""",
        """
def up(below, skip, width):
    x = keras.layers.Conv2DTranspose(width, (2, 2), strides=(2, 2), padding="same")(below)
    return unet.double_convolution(keras.ops.concatenate([x, skip], axis=-1), width, "mine")
""",
    ],
    "whole-unet": [
        """
def whole_unet(side, filters):
    return zoo.build("UNet", (side, side, 3), filters=filters)
""",
        """
def whole_unet(side, filters):
    inputs = keras.Input((side, side, 3))

    def level(x, width, name):
        x = unet.double_convolution(x, width, f"down_{name}")
        if name == 5:
            return x
        below = level(keras.layers.MaxPool2D()(x), 2 * width, name + 1)
        doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
        return unet.double_convolution(keras.layers.concatenate([doubled, x]), width, f"up_{name}")

    logits = keras.layers.Conv2D(1, 1)(level(inputs, filters, 1))
    return keras.Model(inputs, keras.layers.Activation("sigmoid", dtype="float32")(logits))
""",
    ],
    "predict-padded": [
        """
def predict_padded(network, images, multiple):
    count, height, width, channels = images.shape
    tall, wide = (-(-size // multiple) * multiple for size in (height, width))
    padded = np.zeros((count, tall, wide, channels), images.dtype)
    padded[:, :height, :width] = images
    return network(padded)[:, :height, :width, :]
""",
        """
def predict_padded(network, images, multiple):
    below = (multiple - images.shape[1] % multiple) % multiple
    right = (multiple - images.shape[2] % multiple) % multiple
    padded = np.pad(images, [(0, 0), (0, below), (0, right), (0, 0)], mode="edge")
    answers = network(padded)
    return answers[:, : answers.shape[1] - below, : answers.shape[2] - right]
""",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("best[2][0]", "0.85", "1.0"),
    ("best[16][0]", "0.25", "0.7"),
    ("bright_dice['with skips']", "0.94", "1.0"),
    ("bright_dice['without skips']", "0.75", "0.93"),
    ("dice", "0.55", "0.9"),
    ("dice - cuts['skip 1']", "0.05", "0.6"),
    ("agreement", "0.75", "1.0"),
]
