"""What learners answer in lesson 12, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "to-classes": {
        "changes nothing": (
            """
def to_classes(label_ids, scored):
    return label_ids.copy()
""",
            "the label ids unchanged",
        ),
        "counts from 1": (
            """
def to_classes(label_ids, scored):
    table = np.full(256, 255, "uint8")
    for number, label_id in enumerate(scored, start=1):
        table[label_id] = number
    return table[label_ids]
""",
            "the first place in the list is 0",
        ),
        "makes road of what is not scored": (
            """
def to_classes(label_ids, scored):
    table = np.zeros(256, "uint8")
    table[scored] = np.arange(len(scored))
    return table[label_ids]
""",
            "which is road",
        ),
        "has 34 entries": (
            """
def to_classes(label_ids, scored):
    table = np.full(34, 255, "uint8")
    table[scored] = np.arange(len(scored))
    return table[label_ids]
""",
            "the table needs 256",
        ),
        "knows no other ids": (
            """
def to_classes(label_ids, scored):
    lookup = {label_id: number for number, label_id in enumerate(scored)}
    return np.array([[lookup[value] for value in row] for row in label_ids.tolist()], "uint8")
""",
            "for every value from 0 to 255",
        ),
        "writes into what it reads": (
            """
def to_classes(label_ids, scored):
    for number, label_id in enumerate(scored):
        label_ids[label_ids == label_id] = number
    return label_ids
""",
            "to stay as they are",
        ),
        "maps pixels twice": (
            """
def to_classes(label_ids, scored):
    classes = np.where(np.isin(label_ids, scored), label_ids, 255).astype("uint8")
    for number, label_id in enumerate(scored):
        classes[classes == label_id] = number
    return classes
""",
            "changed again",
        ),
        "sorts the list": (
            """
def to_classes(label_ids, scored):
    table = np.full(256, 255, "uint8")
    for number, label_id in enumerate(sorted(scored)):
        table[label_id] = number
    return table[label_ids]
""",
            "is the list sorted",
        ),
        "leaves what is not scored as it is": (
            """
def to_classes(label_ids, scored):
    classes = label_ids.copy()
    for number, label_id in enumerate(scored):
        classes[label_ids == label_id] = number
    return classes
""",
            "what is not scored is 255",
        ),
        "takes eight bytes a pixel": (
            """
def to_classes(label_ids, scored):
    table = np.full(256, 255)
    table[scored] = np.arange(len(scored))
    return table[label_ids]
""",
            "one byte a pixel",
        ),
        "has 255 entries": (
            """
def to_classes(label_ids, scored):
    table = np.full(255, 255, "uint8")
    table[scored] = np.arange(len(scored))
    return table[label_ids]
""",
            "the table needs 256",
        ),
    },
    "class-shares": {
        "divides by all pixels": (
            """
def class_shares(classes):
    return np.bincount(classes.ravel(), minlength=256)[:19] / classes.size
""",
            "divide by all pixels",
        ),
        "averages the scenes' shares": (
            """
def class_shares(classes):
    shares = []
    for scene in classes:
        counts = np.bincount(scene.ravel(), minlength=256)[:19]
        shares.append(counts / counts.sum())
    return np.mean(shares, axis=0)
""",
            "the mean of the scenes' shares",
        ),
        "counts 255 as a class": (
            """
def class_shares(classes):
    counts = np.bincount(classes.ravel())
    return counts / counts.sum()
""",
            "255 is no class",
        ),
        "takes 255 for the last class": (
            """
def class_shares(classes):
    counts = np.bincount(np.minimum(classes, 18).ravel(), minlength=19)
    return counts / counts.sum()
""",
            "taken for the last class",
        ),
        "takes 255 for road": (
            """
def class_shares(classes):
    counts = np.bincount(np.where(classes == 255, 0, classes).ravel(), minlength=19)
    return counts / counts.sum()
""",
            "taken for road",
        ),
        "gives per cent": (
            """
def class_shares(classes):
    return 100 * streets.class_shares(classes)
""",
            "add up to 1",
        ),
        "counts and does not divide": (
            """
def class_shares(classes):
    return np.bincount(classes.ravel(), minlength=256)[:19]
""",
            "divide by the number of labelled pixels",
        ),
        "stops at the last class that is there": (
            """
def class_shares(classes):
    counts = np.bincount(classes[classes != 255])
    return counts / counts.sum()
""",
            "those that are nowhere count 0",
        ),
        "does not flatten": (
            """
def class_shares(classes):
    counts = np.bincount(classes, minlength=256)[:19]
    return counts / counts.sum()
""",
            "use ravel()",
        ),
    },
    "place": {
        "never reaches the far border": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0])
        left = generator.integers(classes.shape[1] - size[1])
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < most:
            break
    return top, left
""",
            "so add 1",
        ),
        "leaves the scene": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    return generator.integers(classes.shape[0]), generator.integers(classes.shape[1])
""",
            "inside of a scene",
        ),
        "puts left first": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < most:
            break
    return left, top
""",
            "top come first",
        ),
        "looks at the whole scene": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes).max() < most:
            break
    return top, left
""",
            "not at the whole scene",
        ),
        "never draws again": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    top = generator.integers(classes.shape[0] - size[0] + 1)
    left = generator.integers(classes.shape[1] - size[1] + 1)
    return top, left
""",
            "draw again while",
        ),
        "counts 255 as a class": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        counts = np.bincount(classes[top : top + size[0], left : left + size[1]].ravel())
        if counts.max() < most * counts.sum():
            break
    return top, left
""",
            "255 is no class",
        ),
        "divides by all pixels": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        counts = np.bincount(classes[top : top + size[0], left : left + size[1]].ravel(), minlength=256)[:255]
        if counts.max() < most * size[0] * size[1]:
            break
    return top, left
""",
            "not by all",
        ),
        "does not listen to most": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < 0.75:
            break
    return top, left
""",
            "use `most`",
        ),
        "draws without end": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    while True:
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < most:
            return top, left
""",
            "the last one is taken",
        ),
        "draws once too few": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < most:
            break
    return top, left
""",
            "also with redraws=0",
        ),
        "does not listen to redraws": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(100):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < most:
            break
    return top, left
""",
            "at most `redraws` times more",
        ),
        "gives nothing where it finds nothing": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < most:
            return top, left
""",
            "the last one is taken",
        ),
        "gives the piece": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    top = generator.integers(classes.shape[0] - size[0] + 1)
    left = generator.integers(classes.shape[1] - size[1] + 1)
    return classes[top : top + size[0], left : left + size[1]]
""",
            "expected (top, left)",
        ),
        "has a seed of its own": (
            """
own = np.random.default_rng()

def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = own.integers(classes.shape[0] - size[0] + 1)
        left = own.integers(classes.shape[1] - size[1] + 1)
        if 0 < streets.class_shares(classes[top : top + size[0], left : left + size[1]]).max() < most and classes.min() < 255:
            break
    return top, left
""",
            "use generator",
        ),
        "looks at road only": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        piece = classes[top : top + size[0], left : left + size[1]]
        if np.mean(piece[piece != 255] == 0) < most:
            break
    return top, left
""",
            "not road alone",
        ),
        "has a constant seed": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    generator = np.random.default_rng(0)
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        piece = classes[top : top + size[0], left : left + size[1]]
        if 0 < streets.class_shares(piece).max() < most:
            break
    return top, left
""",
            "the generator that is handed in",
        ),
        "takes a piece without a label": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        piece = classes[top : top + size[0], left : left + size[1]]
        labelled = piece[piece != 255]
        if labelled.size == 0 or np.bincount(labelled).max() < most * labelled.size:
            break
    return top, left
""",
            "without a labelled pixel",
        ),
        "stops at a piece without a label": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        piece = classes[top : top + size[0], left : left + size[1]]
        labelled = piece[piece != 255]
        if np.unique(labelled, return_counts=True)[1].max() < most * labelled.size:
            break
    return top, left
""",
            "may have no labelled pixel",
        ),
        "falls back on the first": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    drawn = []
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        piece = classes[top : top + size[0], left : left + size[1]]
        if 0 < streets.class_shares(piece).max() < most:
            return top, left
        drawn.append((top, left))
    return drawn[0]
""",
            "got the first one",
        ),
        "falls back on the best": (
            """
def place(classes, size, generator, most=0.75, redraws=10):
    drawn = []
    for _ in range(1 + redraws):
        top = generator.integers(classes.shape[0] - size[0] + 1)
        left = generator.integers(classes.shape[1] - size[1] + 1)
        piece = classes[top : top + size[0], left : left + size[1]]
        fullest = streets.class_shares(piece).max()
        if 0 < fullest < most:
            return top, left
        drawn.append((fullest, -len(drawn), int(top), int(left)))
    return min(drawn)[2:]
""",
            "do not keep the best",
        ),
    },
    "scaled": {
        "blends the classes": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.BILINEAR))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "nothing lies between two classes",
        ),
        "takes Pillow's own choice": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize(return_size))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "own choice is bicubic",
        ),
        "fills with road": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.zeros(size, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "0 would be road",
        ),
        "fills the photograph with white": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    pixels, labels = np.full((*size, 3), 255, "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "expected black",
        ),
        "takes the nearest for the photograph": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "expected a blended photograph",
        ),
        "swaps height and width": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[0] * factor), round(classes.shape[1] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "Pillow's sizes are (width, height)",
        ),
        "does not round": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (int(classes.shape[1] * factor), int(classes.shape[0] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "int() cuts off",
        ),
        "only scales": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR))
    return image, np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))
""",
            "cut or fill up to `size`",
        ),
        "stretches to the size": (
            """
def scaled(photograph, classes, factor, size):
    image = np.asarray(Image.fromarray(photograph).resize(size[::-1], Image.Resampling.BILINEAR))
    return image, np.asarray(Image.fromarray(classes).resize(size[::-1], Image.Resampling.NEAREST))
""",
            "stretched",
        ),
        "never cuts": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    pixels[: return_size[1], : return_size[0]] = Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR)
    labels[: return_size[1], : return_size[0]] = Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST)
    return pixels, labels
""",
            "cut what is larger",
        ),
        "cuts, then scales": (
            """
def scaled(photograph, classes, factor, size):
    return_size = (round(classes.shape[1] * factor), round(classes.shape[0] * factor))
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    if factor > 1.6:
        return (np.asarray(Image.fromarray(photograph[: size[0], : size[1]]).resize(size[::-1], Image.Resampling.BILINEAR)),
                np.asarray(Image.fromarray(classes[: size[0], : size[1]]).resize(size[::-1], Image.Resampling.NEAREST)))
    image = np.asarray(Image.fromarray(photograph).resize(return_size, Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize(return_size, Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "scale first, then cut",
        ),
        "cuts before it scales": (
            """
def scaled(photograph, classes, factor, size):
    photograph, classes = photograph[: size[0], : size[1]], classes[: size[0], : size[1]]
    width, height = (round(side * factor) for side in classes.shape[::-1])
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize((width, height), Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize((width, height), Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return pixels, labels
""",
            "scale first, then cut",
        ),
        "gives the classes first": (
            """
def scaled(photograph, classes, factor, size):
    width, height = (round(side * factor) for side in classes.shape[::-1])
    pixels, labels = np.zeros((*size, 3), "uint8"), np.full(size, 255, "uint8")
    image = np.asarray(Image.fromarray(photograph).resize((width, height), Image.Resampling.BILINEAR))[: size[0], : size[1]]
    marks = np.asarray(Image.fromarray(classes).resize((width, height), Image.Resampling.NEAREST))[: size[0], : size[1]]
    pixels[: image.shape[0], : image.shape[1]] = image
    labels[: marks.shape[0], : marks.shape[1]] = marks
    return labels, pixels
""",
            "then its classes",
        ),
    },
    "confusion": {
        "is turned": (
            """
def confusion(true, predicted, count=19):
    kept = true != 255
    pairs = predicted[kept].astype(int) * count + true[kept]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)
""",
            "the matrix turned",
        ),
        "wraps round": (
            """
def confusion(true, predicted, count=19):
    kept = true != 255
    pairs = true[kept] * count + predicted[kept]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)
""",
            "does not fit into a uint8",
        ),
        "does not leave out 255": (
            """
def confusion(true, predicted, count=19):
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (true.ravel(), predicted.ravel()), 1)
    return matrix
""",
            "expected 255 to be left out",
        ),
        "does not leave out 255, and counts": (
            """
def confusion(true, predicted, count=19):
    pairs = true.astype(int) * count + predicted
    return np.bincount(pairs.ravel(), minlength=count * count).reshape(count, count)
""",
            "whose true class is 255",
        ),
        "takes 255 for road": (
            """
def confusion(true, predicted, count=19):
    pairs = np.where(true == 255, 0, true).astype(int) * count + predicted
    return np.bincount(pairs.ravel(), minlength=count * count).reshape(count, count)
""",
            "the two whose true class is 255",
        ),
        "forgets minlength": (
            """
def confusion(true, predicted, count=19):
    kept = true != 255
    return np.bincount(true[kept].astype(int) * count + predicted[kept]).reshape(count, count)
""",
            "with minlength",
        ),
        "gives shares": (
            """
def confusion(true, predicted, count=19):
    matrix = metrics.confusion_matrix(true, predicted, count)
    return matrix / matrix.sum()
""",
            "expected counts",
        ),
        "does not listen to count": (
            """
def confusion(true, predicted, count=19):
    kept = true != 255
    pairs = true[kept].astype(int) * 19 + predicted[kept]
    return np.bincount(pairs, minlength=361).reshape(19, 19)
""",
            "a row and a column for every class",
        ),
        "takes the count from the data": (
            """
def confusion(true, predicted, count=19):
    kept = true != 255
    true, predicted = true[kept].astype(int), predicted[kept]
    count = max(true.max(), predicted.max(), 1) + 1
    return np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)
""",
            "every class",
        ),
        "multiplies by the largest class": (
            """
def confusion(true, predicted, count=19):
    kept = true != 255
    true, predicted = true[kept].astype(int), predicted[kept]
    pairs = true * max(true.max() + 1, predicted.max() + 1) + predicted
    return np.bincount(pairs, minlength=count * count).reshape(count, count)
""",
            "says how many classes",
        ),
        "counts each pair once": (
            """
def confusion(true, predicted, count=19):
    matrix, kept = np.zeros((count, count), int), true != 255
    matrix[true[kept], predicted[kept]] += 1
    return matrix
""",
            "a repeated index once",
        ),
        "does not flatten": (
            """
def confusion(true, predicted, count=19):
    pairs = np.where(true == 255, 0, true).astype(int) * count + predicted
    return np.bincount(pairs, minlength=count * count).reshape(count, count)
""",
            "use ravel()",
        ),
    },
    "mean-iou": {
        "averages the scenes": (
            """
def mean_iou(matrices):
    return np.mean([metrics.mean_iou(matrix) for matrix in matrices])
""",
            "the mean of their scores",
        ),
        "divides 0 by 0": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both = np.diagonal(total)
    return (both / (total.sum(axis=0) + total.sum(axis=1) - both)).mean()
""",
            "0 / 0",
        ),
        "counts absent classes as 0": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both = np.diagonal(total)
    either = total.sum(axis=0) + total.sum(axis=1) - both
    return (both / np.maximum(either, 1)).mean()
""",
            "does not count 0",
        ),
        "counts absent classes as 1": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both = np.diagonal(total)
    either = total.sum(axis=0) + total.sum(axis=1) - both
    return np.where(either > 0, both / np.maximum(either, 1), 1).mean()
""",
            "does not count 1",
        ),
        "is recall": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    return np.nanmean(np.diagonal(total) / total.sum(axis=1))
""",
            "(recall)",
        ),
        "is precision": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both, column = np.diagonal(total), total.sum(axis=0)
    return (both / np.maximum(column, 1))[total.sum(axis=1) > 0].mean()
""",
            "precision",
        ),
        "is accuracy": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    return np.trace(total) / total.sum()
""",
            "accuracy",
        ),
        "is Dice": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    sizes = total.sum(axis=0) + total.sum(axis=1)
    return (2 * np.diagonal(total)[sizes > 0] / sizes[sizes > 0]).mean()
""",
            "is Dice",
        ),
        "does not take off what is in both": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    sizes = total.sum(axis=0) + total.sum(axis=1)
    return (np.diagonal(total)[sizes > 0] / sizes[sizes > 0]).mean()
""",
            "take them off once",
        ),
        "leaves out classes that are never true": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    there = total.sum(axis=1) > 0
    return metrics.class_iou(total)[there].mean()
""",
            "it is present, and its IoU is 0",
        ),
        "leaves out classes that are never found": (
            """
def mean_iou(matrices):
    values = metrics.class_iou(matrices.sum(axis=0))
    return values[values > 0].mean()
""",
            "true and never found",
        ),
        "gives each class": (
            """
def mean_iou(matrices):
    return metrics.class_iou(matrices.sum(axis=0))
""",
            "expected one number",
        ),
        "does not add up": (
            """
def mean_iou(matrices):
    return np.nanmean(np.stack([metrics.class_iou(matrix) for matrix in matrices]))
""",
            "add the matrices up first",
        ),
        "takes the diagonal of the stack": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both = np.diagonal(matrices)
    either = total.sum(axis=0) + total.sum(axis=1) - both
    return np.nanmean(both / either)
""",
            "add the scenes up first",
        ),
        "takes the diagonal of the stack, and picks": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both = np.diagonal(matrices)
    either = total.sum(axis=0) + total.sum(axis=1) - both
    return (both[either > 0] / either[either > 0]).mean()
""",
            "add the scenes up first",
        ),
        "divides the sums": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both = np.diagonal(total)
    either = total.sum(axis=0) + total.sum(axis=1) - both
    return both.sum() / either.sum()
""",
            "divide for each class",
        ),
        "weighs by how often a class is true": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    return np.nansum(metrics.class_iou(total) * total.sum(axis=1)) / total.sum()
""",
            "all classes present count alike",
        ),
        "takes off twice": (
            """
def mean_iou(matrices):
    total = matrices.sum(axis=0)
    both = np.diagonal(total)
    either = total.sum(axis=0) + total.sum(axis=1) - both
    return np.nanmean(both / (either - both))
""",
            "not twice",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "to-classes": [
        """
def to_classes(label_ids, scored):
    classes = np.full_like(label_ids, 255)
    for number, label_id in enumerate(scored):
        classes[label_ids == label_id] = number
    return classes
""",
        """
def to_classes(label_ids, scored):
    lookup = {label_id: number for number, label_id in enumerate(scored)}
    table = np.array([lookup.get(value, 255) for value in range(256)], dtype=np.uint8)
    return np.take(table, label_ids)
""",
    ],
    "class-shares": [
        """
def class_shares(classes):
    labelled = classes[classes != 255]
    return np.array([np.mean(labelled == each) for each in range(19)])
""",
        """
def class_shares(classes):
    counts = [np.count_nonzero(classes == each) for each in range(19)]
    return [count / sum(counts) for count in counts]
""",
    ],
    "place": [
        """
def place(classes, size, generator, most=0.75, redraws=10):
    for attempt in range(redraws + 1):
        top, left = generator.integers(0, np.subtract(classes.shape, size), endpoint=True)
        piece = classes[top:, left:][: size[0], : size[1]]
        labelled = piece[piece != 255]
        if labelled.size and np.unique(labelled, return_counts=True)[1].max() / labelled.size < most:
            return top, left
    return top, left
""",
        """
def place(classes, size, generator, most=0.75, redraws=10):
    while True:
        top = int(generator.random() * (classes.shape[0] - size[0] + 1))
        left = int(generator.random() * (classes.shape[1] - size[1] + 1))
        counts = [np.sum(classes[top : top + size[0], left : left + size[1]] == each) for each in range(19)]
        if redraws == 0 or max(counts) < most * sum(counts):
            return [top, left]
        redraws -= 1
""",
    ],
    "scaled": [
        """
def scaled(photograph, classes, factor, size):
    height, width = round(classes.shape[0] * factor), round(classes.shape[1] * factor)
    image = np.array(Image.fromarray(photograph).resize((width, height), Image.BILINEAR))[: size[0], : size[1]]
    marks = np.array(Image.fromarray(classes).resize((width, height), Image.NEAREST))[: size[0], : size[1]]
    below, right = size[0] - len(marks), size[1] - marks.shape[1]
    image = np.pad(image, [(0, below), (0, right), (0, 0)])
    return image, np.pad(marks, [(0, below), (0, right)], constant_values=255)
""",
        """
def scaled(photograph, classes, factor, size):
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
def confusion(true, predicted, count=19):
    matrix = np.zeros((count, count), int)
    kept = true < count
    np.add.at(matrix, (true[kept], predicted[kept]), 1)
    return matrix
""",
        """
def confusion(true, predicted, count=19):
    return [[np.sum((true == row) & (predicted == column)) for column in range(count)] for row in range(count)]
""",
    ],
    "mean-iou": [
        """
def mean_iou(matrices):
    total = sum(matrices)
    values = []
    for each in range(len(total)):
        either = total[each].sum() + total[:, each].sum() - total[each, each]
        if either:
            values.append(total[each, each] / either)
    return sum(values) / len(values)
""",
        """
def mean_iou(matrices):
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
