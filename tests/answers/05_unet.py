"""What learners answer in lesson 05, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "double-convolution": {
        ("keeps the biases", "biases"): {'padding="same", use_bias=False)(x)': 'padding="same")(x)'},
        ("loses the border", 'padding="same"'): {' padding="same",': ""},
        ("one convolution", "two 3 x 3 convolutions"): {"range(2)": "range(1)"},
        ("the second reads the input", "the second reads what the first has given"): {
            "for _ in range(2):": "features = x\nfor _ in range(2):",
            "use_bias=False)(x)": "use_bias=False)(features)",
        },
        ("no normalisation", "after each convolution one BatchNormalization"): {
            "        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)\n": "",
        },
        ("normalises twice at the end", "the normalisation after each convolution"): """
            for _ in range(2):
                x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            for _ in range(2):
                x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
            return keras.layers.ReLU()(x)
        """,
        ("normalises after the ReLU", "convolution, normalisation, ReLU"): {
            "use_bias=False)(x)": 'use_bias=False, activation="relu")(x)',
            "\n        x = keras.layers.ReLU()(x)": "",
        },
        ("no ReLU in the middle", "the order is convolution, normalisation, ReLU"): {
            "    x = keras.layers.ReLU()(x)\n    return x": "return keras.layers.ReLU()(x)",
        },
        ("momentum in the first alone", "another momentum"): {
            "range(2)": '({"momentum": 0.9}, {})',
            "momentum=0.9, epsilon=1e-5": "epsilon=1e-5, **_",
        },
        ("a whole model", "return what the last layer gives"): """
            return keras.Model(x, unet.double_convolution(x, width, "mine"))
        """,
        ("Keras' momentum", "another momentum"): {"momentum=0.9, ": ""},
        ("Keras' epsilon", "epsilon=1e-5"): {", epsilon=1e-5": ""},
        ("returns nothing", "return what the last layer gives"): 'unet.double_convolution(x, width, "mine")',
        ("always 8 channels", "use `width`"): 'return unet.double_convolution(x, 8, "mine")',
        ("a Dropout at the end", "in training alone"): {"    return x": "    return keras.layers.Dropout(0.3)(x)"},
        ("a frozen normalisation", "trainable=False"): {"epsilon=1e-5": "epsilon=1e-5, trainable=False"},
        ("a regulariser", "no regulariser"): {"use_bias=False)(x)": "use_bias=False, kernel_regularizer='l2')(x)"},
        ("a ReLU that is cut off", "and nothing else"): {"keras.layers.ReLU()": "keras.layers.ReLU(6.0)"},
    },
    "down": {
        ("the other way round", "the other way round"): {
            "skip, keras.layers.MaxPooling2D(2)(skip)": "keras.layers.MaxPooling2D(2)(skip), skip",
        },
        ("skips the input", "the block's output, before the pool"): """
            return x, keras.layers.MaxPooling2D(2)(unet.double_convolution(x, width, "down"))
        """,
        ("skips the pooled", "the block's output, before the pool"): {
            "return skip, keras.layers.MaxPooling2D(2)(skip)": """
                pooled = keras.layers.MaxPooling2D(2)(skip)
                return pooled, pooled
            """,
        },
        ("averages", "expected the largest of each 2 x 2 pixels"): {".MaxPooling2D": ".AveragePooling2D"},
        ("a stride for a pool", "no mean and no stride"): {".MaxPooling2D(2": ".Conv2D(width, 2, strides=2"},
        ("two blocks", "on the same features as the skip"): {
            "MaxPooling2D(2)(skip)": 'MaxPooling2D(2)(unet.double_convolution(x, width, "pooled"))',
        },
        ("the pool before the block", "pool the skip"): {"MaxPooling2D(2)(skip)": "MaxPooling2D(2)(x)"},
        ("no pair", "the pair (skip, pooled)"): """
            return keras.layers.MaxPooling2D(2)(unet.double_convolution(x, width, "down"))
        """,
        ("two blocks one after the other", "one double convolution"): {
            "return skip": 'skip = unet.double_convolution(skip, width, "second")\nreturn skip',
        },
        ("a Dropout behind the pool", "in training alone"): {
            "keras.layers.MaxPooling2D(2)(skip)": "keras.layers.Dropout(0.2)(keras.layers.MaxPooling2D(2)(skip))"
        },
    },
    "up": {
        ("skip first", "expected (up, skip)"): {"[doubled, skip]": "[skip, doubled]"},
        ("half the channels below", "Conv2DTranspose(width, 2, strides=2)"): {"width, 2": "below.shape[-1] // 2, 2"},
        ("forgets the skip", "forgetting the skip"): {"keras.layers.Concatenate()([doubled, skip])": "doubled"},
        ("adds", "adding them"): {"Concatenate()([": "Add()(["},
        ("doubles the skip's place", "the skip is nowhere in the answer"): {"[doubled, skip]": "[doubled, doubled]"},
        ("UpSampling2D", "UpSampling2D has nothing to learn"): {
            "Conv2DTranspose(width, 2, strides=2)": "UpSampling2D(2)",
        },
        ("a kernel of 3", "Conv2DTranspose(width, 2, strides=2)"): {"2, strides=2": '3, strides=2, padding="same"'},
        ("no bias", "keeps its bias"): {"strides=2)": "strides=2, use_bias=False)"},
        ("an activation", "no activation"): {"strides=2)": 'strides=2, activation="relu")'},
        ("no block", "`width` channels"): {'return unet.double_convolution(joined, width, "up")': "return joined"},
        ("a Dropout in the middle", "in training alone"): {
            "Concatenate()([doubled, skip])": "Dropout(0.5)(keras.layers.Concatenate()([doubled, skip]))"
        },
    },
    "whole-unet": {
        ("three levels", "four levels down"): {"2, 3, 4": "2, 3", "4, 3, 2": "3, 2", "filters * 16": "filters * 8"},
        ("no sigmoid", "ends in a sigmoid"): {', activation="sigmoid"': ""},
        ("a head of 3 x 3", "a 1 x 1 convolution"): {"Conv2D(1, 1,": 'Conv2D(1, 3, padding="same",'},
        ("a head without bias", "the head has a bias"): {"Conv2D(1, 1,": "Conv2D(1, 1, use_bias=False,"},
        ("the same width everywhere", "doubles the channels"): """
            return unet.build_unet(encoders.plain([filters] * 5), [filters] * 4, (side, side, 3))
        """,
        ("no widths on the way up", "those of its skip"): {"width = filters * 2 ** (level - 1)": "width = filters"},
        ("skip first", "look at the order"): {
            'x = unet.transposed_merge(x, skips.pop(), width, f"decoder_{level}")': """
                x = keras.layers.Conv2DTranspose(width, 2, strides=2)(x)
                x = keras.layers.Concatenate()([skips.pop(), x])
            """,
        },
        ("always 4 filters", "use `filters`"): 'return zoo.build("UNet", (side, side, 3), filters=4)',
        ("always 32 pixels", "use `side`"): 'return zoo.build("UNet", (32, 32, 3), filters=filters)',
        ("returns the output", "keras.Model(inputs, outputs)"): """
            return zoo.build("UNet", (side, side, 3), filters=filters).output
        """,
        ("a Dropout in the bottleneck", "in training alone"): {
            'x = unet.double_convolution(x, filters * 16, "bottleneck")': 'x = keras.layers.Dropout(0.5)(unet.double_convolution(x, filters * 16, "bottleneck"))'
        },
    },
    "predict-padded": {
        ("nothing padded", "pad both the height and the width"): "return network(images)",
        ("the height alone", "pad both the height and the width"): {"-width % multiple": "0", ", :width": ""},
        ("cuts the images", "pad, do not cut"): {
            "return network(np.pad(images, margins))[:, :height, :width]": "return network(images[:, : height // multiple * multiple, : width // multiple * multiple])",
        },
        ("forgets to cut", "cut it off again"): {"[:, :height, :width]": ""},
        ("a whole multiple more", "it divides already"): {"-height": "multiple - height", "-width": "multiple - width"},
        ("cuts with a negative end", "cuts everything off"): {
            "[:, :height, :width]": "[:, : -(-height % multiple), : -(-width % multiple)]",
        },
        ("pads on all sides", "in the upper left corner"): """
            height, width = images.shape[1:3]
            top, left = -height % multiple // 2, -width % multiple // 2
            margins = [(0, 0), (top, -height % multiple - top), (left, -width % multiple - left), (0, 0)]
            return network(np.pad(images, margins))[:, top : top + height, left : left + width]
        """,
        ("pads above, cuts below", "in the upper left corner"): {
            "(0, -height % multiple), (0, -width % multiple)": "(-height % multiple, 0), (-width % multiple, 0)",
        },
        ("a square", "no more than needed"): {
            "margins = [": "side = max(height, width) + -max(height, width) % multiple\nmargins = [",
            "-height % multiple": "side - height",
            "-width % multiple": "side - width",
        },
        ("resizes", "in the upper left corner"): """
            height, width = images.shape[1:3]
            larger = keras.ops.image.resize(images, (height + -height % multiple, width + -width % multiple))
            answers = network(keras.ops.convert_to_numpy(larger))
            return keras.ops.convert_to_numpy(keras.ops.image.resize(answers, (height, width)))
        """,
        ("always 4", "use `multiple`"): {"-height % multiple": "-height % 4", "-width % multiple": "-width % 4"},
        ("two images of the batch", "each of 3 images"): {
            "return network(np.pad(images, margins))[:, :height, :width]": """
                padded = np.pad(images, margins)
                return np.concatenate([network(padded[:1]), network(padded[1:2])])[:, :height, :width]
            """
        },
        ("changes the images", "stay as it is, but"): {
            "height, width = images.shape[1:3]": """
                height, width = images.shape[1:3]
                images *= 1.0
                images -= images.min() * 0
                images[:, 0, 0] = images[:, 0, 0] * 1
                images[images > 1] = 1
                np.clip(images, 0.1, 1, out=images)
            """
        },
        ("rounds", "not rounded"): {"[:, :height, :width]": "[:, :height, :width].round(3)"},
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "double-convolution": [
        'return unet.double_convolution(x, width, "mine")',
        """
            def once(features):
                features = keras.layers.Conv2D(width, (3, 3), padding="same", use_bias=False)(features)
                features = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(features)
                return keras.layers.Activation("relu")(features)

            return once(once(x))
        """,
        """
            layers = []
            for _ in range(2):
                layers.append(keras.layers.Conv2D(width, 3, padding="same", use_bias=False))
                layers.append(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
                layers.append(keras.layers.ReLU())
            return keras.Sequential(layers)(x)
        """,
        {
            "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)\n        x = keras.layers.ReLU()(x)": "keras.ops.relu(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))",
        },
        """
                class Twice(keras.layers.Layer):
                    def __init__(self, width):
                        super().__init__()
                        self.first = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)
                        self.second = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)
                        self.norms = [keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5) for _ in range(2)]

                    def call(self, x, training=None):
                        x = keras.ops.relu(self.norms[0](self.first(x), training=training))
                        return keras.ops.relu(self.norms[1](self.second(x), training=training))


                def double_convolution(x, width):
                    return Twice(width)(x)
            """,
    ],
    "down": [
        """
            x = unet.double_convolution(x, width, "mine")
            return [x, keras.layers.MaxPool2D((2, 2), strides=2)(x)]
        """,
        """
            features = unet.double_convolution(x, width, "level")
            return features, keras.ops.max_pool(features, 2)
        """,
    ],
    "up": [
        """
            x = unet.transposed_merge(below, skip, width, "mine")
            return unet.double_convolution(x, width, "mine")
        """,
        """
            x = keras.layers.Conv2DTranspose(width, (2, 2), strides=(2, 2), padding="same")(below)
            return unet.double_convolution(keras.ops.concatenate([x, skip], axis=-1), width, "mine")
        """,
        """
                class Up(keras.layers.Layer):
                    def __init__(self, width):
                        super().__init__()
                        self.block = keras.Sequential([layer for _ in range(2) for layer in (keras.layers.Conv2D(width, 3, padding='same', use_bias=False), keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5), keras.layers.ReLU())])
                        self.double = keras.layers.Conv2DTranspose(width, 2, strides=2)
                    def call(self, below, skip, training=None):
                        return self.block(keras.ops.concatenate([self.double(below), skip], -1), training=training)
                return Up(width)(below, skip)
            """,
    ],
    "whole-unet": [
        'return zoo.build("UNet", (side, side, 3), filters=filters)',
        {"keras.layers.Conv2D(1, 1,": "keras.layers.Dense(1,"},
        """
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
            count, height, width, channels = images.shape
            tall, wide = (-(-size // multiple) * multiple for size in (height, width))
            padded = np.zeros((count, tall, wide, channels), images.dtype)
            padded[:, :height, :width] = images
            return network(padded)[:, :height, :width, :]
        """,
        """
            below = (multiple - images.shape[1] % multiple) % multiple
            right = (multiple - images.shape[2] % multiple) % multiple
            padded = np.pad(images, [(0, 0), (0, below), (0, right), (0, 0)], mode="edge")
            answers = network(padded)
            return answers[:, : answers.shape[1] - below, : answers.shape[2] - right]
        """,
        """
                answers = []
                for image in images:
                    height, width, _ = image.shape
                    padded = np.pad(image, [(0, -height % multiple), (0, -width % multiple), (0, 0)])
                    answers.append(np.asarray(network(padded[None]))[0, :height, :width])
                return np.stack(answers)
            """,
    ],
}

RANGES = []  # the text quotes none

# what the text concludes from phantoms: expressions over the finished lesson
CLAIMS = [
    "bright_dice['with skips'] - bright_dice['without skips'] > 0.05",
    "min(cuts, key=cuts.get) == 'skip 1'",
    "(reaches[0], reaches[-1]) == (5, 140)",
    "best[16][0] < 0.5",
    "dice > 0.55",
    "agreement > 0.75",
    "dice - dice_between(validation.masks, found) > 0.1",
]
