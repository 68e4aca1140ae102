"""The classes of Cityscapes: their names, label ids and colours.

Cordts et al. 2016, "The Cityscapes Dataset for Semantic Urban Scene Understanding". Used in lessons 12 and 13.
"""

import dataclasses

import numpy as np

IGNORE = 255
"""The class of a pixel that is neither learned nor scored."""


@dataclasses.dataclass(frozen=True)
class StreetClass:
    """One of the 19 classes that are scored.

    Attributes:
        name: as the benchmark's table has it.
        label_id: the value in a labelIds file; the class itself is the place in `CLASSES`.
        colour: red, green and blue of the official overlays, 0 to 255.
    """

    name: str
    label_id: int
    colour: tuple[int, int, int]


CLASSES = (
    StreetClass("road", 7, (128, 64, 128)),
    StreetClass("sidewalk", 8, (244, 35, 232)),
    StreetClass("building", 11, (70, 70, 70)),
    StreetClass("wall", 12, (102, 102, 156)),
    StreetClass("fence", 13, (190, 153, 153)),
    StreetClass("pole", 17, (153, 153, 153)),
    StreetClass("traffic light", 19, (250, 170, 30)),
    StreetClass("traffic sign", 20, (220, 220, 0)),
    StreetClass("vegetation", 21, (107, 142, 35)),
    StreetClass("terrain", 22, (152, 251, 152)),
    StreetClass("sky", 23, (70, 130, 180)),
    StreetClass("person", 24, (220, 20, 60)),
    StreetClass("rider", 25, (255, 0, 0)),
    StreetClass("car", 26, (0, 0, 142)),
    StreetClass("truck", 27, (0, 0, 70)),
    StreetClass("bus", 28, (0, 60, 100)),
    StreetClass("train", 31, (0, 80, 100)),
    StreetClass("motorcycle", 32, (0, 0, 230)),
    StreetClass("bicycle", 33, (119, 11, 32)),
)
NAMES = tuple(each.name for each in CLASSES)
LABEL_IDS = 34  # 0 to 33; -1, a licence plate, is left out of the files; 255 is allowed as in train ids

CLASS_OF_LABEL_ID = np.full(256, IGNORE, "uint8")
"""For each value of a labelIds file its class, 0 to 18, or `IGNORE`; (256,) uint8."""
CLASS_OF_LABEL_ID[[each.label_id for each in CLASSES]] = np.arange(len(CLASSES))

LABEL_ID_OF_CLASS = np.zeros(256, "uint8")
"""For each class its label id, which the benchmark's server wants; `IGNORE` becomes 0, unlabelled; (256,) uint8."""
LABEL_ID_OF_CLASS[: len(CLASSES)] = [each.label_id for each in CLASSES]

PALETTE = np.zeros((256, 3), "uint8")
"""For each class its colour; `IGNORE` is black; (256, 3) uint8."""
PALETTE[: len(CLASSES)] = [each.colour for each in CLASSES]
