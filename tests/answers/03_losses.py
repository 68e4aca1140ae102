"""What learners answer in lesson 03, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "cross-entropy": {
        "numpy": (
            """
def cross_entropy(y_true, y_pred):
    y_true, y_pred = np.asarray(y_true), np.clip(np.asarray(y_pred), 1e-7, 1 - 1e-7)
    return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
""",
            "keras.ops computes, not numpy",
        ),
        "no mean": (
            """
def cross_entropy(y_true, y_pred):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return -(y_true * keras.ops.log(y_pred) + (1 - y_true) * keras.ops.log(1 - y_pred))
""",
            "take the mean over all pixels",
        ),
        "a sum": (
            """
def cross_entropy(y_true, y_pred):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return -keras.ops.sum(y_true * keras.ops.log(y_pred) + (1 - y_true) * keras.ops.log(1 - y_pred))
""",
            "take the mean, not the sum",
        ),
        "no minus sign": (
            """
def cross_entropy(y_true, y_pred):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return keras.ops.mean(y_true * keras.ops.log(y_pred) + (1 - y_true) * keras.ops.log(1 - y_pred))
""",
            "the minus sign is missing",
        ),
        "tumour only": (
            """
def cross_entropy(y_true, y_pred):
    return -keras.ops.mean(y_true * keras.ops.log(keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)))
""",
            "the background's part, -log(1 - p), is missing",
        ),
        "no clip": (
            """
def cross_entropy(y_true, y_pred):
    return -keras.ops.mean(y_true * keras.ops.log(y_pred) + (1 - y_true) * keras.ops.log(1 - y_pred))
""",
            "clip y_pred",
        ),
        "nothing returned": (
            """
def cross_entropy(y_true, y_pred):
    keras.ops.mean(keras.ops.binary_crossentropy(y_true, y_pred))
""",
            "got NoneType",
        ),
        "no clip, by the probability of the truth": (
            """
def cross_entropy(y_true, y_pred):
    return keras.ops.mean(-keras.ops.log(keras.ops.where(y_true > 0.5, y_pred, 1 - y_pred)))
""",
            "clip y_pred",
        ),
        "clipped at 1e-8": (
            """
def cross_entropy(y_true, y_pred):
    y_pred = keras.ops.clip(y_pred, 1e-8, 1 - 1e-8)
    return -keras.ops.mean(y_true * keras.ops.log(y_pred) + (1 - y_true) * keras.ops.log(1 - y_pred))
""",
            "1 - 1e-8 is 1 in float32",
        ),
        "a mean for each class": (
            """
def cross_entropy(y_true, y_pred):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    tumour = -keras.ops.sum(y_true * keras.ops.log(y_pred)) / keras.ops.sum(y_true)
    background = -keras.ops.sum((1 - y_true) * keras.ops.log(1 - y_pred)) / keras.ops.sum(1 - y_true)
    return (tumour + background) / 2
""",
            "not a mean for each class",
        ),
        "a mean for each class, added": (
            """
def cross_entropy(y_true, y_pred):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    tumour = -keras.ops.sum(y_true * keras.ops.log(y_pred)) / keras.ops.sum(y_true)
    return tumour - keras.ops.sum((1 - y_true) * keras.ops.log(1 - y_pred)) / keras.ops.sum(1 - y_true)
""",
            "not a mean for each class",
        ),
    },
    "dice-loss": {
        "numpy": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    return 1 - (2 * (y_true * y_pred).sum() + smooth) / (y_true.sum() + y_pred.sum() + smooth)
""",
            "keras.ops computes, not numpy",
        ),
        "the coefficient": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return (2 * overlap + smooth) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)
""",
            "take it away from 1",
        ),
        "overlap once": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - (overlap + smooth) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)
""",
            "the overlap counts twice",
        ),
        "smooth above only": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - (2 * overlap + smooth) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred))
""",
            "smooth is missing below the line",
        ),
        "smooth below only": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - 2 * overlap / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)
""",
            "smooth is missing above the line",
        ),
        "for each image": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred, axis=(1, 2, 3))
    areas = keras.ops.sum(y_true, axis=(1, 2, 3)) + keras.ops.sum(y_pred, axis=(1, 2, 3))
    return keras.ops.mean(1 - (2 * overlap + smooth) / (areas + smooth))
""",
            "divide once for the batch",
        ),
        "each image by itself": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred, axis=(1, 2, 3))
    areas = keras.ops.sum(y_true, axis=(1, 2, 3)) + keras.ops.sum(y_pred, axis=(1, 2, 3))
    return 1 - (2 * overlap + smooth) / (areas + smooth)
""",
            "sum over the whole batch",
        ),
        "squares": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - (2 * overlap + smooth) / (keras.ops.sum(y_true**2) + keras.ops.sum(y_pred**2) + smooth)
""",
            "not their squares",
        ),
        "always smoothed by 1": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - (2 * overlap + 1) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + 1)
""",
            "use the argument",
        ),
        "smooth doubled": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - 2 * (overlap + smooth) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)
""",
            "double the overlap before you add smooth",
        ),
        "no brackets below the line": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - (2 * overlap + smooth) / keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth
""",
            "brackets around all above and below the line",
        ),
        "no brackets above the line": (
            """
def dice_loss(y_true, y_pred, smooth=1.0):
    overlap = keras.ops.sum(y_true * y_pred)
    return 1 - 2 * overlap + smooth / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)
""",
            "brackets around all above and below the line",
        ),
    },
    "dice-gradient": {
        "wrong sign": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + smooth
    below = y_true.sum() + y_pred.sum() + smooth
    return (2 * y_true * below - above) / below**2
""",
            "the sign: the loss is 1 minus the fraction",
        ),
        "no square": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + smooth
    below = y_true.sum() + y_pred.sum() + smooth
    return -(2 * y_true * below - above) / below
""",
            "divide by B squared",
        ),
        "tumour only": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + smooth
    below = y_true.sum() + y_pred.sum() + smooth
    return np.where(y_true > 0, -(2 * below - above) / below**2, 0)
""",
            "the background has a part too",
        ),
        "as if B did not change": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    return -2 * y_true / (y_true.sum() + y_pred.sum() + smooth)
""",
            "A / B² is added everywhere",
        ),
        "overlap once": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + smooth
    below = y_true.sum() + y_pred.sum() + smooth
    return -(y_true * below - above) / below**2
""",
            "A' is 2 in the tumour",
        ),
        "one number": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + smooth
    below = y_true.sum() + y_pred.sum() + smooth
    return -(2 * y_true.sum() * below - above) / below**2
""",
            "a derivative for each pixel",
        ),
        "no smooth": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum()
    below = y_true.sum() + y_pred.sum()
    return -(2 * y_true * below - above) / below**2
""",
            "smooth is missing",
        ),
        "always smoothed by 1": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + 1
    below = y_true.sum() + y_pred.sum() + 1
    return -(2 * y_true * below - above) / below**2
""",
            "wrong with smooth=5: use the argument",
        ),
        "B grows by 2": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + smooth
    below = y_true.sum() + y_pred.sum() + smooth
    return -(2 * y_true * below - above * 2) / below**2
""",
            "B' is 1, not 2",
        ),
        "A grows everywhere": (
            """
def dice_gradient(y_true, y_pred, smooth=1.0):
    above = 2 * (y_true * y_pred).sum() + smooth
    below = y_true.sum() + y_pred.sum() + smooth
    return np.full(y_true.shape, -(2 * below - above) / below**2)
""",
            "A' is 0 outside the tumour",
        ),
    },
    "focal-loss": {
        "numpy": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    right = np.where(np.asarray(y_true) == 1, y_pred, 1 - np.asarray(y_pred))
    return np.mean(np.where(np.asarray(y_true) == 1, alpha, 1 - alpha) * (1 - right) ** gamma * -np.log(right))
""",
            "keras.ops computes, not numpy",
        ),
        "alpha for all": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    return -keras.ops.mean(alpha * (1 - right) ** gamma * keras.ops.log(right))
""",
            "alpha weighs tumour, 1 - alpha background",
        ),
        "no alpha": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    return -keras.ops.mean((1 - right) ** gamma * keras.ops.log(right))
""",
            "alpha is missing",
        ),
        "alpha the other way round": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    weights = alpha * (1 - y_true) + (1 - alpha) * y_true
    return -keras.ops.mean(weights * (1 - right) ** gamma * keras.ops.log(right))
""",
            "alpha belongs to the tumour",
        ),
        "turns up what is right": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    weights = alpha * y_true + (1 - alpha) * (1 - y_true)
    return -keras.ops.mean(weights * right**gamma * keras.ops.log(right))
""",
            "(1 - q)^gamma, not by q^gamma",
        ),
        "of the batch, as published": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    mean = keras.ops.mean(keras.ops.binary_crossentropy(y_true, y_pred))
    return alpha * (1 - keras.ops.exp(-mean)) ** gamma * mean
""",
            "weight each pixel before you average",
        ),
        "tumour only": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return -keras.ops.mean(alpha * y_true * (1 - y_pred) ** gamma * keras.ops.log(y_pred))
""",
            "the background's part is missing",
        ),
        "a sum": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    weights = alpha * y_true + (1 - alpha) * (1 - y_true)
    return -keras.ops.sum(weights * (1 - right) ** gamma * keras.ops.log(right))
""",
            "take the mean, not the sum",
        ),
        "gamma fixed": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    weights = alpha * y_true + (1 - alpha) * (1 - y_true)
    return -keras.ops.mean(weights * (1 - right) ** 2 * keras.ops.log(right))
""",
            "expected half the cross-entropy",
        ),
        "no clip": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    weights = alpha * y_true + (1 - alpha) * (1 - y_true)
    return -keras.ops.mean(weights * (1 - right) ** gamma * keras.ops.log(right))
""",
            "clip y_pred",
        ),
        "no clip, in two parts": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    tumour = alpha * y_true * (1 - y_pred) ** gamma * keras.ops.log(y_pred)
    background = (1 - alpha) * (1 - y_true) * y_pred**gamma * keras.ops.log(1 - y_pred)
    return -keras.ops.mean(tumour + background)
""",
            "clip y_pred",
        ),
        "turned down by p": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    weights = alpha * y_true + (1 - alpha) * (1 - y_true)
    return -keras.ops.mean(weights * (1 - y_pred) ** gamma * keras.ops.log(right))
""",
            "not by (1 - p)^gamma",
        ),
        "other numbers": (
            """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    return -keras.ops.mean((alpha * y_true + (1 - alpha) * (1 - y_true)) * gamma * keras.ops.log(right))
""",
            "see the example above",
        ),
    },
    "weighted-sum": {
        "called at once": (
            """
def weighted_sum(parts):
    return sum(weight for weight, part in parts)
""",
            "return the function itself",
        ),
        "no return inside": (
            """
def weighted_sum(parts):
    def loss(y_true, y_pred):
        sum(weight * part(y_true, y_pred) for weight, part in parts)

    return loss
""",
            "needs a return of its own",
        ),
        "no weights": (
            """
def weighted_sum(parts):
    def loss(y_true, y_pred):
        return sum(part(y_true, y_pred) for weight, part in parts)

    return loss
""",
            "multiply each loss by its weight",
        ),
        "an average": (
            """
def weighted_sum(parts):
    def loss(y_true, y_pred):
        return sum(weight * part(y_true, y_pred) for weight, part in parts) / len(parts)

    return loss
""",
            "do not average",
        ),
        "divided by the weights": (
            """
def weighted_sum(parts):
    def loss(y_true, y_pred):
        total = sum(weight * part(y_true, y_pred) for weight, part in parts)
        return total / sum(weight for weight, _ in parts)

    return loss
""",
            "do not divide by the weights",
        ),
        "the last one": (
            """
def weighted_sum(parts):
    def loss(y_true, y_pred):
        for weight, part in parts:
            total = weight * part(y_true, y_pred)
        return total

    return loss
""",
            "not the last one alone",
        ),
        "returns in the loop": (
            """
def weighted_sum(parts):
    def loss(y_true, y_pred):
        total = 0
        for weight, part in parts:
            total = total + weight * part(y_true, y_pred)
            return total

    return loss
""",
            "return after the loop",
        ),
        "a float": (
            """
def weighted_sum(parts):
    return lambda y_true, y_pred: sum(weight * float(part(y_true, y_pred)) for weight, part in parts)
""",
            "expected a tensor, got float",
        ),
        "numpy": (
            """
def weighted_sum(parts):
    def loss(y_true, y_pred):
        return np.sum([weight * np.asarray(part(y_true, y_pred)) for weight, part in parts])

    return loss
""",
            "add up what the losses give as it is",
        ),
        "a list": (
            """
def weighted_sum(parts):
    return lambda y_true, y_pred: [weight * part(y_true, y_pred) for weight, part in parts]
""",
            "expected a tensor, got list",
        ),
        "the pair swapped": (
            """
def weighted_sum(parts):
    return lambda y_true, y_pred: sum(weight * part(y_true, y_pred) for part, weight in parts)
""",
            "a pair is (weight, loss)",
        ),
        "never called": (
            """
def weighted_sum(parts):
    return lambda y_true, y_pred: sum(weight * part for weight, part in parts)
""",
            "each loss is called with y_true, y_pred",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "cross-entropy": [
        """
def cross_entropy(y_true, y_pred):
    right = keras.ops.where(y_true > 0.5, y_pred, 1 - y_pred)
    return keras.ops.mean(-keras.ops.log(keras.ops.maximum(right, 1e-7)))
""",
        """
def cross_entropy(y_true, y_pred):
    return keras.ops.mean(keras.ops.binary_crossentropy(y_true, y_pred))
""",
    ],
    "dice-loss": [
        """
def dice_loss(y_true, y_pred, smooth=1.0):
    y_true, y_pred = keras.ops.reshape(y_true, (-1,)), keras.ops.reshape(y_pred, (-1,))
    total = keras.ops.sum(y_true + y_pred) + smooth
    return (total - 2 * keras.ops.dot(y_true, y_pred) - smooth) / total
""",
        """
def dice_loss(y_true, y_pred, smooth=1.0):
    both = keras.ops.sum(keras.ops.where(y_true > 0.5, y_pred, 0.0))
    dice = (2 * both + smooth) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)
    return 1 - dice
""",
    ],
    "dice-gradient": [
        """
def dice_gradient(y_true, y_pred, smooth=1.0):
    a = 2 * (y_true * y_pred).sum() + smooth
    b = (y_true + y_pred).sum() + smooth
    return np.where(y_true > 0.5, a - 2 * b, a) / b**2
""",
        """
def dice_gradient(y_true, y_pred, smooth=1.0):
    b = y_true.sum() + y_pred.sum() + smooth
    fraction = (2 * (y_true * y_pred).sum() + smooth) / b
    return (fraction - 2 * y_true) / b
""",
    ],
    "focal-loss": [
        """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    tumour = -alpha * (1 - y_pred) ** gamma * keras.ops.log(y_pred)
    background = -(1 - alpha) * y_pred**gamma * keras.ops.log(1 - y_pred)
    return keras.ops.mean(keras.ops.where(y_true > 0.5, tumour, background))
""",
        """
def focal_loss(y_true, y_pred, alpha=0.25, gamma=2.0):
    costs = keras.ops.binary_crossentropy(y_true, y_pred)
    wrong = 1 - keras.ops.exp(-costs)
    return keras.ops.mean((1 - alpha + (2 * alpha - 1) * y_true) * keras.ops.power(wrong, gamma) * costs)
""",
    ],
    "weighted-sum": [
        """
def weighted_sum(parts):
    return lambda y_true, y_pred: sum(weight * part(y_true, y_pred) for weight, part in parts)
""",
        """
def weighted_sum(parts):
    def total(y_true, y_pred):
        value = 0.0
        for weight, part in parts:
            value = value + weight * part(y_true, y_pred)
        return value

    return total
""",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("100 * slices.masks.mean()", "0.5", "1"),
    ("min(scores['cross-entropy'])", "0", "0.1"),
    ("max(scores['cross-entropy'])", "0", "0.1"),
    ("min(scores['Dice'])", "0.1", "0.9"),
    ("max(scores['Dice'])", "0.1", "0.9"),
    ("dice_at_the_end(longer)", "0.05", "0.9"),
]
