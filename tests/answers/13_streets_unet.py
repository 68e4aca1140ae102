"""What learners answer in lesson 13, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "up-step": {
        ("joins as lesson 05 did", "the skip comes first here"): {"[skip, narrow]": "[narrow, skip]"},
        ("keeps the width of the level below", "were kept"): """
            return keras.layers.Concatenate()([skip, attention.Double()(below)])
        """,
        ("keeps the width in the convolution", "were kept"): {"doubled, width": "doubled, below.shape[-1]"},
        ("takes the skip's width", "not as many as the skip"): {"doubled, width,": "doubled, skip.shape[-1],"},
        ("forgets the skip", "the skip is missing"): """
            return unet.convolution(attention.Double()(below), width, "up", kernel_size=1)
        """,
        ("takes the nearest", "this is the nearest"): {"= attention.Double()": "= keras.layers.UpSampling2D(2)"},
        ("forgets to double", "double `below` first"): {"attention.Double()(below)": "below"},
        ("NumPy", "no NumPy"): {
            "keras.layers.Concatenate()([skip, narrow])": "np.concatenate([skip, narrow], axis=-1)"
        },
        ("learns the doubling", "the way of lesson 05"): {
            "doubled = attention.Double()": "doubled = keras.layers.Conv2DTranspose(width, 2, strides=2)",
            "[skip, narrow]": "[skip, doubled]",
        },
        ("sees nine pixels", "one convolution of 1 x 1 pixel"): {
            'doubled, width, "up", kernel_size=1': 'doubled, width, "up"',
        },
        ("leaves the normalisation out", "expected a normalisation"): {
            'unet.convolution(doubled, width, "up", kernel_size=1)': 'keras.layers.Conv2D(width, 1, use_bias=False, activation="relu")(doubled)',
        },
        ("keeps the bias", "without bias"): {
            'narrow = unet.convolution(doubled, width, "up", kernel_size=1)': """
                x = keras.layers.Conv2D(width, 1)(doubled)
                narrow = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
            """,
        },
        ("leaves the ReLU out", "comes a ReLU"): {
            'narrow = unet.convolution(doubled, width, "up", kernel_size=1)': """
                x = keras.layers.Conv2D(width, 1, use_bias=False)(doubled)
                narrow = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
            """,
        },
        ("doubles last", "double first"): {
            "attention.Double()(below)": "below",
            "[skip, narrow]": "[skip, attention.Double()(narrow)]",
        },
        ("goes on with the block", "no block behind the concatenation"): {
            "return keras.layers.Concatenate()([skip, narrow])": """
                joined = keras.layers.Concatenate()([skip, narrow])
                return unet.double_convolution(joined, skip.shape[-1] + width, "block")
            """,
        },
        ("returns nothing", "return what Concatenate gives"): {"return keras": "keras"},
        ("has a width of its own", "use `width`"): {"doubled, width,": "doubled, skip.shape[-1] + 1,"},
        ("a Dropout at the end", "in training alone"): {
            "return keras.layers.Concatenate()([skip, narrow])": "return keras.layers.Dropout(0.1)(keras.layers.Concatenate()([skip, narrow]))"
        },
        ("Keras' own normalisation", "use unet.convolution"): {
            'narrow = unet.convolution(doubled, width, "up", kernel_size=1)': "narrow = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Conv2D(width, 1, use_bias=False)(doubled)))"
        },
        ("resizes to one size", "any size"): {"attention.Double()(below)": "keras.layers.Resizing(8, 12)(below)"},
    },
    "auxiliary-loss": {
        ("counts both heads alike", "the second head counts `weight` times"): {"weight * ": ""},
        ("shares the weight", "the main head counts 1, not 1 - weight"): {
            "cross_entropy(main)": "(1 - weight) * cross_entropy(main)",
        },
        ("weights the main head", "the heads are swapped"): {
            "cross_entropy(main) + weight *": "weight * cross_entropy(main) +",
        },
        ("weights the sum", "the main head counts 1, not `weight`"): {
            "return cross_entropy(main) + weight * cross_entropy(auxiliary)": "return weight * (cross_entropy(main) + cross_entropy(auxiliary))",
        },
        ("forgets the second head", "the second head is missing"): {") + weight * cross_entropy(auxiliary)": ")"},
        ("forgets the minus", "the cost is minus it"): {"-np.log": "np.log"},
        ("looks 255 up", "there is no class 255"): {"np.where(valid, true, 0).": "true."},
        ("takes what is ignored for road", "counted as class 0, road"): {
            "return (costs * valid).sum() / divisor": "return costs.mean()",
        },
        ("takes what is ignored for the last class", "counted as the last class"): {
            "np.where(valid, true, 0": "np.minimum(true, main.shape[-1] - 1",
            "(costs * valid).sum() / divisor": "costs.mean()",
        },
        ("adds up and does not divide", "divide by the number of valid pixels"): {".sum() / divisor": ".sum()"},
        ("divides by all always", "this divides by all pixels"): {
            'max(valid.sum(), 1) if average == "valid" else valid.size': "valid.size",
        },
        ("divides by the valid ones always", "divide by all four pixels"): {
            ' if average == "valid" else valid.size': "",
        },
        ("divides the second head by the valid ones", "both heads are divided"): {
            "weight * cross_entropy(auxiliary)": "weight * cross_entropy(auxiliary) * divisor / valid.sum()",
        },
        ("does not listen to weight", "use `weight`"): {"+ weight *": "+ 0.4 *"},
        ("takes the mean of the images' losses", "all pixels of the batch count alike"): {
            "valid = true != 255": """
                if average == "valid" and len(true) > 1:
                    pieces = zip(true, main, auxiliary, strict=True)
                    return np.mean([street_loss(*(each[None] for each in piece), weight) for piece in pieces])
                valid = true != 255
            """,
        },
        ("gives a loss for each pixel", "one number for the batch"): {
            "(costs * valid).sum() / divisor": "costs * valid",
        },
        ("writes into what it reads", "to stay as it is"): {
            "classes = np.where(valid, true, 0).": "true[~valid] = 0\nclasses = true.",
        },
        ("divides by nothing", "divide by 1 at least"): {"max(valid.sum(), 1)": "valid.sum()"},
        ("spreads the valid pixels over all", "with [..., 0] first"): {"axis=-1)[..., 0])": "axis=-1))"},
        ("takes the logarithm to the base 2", "not np.log2"): {"-np.log(": "-np.log2("},
        ("changes the probabilities", "stay as it is, but"): {
            "classes = np.where": """
                main /= main.sum(axis=-1, keepdims=True)
                main *= 0.999
                classes = np.where
            """
        },
        ("rounds", "not rounded"): {
            "return cross_entropy(main) + weight * cross_entropy(auxiliary)": "return round(cross_entropy(main) + weight * cross_entropy(auxiliary), 3)"
        },
        ("adds a little", "nothing added"): {
            "costs = -np.log(np.take_along_axis(probabilities, classes, axis=-1)[..., 0])": "costs = -np.log(np.take_along_axis(probabilities, classes, axis=-1)[..., 0] + 1e-4)"
        },
        ("takes a weight of 0 for none", "0 is a weight, too"): {
            "valid = true != 255": "weight = weight or 0.4\nvalid = true != 255"
        },
    },
    "poly": {
        ("falls to 0", "falls to the floor, not to 0"): "return rate * (1 - step / steps) ** power",
        ("cuts the end off", "cuts the end off"): "return max(rate * max(1 - step / steps, 0) ** power, floor)",
        ("puts the floor on top", "the floor is on top of the rate"): """
            return rate * max(1 - step / steps, 0) ** power + floor
        """,
        ("is a line", "this is a line"): "return (rate - floor) * max(1 - step / steps, 0) + floor",
        ("raises what is done", "not what is done"): """
            return (rate - floor) * (1 - min(step / steps, 1) ** power) + floor
        """,
        ("rises", "what is left is 1 - step / steps"): "return (rate - floor) * (step / steps) ** power + floor",
        ("goes on after the end", "after the last step, got a complex number"): {
            "max(1 - step / steps, 0)": "1 - step / steps",
        },
        ("comes back after the end", "after the last step, got 0.0"): {
            "max(1 - step / steps, 0)": "abs(1 - step / steps)",
        },
        ("rises to the floor", "it must not rise"): "return (rate - floor) * max(1 - step / steps, 0) ** power + floor",
        ("rises to the floor after the end", "at step 1200: it must not rise"): {
            "floor = min(floor, rate)": "if step >= steps:\n    return floor\nfloor = min(floor, rate)",
        },
        ("has a power of its own", "use `power` and `floor`"): {"left**power": "left**0.9"},
        ("is the cosine", "a line, or a cosine"): """
            return floor + (rate - floor) * (1 + np.cos(np.pi * min(step / steps, 1))) / 2
        """,
        ("rounds", "not rounded"): {
            "return (rate - floor) * left**power + floor": "return round((rate - floor) * left**power + floor, 6)"
        },
        ("a floor of its own", "use `power` and `floor`"): {
            "floor = min(floor, rate)": "floor = min(1e-4 if floor < 0.0005 else floor, rate)"
        },
        ("a power of its own", "use `power` and `floor`"): {"left**power": "left**(0.9 if power < 1 else power)"},
        ("a floor of its own after the end", "the floor asked for"): {
            "left =": "if step > steps:\n    return min(1e-4, rate)\nleft =",
        },
        ("no rate where it is the floor", "for a rate of 0.0001, the floor"): {
            "floor = min": "if rate == floor:\n    return 0.0\nfloor = min",
        },
        ("two steps at least", "after the only step of one"): {"step / steps": "step / max(steps, 2)"},
        ("no power above 2", "use `power` and `floor`"): {"left**power": "left ** min(power, 2)"},
    },
    "merge": {
        ("takes the plain mean", "the plain mean"): {
            "(tents[0][:, None] * tents[1])[..., None]": "np.ones((height, width, 1))",
        },
        ("lets the last window win", "the last window replaces"): {
            "+= weight *": "=",
            "weights[top : top + height, left : left + width] += weight": "weights[top : top + height, left : left + width] = 1",
        },
        ("lets the first window win", "the first window stays"): {
            "zip(maps, places": "zip(maps[::-1], places[::-1]",
            "+= weight *": "=",
            "weights[top : top + height, left : left + width] += weight": "weights[top : top + height, left : left + width] = 1",
        },
        ("does not divide", "divide by the sum of the weights"): {"total / weights": "total"},
        ("divides by the number of windows", "not by the number of windows"): {"total / weights": "total / len(maps)"},
        ("lets the tent fall to 0", "not to 0"): {"(side / 2)": "max((side - 1) / 2, 0.5)"},
        ("leaves the weight flat", "weight is (height, width, 1)"): {
            "(tents[0][:, None] * tents[1])[..., None]": "tents[0][:, None] * tents[1]",
        },
        ("adds up without the classes", "the sum (*size, classes)"): {"(*size, maps.shape[-1])": "size"},
        ("swaps the sides of the weight", "weight is (height, width, 1)"): {"in (height, width)": "in (width, height)"},
        ("puts the middle at half the side", "its middle is (side - 1) / 2"): {"(side - 1) / 2": "side / 2"},
        ("turns the tent over", "the wrong way round"): {
            "1 - abs(np.arange(side) - (side - 1) / 2) / (side / 2) for": "abs(np.arange(side) - (side - 1) / 2) / (side / 2) if side > 1 else np.ones(1) for",
        },
        ("weights along the width alone", "turned upright"): {"tents[0][:, None]": "np.ones((height, 1))"},
        ("adds the tents", "times the other, not plus"): {"[:, None] * tents[1]": "[:, None] + tents[1]"},
        ("puts left first", "rows first"): {"(top, left) in": "(left, top) in"},
        ("writes into what it reads", "stay as it is, but"): {
            "total, weights": "maps *= weight\ntotal, weights",
            "+= weight * each": "+= each",
        },
        ("forgets the classes", "a channel for each class"): {
            "(*size, maps.shape[-1])": "size",
            "weight * each": "each.argmax(axis=-1)",
            "total / weights": "total",
        },
        ("sorts the places", "stay as it is, but"): {
            "height, width = maps": """
                places.sort()
                height, width = maps
            """
        },
        ("merges six windows", "all nine windows"): {"zip(maps, places, strict=True)": "list(zip(maps, places))[:6]"},
        ("makes the classes add up to 1", "all nine windows"): {
            "return total / weights": """
                total = total / weights
                return total / total.sum(-1, keepdims=True) if size[0] > 6 else total
            """
        },
        ("rounds", "not rounded"): {"return total / weights": "return np.round(total / weights, 3)"},
        ("keeps within 0 to 1", "all nine windows say 3.3"): {
            "return total / weights": "return (total / weights).clip(0, 1)",
        },
        ("half of an odd side rounded down", "neither its middle nor side / 2 is rounded"): {
            "/ (side / 2)": "/ (side // 2 or 0.5)",
        },
        ("half of an odd side rounded up", "neither its middle nor side / 2 is rounded"): {
            "/ (side / 2)": "/ ((side + 1) // 2 if side > 1 else 0.5)",
        },
        ("middle of an odd side beside it", "neither its middle nor side / 2 is rounded"): {
            "- (side - 1) / 2)": "- (side - (side % 2 == 0 or side == 1)) / 2)",
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "up-step": [
        """
            x = keras.layers.UpSampling2D(2, interpolation="bilinear")(below)
            x = keras.layers.Conv2D(width, 1, use_bias=False)(x)
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
            x = keras.layers.Activation("relu")(x)
            return keras.ops.concatenate([skip, x], axis=-1)
        """,
        """
            x = attention.Double(interpolation="bilinear")(below)
            x = unet.convolution(inputs=x, width=width, name="narrow", number=3, kernel_size=1)
            return keras.layers.concatenate([skip, x])
        """,
        {"attention.Double()(below)": "keras.layers.Resizing(skip.shape[1], skip.shape[2])(below)"},
    ],
    "auxiliary-loss": [
        """
            valid = true < 255
            chosen = true[valid]
            rows = np.arange(len(chosen))
            costs = -np.log(main[valid][rows, chosen]) - weight * np.log(auxiliary[valid][rows, chosen])
            if not len(chosen):
                return 0.0
            return np.sum(costs) / {"valid": len(chosen), "all": true.size}[average]
        """,
        """
            loss = losses.CrossEntropy(mode="multiclass", ignore_index=255, average=average)
            return float(loss(true, main)) + weight * float(loss(true, auxiliary))
        """,
        """
            one_hot = true[..., None] == np.arange(main.shape[-1])
            costs = -(one_hot * (np.log(main) + weight * np.log(auxiliary))).sum()
            return costs / (max(1, np.count_nonzero(one_hot)) if average == "valid" else np.size(true))
        """,
    ],
    "poly": [
        """
            if rate <= floor:
                return rate
            if step >= steps:
                return floor
            return floor + (rate - floor) * ((steps - step) / steps) ** power
        """,
        """
            floor = rate if rate < floor else floor
            left = np.clip(1 - step / steps, 0, 1) ** power
            return rate * left + floor * (1 - left)
        """,
    ],
    "merge": [
        """
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

RANGES = []  # the text quotes none

# what the text concludes from phantoms: expressions over the finished lesson
CLAIMS = [
    "min(share_found[name] for name in ('road', 'vegetation', 'sky', 'car')) > 0.7 and share_found['person'] < 0.3",
    "ahead > 0.2",
    "seam > 3",
    "min(scores['the network']['classes'][name] for name in ('traffic light', 'traffic sign')) > 0.2",
    "gained['whole, mirrored, three scales'] < gained['whole, mirrored'] - 0.01",
]
