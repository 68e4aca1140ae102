"""What learners answer in lesson 00, and what its text promises."""

# {exercise: {what is wrong: (answer, words of the message that names it)}}; each is rejected.
WRONG = {
    "tumour-pixels": {
        "forgets the return": (
            """
def tumour_pixels(masks):
    masks.sum(axis=(1, 2))
""",
            "end with `return`",
        ),
        "asks whether": (
            """
def tumour_pixels(masks):
    return masks.any(axis=(1, 2))
""",
            "`sum` counts",
        ),
        "counts the whole set": (
            """
def tumour_pixels(masks):
    return masks.sum()
""",
            "one number for each of 2 slices",
        ),
        "adds up the slices": (
            """
def tumour_pixels(masks):
    return masks.sum(axis=0)
""",
            "axes 1 and 2",
        ),
        "averages": (
            """
def tumour_pixels(masks):
    return masks.mean(axis=(1, 2))
""",
            "do not average",
        ),
        "sums one axis of each slice": (
            """
def tumour_pixels(masks):
    return masks.sum(axis=1)
""",
            "axes 1 and 2",
        ),
    }
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "tumour-pixels": [
        """
def tumour_pixels(masks):
    return [int(np.count_nonzero(mask)) for mask in masks]
""",
        """
def tumour_pixels(masks):
    return masks.reshape(len(masks), -1).sum(axis=1)
""",
    ]
}

# (expression over the finished lesson, lowest, highest), quoted in the text as "0.5 to 0.8" or "between 0.5 and 0.8".
RANGES = [("all_black['original_iou']", "0.5", "0.8")]
