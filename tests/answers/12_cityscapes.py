"""What learners answer in lesson 12, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "to-classes": {
        ("takes nineteen ids at most", "for 33 scored ids"): {
            "table[scored] = np.arange(len(scored))": "table[scored[:19]] = np.arange(len(scored[:19]))"
        },
        ("returns nothing", "got None: return it"): {"return table": "table"},
        ("changes nothing", "the label ids unchanged"): "return label_ids.copy()",
        ("counts from 1", "the first place in the list is 0"): {
            "table[scored]": "for number, label_id in enumerate(scored, start=1):\n    table[label_id]",
            "np.arange(len(scored))": "number",
        },
        ("makes road of what is not scored", "which is road"): {"np.full(256, 255,": "np.zeros(256,"},
        ("has 34 entries", "the table needs 256"): {"np.full(256,": "np.full(34,"},
        ("knows no other ids", "for every value from 0 to 255"): """
            lookup = {label_id: number for number, label_id in enumerate(scored)}
            return np.array([[lookup[value] for value in row] for row in label_ids.tolist()], "uint8")
        """,
        ("writes into what it reads", "to stay as it is"): """
            for number, label_id in enumerate(scored):
                label_ids[label_ids == label_id] = number
            return label_ids
        """,
        ("maps pixels twice", "changed again"): """
            classes = np.where(np.isin(label_ids, scored), label_ids, 255).astype("uint8")
            for number, label_id in enumerate(scored):
                classes[classes == label_id] = number
            return classes
        """,
        ("sorts the list", "is the list sorted"): {
            "table[scored]": "for number, label_id in enumerate(sorted(scored)):\n    table[label_id]",
            "np.arange(len(scored))": "number",
        },
        ("leaves what is not scored as it is", "what is not scored is 255"): """
            classes = label_ids.copy()
            for number, label_id in enumerate(scored):
                classes[label_ids == label_id] = number
            return classes
        """,
        ("takes eight bytes a pixel", "one byte a pixel"): {'255, "uint8")': "255)"},
        ("has 255 entries", "the table needs 256"): {"np.full(256,": "np.full(255,"},
        ("sorts what is scored", "stay as it is, but"): {
            "table = ": """
                scored.sort()
                table = 
            """
        },
        ("knows ids up to 34", "for 33 scored ids"): {
            "return table[label_ids]": "return table[np.minimum(label_ids, 34)]"
        },
    },
    "class-shares": {
        ("counts to the largest class that is there", "np.bincount takes minlength"): {", minlength=256": ""},
        ("divides by all pixels", "divide by all pixels"): """
            return np.bincount(classes.ravel(), minlength=256)[:19] / classes.size
        """,
        ("averages the scenes' shares", "the mean of the scenes' shares"): {
            "counts = np.bincount(classes.ravel(), minlength=256)[:19]\n    return counts / counts.sum()": """
                counts = np.array([np.bincount(scene.ravel(), minlength=256)[:19] for scene in classes])
                return (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
            """,
        },
        ("counts 255 as a class", "255 is no class"): {"), minlength=256)[:19]": "))"},
        ("takes 255 for the last class", "taken for the last class"): {
            "classes.ravel(), minlength=256)[:19]": "np.minimum(classes, 18).ravel(), minlength=19)",
        },
        ("takes 255 for road", "taken for road"): {
            "classes.ravel(), minlength=256)[:19]": "np.where(classes == 255, 0, classes).ravel(), minlength=19)",
        },
        ("gives per cent", "add up to 1"): "return 100 * streets.class_shares(classes)",
        ("counts and does not divide", "divide by the number of labelled pixels"): """
            return np.bincount(classes.ravel(), minlength=256)[:19]
        """,
        ("stops at the last class that is there", "those that are nowhere count 0"): {
            "np.bincount(classes.ravel(), minlength=256)[:19]": "np.bincount(classes[classes != 255])",
        },
        ("does not flatten", "use ravel()"): {"np.bincount(classes.ravel(),": "np.bincount(classes,"},
        ("marks ignored pixels in place", "stay as it is, but"): {
            "counts = ": """
                classes[classes == 255] = 19
                counts = 
            """
        },
        ("counts in a small type", "70,509"): {"[:19]": "[:19].astype('uint16')"},
        ("rounds", "not rounded"): {"return counts / counts.sum()": "return np.round(counts / counts.sum(), 4)"},
        ("leaves out the highest", "not the highest class"): {
            "counts = np.bincount(classes.ravel()": "counts = np.bincount(classes[classes < classes.max()]",
        },
    },
    "place": {
        ("never reaches the far border", "so add 1"): {"height + 1))": "height))", "width + 1))": "width))"},
        ("leaves the scene", "inside of a scene"): """
            return rng.integers(classes.shape[0]), rng.integers(classes.shape[1])
        """,
        ("puts left first", "top come first"): {"return top, left": "return left, top"},
        ("looks at the whole scene", "not at the whole scene"): {"[top : top + height, left : left + width].": "."},
        ("takes just 75 %", "with just 75 %: use <"): {"< most *": "<= most *"},
        ("never draws again", "draw again while"): {"range(1 + redraws)": "range(1)"},
        ("counts 255 as a class", "255 is no class"): {", minlength=256)[:255]": ")"},
        ("divides by all pixels", "not by all"): {"most * counts.sum()": "most * height * width"},
        ("does not listen to most", "use `most`"): {"< most *": "< 0.75 *"},
        ("draws without end", "the last one is taken"): {"for _ in range(1 + redraws):": "while True:"},
        ("draws once too few", "also with redraws=0"): {"range(1 + redraws)": "range(redraws)"},
        ("does not listen to redraws", "at most `redraws` times more"): {"range(1 + redraws)": "range(100)"},
        ("gives nothing where it finds nothing", "return it, in every case"): {
            "            break\n    return top, left": "            return top, left",
        },
        ("gives the piece", "expected (top, left)"): {
            "return top, left": "return classes[top : top + height, left : left + width]",
        },
        ("has a seed of its own", "use rng"): {
            "height, width = size": "rng = np.random.default_rng()\nheight, width = size",
        },
        ("looks at road only", "not road alone"): {"counts.max()": "counts[0]"},
        ("has a constant seed", "the generator that is handed in"): {
            "height, width = size": "rng = np.random.default_rng(0)\nheight, width = size",
        },
        ("takes a piece without a label", "without a labelled pixel"): {".sum()": ".sum() or not counts.any()"},
        ("stops at a piece without a label", "may have no labelled pixel"): {".max()": "[counts > 0].max()"},
        ("falls back on the first", "got the first one"): {
            "height, width = size": "(height, width), drawn = size, []",
            "if counts": "drawn.append((top, left))\nif counts",
            "return top, left": "return drawn[0]",
            "break": "return top, left",
        },
        ("falls back on the best", "do not keep the best"): {
            "height, width = size": "(height, width), drawn = size, []",
            "if counts": "drawn.append((counts.max() / max(counts.sum(), 1), -len(drawn), top, left))\nif counts",
            "return top, left": "return min(drawn)[2:]",
            "break": "return top, left",
        },
        ("marks ignored pixels in place", "stay as it is, but"): {
            "height, width = size": """
                height, width = size
                classes[classes == 255] = 19
            """
        },
        ("prefers the middle", "equally often"): {
            "top = int(rng.integers(classes.shape[0] - height + 1))": "top = int(rng.binomial(classes.shape[0] - height, 0.5))"
        },
        ("limits `most`", "use `most`, whatever"): {"most * counts.sum()": "min(most, 0.75) * counts.sum()"},
        ("last class not looked at", "any class counts"): {"minlength=256)[:255]": "minlength=256)[:18]"},
    },
    "scaled": {
        ("blends the classes", "nothing lies between two classes"): {".NEAREST": ".BILINEAR"},
        ("takes Pillow's own choice", "own choice is bicubic"): {", Image.Resampling.BILINEAR": ""},
        ("fills with road", "0 would be road"): {'np.full(size, 255, "uint8")': 'np.zeros(size, "uint8")'},
        ("fills the photograph with white", "expected black"): {"np.zeros((*size, 3)": "np.full((*size, 3), 255"},
        ("takes the nearest for the photograph", "expected a blended photograph"): {".BILINEAR": ".NEAREST"},
        ("swaps height and width", "Pillow's sizes are (width, height)"): {".shape": ".shape[::-1]"},
        ("does not round", "int() cuts off"): {"round(side * factor)": "int(side * factor)"},
        ("only scales", "cut or fill up to `size`"): {"return image, marks": "return small, small_classes"},
        ("stretches to the size", "stretched"): {"(round(side * factor) for side in classes.shape)": "size"},
        ("never cuts", "cut what is larger"): {
            "    height, width = min(height, size[0]), min(width, size[1])\n": "",
            "= small[:height, :width]": "= small",
            "= small_classes[:height, :width]": "= small_classes",
        },
        ("cuts, then scales", "scale first, then cut"): {
            "height, width = (round": """
                if factor > 1.6:
                    photograph, classes, factor = photograph[: size[0], : size[1]], classes[: size[0], : size[1]], 1
                height, width = (round
            """,
        },
        ("cuts before it scales", "scale first, then cut"): {
            "height, width = (round": """
                photograph, classes = photograph[: size[0], : size[1]], classes[: size[0], : size[1]]
                height, width = (round
            """,
        },
        ("gives the classes first", "then its classes"): {"return image, marks": "return marks, image"},
        ("marks a pixel", "stay as it is, but"): {
            "height, width = (round": """
                photograph[0, 0] = photograph[0, 0]
                classes[0, 0] = 255
                height, width = (round
            """
        },
        ("rounds up", "round() rounds"): {"round(side * factor)": "int(side * factor + 0.999)"},
        ("hands the scene back at factor 1", "cut or fill up to `size`"): {
            "height, width = (round": "if factor == 1:\n    return photograph, classes\nheight, width = (round",
        },
    },
    "confusion": {
        ("is turned", "the matrix turned"): {
            "true[kept].astype(int) * count + predicted[kept]": "predicted[kept].astype(int) * count + true[kept]",
        },
        ("wraps round", "does not fit into a uint8"): {"true[kept].astype(int)": "true[kept]"},
        ("does not leave out 255", "expected 255 to be left out"): """
            matrix = np.zeros((count, count), int)
            np.add.at(matrix, (true.ravel(), predicted.ravel()), 1)
            return matrix
        """,
        ("does not leave out 255, and counts", "whose true class is 255"): {"true != 255": "np.full(true.shape, True)"},
        ("takes 255 for road", "the two whose true class is 255"): {
            "kept = true != 255": "true, kept = np.where(true == 255, 0, true), true >= 0",
        },
        ("multiplies by 19", "multiply by `count`"): {"* count + predicted": "* 19 + predicted"},
        ("forgets minlength", "with minlength"): {", minlength=count * count": ""},
        ("gives shares", "expected counts"): {".reshape(count, count)": ".reshape(count, count) / kept.sum()"},
        ("does not listen to count", "a row and a column for every class"): {"kept =": "count = 19\nkept ="},
        ("takes the count from the data", "every class"): {
            "kept = true != 255": "kept = true != 255\ncount = int(max(true[kept].max(), predicted[kept].max(), 1)) + 1",
        },
        ("multiplies by the largest class", "says how many classes"): {
            "astype(int) * count": "astype(int) * (max(true[kept].max(), predicted[kept].max()) + 1)",
        },
        ("counts each pair once", "a repeated index once"): {
            "return np.bincount(pairs, minlength=count * count).reshape(count, count)": """
                matrix = np.zeros((count, count), int)
                matrix[true[kept], predicted[kept]] += 1
                return matrix
            """,
        },
        ("does not flatten", "use ravel()"): """
            pairs = np.where(true == 255, 0, true).astype(int) * count + predicted
            return np.bincount(pairs, minlength=count * count).reshape(count, count)
        """,
        ("changes the prediction", "stay as it is, but"): {
            "kept = true": """
                predicted[true == 255] = 0
                kept = true
            """
        },
        ("counts in a small type", "overflows"): {
            "minlength=count * count)": "minlength=count * count).astype('uint8')"
        },
        ("ignores classes over 18", "only 255 is ignored"): {"true != 255": "true < 19"},
        ("nothing where all is ignored", "got None: return it"): {
            "pairs =": "if not kept.any():\n    return None\npairs =",
        },
        ("drops axes of one class", "expected (1, 1), got ()"): {
            ".reshape(count, count)": ".reshape(count, count).squeeze()"
        },
    },
    "mean-iou": {
        ("averages the scenes", "the mean of their scores"): """
            return np.mean([metrics.mean_iou(matrix) for matrix in matrices])
        """,
        ("divides 0 by 0", "0 / 0"): {"(both[either > 0] / either[either > 0]).mean()": "(both / either).mean()"},
        ("counts absent classes as 0", "does not count 0"): {
            "(both[either > 0] / either[either > 0]).mean()": "(both / np.maximum(either, 1)).mean()",
        },
        ("counts absent classes as 1", "does not count 1"): {
            "(both[either > 0] / either[either > 0]": "np.where(either > 0, both / np.maximum(either, 1), 1",
        },
        ("is recall", "(recall)"): {"total.sum(axis=0) + total.sum(axis=1) - both": "total.sum(axis=1)"},
        ("is precision", "precision"): {
            "(both[either > 0] / either[either > 0]).mean()": "(both / np.maximum(total.sum(axis=0), 1))[total.sum(axis=1) > 0].mean()",
        },
        ("is accuracy", "accuracy"): {"(both[either > 0] / either[either > 0]).mean()": "both.sum() / total.sum()"},
        ("is Dice", "is Dice"): {"both[either > 0] / either": "2 * both[either > 0] / (either + both)"},
        ("does not take off what is in both", "take them off once"): {" - both": ""},
        ("leaves out classes that are never true", "it is present, and its IoU is 0"): {
            "(both[either > 0] / either[either > 0]).": "(both / np.maximum(either, 1))[total.sum(axis=1) > 0].",
        },
        ("leaves out classes that are never found", "true and never found"): {
            "both[either > 0] / either[either > 0]": "both[both > 0] / either[both > 0]",
        },
        ("returns nothing", "got None: return it"): {"return float(": "float("},
        ("gives each class", "expected one number"): "return metrics.class_iou(matrices.sum(axis=0))",
        ("does not add up", "add the matrices up first"): """
            return np.nanmean(np.stack([metrics.class_iou(matrix) for matrix in matrices]))
        """,
        ("takes the diagonal of the stack", "add the scenes up first"): {
            "np.diagonal(total)": "np.diagonal(matrices)",
            "(both[either > 0] / either[either > 0]).mean()": "np.nanmean(both / either)",
        },
        ("takes the diagonal of the stack, and picks", "add the scenes up first"): {"total)": "matrices)"},
        ("divides the sums", "divide for each class"): {
            "(both[either > 0] / either[either > 0]).mean()": "both.sum() / either.sum()",
        },
        ("weighs by how often a class is true", "all classes present count alike"): {
            "(both[either > 0] / either[either > 0]).mean()": "(both / np.maximum(either, 1) * total.sum(axis=1)).sum() / total.sum()",
        },
        ("takes off twice", "not twice"): {
            "(both[either > 0] / either[either > 0]).mean()": "np.nanmean(both / (either - both))",
        },
        ("adds in place", "stay as it is, but"): {
            "total = np.sum(matrices, axis=0)": """
                total = matrices[0]
                for each in matrices[1:]:
                    total += each
            """
        },
        ("rounds", "not rounded"): {"return float(": "return round(float(", ".mean())": ".mean()), 4)"},
        ("adds in a small type", "overflows"): {"np.sum(matrices, axis=0)": "np.sum(matrices, axis=0, dtype='int16')"},
        ("19 classes always", "not all classes count"): {
            "np.sum(matrices, axis=0)": "np.sum(matrices, axis=0)[:19, :19]"
        },
        ("adds up in 32 bits", "a small integer type overflows"): {
            "np.sum(matrices, axis=0)": 'np.sum(matrices, axis=0, dtype="int32")',
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "to-classes": [
        """
            classes = np.full_like(label_ids, 255)
            for number, label_id in enumerate(scored):
                classes[label_ids == label_id] = number
            return classes
        """,
        """
            lookup = {label_id: number for number, label_id in enumerate(scored)}
            table = np.array([lookup.get(value, 255) for value in range(256)], dtype=np.uint8)
            return np.take(table, label_ids)
        """,
    ],
    "class-shares": [
        """
            labelled = classes[classes != 255]
            return np.array([np.mean(labelled == each) for each in range(19)])
        """,
        """
            counts = [np.count_nonzero(classes == each) for each in range(19)]
            return [count / sum(counts) for count in counts]
        """,
    ],
    "place": [
        """
            for attempt in range(redraws + 1):
                top, left = rng.integers(0, np.subtract(classes.shape, size), endpoint=True)
                piece = classes[top:, left:][: size[0], : size[1]]
                labelled = piece[piece != 255]
                if labelled.size and np.unique(labelled, return_counts=True)[1].max() / labelled.size < most:
                    return top, left
            return top, left
        """,
        """
            while True:
                top = int(rng.random() * (classes.shape[0] - size[0] + 1))
                left = int(rng.random() * (classes.shape[1] - size[1] + 1))
                counts = [np.sum(classes[top : top + size[0], left : left + size[1]] == each) for each in range(19)]
                if redraws == 0 or max(counts) < most * sum(counts):
                    return [top, left]
                redraws -= 1
        """,
    ],
    "scaled": [
        """
            height, width = round(classes.shape[0] * factor), round(classes.shape[1] * factor)
            image = np.array(Image.fromarray(photograph).resize((width, height), Image.BILINEAR))[: size[0], : size[1]]
            marks = np.array(Image.fromarray(classes).resize((width, height), Image.NEAREST))[: size[0], : size[1]]
            below, right = size[0] - len(marks), size[1] - marks.shape[1]
            image = np.pad(image, [(0, below), (0, right), (0, 0)])
            return image, np.pad(marks, [(0, below), (0, right)], constant_values=255)
        """,
        """
            results = []
            for array, way, outside in ((photograph, Image.Resampling.BILINEAR, 0), (classes, Image.Resampling.NEAREST, 255)):
                stored = Image.fromarray(array)
                stored = stored.resize([round(side * factor) for side in stored.size], way)
                canvas = Image.new(stored.mode, (size[1], size[0]), outside)
                canvas.paste(stored, (0, 0))
                results.append(np.asarray(canvas))
            return tuple(results)
        """,
    ],
    "confusion": [
        """
            matrix = np.zeros((count, count), int)
            kept = true < count
            np.add.at(matrix, (true[kept], predicted[kept]), 1)
            return matrix
        """,
        "return [[np.sum((true == row) & (predicted == column)) for column in range(count)] for row in range(count)]",
        """
            kept, edges = true != 255, np.arange(count + 1)
            return np.histogram2d(true[kept], predicted[kept], bins=[edges, edges])[0]
        """,
    ],
    "mean-iou": [
        """
            total = sum(matrices)
            values = []
            for each in range(len(total)):
                either = total[each].sum() + total[:, each].sum() - total[each, each]
                if either:
                    values.append(total[each, each] / either)
            return sum(values) / len(values)
        """,
        """
            total = np.asarray(matrices).sum(axis=0)
            both = total.diagonal()
            return np.nanmean(both / (total.sum(0) + total.sum(1) - both))
        """,
    ],
}

# (expression over the finished notebook's names, lowest, highest), as the text quotes them.
RANGES = [
    ("road_for_one", "15", "22"),
    ("road_scores['pixel_accuracy']", "0.2", "0.27"),
    ("road_scores['mean_iou']", "0.01", "0.015"),
    ("too_full['anywhere']", "0.1", "0.25"),
    ("scores['colour alone']['mean_iou']", "0.15", "0.22"),
    ("scores['place alone']['mean_iou']", "0.18", "0.24"),
    ("added_up", "0.72", "0.82"),
    ("over_scenes", "0.8", "0.9"),
]
