"""What learners answer in lesson 10, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "as-trained": {
        ("forgets that images end at 1", "so multiply by 255 first"): {"(values - 127) / 128": "(images - 127) / 128"},
        ("scales to -1 and 1", "this is -1 to 1"): {"(values - 127) / 128": "images * 2 - 1"},
        ("forgets brackets", "follow the example in the docstring"): {"(values - 127) / 128": "values - 127 / 128"},
        ("divides first", "127 goes before the division"): {"(values - 127) / 128": "values / 128 - 127"},
        ("turns the channels for both", "only ResNet50 wants blue first"): {
            "(values - 127) / 128": "((values - 127) / 128)[..., ::-1]",
        },
        ("keeps red first", "blue, green, red"): {
            "values[..., ::-1] - np.array([103.939, 116.779, 123.68])": "values - np.array([123.68, 116.779, 103.939])",
        },
        ("turns the mean alone", "the channels have to be turned round too"): {"values[..., ::-1]": "values"},
        ("turns the channels alone", "the mean goes in the order of the channels"): {
            "[103.939, 116.779, 123.68]": "[123.68, 116.779, 103.939]",
        },
        ("mirrors the picture", "mirrors the picture"): {"[..., ::-1]": "[:, :, ::-1]"},
        ("turns the batch round", "the batch has changed places"): {"[..., ::-1]": "[::-1]"},
        ("leaves out the 255", "so multiply by 255 first"): {"return values[...": "return images[..."},
        ("does the same for both", "what lite0 wants"): {
            "values[..., ::-1] - np.array([103.939, 116.779, 123.68])": "(values - 127) / 128",
        },
        ("forgets a return", "got None: return it"): {"return values": "values"},
        ("writes into the images", "stay as it is, but"): {
            "values = 255 * images": "images *= 255\nvalues = images",
        },
        ("rounds", "not rounded"): {"return (values - 127) / 128": "return np.round((values - 127) / 128, 4)"},
    },
    "taps": {
        ("keeps the first of each resolution", "not the first"): {
            "found[side] = layer.output": "found.setdefault(side, layer.output)",
        },
        ("looks for the ending anywhere", "does not end in _add"): {
            "layer.name.endswith(ends)": "any(end in layer.name for end in ends)",
        },
        ("takes any layer", "only layers whose name ends"): {"layer.name.endswith(ends) and ": ""},
        ("forgets the image", "the image itself, network.input, comes first"): {"network.input, *": "*"},
        ("sorts upwards", "from high to low resolution"): {", reverse=True": ""},
        ("takes a layer at full resolution", "at full resolution the image itself"): {
            " and side < network.input.shape[1]": "",
            "network.input, *": "*",
        },
        ("adds a layer at full resolution", "only resolutions lower"): {" and side < network.input.shape[1]": ""},
        ("returns layers", "got layers"): {"found[side] = layer.output": "found[side] = layer"},
        ("takes the ends of Lite0 whatever it is told", "use `ends`, here _add and _out"): {
            "endswith(ends)": 'endswith(("_project_norm", "_add"))',
        },
        ("returns the dictionary", "expected a list"): {
            "[network.input, *(found[side] for side in sorted(found, reverse=True))]": "found",
        },
        ("stops before the bottleneck", "the bottleneck, belongs to the list"): {"True))]": "True))][:-1]"},
        ("returns all", "the last of each resolution, not all"): {
            "found = {}": "found = []",
            "found[side] = layer.output": "found.append(layer.output)",
            "(found[side] for side in sorted(found, reverse=True))": "found",
        },
        ("compares with the width", "the height says"): {"< network.input.shape[1]": "< network.input.shape[2]"},
        ("two endings at most", "all of `ends`"): {"layer.name.endswith(ends)": "layer.name.endswith(ends[:2])"},
        ("stops where a side is missing", "take the sides that there are"): {
            "return [network.input, *(found[side] for side in sorted(found, reverse=True))]": """
                chosen, side = [network.input], network.input.shape[1]
                while (side := side // 2) in found:
                    chosen.append(found[side])
                return chosen
            """,
        },
    },
    "decoder": {
        ("joins the skips from the top", "the last but one"): {"skips[level - 1]": "skips[-level]"},
        ("numbers the levels from the bottleneck", "decoder_3 is the deepest"): {
            '1], width, f"decoder_{': '1], width, f"decoder_{len(widths) + 1 - ',
            'x, width, f"decoder_{': 'x, width, f"decoder_{len(widths) + 1 - ',
        },
        ("one convolution on each level", "two on each level"): {"x = unet.double_convolution": "x = unet.convolution"},
        ("forgets the sigmoid", "the sigmoid is missing"): {', activation="sigmoid"': ""},
        ("ends in a ReLU", "got a ReLU"): {'activation="sigmoid"': 'activation="relu"'},
        ("forgets the head", "then one channel"): {'keras.layers.Conv2D(1, 1, activation="sigmoid")(x)': "x"},
        ("takes the widths from the end", "from the deepest level on"): {", widths, strict": ", widths[::-1], strict"},
        ("returns a model", "no model around them"): {
            'return keras.layers.Conv2D(1, 1, activation="sigmoid")(x)': 'return keras.Model(features[0], keras.layers.Conv2D(1, 1, activation="sigmoid")(x))',
        },
        ("leaves out the image", "one level for each skip"): {
            "range(len(skips), 0, -1), widths, strict=True": "range(len(skips), 1, -1), widths, strict=False",
        },
        ("pops", "the list handed in has changed"): {"*skips, x = features": "x, skips = features.pop(), features"},
        ("a head of 3 x 3", "expected a head of 1 x 1"): {"Conv2D(1, 1,": 'Conv2D(1, 3, padding="same",'},
        ("the skip goes up", "from below first"): {"(x, skips[level - 1],": "(skips[level - 1], x,"},
        ("a Dropout on each level", "in training alone"): {
            'x = unet.double_convolution(x, width, f"decoder_{level}")': 'x = keras.layers.Dropout(0.1)(unet.double_convolution(x, width, f"decoder_{level}"))'
        },
        ("sorts the widths", "widths handed in"): {
            "*skips, x = features": """
                widths.sort(reverse=True)
                *skips, x = features
            """
        },
    },
    "batch-norm": {
        ("forgets that it is frozen", "a frozen layer takes and keeps the remembered values in training too"): {
            "if training and trainable": "if training",
        },
        ("goes by trainable alone", "predictions take the remembered values"): {"if training and ": "if "},
        ("normalises each image by itself", "not over each image"): {
            "x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))": "(f(axis=(1, 2), keepdims=True) for f in (x.mean, x.var))",
            "0.1 * m,": "0.1 * m.mean(axis=(0, 1, 2)),",
        },
        ("one mean for all channels", "belong to each channel"): {"axis=(0, 1, 2)), x.var(axis=(0, 1, 2)": "), x.var("},
        ("changes old and new", "not the other way round"): {
            "0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v": "0.1 * mean + 0.9 * m, 0.1 * variance + 0.9 * v",
        },
        ("remembers the last batch alone", "not forgotten at once"): {
            "0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v": "m, v",
        },
        ("remembers nothing", "remembers something new"): {
            "0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v": "mean, variance",
        },
        ("normalises with the remembered", "in training the batch's own"): {
            "scale * (x - m) / np.sqrt(v + 0.001) + shift": "scale * (x - old[0]) / np.sqrt(old[1] + 0.001) + shift",
            "m, v = mean, variance": "m, v = old = mean, variance",
        },
        ("remembers first", "first normalise with the batch's own"): {"m) / np.sqrt(v": "mean) / np.sqrt(variance"},
        ("forgets the root", "the square root of the variance"): {"np.sqrt(v + 0.001)": "(v + 0.001)"},
        ("forgets the 0.001", "add 0.001 to the variance"): {"np.sqrt(v + 0.001)": "np.sqrt(v)"},
        ("the 0.001 behind the root", "inside the root, not to the root"): {"np.sqrt(v": "(np.sqrt(v)"},
        ("the 0.001 behind the root in training", "inside the root, not to the root"): {
            "np.sqrt(v + 0.001)": "(np.sqrt(v) + 0.001 if training and trainable else np.sqrt(v + 0.001))",
        },
        ("one value less", "not by one less"): {"x.var(axis=(0, 1, 2))": "x.var(axis=(0, 1, 2), ddof=1)"},
        ("scale and shift exchanged", "they have changed places"): {
            "scale * (x - m) / np.sqrt(v + 0.001) + shift": "shift * (x - m) / np.sqrt(v + 0.001) + scale",
        },
        ("the variance stays", "in the same way as the mean"): {"0.9 * variance + 0.1 * v": "variance"},
        ("writes into the remembered", "stay as it is, but"): {
            "mean, variance = 0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v": """
                mean *= 0.9
                mean += 0.1 * m
                variance *= 0.9
                variance += 0.1 * v
            """,
            "m, v = mean, variance": "m, v = mean.copy(), variance.copy()",
        },
        ("rounds", "not rounded"): {
            "return scale * (x - m) / np.sqrt(v + 0.001) + shift, mean, variance": "return np.round(scale * (x - m) / np.sqrt(v + 0.001) + shift, 3), mean, variance"
        },
        ("needs several images", "batch of one image"): {
            "x.var(axis=(0, 1, 2))": "x.var(axis=(0, 1, 2)) if len(x) > 1 else variance"
        },
        ("changes x", "stay as it is, but"): {
            "m, v = mean, variance": """
                m, v = mean, variance
                x -= 0.0
                x[0] += 1e-9
            """
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "as-trained": [
        {"\n    values = 255 * images": "", "(values": "(255 * images", "values[...,": "255 * images[...,"},
        """
            if network == "resnet50":
                red, green, blue = np.moveaxis(images * 255.0, -1, 0)
                return np.stack([blue - 103.939, green - 116.779, red - 123.68], axis=-1)
            return images * (255 / 128) - 127 / 128
        """,
        """
            images = keras.ops.convert_to_tensor(images, "float32")
            if network == "lite0":
                return keras.ops.convert_to_numpy(keras.layers.Rescaling(255 / 128, -127 / 128)(images))
            return keras.ops.convert_to_numpy(255 * keras.ops.flip(images, -1) - np.array([103.939, 116.779, 123.68], "float32"))
        """,
        """
            values = 255 * keras.ops.convert_to_tensor(images)
            if network == "lite0":
                return (values - 127) / 128
            return values[..., ::-1] - keras.ops.convert_to_tensor([103.939, 116.779, 123.68])
        """,
    ],
    "taps": [
        """
            full, features = network.input.shape[1], {}
            for layer in network.layers:
                if layer.output.shape[1] < full and layer.name.endswith(ends):
                    features[layer.output.shape[1]] = layer.output
            return [network.input] + list(features.values())
        """,
        """
            features = [network.input]
            for layer in network.layers:
                side = layer.output.shape[1]
                if side == network.input.shape[1] or not any(layer.name.endswith(end) for end in ends):
                    continue
                if side == features[-1].shape[1]:
                    features[-1] = layer.output
                else:
                    features.append(layer.output)
            return features
        """,
    ],
    "decoder": [
        """
            below = features[-1]
            levels = len(widths)
            for step, width in enumerate(widths):
                level = levels - step
                name = f"decoder_{level}"
                below = unet.transposed_merge(below, features[level - 1], width, name)
                below = unet.double_convolution(below, width, name)
            return keras.layers.Conv2D(1, 1, activation="sigmoid", name="head")(below)
        """,
        """
            x = features[-1]
            for skip, width, level in zip(features[-2::-1], widths, range(len(widths), 0, -1)):
                x = unet.double_convolution(unet.transposed_merge(x, skip, width, f"decoder_{level}"), width, f"decoder_{level}")
            return keras.layers.Activation("sigmoid")(keras.layers.Conv2D(1, 1)(x))
        """,
    ],
    "batch-norm": [
        """
            if training and trainable:
                m = np.mean(x, axis=(0, 1, 2))
                v = np.var(x, axis=(0, 1, 2))
                new_mean, new_variance = 0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v
            else:
                m, v, new_mean, new_variance = mean, variance, mean, variance
            y = (x - m) * scale / (v + 1e-3) ** 0.5 + shift
            return y, new_mean, new_variance
        """,
        """
            if training and trainable:
                m = np.mean(x, axis=(0, 1, 2))
                v = np.var(x, axis=(0, 1, 2))
                new_mean, new_variance = 0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v
            else:
                m, v, new_mean, new_variance = mean, variance, mean, variance
            y = (x - m) * scale / (v + 1e-3) ** 0.5 + shift
            return [y, new_mean, new_variance]
        """,
        """
            frozen = not (training and trainable)
            pixels = x.reshape(-1, x.shape[-1])
            m, v = (mean, variance) if frozen else (pixels.mean(0), ((pixels - pixels.mean(0)) ** 2).mean(0))
            y = shift + scale * (x - m) / np.sqrt(v + 0.001)
            if frozen:
                return y, mean, variance
            return y, mean + 0.1 * (m - mean), variance + 0.1 * (v - variance)
        """,
    ],
}

# [(an expression over the names of the finished lesson, the lowest and the highest value that the text quotes)]
RANGES = [
    ('min(each["random"] for each in knows.values())', "0.1", "0.35"),
    ('max(each["random"] for each in knows.values())', "0.1", "0.35"),
    ('np.mean(dice["ImageNet"])', "0.25", "0.65"),
    ('np.mean(dice["random"])', "0.0", "0.3"),
    ("ahead.mean()", "0.15", "0.65"),
    ("changed", "0.05", "1.2"),
    ('drifts["convolutions"]', "0.4", "2"),
    ('costs["in [0, 255]"]', "0.0", "0.25"),
    ('costs["divided by 255 twice"]', "0.0", "0.25"),
]

# what the text concludes from phantoms: expressions over the finished lesson
CLAIMS = [
    "knows[3]['ImageNet'] - knows[3]['the image'] > 0.1",
    "0 < knows[2]['ImageNet'] - knows[2]['the image'] < knows[3]['ImageNet'] - knows[3]['the image']",
    "abs(knows[4]['ImageNet'] - knows[4]['the image']) < 0.05",
    "knows[1]['ImageNet'] < knows[1]['the image'] - 0.02",
    "all(each['random'] < min(each['ImageNet'], each['the image']) for each in knows.values())",
]
