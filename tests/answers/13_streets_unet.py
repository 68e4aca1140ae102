"""What learners answer in lesson 13, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "up-step": {
        "joins as lesson 05 did": (
            """
def up_step(below, skip, width):
    narrow = unet.convolution(attention.Double()(below), width, "up", kernel_size=1)
    return keras.layers.Concatenate()([narrow, skip])
""",
            "the skip comes first here",
        ),
        "keeps the width of the level below": (
            """
def up_step(below, skip, width):
    return keras.layers.Concatenate()([skip, attention.Double()(below)])
""",
            "were kept",
        ),
        "keeps the width in the convolution": (
            """
def up_step(below, skip, width):
    doubled = attention.Double()(below)
    narrow = unet.convolution(doubled, below.shape[-1], "up", kernel_size=1)
    return keras.layers.Concatenate()([skip, narrow])
""",
            "were kept",
        ),
        "takes the skip's width": (
            """
def up_step(below, skip, width):
    narrow = unet.convolution(attention.Double()(below), skip.shape[-1], "up", kernel_size=1)
    return keras.layers.Concatenate()([skip, narrow])
""",
            "not as many as the skip",
        ),
        "forgets the skip": (
            """
def up_step(below, skip, width):
    return unet.convolution(attention.Double()(below), width, "up", kernel_size=1)
""",
            "the skip is missing",
        ),
        "takes the nearest": (
            """
def up_step(below, skip, width):
    doubled = keras.layers.UpSampling2D(2)(below)
    return keras.layers.Concatenate()([skip, unet.convolution(doubled, width, "up", kernel_size=1)])
""",
            "this is the nearest",
        ),
        "learns the doubling": (
            """
def up_step(below, skip, width):
    doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)(below)
    return keras.layers.Concatenate()([skip, doubled])
""",
            "the way of lesson 05",
        ),
        "sees nine pixels": (
            """
def up_step(below, skip, width):
    narrow = unet.convolution(attention.Double()(below), width, "up")
    return keras.layers.Concatenate()([skip, narrow])
""",
            "one convolution of 1 x 1 pixel",
        ),
        "leaves the normalisation out": (
            """
def up_step(below, skip, width):
    doubled = attention.Double()(below)
    narrow = keras.layers.Conv2D(width, 1, use_bias=False, activation="relu")(doubled)
    return keras.layers.Concatenate()([skip, narrow])
""",
            "expected a normalisation",
        ),
        "keeps the bias": (
            """
def up_step(below, skip, width):
    x = keras.layers.Conv2D(width, 1)(attention.Double()(below))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
    return keras.layers.Concatenate()([skip, x])
""",
            "without bias",
        ),
        "leaves the ReLU out": (
            """
def up_step(below, skip, width):
    x = keras.layers.Conv2D(width, 1, use_bias=False)(attention.Double()(below))
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return keras.layers.Concatenate()([skip, x])
""",
            "comes a ReLU",
        ),
        "doubles last": (
            """
def up_step(below, skip, width):
    narrow = unet.convolution(below, width, "up", kernel_size=1)
    return keras.layers.Concatenate()([skip, attention.Double()(narrow)])
""",
            "double first",
        ),
        "goes on with the block": (
            """
def up_step(below, skip, width):
    x = unet.bilinear_merge(below, skip, width, "up")
    return unet.double_convolution(x, skip.shape[-1] + width, "block")
""",
            "no block behind the concatenation",
        ),
        "returns nothing": (
            """
def up_step(below, skip, width):
    narrow = unet.convolution(attention.Double()(below), width, "up", kernel_size=1)
    keras.layers.Concatenate()([skip, narrow])
""",
            "return what Concatenate gives",
        ),
        "has a width of its own": (
            """
def up_step(below, skip, width):
    narrow = unet.convolution(attention.Double()(below), skip.shape[-1] + 1, "up", kernel_size=1)
    return keras.layers.Concatenate()([skip, narrow])
""",
            "use `width`",
        ),
    },
    "auxiliary-loss": {
        "counts both heads alike": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    p = np.log(np.take_along_axis(main, classes, -1)) + np.log(np.take_along_axis(auxiliary, classes, -1))
    return -(p[..., 0] * valid).sum() / (valid.sum() if average == "valid" else valid.size)
""",
            "the second head counts `weight` times",
        ),
        "shares the weight": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return ((1 - weight) * a + weight * b) / (valid.sum() if average == "valid" else valid.size)
""",
            "the main head counts 1, not 1 - weight",
        ),
        "weights the main head": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return (weight * a + b) / (valid.sum() if average == "valid" else valid.size)
""",
            "the heads are swapped",
        ),
        "weights the sum": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return weight * (a + b) / (valid.sum() if average == "valid" else valid.size)
""",
            "the main head counts 1, not `weight`",
        ),
        "forgets the second head": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    costs = -np.log(np.take_along_axis(main, classes, -1)[..., 0]) * valid
    return costs.sum() / (valid.sum() if average == "valid" else valid.size)
""",
            "the second head is missing",
        ),
        "forgets the minus": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = ((np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return (a + weight * b) / (valid.sum() if average == "valid" else valid.size)
""",
            "the cost is minus it",
        ),
        "looks 255 up": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    classes = true.astype(int)[..., None]
    a, b = (-np.log(np.take_along_axis(p, classes, -1)).mean() for p in (main, auxiliary))
    return a + weight * b
""",
            "there is no class 255",
        ),
        "takes what is ignored for road": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    classes = np.where(true == 255, 0, true).astype(int)[..., None]
    a, b = (-np.log(np.take_along_axis(p, classes, -1)).mean() for p in (main, auxiliary))
    return a + weight * b
""",
            "counted as class 0, road",
        ),
        "takes what is ignored for the last class": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    classes = np.minimum(true, main.shape[-1] - 1).astype(int)[..., None]
    a, b = (-np.log(np.take_along_axis(p, classes, -1)).mean() for p in (main, auxiliary))
    return a + weight * b
""",
            "counted as the last class",
        ),
        "adds up and does not divide": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return a + weight * b
""",
            "divide by the number of valid pixels",
        ),
        "divides by all always": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).mean() for p in (main, auxiliary))
    return a + weight * b
""",
            "this divides by all pixels",
        ),
        "divides by the valid ones always": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    a, b = (-np.log(np.take_along_axis(p[valid], true[valid].astype(int)[:, None], -1)).mean() for p in (main, auxiliary))
    return a + weight * b
""",
            "divide by all four pixels",
        ),
        "divides the second head by the valid ones": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return a / (valid.sum() if average == "valid" else valid.size) + weight * b / valid.sum()
""",
            "both heads are divided",
        ),
        "does not listen to weight": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return (a + 0.4 * b) / (valid.sum() if average == "valid" else valid.size)
""",
            "use `weight`",
        ),
        "takes the mean of the images' losses": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    counts = valid.sum(axis=(1, 2)) if average == "valid" else valid[0].size
    a, b = (
        (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum(axis=(1, 2)) / counts).mean()
        for p in (main, auxiliary)
    )
    return a + weight * b
""",
            "all pixels of the batch count alike",
        ),
        "gives a loss for each pixel": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid for p in (main, auxiliary))
    return a + weight * b
""",
            "one number for the batch",
        ),
        "writes into what it reads": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    true[~valid] = 0
    a, b = (
        -(np.log(np.take_along_axis(p, true.astype(int)[..., None], -1)[..., 0]) * valid).sum() for p in (main, auxiliary)
    )
    return (a + weight * b) / (valid.sum() if average == "valid" else valid.size)
""",
            "to stay as it is",
        ),
        "divides by nothing": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return (a + weight * b) / (valid.sum() if average == "valid" else valid.size)
""",
            "divide by 1 at least",
        ),
        "spreads the valid pixels over all": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log(np.take_along_axis(p, classes, -1)) * valid).sum() for p in (main, auxiliary))
    return (a + weight * b) / (valid.sum() if average == "valid" else valid.size)
""",
            "with [..., 0] first",
        ),
        "takes the logarithm to the base 2": (
            """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true != 255
    classes = np.where(valid, true, 0).astype(int)[..., None]
    a, b = (-(np.log2(np.take_along_axis(p, classes, -1)[..., 0]) * valid).sum() for p in (main, auxiliary))
    return (a + weight * b) / (valid.sum() if average == "valid" else valid.size)
""",
            "not np.log2",
        ),
    },
    "poly": {
        "falls to 0": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return rate * (1 - step / steps) ** power
""",
            "falls to the floor, not to 0",
        ),
        "cuts the end off": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return max(rate * max(1 - step / steps, 0) ** power, floor)
""",
            "cuts the end off",
        ),
        "puts the floor on top": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return rate * max(1 - step / steps, 0) ** power + floor
""",
            "the floor is on top of the rate",
        ),
        "is a line": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return (rate - floor) * max(1 - step / steps, 0) + floor
""",
            "this is a line",
        ),
        "raises what is done": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return (rate - floor) * (1 - min(step / steps, 1) ** power) + floor
""",
            "not what is done",
        ),
        "rises": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return (rate - floor) * (step / steps) ** power + floor
""",
            "what is left is 1 - step / steps",
        ),
        "goes on after the end": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    floor = min(rate, floor)
    return (rate - floor) * (1 - step / steps) ** power + floor
""",
            "after the last step, got a complex number",
        ),
        "comes back after the end": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    floor = min(rate, floor)
    return (rate - floor) * abs(1 - step / steps) ** power + floor
""",
            "after the last step, got 0.0",
        ),
        "rises to the floor": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return (rate - floor) * max(1 - step / steps, 0) ** power + floor
""",
            "it must not rise",
        ),
        "rises to the floor after the end": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    if step >= steps:
        return floor
    floor = min(rate, floor)
    return (rate - floor) * (1 - step / steps) ** power + floor
""",
            "at step 1200: it must not rise",
        ),
        "has a power of its own": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    floor = min(rate, floor)
    return (rate - floor) * max(1 - step / steps, 0) ** 0.9 + floor
""",
            "use `power` and `floor`",
        ),
        "is the cosine": (
            """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    return floor + (rate - floor) * (1 + np.cos(np.pi * min(step / steps, 1))) / 2
""",
            "a line, or a cosine",
        ),
    },
    "merge": {
        "takes the plain mean": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    total, count = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += each
        count[top : top + height, left : left + width] += 1
    return total / count
""",
            "the plain mean",
        ),
        "lets the last window win": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    whole = np.zeros((*size, maps.shape[-1]))
    for each, (top, left) in zip(maps, places):
        whole[top : top + height, left : left + width] = each
    return whole
""",
            "the last window replaces",
        ),
        "lets the first window win": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    whole = np.zeros((*size, maps.shape[-1]))
    for each, (top, left) in reversed(list(zip(maps, places))):
        whole[top : top + height, left : left + width] = each
    return whole
""",
            "the first window stays",
        ),
        "does not divide": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    total = np.zeros((*size, maps.shape[-1]))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
    return total
""",
            "divide by the sum of the weights",
        ),
        "divides by the number of windows": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    total = np.zeros((*size, maps.shape[-1]))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
    return total / len(maps)
""",
            "not by the number of windows",
        ),
        "lets the tent fall to 0": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / max((side - 1) / 2, 0.5)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "not to 0",
        ),
        "leaves the weight flat": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = tent(height)[:, None] * tent(width)
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "weight is (height, width, 1)",
        ),
        "adds up without the classes": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    total, weights = np.zeros(size), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "the sum (*size, classes)",
        ),
        "swaps the sides of the weight": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = (tent(width)[:, None] * tent(height))[..., None]
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "weight is (height, width, 1)",
        ),
        "puts the middle at half the side": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - side / 2) / (side / 2)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "its middle is (side - 1) / 2",
        ),
        "turns the tent over": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: abs(np.arange(side) - (side - 1) / 2) / (side / 2) if side > 1 else np.ones(1)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "the wrong way round",
        ),
        "weights along the width alone": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = 1 - abs(np.arange(width) - (width - 1) / 2) / (width / 2)
    weight = np.tile(tent, (height, 1))[..., None]
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "turned upright",
        ),
        "adds the tents": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = (tent(height)[:, None] + tent(width))[..., None]
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "times the other, not plus",
        ),
        "puts left first": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (left, top) in zip(maps, places):
        total[top : top + height, left : left + width] += weight * each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "rows first",
        ),
        "writes into what it reads": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    tent = lambda side: 1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    weight = (tent(height)[:, None] * tent(width))[..., None]
    maps *= weight
    total, weights = np.zeros((*size, maps.shape[-1])), np.zeros((*size, 1))
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += each
        weights[top : top + height, left : left + width] += weight
    return total / weights
""",
            "to stay as they are",
        ),
        "forgets the classes": (
            """
def merge(maps, places, size):
    height, width = maps.shape[1:3]
    total = np.zeros(size)
    for each, (top, left) in zip(maps, places):
        total[top : top + height, left : left + width] += each.argmax(axis=-1)
    return total
""",
            "a channel for each class",
        ),
    },
}

# {exercise: answers that are right, written in other ways than the solution}; each is accepted.
RIGHT = {
    "up-step": [
        """
def up_step(below, skip, width):
    x = keras.layers.UpSampling2D(2, interpolation="bilinear")(below)
    x = keras.layers.Conv2D(width, 1, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = keras.layers.Activation("relu")(x)
    return keras.ops.concatenate([skip, x], axis=-1)
""",
        """
def up_step(below, skip, width):
    x = attention.Double(interpolation="bilinear")(below)
    x = unet.convolution(inputs=x, width=width, name="narrow", number=3, kernel_size=1)
    return keras.layers.concatenate([skip, x])
""",
    ],
    "auxiliary-loss": [
        """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    valid = true < 255
    chosen = true[valid]
    rows = np.arange(len(chosen))
    costs = -np.log(main[valid][rows, chosen]) - weight * np.log(auxiliary[valid][rows, chosen])
    if not len(chosen):
        return 0.0
    return np.sum(costs) / {"valid": len(chosen), "all": true.size}[average]
""",
        """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    loss = losses.CrossEntropy(mode="multiclass", ignore_index=255, average=average)
    return float(loss(true, main)) + weight * float(loss(true, auxiliary))
""",
        """
def street_loss(true, main, auxiliary, weight=0.4, average="valid"):
    one_hot = true[..., None] == np.arange(main.shape[-1])
    costs = -(one_hot * (np.log(main) + weight * np.log(auxiliary))).sum()
    return costs / (max(1, np.count_nonzero(one_hot)) if average == "valid" else np.size(true))
""",
    ],
    "poly": [
        """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    if rate <= floor:
        return rate
    if step >= steps:
        return floor
    return floor + (rate - floor) * ((steps - step) / steps) ** power
""",
        """
def poly(step, steps, rate, power=0.9, floor=1e-4):
    floor = rate if rate < floor else floor
    left = np.clip(1 - step / steps, 0, 1) ** power
    return rate * left + floor * (1 - left)
""",
    ],
    "merge": [
        """
def merge(maps, places, size):
    def tent(side):
        x = np.arange(side)
        return np.minimum(x + 0.5, side - x - 0.5) / (side / 2)

    weight = np.outer(tent(maps.shape[1]), tent(maps.shape[2]))
    both = np.zeros((*size, maps.shape[-1] + 1))
    for (top, left), each in zip(places, maps):
        here = both[top : top + weight.shape[0], left : left + weight.shape[1]]
        here[..., :-1] += each * weight[..., None]
        here[..., -1] += weight
    return both[..., :-1] / both[..., -1:]
""",
        """
def merge(maps, places, size):
    n, height, width, classes = maps.shape
    up, across = (1 - np.abs(np.arange(side) - (side - 1) / 2) / (side / 2) for side in (height, width))
    weights, values = np.zeros((n, *size, 1)), np.zeros((n, *size, classes))
    for number, (top, left) in enumerate(places):
        weights[number, top : top + height, left : left + width, 0] = np.outer(up, across)
        values[number, top : top + height, left : left + width] = maps[number]
    return (weights * values).sum(axis=0) / weights.sum(axis=0)
""",
    ],
}

# (expression over the finished notebook's names, lowest, highest), as the text quotes them.
RANGES = [
    ("scores['the network']['mean_iou']", "0.5", "0.8"),
    ("len(unlearned)", "0", "3"),
    ("seam", "3", "20"),
    ("gained['whole, mirrored']", "-0.03", "0.04"),
    ("gained['whole, mirrored'] - gained['whole, mirrored, three scales']", "0", "0.15"),
]
