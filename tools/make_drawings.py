"""Draw the mechanisms that the lessons build, as SVG files beside their solutions: one style, one hand.

python tools/make_drawings.py     # writes solutions/NN_name/*.svg; make lessons copies them

A drawing is a card with a ground of its own, so that it reads on a light page and on a dark one. Its alt text stands
in the lesson, where the drawing is shown.
"""

from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
GROUND, INK, FAINT = "#f2f2ee", "#222222", "#8a8a86"
BLUE, ORANGE, GREEN, ROSE = "#0173b2", "#de8f05", "#029e73", "#cc78bc"
PALE = {BLUE: "#cfe2ef", ORANGE: "#f8e3c0", GREEN: "#cce9df", ROSE: "#f3e0ee", FAINT: "#e3e3de"}


class Card:
    """A drawing under construction; sizes are in pixels, y runs down."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self.parts: list[str] = []

    def text(self, x, y, words, size=13, colour=INK, anchor="middle", weight="normal"):
        """Write one line or several, centred on y."""
        lines = words.split("\n")
        for number, line in enumerate(lines):
            if not line:
                continue
            at = y + (number - (len(lines) - 1) / 2) * size * 1.25 + size * 0.35
            self.parts.append(
                f'<text x="{x:g}" y="{at:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
                f'font-weight="{weight}">{escape(line)}</text>'
            )

    def box(self, x, y, width, height, words="", colour=FAINT, size=13):
        """Draw a box with rounded corners around its words."""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill="{PALE[colour]}" '
            f'stroke="{colour}" stroke-width="1.5"/>'
        )
        if words:
            self.text(x + width / 2, y + height / 2, words, size)

    def plain(self, x, y, width, height, fill, stroke=INK, opacity=1.0, thin=0.8):
        """Draw a plain rectangle."""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="{thin}" fill-opacity="{opacity:g}"/>'
        )

    def stack(self, x, y, side, colours, step=7):
        """Draw feature maps one behind the other, the first in front."""
        for number in reversed(range(len(colours))):
            self.plain(x + number * step, y - number * step, side, side, colours[number])

    def column(self, x, y, colours, side=14):
        """Draw numbers on top of each other, one for each channel."""
        for number, colour in enumerate(colours):
            self.plain(x, y + number * side, side, side, colour)

    def circle(self, x, y, words, radius=14):
        """Draw an operation on numbers."""
        self.parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius}" fill="white" stroke="{INK}" stroke-width="1.5"/>'
        )
        self.text(x, y, words, 16)

    def arrow(self, *points, colour=INK, dashed=False, head=True):
        """Draw a line through points (x, y), with a head at its end."""
        path = " ".join(f"{'M' if number == 0 else 'L'}{x:g} {y:g}" for number, (x, y) in enumerate(points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        end = f' marker-end="url(#head{colour[1:]})"' if head else ""
        self.parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}{end}/>')

    def svg(self) -> str:
        """The file."""
        heads = "".join(
            f'<marker id="head{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
            for colour in (INK, FAINT, BLUE, ORANGE, GREEN, ROSE)
        )
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="DejaVu Sans, Verdana, Arial, sans-serif">\n'
            f"<defs>{heads}</defs>\n"
            f'<rect width="{self.width}" height="{self.height}" rx="10" fill="{GROUND}"/>\n{body}\n</svg>\n'
        )


FEATURES = ["#9fc5de", "#b7d3e6", "#c9dfed", "#dbe9f3"]
WEIGHTS = ["#f5d9a8", "#de8f05", "#fbf0dc", "#eab556"]
WEIGHTED = ["#d4e4ee", "#0173b2", "#eef4f8", "#5b9fcb"]


def squeeze_and_excitation() -> Card:
    """Lesson 07."""
    card = Card(740, 235)
    card.stack(25, 95, 75, FEATURES)
    card.text(72, 195, "features\nH x W x C", 12)
    card.arrow((130, 130), (172, 130))
    card.column(178, 102, FEATURES)
    card.text(185, 195, "squeeze:\nmean of each channel", 12)
    card.arrow((200, 130), (236, 130))
    card.box(238, 108, 66, 44, "W₁\nReLU", BLUE)
    card.arrow((305, 130), (329, 130))
    card.column(333, 123, ["#c9c9c4"])
    card.text(340, 92, "C / 16\nunits", 12)
    card.arrow((350, 130), (374, 130))
    card.box(376, 108, 66, 44, "W₂\nsigmoid", ORANGE)
    card.text(340, 195, "excite: every weight may\ndepend on every mean", 12)
    card.arrow((443, 130), (476, 130))
    card.column(480, 102, WEIGHTS)
    card.text(487, 195, "weights, 0 to 1", 12)
    card.arrow((497, 130), (537, 130))
    card.circle(553, 130, "×")
    card.arrow((90, 68), (90, 32), (553, 32), (553, 113))
    card.text(320, 21, "the features themselves", 12, FAINT)
    card.arrow((568, 130), (598, 130))
    card.stack(604, 95, 75, WEIGHTED)
    card.text(655, 195, "scale: each channel\ntimes its weight", 12)
    return card


def channel_gate() -> Card:
    """Lesson 08."""
    card = Card(720, 252)
    card.stack(25, 100, 75, FEATURES)
    card.text(72, 205, "features\nH x W x C", 12)
    card.arrow((130, 125), (152, 125), (152, 80), (177, 80))
    card.arrow((130, 125), (152, 125), (152, 175), (177, 175))
    card.column(182, 52, FEATURES)
    card.text(189, 40, "mean", 12)
    card.column(182, 147, ["#7fb4d6", "#0173b2", "#9fc5de", "#b7d3e6"])
    card.text(189, 219, "maximum", 12)
    card.box(258, 62, 110, 132, "dense, ReLU\nC / 16 units\n\ndense\nC units", BLUE)
    card.text(313, 210, "one pair, called twice", 12)
    card.arrow((200, 80), (256, 80))
    card.arrow((200, 175), (256, 175))
    card.arrow((369, 80), (412, 80), (412, 110))
    card.arrow((369, 175), (412, 175), (412, 142))
    card.circle(412, 126, "+")
    card.arrow((428, 126), (448, 126))
    card.circle(465, 126, "σ")
    card.text(465, 160, "sigmoid", 12)
    card.arrow((481, 126), (504, 126))
    card.column(508, 98, WEIGHTS)
    card.text(515, 190, "a weight for\neach channel", 12)
    card.arrow((524, 126), (552, 126))
    card.circle(568, 126, "×")
    card.arrow((90, 73), (90, 22), (568, 22), (568, 109))
    card.arrow((583, 126), (606, 126))
    card.stack(611, 95, 70, WEIGHTED)
    return card


def spatial_gate() -> Card:
    """Lesson 08."""
    card = Card(720, 245)
    card.stack(25, 100, 75, FEATURES)
    card.text(72, 205, "features\nH x W x C", 12)
    card.arrow((130, 125), (150, 125), (150, 80), (176, 80))
    card.arrow((130, 125), (150, 125), (150, 178), (176, 178))
    card.plain(180, 52, 56, 56, "#b7d3e6")
    card.plain(180, 150, 56, 56, "#5b9fcb")
    card.text(208, 38, "maximum over channels", 12)
    card.text(208, 222, "mean over channels", 12)
    card.arrow((238, 80), (266, 80), (266, 112), (286, 112))
    card.arrow((238, 178), (266, 178), (266, 142), (286, 142))
    card.box(288, 95, 104, 64, "7 x 7 convolution\nnormalisation", BLUE, 11)
    card.text(340, 178, "two maps in, one out", 12)
    card.arrow((393, 127), (415, 127))
    card.circle(431, 127, "σ")
    card.text(431, 160, "sigmoid", 12)
    card.arrow((446, 127), (468, 127))
    pixels = ["#fbf0dc", "#f5d9a8", "#fbf0dc", "#f5d9a8", "#de8f05", "#eab556", "#fbf0dc", "#eab556", "#f5d9a8"]
    for number, colour in enumerate(pixels):
        card.plain(472 + 19 * (number % 3), 98 + 19 * (number // 3), 19, 19, colour, thin=0.4)
    card.text(500, 192, "a weight for\neach pixel", 12)
    card.arrow((531, 127), (556, 127))
    card.circle(572, 127, "×")
    card.arrow((90, 73), (90, 18), (572, 18), (572, 110))
    card.arrow((587, 127), (609, 127))
    card.stack(614, 95, 70, FEATURES)
    for number, colour in enumerate(pixels):
        card.plain(614 + 70 / 3 * (number % 3), 95 + 70 / 3 * (number // 3), 70 / 3, 70 / 3, colour, "none", 0.75)
    return card


def attention_gate() -> Card:
    """Lesson 09."""
    card = Card(740, 300)
    card.stack(22, 62, 84, FEATURES[:3])
    card.text(75, 168, "skip: features\nof the encoder", 12)
    card.stack(42, 212, 42, ["#a6d8c7", "#cce9df"])
    card.text(70, 276, "gating signal,\nhalf as large", 12)
    card.arrow((126, 108), (148, 108))
    card.box(150, 84, 92, 46, "θ: 2 x 2,\nstride 2", BLUE)
    card.arrow((98, 232), (148, 232))
    card.box(150, 210, 92, 44, "φ: 1 x 1", GREEN)
    card.arrow((243, 108), (280, 108), (280, 154))
    card.arrow((243, 232), (280, 232), (280, 186))
    card.circle(280, 170, "+")
    card.arrow((296, 170), (318, 170))
    card.box(320, 150, 58, 40, "ReLU")
    card.arrow((379, 170), (399, 170))
    card.box(401, 150, 58, 40, "ψ: 1 x 1", ORANGE, 12)
    card.arrow((460, 170), (480, 170))
    card.circle(496, 170, "σ")
    card.arrow((511, 170), (533, 170))
    for number in range(9):
        fill = "#de8f05" if number == 4 else "#f5d9a8" if number in (1, 3) else "#fbf0dc"
        card.plain(536 + 14 * (number % 3), 149 + 14 * (number // 3), 14, 14, fill, thin=0.4)
    card.text(557, 208, "the map,\nhalf size", 12)
    card.arrow((579, 170), (603, 170), (603, 127))
    card.text(616, 184, "stretched", 12)
    card.circle(603, 110, "×")
    card.arrow((80, 47), (80, 22), (603, 22), (603, 93))
    card.arrow((618, 110), (640, 110))
    card.box(642, 88, 84, 44, "1 x 1, norm", BLUE, 12)
    card.arrow((684, 87), (684, 40))
    card.text(684, 26, "to the merge", 12)
    return card


def patient_split() -> Card:
    """Lesson 04."""
    card = Card(720, 250)
    test = {(0, 1), (0, 6), (1, 3), (2, 0), (2, 5), (3, 2), (3, 7), (4, 4)}
    for left, title in ((84, "slices drawn at random"), (478, "patients drawn")):
        card.text(left + 108, 24, title, 14, weight="bold")
        for patient in range(5):
            y = 48 + 32 * patient
            card.text(left - 12, y + 11, f"patient {'ABCDE'[patient]}", 12, anchor="end")
            for number in range(8):
                held_out = patient in (1, 4) if left > 300 else (patient, number) in test
                card.plain(left + 27 * number, y, 22, 22, ORANGE if held_out else PALE[BLUE])
    card.text(192, 222, "every patient is on both sides:\nthe test slices have neighbours in training", 12)
    card.text(586, 222, "B and E are new to the network", 12)
    card.plain(318, 62, 14, 14, PALE[BLUE])
    card.plain(318, 86, 14, 14, ORANGE)
    card.text(338, 69, "train", 12, anchor="start")
    card.text(338, 93, "test", 12, anchor="start")
    return card


def sliding_windows() -> Card:
    """Lesson 13."""
    card = Card(750, 275)
    card.plain(30, 40, 300, 100, "#dbe9f3")
    card.text(180, 24, "windows side by side", 14, weight="bold")
    for number in range(3):
        card.plain(30 + 100 * number, 40, 100, 100, (PALE[BLUE], PALE[ORANGE], PALE[GREEN])[number], BLUE, 1, 1.5)
    for x in (130, 230):
        card.arrow((x, 175), (x, 144), colour=ORANGE)
    card.text(180, 190, "at the seams neither window\nsees what lies beyond", 12)
    card.text(540, 24, "windows that overlap", 14, weight="bold")
    card.plain(390, 40, 300, 100, "#dbe9f3")
    for number, colour in enumerate((BLUE, ORANGE, GREEN)):
        card.plain(390 + 100 * number, 40 + 4 * number, 100, 92, colour, colour, 0.14, 1.5)
        if number < 2:
            card.plain(440 + 100 * number, 44 + 4 * number, 100, 84, ROSE, ROSE, 0.18, 1.5)
    for number, colour in enumerate((BLUE, ROSE, ORANGE, ROSE, GREEN)):
        x = 390 + 50 * number
        card.arrow((x, 212), (x + 50, 160), (x + 100, 212), colour=colour, head=False)
    card.arrow((390, 212), (690, 212), colour=FAINT, head=False)
    card.text(352, 190, "weight", 12)
    card.text(540, 234, "each pixel: the mean of its windows, weighted by tents,", 12)
    card.text(540, 249, "so that a window counts least at its border", 12)
    return card


def training_loop() -> Card:
    """Lesson 06."""
    card = Card(720, 290)
    card.box(25, 50, 110, 46, "batch of images", FAINT, 12)
    card.box(25, 140, 110, 46, "their masks", FAINT, 12)
    card.arrow((136, 73), (178, 73))
    card.box(180, 50, 100, 46, "network", BLUE)
    card.arrow((281, 73), (318, 73))
    card.box(320, 50, 110, 46, "probabilities", FAINT, 12)
    card.arrow((375, 97), (375, 138))
    card.arrow((136, 163), (318, 163))
    card.box(320, 140, 110, 46, "loss", ORANGE)
    card.arrow((431, 163), (478, 163))
    card.box(480, 140, 110, 46, "gradient for\neach weight", FAINT, 12)
    card.arrow((535, 139), (535, 98))
    card.box(480, 50, 110, 46, "optimiser", GREEN)
    card.box(620, 50, 85, 46, "schedule:\nthe rate", FAINT, 12)
    card.arrow((619, 73), (592, 73))
    card.arrow((535, 49), (535, 24), (230, 24), (230, 48), colour=GREEN)
    card.text(380, 13, "new weights: one step", 12)
    card.arrow((230, 97), (230, 236), colour=FAINT, dashed=True)
    card.box(150, 238, 160, 38, "validation patients", FAINT, 12)
    card.arrow((311, 257), (353, 257), colour=FAINT, dashed=True)
    card.box(355, 238, 90, 38, "score", ORANGE)
    card.arrow((446, 257), (488, 257), colour=FAINT, dashed=True)
    card.box(490, 238, 130, 38, "best weights kept", FAINT, 12)
    card.text(246, 213, "after each epoch", 12, FAINT, "start")
    return card


def two_devices() -> Card:
    """Lesson 14."""
    card = Card(720, 265)
    for number in range(8):
        card.plain(30, 50 + 20 * number, 50, 17, PALE[BLUE] if number < 4 else PALE[GREEN])
    card.text(55, 30, "one batch", 13)
    for top, colour, name in ((48, BLUE, "device 1"), (138, GREEN, "device 2")):
        card.arrow((84, top + 39), (148, top + 39), colour=colour)
        card.box(150, top + 8, 140, 62, f"{name}\nsame weights", colour)
        card.arrow((291, top + 39), (328, top + 39), colour=colour)
        card.box(330, top + 14, 110, 50, "gradient of\nits half", FAINT, 12)
        card.arrow((441, top + 39), (481, top + 39), (508, 120 if top < 100 else 143), colour=colour)
    card.circle(520, 131, "Σ")
    card.text(575, 190, "each weighed by its share\nof the valid pixels", 12)
    card.arrow((536, 131), (563, 131))
    card.box(565, 106, 130, 50, "one update, the\nsame on both", ORANGE, 12)
    card.arrow((680, 157), (680, 238), (220, 238), (220, 210), colour=ORANGE)
    card.arrow((220, 138), (220, 120), colour=ORANGE)
    card.text(420, 252, "new weights", 12)
    return card


def the_u() -> Card:
    """Lesson 05."""
    card = Card(765, 408)
    sides, widths = ["256 x 256", "128 x 128", "64 x 64", "32 x 32", "16 x 16"], [32, 64, 128, 256, 512]
    left, right, top = 60, 500, 40
    for level in range(4):
        y, x = top + 62 * level, left + 52 * level
        back = right - 52 * level + 20
        card.box(x, y, 74, 36, f"{widths[level]}", BLUE)
        card.box(back, y, 74, 36, f"{widths[level]}", GREEN)
        card.arrow((x + 75, y + 18), (back - 2, y + 18), colour=FAINT, dashed=True)
        below = top + 62 * (level + 1)
        if level < 3:
            card.arrow((x + 37, y + 37), (x + 37, below + 18), (x + 50, below + 18), colour=BLUE)
            card.arrow((back - 15, below + 18), (back + 37, below + 18), (back + 37, y + 38), colour=GREEN)
        card.text((x + back + 74) / 2, y + 7, f"skip, {sides[level]}" if level == 0 else sides[level], 12, FAINT)
    x, y = 325, top + 62 * 4
    card.box(x, y, 74, 36, "512", ORANGE)
    card.arrow((left + 52 * 3 + 37, y - 62 + 37), (left + 52 * 3 + 37, y + 18), (x - 2, y + 18), colour=BLUE)
    card.arrow((x + 75, y + 18), (right - 52 * 3 + 57, y + 18), (right - 52 * 3 + 57, y - 24), colour=GREEN)
    card.text(x + 37, y + 48, "bottleneck, 16 x 16", 11, FAINT)
    card.arrow((22, top + 18), (58, top + 18))
    card.text(36, top - 4, "image", 12)
    card.arrow((right + 95, top + 18), (right + 120, top + 18))
    card.box(right + 122, top - 2, 70, 40, "1 x 1,\nsigmoid", ROSE, 12)
    card.text(right + 157, top + 52, "head", 12)
    card.text(right + 157, top - 16, "a probability for each pixel", 11, INK)
    for number, (colour, words) in enumerate(
        ((BLUE, "down: max-pool 2 x 2"), (GREEN, "up: transposed convolution 2 x 2, then up and skip side by side"))
    ):
        card.arrow((30 + 190 * number, 388), (60 + 190 * number, 388), colour=colour)
        card.text(66 + 190 * number, 388, words, 11, anchor="start")
    card.text(30, 366, "a box: twice 3 x 3 convolution, normalisation, ReLU; its number: channels", 11, anchor="start")
    return card


DRAWINGS = {
    "04_data/patient_split.svg": patient_split,
    "05_unet/the_u.svg": the_u,
    "06_training/training_loop.svg": training_loop,
    "07_squeeze_and_excitation/squeeze_and_excitation.svg": squeeze_and_excitation,
    "08_cbam/channel_gate.svg": channel_gate,
    "08_cbam/spatial_gate.svg": spatial_gate,
    "09_attention_gates/attention_gate.svg": attention_gate,
    "13_streets_unet/sliding_windows.svg": sliding_windows,
    "14_scale_out/two_devices.svg": two_devices,
}


def main() -> None:
    """Write the files."""
    for name, draw in DRAWINGS.items():
        (ROOT / "solutions" / name).write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
