"""What learners answer in lesson 15, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "rescan": {
        ("cuts off strong noise", "cut no noise off"): {
            "rng.normal(0, strength, images.shape)": """
                np.clip(rng.normal(0, strength, images.shape), -25, 25)
            """
        },
        ("cuts off the noise", "round the sum, not the noise"): {"images.shape)": "images.shape).astype(int)"},
        ("drops the axis of a single slice", "also of a single slice"): {
            '.astype("uint8")': '.astype("uint8").squeeze()'
        },
        ("keeps within 0 to 254", "expected 0 to 255, all of it"): {"0, 255)": "0, 254)"},
        ("forgets the return", "got None"): {"return np.clip": "noisy = np.clip"},
        ("goes round", "uint8 goes round"): {"np.clip(np.rint(noisy), 0, 255)": "np.rint(noisy).astype(int)"},
        ("cuts off", "round first, with np.rint"): {"np.rint(noisy)": "noisy"},
        ("leaves floats", "expected uint8"): {'.astype("uint8")': ""},
        ("takes the strength for a variance", "10 is not its square"): {"strength, images": "strength**0.5, images"},
        ("one noise for all channels", "all channels got the same noise"): {
            "images.shape)": "(*images.shape[:3], 1))",
        },
        ("one noise for all slices", "all slices got the same noise"): {"images.shape)": "images.shape[1:])"},
        ("one noise for each row", "next to each other"): {"images.shape)": "(*images.shape[:2], 1, 3))"},
        ("one noise for each column", "next to each other"): {"images.shape)": "(len(images), 1, *images.shape[2:]))"},
        ("one noise for four pixels", "next to each other"): {
            "rng.normal(0, strength, images.shape)": """
                rng.normal(0, strength, images[:, ::2, ::2].shape).repeat(2, axis=1).repeat(2, axis=2)
            """
        },
        ("one noise for each row, less its mean", "next to each other"): {
            "noisy =": "rows = rng.normal(0, strength, (*images.shape[:2], 1, 3))\nnoisy =",
            "rng.normal(0, strength, images.shape)": "rows - rows.mean()",
        },
        ("reflects at both ends", "what falls below 0 becomes 0"): {
            "noisy = images + rng.normal(0, strength, images.shape)": """
                noisy = np.abs(images + rng.normal(0, strength, images.shape))
                noisy = np.where(noisy > 255, 510 - noisy, noisy)
            """
        },
        ("reflects at 0", "what falls below 0 becomes 0"): {
            "np.clip(np.rint(noisy), 0, 255)": "np.minimum(np.rint(np.abs(noisy)), 255)"
        },
        ("draws with NumPy's own generator", "the one that is handed in"): {"rng.normal": "np.random.normal"},
        ("draws from a seed of its own", "two generators gave one answer"): {
            "rng.normal": "np.random.default_rng(0).normal",
        },
        ("noise that only brightens", "a mean of 0"): {
            "rng.normal(0, strength, images.shape)": "(strength + rng.normal(0, strength, images.shape))",
        },
        ("changes the images", "expected the images to stay"): """
            images[:] = np.clip(np.rint(images + rng.normal(0, strength, images.shape)), 0, 255)
            return images
        """,
        ("no noise where a slice is black", "black and white pixels are noisy too"): {
            "rng.normal(0, strength, images.shape)": "rng.normal(0, strength, images.shape) * (images > 0)",
        },
        ("hands back what it was given", "strength 0: expected a new array"): {
            "noisy =": "if strength == 0:\n    return images\nnoisy =",
        },
        ("strength as a whole number", "take the strength as it is"): {"(0, strength,": "(0, int(strength),"},
        ("no stronger than the rules", "take the strength as it is"): {"(0, strength,": "(0, min(strength, 25),"},
    },
    "design": {
        ("over the budget", "where 100,000 are allowed"): "return zoo.build('UNet', (48, 48, 3), filters=4)",
        ("logits", "the last activation is a sigmoid"): """
            keras.utils.set_random_seed(seed)
            network = zoo.small(seed)
            return keras.Model(network.input, network.get_layer("head_conv").output)
        """,
        ("a softmax over one channel", "a softmax over a single channel is always 1"): """
            network = zoo.small(seed)
            one = keras.layers.Softmax()(network.get_layer("head_conv").output)
            return keras.Model(network.input, one)
        """,
        ("half the size", "as often up as down"): """
            network = zoo.small(seed)
            half = keras.layers.Conv2D(1, 1, activation="sigmoid")(network.get_layer("decoder_2_relu_2").output)
            return keras.Model(network.input, half)
        """,
        ("sees too little", "go down a level more"): """
            keras.utils.set_random_seed(seed)
            inputs = keras.Input((48, 48, 3))
            x = unet.double_convolution(inputs, 16, "block")
            return keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))
        """,
        ("forgets the seed", "begin with keras.utils.set_random_seed(seed)"): {
            "keras.utils.set_random_seed(seed)": "pass",
        },
        ("a seed of its own", "set_random_seed takes `seed`"): {"set_random_seed(seed)": "set_random_seed(0)"},
        ("two seeds in all", "the seeds 3 and 5 gave the same weights"): {"random_seed(seed)": "random_seed(seed % 2)"},
        ("ten seeds in all", "the seeds 3 and 13 gave the same"): {"random_seed(seed)": "random_seed(seed % 10)"},
        ("an operation that is no layer", "keras.layers has a layer for each such step"): """
            network = zoo.small(seed)
            return keras.Model(network.input, network.output * 1.0)
        """,
        ("a Lambda", "holds 'Lambda'"): """
            network = zoo.small(seed)
            return keras.Model(network.input, keras.layers.Lambda(lambda x: x)(network.output))
        """,
        ("forgets the return", "return the network"): {"return unet": "network = unet"},
        ("keeps its networks", "make all layers anew"): """
            MADE = {}


            def design(seed):
                if seed not in MADE:
                    MADE[seed] = zoo.small(seed)
                return MADE[seed]
        """,
    },
    "plan": {
        ("over the budget", "a slice that is shown twice counts twice"): {"4800": "9600"},
        ("forgets the noise", "add 'noise'"): {', "noise": 25': ""},
        ("a set in place of a dictionary", "expected a dictionary"): "return 4800, 8, 0.01, 25",
        ("one step", "at least 20"): {"4800": "8"},
        ("slices as a share of the budget", "a whole number"): {"4800": "0.75"},
        (
            "a rate for SGD",
            "with AdamW 0.01 is high",
        ): 'return {"slices": 800, "batch": 8, "rate": 1.0, "noise": 25, "bend": True}',
        ("noise below 0", "from 0 to 255"): {'"noise": 25': '"noise": -1'},
        ("noise as a word", "expected noise as a number"): {'"noise": 25': '"noise": "25"'},
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "rescan": [
        """
            noise = strength * rng.standard_normal(images.shape)
            return (images + noise).round().clip(0, 255).astype(np.uint8)
        """,
        """
            kept = np.empty_like(images)
            for number, image in enumerate(images):
                noisy = image.astype("float32") + rng.normal(scale=strength, size=image.shape)
                kept[number] = np.minimum(np.maximum(np.floor(noisy + 0.5), 0), 255)
            return kept
        """,
    ],
    "design": [
        "return zoo.small(seed)",
        """
            keras.utils.set_random_seed(seed)
            inputs = x = keras.Input((None, None, 3))
            for dilation in (1, 2, 4, 8, 16):
                x = keras.layers.Conv2D(16, 3, padding="same", dilation_rate=dilation, activation="silu")(x)
            return keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))
        """,
        """
            return zoo.small(seed, skip=lambda level, width: attention.AttentionGate(width=8))
        """,
        """
            keras.utils.set_random_seed(seed)
            layers = [keras.Input((48, 48, 3))]
            for dilation in (1, 2, 4, 8, 16):
                how = dict(padding="same", dilation_rate=dilation, activation="relu")
                layers.append(keras.layers.Conv2D(8, 3, **how))
            return keras.Sequential([*layers, keras.layers.Conv2D(1, 1, activation="sigmoid")])
        """,
    ],
    "plan": [
        "return dict(slices=6400, batch=16, rate=0.003, noise=0.0, bend=False)",
        "return {'batch': np.int64(4), 'slices': 2000, 'noise': 40, 'rate': 0.005, 'bend': True, 'loss': 'Dice'}",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("before['the large network'].mean()", "0.55", "0.70"),
    ("after['the large network'].mean()", "0.15", "0.35"),
    ("scores['noisy'][0].mean()", "0.25", "0.50"),
]
