"""What learners answer in lesson 01, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "tumour-finder": {
        "gives True and False": (
            """
def tumour_finder(masks):
    return masks.any(axis=(1, 2))
""",
            "np.flatnonzero turns them into indices",
        ),
        "gives an index for each pixel": (
            """
def tumour_finder(masks):
    return np.nonzero(masks)[0]
""",
            "one entry for each pixel",
        ),
        "gives a column": (
            """
def tumour_finder(masks):
    return np.argwhere(masks.any(axis=(1, 2)))
""",
            "np.argwhere gives a row for each",
        ),
        "counts from 1": (
            """
def tumour_finder(masks):
    return np.flatnonzero(masks.any(axis=(1, 2))) + 1
""",
            "counted from 0",
        ),
        "leaves out slices with a single pixel": (
            """
def tumour_finder(masks):
    return np.flatnonzero(masks.sum(axis=(1, 2)) > 1)
""",
            "a single pixel is enough",
        ),
        "gives indices of pixels": (
            """
def tumour_finder(masks):
    return np.flatnonzero(masks)
""",
            "over axes 1 and 2",
        ),
        "asks the pixels instead of the slices": (
            """
def tumour_finder(masks):
    return np.flatnonzero(masks.any(axis=0))
""",
            "over axes 1 and 2",
        ),
        "asks the columns of each slice": (
            """
def tumour_finder(masks):
    return np.flatnonzero(masks.any(axis=1))
""",
            "over axes 1 and 2",
        ),
    },
    "overlay": {
        "forgets to divide": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image] * 3, axis=-1).astype(float)
    picture[mask] = (1 - strength) * picture[mask] + strength * np.array(colour)
    return picture
""",
            "divide the image by 255",
        ),
        "scales the colour": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image / 255] * 3, axis=-1)
    picture[mask] = (1 - strength) * picture[mask] + strength * np.array(colour) * 255
    return picture
""",
            "the colour is in [0, 1] already",
        ),
        "mixes whole numbers": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image] * 3, axis=-1)
    picture[mask] = (1 - strength) * picture[mask] + strength * 255 * np.array(colour)
    return picture / 255
""",
            "before you mix",
        ),
        "tints the whole image": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image / 255] * 3, axis=-1)
    return (1 - strength) * picture + strength * np.array(colour)
""",
            "outside, nothing changes",
        ),
        "darkens the outside": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image / 255] * 3, axis=-1)
    return (1 - strength) * picture + strength * mask[..., None] * np.array(colour)
""",
            "outside, nothing changes",
        ),
        "paints instead of mixing": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image / 255] * 3, axis=-1)
    picture[mask] = colour
    return picture
""",
            "how much of it to mix in",
        ),
        "swaps the shares": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image / 255] * 3, axis=-1)
    picture[mask] = strength * picture[mask] + (1 - strength) * np.array(colour)
    return picture
""",
            "strength is the colour's share",
        ),
        "adds the colour": (
            """
def overlay(image, mask, colour, strength):
    picture = np.stack([image / 255] * 3, axis=-1)
    picture[mask] = picture[mask] + strength * np.array(colour)
    return picture
""",
            "an added colour leaves the range",
        ),
        "stays grey": (
            """
def overlay(image, mask, colour, strength):
    return np.where(mask, (1 - strength) * image / 255 + strength, image / 255)
""",
            "red, green and blue for each pixel",
        ),
    },
    "contour": {
        "takes the row beyond the mask": (
            """
def contour(mask):
    padded = np.pad(mask, 1)
    near = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return near & ~mask
""",
            "not the first row beyond it",
        ),
        "lets the border go round": (
            """
def contour(mask):
    inner = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(mask, step, axis)
    return mask & ~inner
""",
            "np.roll brings in the pixels of the far side",
        ),
        "repeats the border": (
            """
def contour(mask):
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner
""",
            "pad with False",
        ),
        "takes diagonals for neighbours": (
            """
def contour(mask):
    height, width = mask.shape
    padded = np.pad(mask, 1)
    inner = mask.copy()
    for down in range(3):
        for right in range(3):
            inner &= padded[down : down + height, right : right + width]
    return mask & ~inner
""",
            "leave out the diagonals",
        ),
        "asks that all neighbours are outside": (
            """
def contour(mask):
    padded = np.pad(mask, 1)
    near = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return mask & ~near
""",
            "not all of them",
        ),
        "keeps the mask": (
            """
def contour(mask):
    return mask
""",
            "the 16 outermost pixels",
        ),
        "looks up and down only": (
            """
def contour(mask):
    padded = np.pad(mask, 1)
    return mask & ~(padded[:-2, 1:-1] & padded[2:, 1:-1])
""",
            "left and right",
        ),
        "keeps the padding": (
            """
def contour(mask):
    padded = np.pad(mask, 1)
    inner = padded.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(padded, step, axis)
    return padded & ~inner
""",
            "padding has to come off",
        ),
    },
    "to-network": {
        "gives float64": (
            """
def to_network(images):
    images = images if images.ndim == 4 else images[None]
    return images / 255
""",
            "twice the memory",
        ),
        "gives float16": (
            """
def to_network(images):
    images = images if images.ndim == 4 else images[None]
    return (images / 255).astype("float16")
""",
            "three digits only",
        ),
        "stays whole": (
            """
def to_network(images):
    images = images if images.ndim == 4 else images[None]
    return images // 255
""",
            "whole numbers cannot hold",
        ),
        "drops what comes after the point": (
            """
def to_network(images):
    images = images if images.ndim == 4 else images[None]
    return (images // 255).astype("float32")
""",
            "drop what comes after the point",
        ),
        "forgets to divide": (
            """
def to_network(images):
    images = images if images.ndim == 4 else images[None]
    return images.astype("float32")
""",
            "divide by 255",
        ),
        "divides by the brightest pixel": (
            """
def to_network(images):
    images = images if images.ndim == 4 else images[None]
    return images.astype("float32") / images.max()
""",
            "not by the brightest pixel",
        ),
        "centres on 0": (
            """
def to_network(images):
    images = images if images.ndim == 4 else images[None]
    return images.astype("float32") / 127.5 - 1
""",
            "not [-1, 1]",
        ),
        "forgets the batch axis": (
            """
def to_network(images):
    return images.astype("float32") / 255
""",
            "add the batch axis in front",
        ),
        "adds a batch axis to a stack": (
            """
def to_network(images):
    return images[None].astype("float32") / 255
""",
            "has its batch axis already",
        ),
    },
    "shrink-mask": {
        "takes every second pixel": (
            """
def shrink_mask(mask):
    return mask[::2, ::2]
""",
            "every second pixel",
        ),
        "grows": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    return mask.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3))
""",
            "let areas grow",
        ),
        "shrinks": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    return mask.reshape(height // 2, 2, width // 2, 2).all(axis=(1, 3))
""",
            "exactly 2 of 4",
        ),
        "leaves out the half": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    return mask.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) > 0.5
""",
            "at least half",
        ),
        "rounds": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    return np.round(mask.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))).astype(bool)
""",
            "np.round sends 0.5 to 0",
        ),
        "gives shares": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    return mask.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
""",
            "compare the share of tumour with 0.5",
        ),
        "groups the wrong pixels": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    return mask.reshape(2, height // 2, 2, width // 2).mean(axis=(0, 2)) >= 0.5
""",
            "reshape to (height // 2, 2, width // 2, 2)",
        ),
        "blocks in the last two axes": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    return mask.reshape(height // 2, width // 2, 2, 2).mean(axis=(2, 3)) >= 0.5
""",
            "axes 1 and 3",
        ),
        "interpolates": (
            """
def shrink_mask(mask):
    height, width = mask.shape
    small = Image.fromarray(mask.astype(np.float32)).resize((width // 2, height // 2), Image.Resampling.BILINEAR)
    return np.asarray(small) >= 0.5
""",
            "BOX keeps to its block",
        ),
        "keeps the size": (
            """
def shrink_mask(mask):
    return mask
""",
            "to become (2, 5)",
        ),
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "tumour-finder": [
        """
def tumour_finder(masks):
    return [number for number, mask in enumerate(masks) if mask.any()]
""",
        """
def tumour_finder(masks):
    return np.unique(np.nonzero(masks)[0])
""",
    ],
    "overlay": [
        """
def overlay(image, mask, colour, strength):
    share = strength * mask[..., None]
    return image[..., None] / 255 * (1 - share) + share * np.array(colour)
""",
        """
def overlay(image, mask, colour, strength):
    picture = np.zeros((*image.shape, 3))
    for number, amount in enumerate(colour):
        picture[..., number] = np.where(mask, image / 255 + strength * (amount - image / 255), image / 255)
    return picture
""",
    ],
    "contour": [
        """
def contour(mask):
    height, width = mask.shape
    edge = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if not (0 <= j < height and 0 <= i < width) or not mask[j, i]:
                edge[y, x] = True
    return edge
""",
        """
def contour(mask):
    outside = np.pad(~mask, 1, constant_values=True)
    touches = np.zeros_like(mask)
    for axis in (0, 1):
        for step in (-1, 1):
            touches |= np.roll(outside, step, axis)[1:-1, 1:-1]
    return mask & touches
""",
    ],
    "to-network": [
        """
def to_network(images):
    return np.asarray(images, dtype=np.float32).reshape(-1, *images.shape[-3:]) / 255
""",
        """
def to_network(images):
    if images.ndim == 3:
        images = np.expand_dims(images, 0)
    return keras.ops.convert_to_numpy(keras.layers.Rescaling(1 / 255)(images))
""",
    ],
    "shrink-mask": [
        """
def shrink_mask(mask):
    counts = mask[::2, ::2].astype(int) + mask[1::2, ::2] + mask[::2, 1::2] + mask[1::2, 1::2]
    return counts >= 2
""",
        """
def shrink_mask(mask):
    height, width = mask.shape
    small = Image.fromarray(mask.astype(np.float32)).resize((width // 2, height // 2), Image.Resampling.BOX)
    return np.asarray(small) >= 0.5
""",
    ],
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [
    ("len(found) / len(slices)", "0.2", "0.4"),
    ("best", "0.05", "0.15"),
    ("grown", "1.3", "1.7"),
    ("len(copied)", "2", "6"),
    ("float(mean_dice)", "0.1", "0.35"),
    ("float(of_version['made grey'].mean())", "0.2", "0.45"),
    ("float(dices.mean())", "0.7", "0.9"),
]
