"""What learners answer in lesson 03, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "cross-entropy": {
        ("numpy", "keras.ops computes, not numpy"): """
            y_true, y_pred = np.asarray(y_true), np.clip(np.asarray(y_pred), 1e-7, 1 - 1e-7)
            return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
        """,
        ("no mean", "take the mean over all pixels"): {"-keras.ops.mean(y_true": "-(y_true"},
        ("a sum", "take the mean, not the sum"): {"-keras.ops.mean(y_true": "-keras.ops.sum(y_true"},
        ("no minus sign", "the minus sign is missing"): {"-keras.ops.mean(y_true": "keras.ops.mean(y_true"},
        ("tumour only", "the background's part, -log(1 - p), is missing"): {
            " + (1 - y_true) * keras.ops.log(1 - y_pred)": "",
        },
        ("no clip", "clip y_pred"): {"\n    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)": ""},
        ("nothing returned", "got NoneType"): "keras.ops.mean(keras.ops.binary_crossentropy(y_true, y_pred))",
        ("no clip, by the probability of the truth", "clip y_pred"): """
            return keras.ops.mean(-keras.ops.log(keras.ops.where(y_true > 0.5, y_pred, 1 - y_pred)))
        """,
        ("clipped at 1e-8", "1 - 1e-8 is 1 in float32"): {"1e-7, 1 - 1e-7)": "1e-8, 1 - 1e-8)"},
        ("a mean for each class", "not a mean for each class"): {
            "return -keras.ops.mean(y_true * keras.ops.log(y_pred) + (1 - y_true) * keras.ops.log(1 - y_pred))": """
                mean = keras.losses.binary_crossentropy(y_true, y_pred)[..., None]
                return sum(keras.ops.sum(mean * side) / keras.ops.sum(side) for side in (y_true, 1 - y_true)) / 2
            """,
        },
        ("a mean for each class, added", "not a mean for each class"): {
            "return -keras.ops.mean(y_true * keras.ops.log(y_pred) + (1 - y_true) * keras.ops.log(1 - y_pred))": """
                mean = keras.losses.binary_crossentropy(y_true, y_pred)[..., None]
                return sum(keras.ops.sum(mean * side) / keras.ops.sum(side) for side in (y_true, 1 - y_true))
            """,
        },
        ("clips too early", "clip at 1e-7"): {"1e-7, 1 - 1e-7": "1e-4, 1 - 1e-4"},
        ("goes through NumPy", "without a gradient"): """
                import numpy
                p = numpy.clip(numpy.asarray(y_pred), 1e-7, 1 - 1e-7)
                t = numpy.asarray(y_true)
                return keras.ops.convert_to_tensor(-numpy.mean(t * numpy.log(p) + (1 - t) * numpy.log(1 - p)))
            """,
        ("adds a little", "rounded or added"): {"keras.ops.log(1 - y_pred))": "keras.ops.log(1 - y_pred)) + 5e-5"},
    },
    "dice-loss": {
        ("numpy", "keras.ops computes, not numpy"): {
            "keras.ops.sum(y_true * y_pred)": "(np.asarray(y_true) * np.asarray(y_pred)).sum()",
            "keras.ops.sum(y_true) + keras.ops.sum(y_pred)": "np.asarray(y_true).sum() + np.asarray(y_pred).sum()",
        },
        ("the coefficient", "take it away from 1"): {"1 - (2 *": "(2 *"},
        ("overlap once", "the overlap counts twice"): {"2 * overlap": "overlap"},
        ("smooth above only", "smooth is missing below the line"): {"(areas + smooth)": "areas"},
        ("smooth below only", "smooth is missing above the line"): {"(2 * overlap + smooth)": "2 * overlap"},
        ("for each image", "divide once for the batch"): {
            "y_true * y_pred)": "y_true * y_pred, axis=(1, 2, 3))",
            "keras.ops.sum(y_true) + keras.ops.sum(y_pred)": "keras.ops.sum(y_true + y_pred, axis=(1, 2, 3))",
            "1 - (2 * overlap + smooth) / (areas + smooth)": "keras.ops.mean(1 - (2 * overlap + smooth) / (areas + smooth))",
        },
        ("each image by itself", "sum over the whole batch"): {
            "y_true * y_pred)": "y_true * y_pred, axis=(1, 2, 3))",
            "keras.ops.sum(y_true) + keras.ops.sum(y_pred)": "keras.ops.sum(y_true + y_pred, axis=(1, 2, 3))",
        },
        ("squares", "not their squares"): {"y_true)": "y_true**2)", "(y_pred)": "(y_pred**2)"},
        ("always smoothed by 1", "use the argument"): {"smooth) / (areas + smooth": "1) / (areas + 1"},
        ("smooth doubled", "double the overlap before you add smooth"): {"(2 * overlap": "2 * (overlap"},
        ("no brackets below the line", "brackets around all above and below the line"): {
            "(areas + smooth)": "keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth",
        },
        ("no brackets above the line", "brackets around all above and below the line"): {
            "(2 * overlap + smooth)": "2 * overlap + smooth",
        },
        ("turns sums into floats", "without a gradient"): """
                overlap = float(keras.ops.sum(y_true * y_pred))
                areas = float(keras.ops.sum(y_true) + keras.ops.sum(y_pred))
                return keras.ops.convert_to_tensor(1 - (2 * overlap + smooth) / (areas + smooth))
            """,
        ("adds a little", "rounded or added"): {"(areas + smooth)": "(areas + smooth + 1e-5)"},
    },
    "dice-gradient": {
        ("takes smooth 0 for none given", "smooth=0.0"): {
            "above = 2": """
                smooth = smooth or 1.0
                above = 2
            """
        },
        ("sums of each image", "over the whole batch"): """
            axes = tuple(range(1, y_true.ndim))
            above = 2 * np.sum(y_true * y_pred, axis=axes, keepdims=True) + smooth
            below = np.sum(y_true + y_pred, axis=axes, keepdims=True) + smooth
            return -(2 * y_true * below - above) / below**2
        """,
        ("wrong sign", "the sign: the loss is 1 minus the fraction"): {"return -(2": "return (2"},
        ("no square", "divide by B squared"): {"below**2": "below"},
        ("tumour only", "the background has a part too"): {
            "-(2 * y_true * below - above) / below**2": "np.where(y_true > 0, -(2 * below - above) / below**2, 0)",
        },
        ("as if B did not change", "A / B² is added everywhere"): """
            return -2 * y_true / (y_true.sum() + y_pred.sum() + smooth)
        """,
        ("overlap once", "A' is 2 in the tumour"): {"-(2 * y_true": "-(y_true"},
        ("one number", "a derivative for each pixel"): {"2 * y_true * below": "2 * y_true.sum() * below"},
        ("no smooth", "smooth is missing"): {
            "y_pred) + smooth\n    below": "y_pred)\nbelow",
            "np.sum(y_pred) + smooth": "np.sum(y_pred)",
        },
        ("always smoothed by 1", "wrong with smooth=5: use the argument"): {
            "np.sum(y_true * y_pred) + smooth": "np.sum(y_true * y_pred) + 1",
            "np.sum(y_pred) + smooth": "np.sum(y_pred) + 1",
        },
        ("B grows by 2", "B' is 1, not 2"): {"below - above": "below - above * 2"},
        ("A grows everywhere", "A' is 0 outside the tumour"): {
            "-(2 * y_true * below - above) / below**2": "np.full(y_true.shape, -(2 * below - above) / below**2)",
        },
        ("changes the labels", "stay as it is, but"): {
            "above = 2": """
                y_pred *= 1.0
                y_true -= 0.0
                y_pred += 1e-6
                above = 2
            """
        },
        ("takes the labels' type", "nor whole as the labels"): {
            "return -(2 * y_true * below - above) / below**2": """
                slopes = np.zeros_like(y_true)
                slopes[:] = -(2 * y_true * below - above) / below**2
                return slopes
            """
        },
        ("rounds", "not rounded"): {
            "return -(2 * y_true * below - above) / below**2": "return np.round(-(2 * y_true * below - above) / below**2, 4)"
        },
        ("takes small steps", "from small steps"): """
                def loss(p):
                    return 1 - (2 * np.sum(y_true * p) + smooth) / (np.sum(y_true) + np.sum(p) + smooth)
                g = np.zeros(y_pred.shape)
                for i in np.ndindex(y_pred.shape):
                    p = np.array(y_pred)
                    p[i] += 0.01
                    g[i] = (loss(p) - loss(y_pred)) / 0.01
                return g
            """,
    },
    "focal-loss": {
        ("numpy", "keras.ops computes, not numpy"): {
            "return -keras.ops.mean(weights * (1 - right) ** gamma * keras.ops.log(right))": """
                right, weights = np.asarray(right), np.asarray(weights)
                return -np.mean(weights * (1 - right) ** gamma * np.log(right))
            """,
        },
        ("alpha for all", "alpha weighs tumour, 1 - alpha background"): {
            "alpha * y_true + (1 - alpha) * (1 - y_true)": "alpha",
        },
        ("no alpha", "alpha is missing"): {"mean(weights * (1": "mean((1"},
        ("alpha the other way round", "alpha belongs to the tumour"): {
            "y_true + (1 - alpha) * (1 - y_true)": "(1 - y_true) + (1 - alpha) * y_true",
        },
        ("turns up what is right", "(1 - q)^gamma, not by q^gamma"): {"(1 - right) ** gamma": "right**gamma"},
        ("of the batch, as published", "weight each pixel before you average"): """
            mean = keras.ops.mean(keras.ops.binary_crossentropy(y_true, y_pred))
            return alpha * (1 - keras.ops.exp(-mean)) ** gamma * mean
        """,
        ("tumour only", "the background's part is missing"): {"y_true + (1 - alpha) * (1 - y_true)": "y_true"},
        ("a sum", "take the mean, not the sum"): {"-keras.ops.mean(weights": "-keras.ops.sum(weights"},
        ("gamma fixed", "expected half the cross-entropy"): {"** gamma": "** 2"},
        ("no clip", "clip y_pred"): {"\n    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)": ""},
        ("no clip, in two parts", "clip y_pred"): """
            tumour = alpha * y_true * (1 - y_pred) ** gamma * keras.ops.log(y_pred)
            background = (1 - alpha) * (1 - y_true) * y_pred**gamma * keras.ops.log(1 - y_pred)
            return -keras.ops.mean(tumour + background)
        """,
        ("turned down by p", "not by (1 - p)^gamma"): {"(1 - right) ** gamma": "(1 - y_pred) ** gamma"},
        ("other numbers", "see the example above"): {"(1 - right) ** gamma": "gamma"},
        ("clips too early", "clip at 1e-7"): {"1e-7, 1 - 1e-7": "1e-4, 1 - 1e-4"},
        ("stops the gradient of the factor", "has no gradient"): {
            "(1 - right) ** gamma": "keras.ops.stop_gradient((1 - right) ** gamma)"
        },
    },
    "weighted-sum": {
        ("divides by large weights", "be it below 0"): {
            "return sum(weight * part(y_true, y_pred) for weight, part in parts)": "return sum(weight * part(y_true, y_pred) for weight, part in parts) * 3 / max(3, sum(weight for weight, part in parts))"
        },
        ("leaves out weights below 0", "be it below 0"): {
            "weight, part in parts)": "weight, part in parts if weight > 0)"
        },
        ("called at once", "return the function itself"): "return sum(weight for weight, part in parts)",
        ("no return inside", "needs a return of its own"): {"return sum(weight": "sum(weight"},
        ("no weights", "multiply each loss by its weight"): {"sum(weight * part(y_true,": "sum(part(y_true,"},
        ("an average", "do not average"): {"for weight, part in parts)": "for weight, part in parts) / len(parts)"},
        ("divided by the weights", "do not divide by the weights"): {
            "for weight, part in parts)": "for weight, part in parts) / sum(weight for weight, _ in parts)",
        },
        ("the last one", "not the last one alone"): """
            def loss(y_true, y_pred):
                for weight, part in parts:
                    total = weight * part(y_true, y_pred)
                return total

            return loss
        """,
        ("returns in the loop", "return after the loop"): {
            "return sum(weight * part(y_true, y_pred) for weight, part in parts)": """
                for weight, part in parts:
                    return weight * part(y_true, y_pred)
            """,
        },
        ("a float", "expected a tensor, got float"): """
            return lambda y_true, y_pred: sum(weight * float(part(y_true, y_pred)) for weight, part in parts)
        """,
        ("numpy", "add up what the losses give as it is"): {
            "sum(weight * part(y_true, y_pred) for weight, part in parts)": "np.sum([weight * np.asarray(part(y_true, y_pred)) for weight, part in parts])",
        },
        ("a list", "expected a tensor, got list"): """
            return lambda y_true, y_pred: [weight * part(y_true, y_pred) for weight, part in parts]
        """,
        ("the pair swapped", "a pair is (weight, loss)"): """
            return lambda y_true, y_pred: sum(weight * part(y_true, y_pred) for part, weight in parts)
        """,
        ("never called", "each loss is called with y_true, y_pred"): """
            return lambda y_true, y_pred: sum(weight * part for weight, part in parts)
        """,
        ("runs out of parts", "anew in each call"): """
                pairs = iter(parts)

                def loss(y_true, y_pred):
                    return sum(weight * part(y_true, y_pred) for weight, part in pairs)

                return loss
            """,
        ("keeps the weights by loss", "counts twice"): """
                weight = {part: weight for weight, part in parts}

                def loss(y_true, y_pred):
                    return sum(weight[part] * part(y_true, y_pred) for part in weight)

                return loss
            """,
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "cross-entropy": [
        """
            right = keras.ops.where(y_true > 0.5, y_pred, 1 - y_pred)
            return keras.ops.mean(-keras.ops.log(keras.ops.maximum(right, 1e-7)))
        """,
        "return keras.ops.mean(keras.ops.binary_crossentropy(y_true, y_pred))",
    ],
    "dice-loss": [
        """
            y_true, y_pred = keras.ops.reshape(y_true, (-1,)), keras.ops.reshape(y_pred, (-1,))
            total = keras.ops.sum(y_true + y_pred) + smooth
            return (total - 2 * keras.ops.dot(y_true, y_pred) - smooth) / total
        """,
        """
            both = keras.ops.sum(keras.ops.where(y_true > 0.5, y_pred, 0.0))
            dice = (2 * both + smooth) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)
            return 1 - dice
        """,
    ],
    "dice-gradient": [
        """
            a = 2 * (y_true * y_pred).sum() + smooth
            b = (y_true + y_pred).sum() + smooth
            return np.where(y_true > 0.5, a - 2 * b, a) / b**2
        """,
        """
            b = y_true.sum() + y_pred.sum() + smooth
            fraction = (2 * (y_true * y_pred).sum() + smooth) / b
            return (fraction - 2 * y_true) / b
        """,
    ],
    "focal-loss": [
        """
            y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
            tumour = -alpha * (1 - y_pred) ** gamma * keras.ops.log(y_pred)
            background = -(1 - alpha) * y_pred**gamma * keras.ops.log(1 - y_pred)
            return keras.ops.mean(keras.ops.where(y_true > 0.5, tumour, background))
        """,
        """
            costs = keras.ops.binary_crossentropy(y_true, y_pred)
            wrong = 1 - keras.ops.exp(-costs)
            return keras.ops.mean((1 - alpha + (2 * alpha - 1) * y_true) * keras.ops.power(wrong, gamma) * costs)
        """,
    ],
    "weighted-sum": [
        "return lambda y_true, y_pred: sum(weight * part(y_true, y_pred) for weight, part in parts)",
        """
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
