"""What learners answer in lesson 00, and what its text promises; see tests/test_answers.py."""

# {exercise: {(what is wrong, words of the message that names it): the answer}}; each is rejected.
WRONG = {
    "tumour-pixels": {
        ("drops the axis of a single slice", "expected the shape (1,)"): {
            "masks.sum(axis=(1, 2))": "masks.sum(axis=(1, 2)).squeeze()"
        },
        ("takes the set for two slices", "expected the shape (1,)"): "return masks.reshape(2, -1).sum(axis=1)",
        ("forgets the return", "got None: return it"): {"return ": ""},
        ("asks whether", "`sum` counts"): "return masks.any(axis=(1, 2))",
        ("counts the whole set", "one number for each of 2 slices"): "return masks.sum()",
        ("adds up the slices", "axes 1 and 2"): "return masks.sum(axis=0)",
        ("averages", "do not average"): "return masks.mean(axis=(1, 2))",
        ("sums one axis of each slice", "axes 1 and 2"): "return masks.sum(axis=1)",
        ("counts in a small type", "overflows"): {
            "masks.sum(axis=(1, 2))": "masks.astype('uint8').sum(axis=(1, 2), dtype='uint8')"
        },
        ("cuts off a mean times the size", "can fall just below"): {
            "masks.sum(axis=(1, 2))": "(masks.mean(axis=(1, 2)) * masks.shape[1] * masks.shape[2]).astype(int)"
        },
        ("gives floats", "expected whole numbers"): {"masks.sum(axis=(1, 2))": "masks.sum(axis=(1, 2)) * 1.0"},
        ("changes the masks", "stay as it is, but"): {
            "return ": """
                masks[:] = masks[::-1][::-1]
                masks[-1, -1, -1] = False
                return 
            """
        },
    },
}

# {exercise: answers that are written differently from the solution}; each is accepted.
RIGHT = {
    "tumour-pixels": [
        "return [int(np.count_nonzero(mask)) for mask in masks]",
        "return masks.reshape(len(masks), -1).sum(axis=1)",
    ],
}

RANGES = []  # the text quotes none

# what the text concludes from phantoms: expressions over the finished lesson
CLAIMS = [
    "np.isclose(all_black['original_iou'], 1 - slices.has_tumour.mean(), atol=1e-3)",
]
