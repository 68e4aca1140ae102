"""What learners answer in lesson 01, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "tumour-finder": {
        ("gives floats", "expected whole numbers"): {"2)))": "2))) * 1.0"},
        ("one number for one slice", "always a flat list"): {
            "np.flatnonzero(masks.any(axis=(1, 2)))": "np.argwhere(masks.any(axis=(1, 2))).squeeze()"
        },
        (
            "squeezes slices one pixel high",
            "no squeeze",
        ): "return np.flatnonzero(masks.squeeze().any(axis=-1).any(axis=-1))",
        ("indices in a small type", "a small type overflows"): {
            "masks.any(axis=(1, 2)))": "masks.any(axis=(1, 2))).astype(np.uint8)"
        },
        ("the largest first", "no others, ascending"): """
            sizes = masks.sum(axis=(1, 2))
            return np.argsort(-sizes, kind="stable")[: (sizes > 0).sum()]
        """,
        ("gives True and False", "np.flatnonzero turns them into indices"): "return masks.any(axis=(1, 2))",
        ("gives an index for each pixel", "one entry for each pixel"): "return np.nonzero(masks)[0]",
        ("gives a tuple", "np.where a tuple"): "return np.where(masks.any(axis=(1, 2)))",
        ("gives a column", "np.argwhere gives a row for each"): "return np.argwhere(masks.any(axis=(1, 2)))",
        ("counts from 1", "counted from 0"): {"2)))": "2))) + 1"},
        ("leaves out slices with a single pixel", "a single pixel is enough"): """
            return np.flatnonzero(masks.sum(axis=(1, 2)) > 1)
        """,
        ("gives indices of pixels", "over axes 1 and 2"): "return np.flatnonzero(masks)",
        ("asks the pixels instead of the slices", "over axes 1 and 2"): "return np.flatnonzero(masks.any(axis=0))",
        ("asks the columns of each slice", "over axes 1 and 2"): "return np.flatnonzero(masks.any(axis=1))",
        ("sums in a small type", "overflows"): {"masks.any(axis=(1, 2))": "masks.sum(axis=(1, 2), dtype='uint8')"},
        ("sorts the masks", "stay as it is, but"): {
            "return np": """
                masks.sort(axis=2)
                return np
            """
        },
    },
    "overlay": {
        ("gives up at an empty mask", "with an empty mask"): {
            "picture = np": """
                if not mask.any():
                    return image / 255
                picture = np
            """
        },
        ("keeps the colour's whole numbers", "in floats"): {
            "strength * np.array(colour)": "(strength * np.array(colour)).astype(np.array(colour).dtype)",
        },
        ("takes 0 for nothing given", "strength 0 leaves the grey"): {
            "picture = np": """
                strength = strength or 0.5
                picture = np
            """
        },
        ("forgets to divide", "divide the image by 255"): {
            "np.repeat(image[..., np.newaxis] / 255, 3, axis=-1)": "np.stack([image] * 3, axis=-1).astype(float)",
        },
        ("scales the colour", "the colour is in [0, 1] already"): {"np.array(colour)": "np.array(colour) * 255"},
        ("mixes whole numbers", "before you mix"): {
            "image[..., np.newaxis] / 255": "image[..., np.newaxis]",
            "np.array(colour)\n    return picture": "255 * np.array(colour)\nreturn picture / 255",
        },
        ("tints the whole image", "outside, nothing changes"): {"mask] =": ":] =", "[mask] +": " +"},
        ("darkens the outside", "outside, nothing changes"): {
            "picture[mask] =": "picture[:] =",
            "* picture[mask] +": "* picture +",
            "* np.array(colour)": "* mask[..., None] * np.array(colour)",
        },
        ("paints instead of mixing", "how much of it to mix in"): {
            "(1 - strength) * picture[mask] + strength * np.array(colour)": "colour",
        },
        ("swaps the shares", "strength is the colour's share"): {
            "(1 - strength) * picture[mask] + strength *": "strength * picture[mask] + (1 - strength) *",
        },
        ("adds the colour", "an added colour leaves the range"): {"(1 - strength) * picture[mask]": "picture[mask]"},
        ("stays grey", "red, green and blue for each pixel"): """
            return np.where(mask, (1 - strength) * image / 255 + strength, image / 255)
        """,
        ("changes the image", "stay as it is, but"): {
            "picture = np": """
                image[mask] = image[mask] // 2 * 2
                picture = np
            """
        },
        ("changes the mask", "stay as it is, but"): {
            "picture = np": """
                mask &= image > 0
                picture = np
            """
        },
        ("rounds", "not rounded"): {"return picture": "return np.round(picture, 3)"},
        ("limits the strength", "strength 1 covers"): {"(1 - strength)": "(1 - min(strength, 0.9))"},
    },
    "contour": {
        ("drops the axis of a single row", "an image of 1 x 5"): {
            "mask & ~surrounded": "(mask & ~surrounded).squeeze()"
        },
        ("takes the row beyond the mask", "not the first row beyond it"): {
            "& padded[2:, 1:-1] & padded[1:-1, :-2] &": "| padded[2:, 1:-1] | padded[1:-1, :-2] |",
            "mask & ~surrounded": "surrounded & ~mask",
        },
        ("lets the border go round", "np.roll brings in the pixels of the far side"): {
            "np.pad(mask, 1)": 'np.pad(mask, 1, mode="wrap")',
        },
        ("repeats the border", "pad with False"): {"1)": '1, mode="edge")'},
        ("takes diagonals for neighbours", "leave out the diagonals"): {
            "return mask &": """
                for down, right in ((0, 0), (0, 2), (2, 0), (2, 2)):
                    surrounded &= padded[down:, right:][: mask.shape[0], : mask.shape[1]]
                return mask &
            """,
        },
        ("asks that all neighbours are outside", "not all of them"): {
            "& padded[2:, 1:-1] & padded[1:-1, :-2] &": "| padded[2:, 1:-1] | padded[1:-1, :-2] |",
        },
        ("keeps the mask", "the 16 outermost pixels"): "return mask",
        ("looks up and down only", "left and right"): {" & padded[1:-1, :-2] & padded[1:-1, 2:]": ""},
        ("keeps the padding", "padding has to come off"): {"mask & ~surrounded": "padded & ~np.pad(surrounded, 1)"},
        ("changes the mask", "stay as it is, but"): {
            "return mask & ~surrounded": """
                mask &= ~surrounded
                return mask
            """
        },
    },
    "to-network": {
        ("takes a single row for a batch", "three axes are one image"): {
            "images.ndim == 3": "len(images) > 1 and images.ndim == 3"
        },
        ("divides bright batches alone", "a dark image by 255, too"): {
            'batch.astype("float32") / 255': 'batch.astype("float32") / np.float32(255 if batch.max() > 1 else 1)'
        },
        ("gives float64", "twice the memory"): {'batch.astype("float32") / 255': "batch / 255"},
        ("gives float16", "three digits only"): {'"float32"': '"float16"'},
        ("stays whole", "whole numbers cannot hold"): {'batch.astype("float32") / 255': "batch // 255"},
        ("drops what comes after the point", "drop what comes after the point"): {
            'batch.astype("float32") / 255': '(batch // 255).astype("float32")',
        },
        ("forgets to divide", "divide by 255"): {" / 255": ""},
        ("divides by 256", "divide by 255, and"): {"/ 255": "/ 256"},
        ("puts the channels first", "channels stay last"): {
            'batch.astype("float32") / 255': 'np.moveaxis(batch.astype("float32") / 255, -1, 1)'
        },
        ("divides by the brightest pixel", "not by the brightest pixel"): {"/ 255": "/ batch.max()"},
        ("centres on 0", "not [-1, 1]"): {"/ 255": "/ 127.5 - 1"},
        ("forgets the batch axis", "add the batch axis in front"): 'return images.astype("float32") / 255',
        ("adds a batch axis to a stack", "has its batch axis already"): 'return images[None].astype("float32") / 255',
        ("changes the images", "stay as it is, but"): {
            "return batch": """
                batch[batch > 250] = 255
                return batch
            """
        },
        ("takes a large stack for an image", "batch axis already"): {
            "images.ndim == 3": "images.shape[0] > 20 or images.ndim == 3"
        },
        ("rounds", "not rounded"): {'batch.astype("float32") / 255': 'np.round(batch.astype("float32") / 255, 3)'},
    },
    "shrink-mask": {
        ("drops the axis of a single row", "both axes stay"): {
            "mask.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) >= 0.5": """
                (mask.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) >= 0.5).squeeze()
            """
        },
        ("takes every second pixel", "every second pixel"): "return mask[::2, ::2]",
        ("grows", "let areas grow"): {"2).mean(axis=(1, 3)) >= 0.5": "2).any(axis=(1, 3))"},
        ("shrinks", "exactly 2 of 4"): {"2).mean(axis=(1, 3)) >= 0.5": "2).all(axis=(1, 3))"},
        ("leaves out the half", "at least half"): {">=": ">"},
        ("rounds", "np.round sends 0.5 to 0"): {"return mask": "return np.round(mask", ">= 0.5": ").astype(bool)"},
        ("gives shares", "compare the share of tumour with 0.5"): {" >= 0.5": ""},
        ("groups the wrong pixels", "reshape to (height // 2, 2, width // 2, 2)"): {
            "height // 2, 2, width // 2, 2).mean(axis=(1, 3)": "2, height // 2, 2, width // 2).mean(axis=(0, 2)",
        },
        ("blocks in the last two axes", "axes 1 and 3"): {"2, 2,": "2,", "2).mean(axis=(1,": "2, 2).mean(axis=(2,"},
        ("interpolates", "BOX keeps to its block"): """
            small = Image.fromarray(mask.astype(np.float32)).resize((mask.shape[1] // 2, mask.shape[0] // 2), Image.Resampling.BILINEAR)
            return np.asarray(small) >= 0.5
        """,
        ("adds up True and False", "True + True is True"): """
            return mask[::2, ::2] + mask[1::2, ::2] + mask[::2, 1::2] + mask[1::2, 1::2] >= 2
        """,
        ("keeps the size", "to become (2, 5)"): "return mask",
        ("changes the mask", "stay as it is, but"): {
            "height, width = mask.shape": """
                height, width = mask.shape
                mask[0, 0] = True
            """
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "tumour-finder": [
        "return [number for number, mask in enumerate(masks) if mask.any()]",
        "return np.unique(np.nonzero(masks)[0])",
    ],
    "overlay": [
        """
            share = strength * mask[..., None]
            return image[..., None] / 255 * (1 - share) + share * np.array(colour)
        """,
        """
            picture = np.zeros((*image.shape, 3))
            for number, amount in enumerate(colour):
                picture[..., number] = np.where(mask, image / 255 + strength * (amount - image / 255), image / 255)
            return picture
        """,
    ],
    "contour": [
        """
            height, width = mask.shape
            edge = np.zeros_like(mask)
            for y, x in np.argwhere(mask):
                for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                    if not (0 <= j < height and 0 <= i < width) or not mask[j, i]:
                        edge[y, x] = True
            return edge
        """,
        """
            outside = np.pad(~mask, 1, constant_values=True)
            touches = np.zeros_like(mask)
            for axis in (0, 1):
                for step in (-1, 1):
                    touches |= np.roll(outside, step, axis)[1:-1, 1:-1]
            return mask & touches
        """,
    ],
    "to-network": [
        "return np.asarray(images, dtype=np.float32).reshape(-1, *images.shape[-3:]) / 255",
        """
            if images.ndim == 3:
                images = np.expand_dims(images, 0)
            return keras.ops.convert_to_numpy(keras.layers.Rescaling(1 / 255)(images))
        """,
    ],
    "shrink-mask": [
        """
            counts = mask[::2, ::2].astype(int) + mask[1::2, ::2] + mask[::2, 1::2] + mask[1::2, 1::2]
            return counts >= 2
        """,
        {
            "return mask.reshape(height": "small = Image.fromarray(mask.astype(np.float32)).resize((width",
            "2, width // 2, 2).mean(axis=(1, 3))": "height // 2), Image.Resampling.BOX)\nreturn np.asarray(small)",
        },
    ],
}

RANGES = []  # the text quotes none

# what the text concludes from phantoms: expressions over the finished lesson
CLAIMS = [
    "len(found) < len(slices) / 2",
    "mean_dice['0 to 1'] - mean_dice['0 to 255'] > 0.3",
    "best < 0.2",
    "(soft > 0).mean() / true_share > 1.2",
    "of_version['made grey'].mean() < of_version['blue first'].mean() - 0.2",
    "set(names[np.argsort(dices)[:2]]) <= set(copied)",
]
