"""What learners answer in lesson 10, and what its text promises."""

SCALES = """
def as_trained(images, network):
    if network == "lite0":
        return {lite0}
    return {resnet50}
"""
MEAN = "np.array([103.939, 116.779, 123.68])"


def scales(lite0="(255 * images - 127) / 128", resnet50=f"255 * images[..., ::-1] - {MEAN}"):
    return SCALES.format(lite0=lite0, resnet50=resnet50)


TAPS = """
def taps(network, ends):
    full, features = network.input.shape[1], {{}}
    for layer in network.layers:
        if {condition}:
            {keep}
    return {answer}
"""
GOOD_TAPS = {
    "condition": "layer.output.shape[1] < full and layer.name.endswith(ends)",
    "keep": "features[layer.output.shape[1]] = layer.output",
    "answer": "[network.input] + list(features.values())",
}


def search(**parts):
    return TAPS.format(**{**GOOD_TAPS, **parts})


DECODER = """
def decoder(features, widths):
    below = features[-1]
    levels = len(widths)
    for step, width in enumerate(widths):
        level = levels - step
        name = f"decoder_{level}"
        below = unet.transposed_merge(below, features[level - 1], width, name)
        below = unet.double_convolution(below, width, name)
    return keras.layers.Conv2D(1, 1, activation="sigmoid", name="head")(below)
"""


def changed(*pairs):
    text = DECODER
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


NORM = """
def batch_norm(x, scale, shift, mean, variance, training, trainable):
    if {condition}:
        m = {m}
        v = {v}
        new_mean, new_variance = {remember}
    else:
        m, v, new_mean, new_variance = mean, variance, mean, variance
    y = {y}
    return y, new_mean, new_variance
"""
GOOD_NORM = {
    "condition": "training and trainable",
    "m": "np.mean(x, axis=(0, 1, 2))",
    "v": "np.var(x, axis=(0, 1, 2))",
    "remember": "0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v",
    "y": "(x - m) * scale / (v + 1e-3) ** 0.5 + shift",
}


def norm(**parts):
    return NORM.format(**{**GOOD_NORM, **parts})


# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "as-trained": {
        "forgets that images end at 1": (scales(lite0="(images - 127) / 128"), "so multiply by 255 first"),
        "scales to -1 and 1": (scales(lite0="images * 2 - 1"), "this is -1 to 1"),
        "forgets brackets": (scales(lite0="255 * images - 127 / 128"), "follow the example in the docstring"),
        "divides first": (scales(lite0="255 * images / 128 - 127"), "127 goes before the division"),
        "turns the channels for both": (
            scales(lite0="((255 * images - 127) / 128)[..., ::-1]"),
            "only ResNet50 wants blue first",
        ),
        "keeps red first": (scales(resnet50="255 * images - np.array([123.68, 116.779, 103.939])"), "blue, green, red"),
        "turns the mean alone": (scales(resnet50=f"255 * images - {MEAN}"), "the channels have to be turned round too"),
        "turns the channels alone": (
            scales(resnet50="255 * images[..., ::-1] - np.array([123.68, 116.779, 103.939])"),
            "the mean goes in the order of the channels",
        ),
        "mirrors the picture": (scales(resnet50=f"255 * images[:, :, ::-1] - {MEAN}"), "mirrors the picture"),
        "turns the batch round": (scales(resnet50=f"255 * images[::-1] - {MEAN}"), "the batch has changed places"),
        "leaves out the 255": (scales(resnet50=f"images[..., ::-1] - {MEAN}"), "so multiply by 255 first"),
        "does the same for both": (scales(resnet50="(255 * images - 127) / 128"), "what lite0 wants"),
        "forgets a return": (
            scales().replace("    return 255 *", "    255 *"),
            "each network needs its return",
        ),
        "writes into the images": (
            """
def as_trained(images, network):
    images *= 255
    return (images - 127) / 128 if network == "lite0" else images[..., ::-1] - np.array([103.939, 116.779, 123.68])
""",
            "the images handed in have changed",
        ),
    },
    "taps": {
        "keeps the first of each resolution": (
            search(keep="features.setdefault(layer.output.shape[1], layer.output)"),
            "not the first",
        ),
        "looks for the ending anywhere": (
            search(condition="layer.output.shape[1] < full and any(end in layer.name for end in ends)"),
            "does not end in _add",
        ),
        "takes any layer": (search(condition="layer.output.shape[1] < full"), "only layers whose name ends"),
        "forgets the image": (search(answer="list(features.values())"), "the image itself, network.input, comes first"),
        "sorts upwards": (
            search(answer="[network.input] + [features[side] for side in sorted(features)]"),
            "from high to low resolution",
        ),
        "takes a layer at full resolution": (
            search(condition="layer.name.endswith(ends)", answer="list(features.values())"),
            "at full resolution the image itself",
        ),
        "adds a layer at full resolution": (search(condition="layer.name.endswith(ends)"), "only resolutions lower"),
        "returns layers": (search(keep="features[layer.output.shape[1]] = layer"), "got layers"),
        "takes the ends of Lite0 whatever it is told": (
            search(condition='layer.output.shape[1] < full and layer.name.endswith(("_project_norm", "_add"))'),
            "use `ends`, here _add and _out",
        ),
        "returns the dictionary": (search(answer="features"), "expected a list"),
        "stops before the bottleneck": (
            search(answer="[network.input] + list(features.values())[:-1]"),
            "the bottleneck, belongs to the list",
        ),
        "returns all": (
            """
def taps(network, ends):
    return [network.input] + [layer.output for layer in network.layers
                              if layer.name.endswith(ends) and layer.output.shape[1] < network.input.shape[1]]
""",
            "the last of each resolution, not all",
        ),
    },
    "decoder": {
        "joins the skips from the top": (changed(("features[level - 1]", "features[step]")), "the last but one"),
        "numbers the levels from the bottleneck": (
            changed(('f"decoder_{level}"', 'f"decoder_{step + 1}"')),
            "decoder_3 is the deepest",
        ),
        "one convolution on each level": (
            changed(("unet.double_convolution(below, width, name)", "unet.convolution(below, width, name)")),
            "two on each level",
        ),
        "forgets the sigmoid": (changed(('activation="sigmoid", ', "")), "the sigmoid is missing"),
        "ends in a ReLU": (changed(("sigmoid", "relu")), "got a ReLU"),
        "forgets the head": (
            changed(('keras.layers.Conv2D(1, 1, activation="sigmoid", name="head")(below)', "below")),
            "then one channel",
        ),
        "takes the widths from the end": (
            changed(("enumerate(widths)", "enumerate(widths[::-1])")),
            "from the deepest level on",
        ),
        "returns a model": (
            changed(("return ", "answer = ")) + "    return keras.Model(features[0], answer)\n",
            "no model around them",
        ),
        "leaves out the image": (
            changed(("enumerate(widths)", "enumerate(widths[:-1])")),
            "one level for each skip",
        ),
        "pops": (changed(("features[-1]", "features.pop()")), "the list handed in has changed"),
        "a head of 3 x 3": (
            changed(('Conv2D(1, 1, activation="sigmoid"', 'Conv2D(1, 3, padding="same", activation="sigmoid"')),
            "expected a head of 1 x 1",
        ),
        "the skip goes up": (
            changed(("(below, features[level - 1], width, name)", "(features[level - 1], below, width, name)")),
            "from below first",
        ),
    },
    "batch-norm": {
        "forgets that it is frozen": (
            norm(condition="training"),
            "a frozen layer takes and keeps the remembered values in training too",
        ),
        "goes by trainable alone": (norm(condition="trainable"), "predictions take the remembered values"),
        "normalises each image by itself": (
            norm(m="x.mean(axis=(1, 2), keepdims=True)", v="x.var(axis=(1, 2), keepdims=True)").replace(
                "0.1 * m,", "0.1 * m.mean(axis=(0, 1, 2)),"
            ),
            "not over each image",
        ),
        "one mean for all channels": (norm(m="x.mean()", v="x.var()"), "belong to each channel"),
        "changes old and new": (
            norm(remember="0.1 * mean + 0.9 * m, 0.1 * variance + 0.9 * v"),
            "not the other way round",
        ),
        "remembers the last batch alone": (norm(remember="m, v"), "not forgotten at once"),
        "remembers nothing": (norm(remember="mean, variance"), "remembers something new"),
        "normalises with the remembered": (
            norm().replace("(x - m) * scale / (v + 1e-3)", "(x - mean) * scale / (variance + 1e-3)"),
            "in training the batch's own",
        ),
        "remembers first": (
            norm(y="(x - new_mean) * scale / (new_variance + 1e-3) ** 0.5 + shift"),
            "first normalise with the batch's own",
        ),
        "forgets the root": (norm(y="(x - m) * scale / (v + 1e-3) + shift"), "the square root of the variance"),
        "forgets the 0.001": (norm(y="(x - m) * scale / v ** 0.5 + shift"), "add 0.001 to the variance"),
        "the 0.001 behind the root": (
            norm(y="(x - m) * scale / (np.sqrt(v) + 1e-3) + shift"),
            "inside the root, not to the root",
        ),
        "the 0.001 behind the root in training": (
            norm(y="(x - m) * scale / (np.sqrt(v) + 1e-3 if training and trainable else np.sqrt(v + 1e-3)) + shift"),
            "inside the root, not to the root",
        ),
        "one value less": (norm(v="np.var(x, axis=(0, 1, 2), ddof=1)"), "not by one less"),
        "scale and shift exchanged": (
            norm(y="(x - m) * shift / (v + 1e-3) ** 0.5 + scale"),
            "they have changed places",
        ),
        "the variance stays": (norm(remember="0.9 * mean + 0.1 * m, variance"), "in the same way as the mean"),
        "writes into the remembered": (
            """
def batch_norm(x, scale, shift, mean, variance, training, trainable):
    m, v = mean.copy(), variance.copy()
    if training and trainable:
        m, v = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
        mean *= 0.9
        mean += 0.1 * m
        variance *= 0.9
        variance += 0.1 * v
    return scale * (x - m) / np.sqrt(v + 1e-3) + shift, mean, variance
""",
            "an array handed in has changed",
        ),
    },
}

# Written otherwise than the solution, and right.
RIGHT = {
    "as-trained": [
        scales(),
        """
def as_trained(images, network):
    if network == "resnet50":
        red, green, blue = np.moveaxis(images * 255.0, -1, 0)
        return np.stack([blue - 103.939, green - 116.779, red - 123.68], axis=-1)
    return images * (255 / 128) - 127 / 128
""",
        """
def as_trained(images, network):
    images = keras.ops.convert_to_tensor(images, "float32")
    if network == "lite0":
        return keras.ops.convert_to_numpy(keras.layers.Rescaling(255 / 128, -127 / 128)(images))
    return keras.ops.convert_to_numpy(255 * keras.ops.flip(images, -1) - np.array([103.939, 116.779, 123.68], "float32"))
""",
    ],
    "taps": [
        search(),
        """
def taps(network, ends):
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
        DECODER,
        """
def decoder(features, widths):
    x = features[-1]
    for skip, width, level in zip(features[-2::-1], widths, range(len(widths), 0, -1)):
        x = unet.double_convolution(unet.transposed_merge(x, skip, width, f"decoder_{level}"), width, f"decoder_{level}")
    return keras.layers.Activation("sigmoid")(keras.layers.Conv2D(1, 1)(x))
""",
    ],
    "batch-norm": [
        norm(),
        norm().replace("return y, new_mean, new_variance", "return [y, new_mean, new_variance]"),
        """
def batch_norm(x, scale, shift, mean, variance, training, trainable):
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
    ('min(knows[level]["ImageNet"] for level in (2, 3, 4))', "0.4", "0.75"),
    ('max(knows[level]["ImageNet"] for level in (2, 3, 4))', "0.4", "0.75"),
    ('min(knows[level]["random"] for level in (2, 3, 4))', "0.1", "0.35"),
    ('max(knows[level]["random"] for level in (2, 3, 4))', "0.1", "0.35"),
    ('np.mean(dice["ImageNet"])', "0.25", "0.65"),
    ('np.mean(dice["random"])', "0.0", "0.3"),
    ("ahead.mean()", "0.15", "0.65"),
    ("changed", "0.05", "1.2"),
    ('drifts["convolutions"]', "0.4", "2"),
    ('costs["in [0, 255]"]', "0.0", "0.25"),
    ('costs["divided by 255 twice"]', "0.0", "0.25"),
]
