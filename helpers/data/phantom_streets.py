"""Phantom streets: scenes in perspective with all 19 classes of Cityscapes, made from nothing but a seed.

A pinhole camera looks down a street. The ground and everything that stands on it are planes and boxes in metres,
drawn from far to near into a photograph and into its labels. Light, weather, haze and the colours of houses, cars
and clothes are drawn anew for each scene, and classes share their colours: a grey pixel may be road, pavement,
wall, pole, tram or sky. What is left to tell them apart is shape, texture and place.
"""

import math
import os
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from helpers.data import disk, streets

HEIGHT, WIDTH = 256, 512  # pixels
FAR = 140.0  # metres: where the street ends

_ID = {each.name: each.label_id for each in streets.CLASSES}
_EGO = 1  # the bonnet of one's own car: a label id that is not scored
_STATIC = 4  # bins, boxes: not scored either

# How mottled and how grainy each class is, as a share of its brightness.
_MOTTLE = {
    "vegetation": 0.26,
    "terrain": 0.2,
    "road": 0.05,
    "sidewalk": 0.06,
    "building": 0.05,
    "wall": 0.12,
    "sky": 0.0,
}
_GRAIN = {
    "vegetation": 0.16,
    "terrain": 0.14,
    "road": 0.05,
    "sidewalk": 0.06,
    "building": 0.04,
    "wall": 0.08,
    "sky": 0.0,
}


class _Scene:
    """One scene while it is drawn; all numbers are metres, x to the right, y up, z ahead."""

    def __init__(self, seed: int, index: int):
        self.random = np.random.default_rng((seed, index))
        draw = self.random
        self.focal = WIDTH * draw.uniform(0.75, 1.05)
        self.horizon = HEIGHT * draw.uniform(0.36, 0.46)
        self.eye = draw.uniform(1.2, 1.6)
        self.road = draw.uniform(3.2, 6.8)  # half its width
        self.x = self.road * draw.uniform(0.15, 0.6)  # we keep to the right
        self.pavement = {side: draw.uniform(1.4, 4.2) for side in (-1, 1)}
        self.verge = {side: draw.uniform(1, 5) if draw.random() < 0.45 else 0.0 for side in (-1, 1)}
        self.sun = draw.choice([-1, 1])
        self.light = draw.uniform(0.65, 1.1)
        self.overcast = draw.random() < 0.5
        self.tint = np.array([1, 1, 1]) + draw.normal(0, 0.05, 3)
        self.haze = draw.uniform(60, 400)
        self.sky = np.array([draw.uniform(120, 225)] * 3) + np.array([-25, 0, 25]) * draw.uniform(-0.5, 1.4)
        self.photograph = Image.new("RGB", (WIDTH, HEIGHT))
        self.labels = Image.new("L", (WIDTH, HEIGHT), _ID["sky"])
        self.paint = ImageDraw.Draw(self.photograph)
        self.mark = ImageDraw.Draw(self.labels)
        self.things = []  # (distance, function that draws it)

    # ------------------------------------------------------------ drawing

    def project(self, x, y, z):
        return (WIDTH / 2 + self.focal * (x - self.x) / z, self.horizon - self.focal * (y - self.eye) / z)

    def colour(self, base, z, shade=1.0):
        """The colour of a thing at a distance, in this light, through this haze."""
        lit = np.asarray(base, float) * shade * self.light * self.tint
        clear = math.exp(-z / self.haze)
        return tuple(int(value) for value in np.clip(lit * clear + self.sky * 0.95 * (1 - clear), 0, 255))

    def polygon(self, points, colour, label):
        flat = [self.project(*point) for point in points]
        self.paint.polygon(flat, fill=colour)
        if label is not None:
            self.mark.polygon(flat, fill=label)

    def ellipse(self, x, y, z, width, height, colour, label):
        left, top = self.project(x - width / 2, y + height / 2, z)
        right, bottom = self.project(x + width / 2, y - height / 2, z)
        if right - left < 0.5:
            return
        self.paint.ellipse([left, top, right, bottom], fill=colour)
        if label is not None:
            self.mark.ellipse([left, top, right, bottom], fill=label)

    def line(self, points, width, colour, label):
        """A line through points in space, `width` metres wide at the first one."""
        flat = [self.project(*point) for point in points]
        pixels = max(1, round(self.focal * width / points[0][2]))
        self.paint.line(flat, fill=colour, width=pixels)
        self.mark.line(flat, fill=label, width=pixels)

    def front(self, left, right, low, high, z, colour, label):
        """A rectangle that faces us."""
        self.polygon([(left, low, z), (right, low, z), (right, high, z), (left, high, z)], colour, label)

    def flank(self, x, low, high, near, far, colour, label):
        """A rectangle along the street."""
        self.polygon([(x, low, near), (x, low, far), (x, high, far), (x, high, near)], colour, label)

    def near_side(self, x, width):
        """The side of a thing that we see past its front, or None where we are right behind it."""
        left, right = x - width / 2, x + width / 2
        return left if self.x < left else right if self.x > right else None

    def ground(self, left, right, colour, label, near=1.0, far=FAR):
        self.polygon([(left, 0, near), (right, 0, near), (right, 0, far), (left, 0, far)], colour, label)

    def box(self, x, z, width, length, low, high, base, label):
        """A box on the road from x - width / 2 and from z on: its side, its top and the end that faces us."""
        left, right, front, back = x - width / 2, x + width / 2, z, z + length
        side = self.near_side(x, width)
        if side is not None:
            shade = 0.8 if (side > x) == (self.sun > 0) else 0.62
            self.flank(side, low, high, front, back, self.colour(base, z, shade), label)
        if high < self.eye:
            corners = [(left, high, front), (right, high, front), (right, high, back), (left, high, back)]
            self.polygon(corners, self.colour(base, z, 1.1), label)
        self.front(left, right, low, high, front, self.colour(base, z), label)
        return side

    # ------------------------------------------------------------ the scene

    def render(self):
        self.draw_sky()
        self.draw_ground()
        for side in (-1, 1):
            self.line_the_street(side)
            self.furnish(side)
        self.fill_the_road()
        for _, thing in sorted(self.things, key=lambda pair: -pair[0]):
            thing()
        if self.random.random() < 0.4:
            self.draw_bonnet()
        return self.finish()

    def draw_sky(self):
        draw = self.random
        top = np.clip(self.sky + (-30 if not self.overcast else -8), 0, 255)
        rows = np.linspace(0, 1, HEIGHT)[:, None, None]
        sky = top * (1 - rows) + self.sky * rows
        if not self.overcast:
            clouds = _noise(draw, (HEIGHT, WIDTH), draw.uniform(10, 26), 2.5)
            sky = sky + np.clip(clouds - 0.4, 0, 1)[..., None] * draw.uniform(20, 60)
        picture = np.broadcast_to(np.clip(sky, 0, 255), (HEIGHT, WIDTH, 3))
        self.photograph.paste(Image.fromarray(picture.astype("uint8")))

    def draw_ground(self):
        draw = self.random
        grey = draw.uniform(60, 130)
        asphalt = np.full(3, grey) + draw.normal(0, 5, 3)
        stone = np.full(3, grey + draw.uniform(-12, 55)) + draw.normal(0, 8, 3)
        grass = np.array([draw.uniform(60, 130), draw.uniform(80, 135), draw.uniform(40, 90)])
        self.ground(-80, 80, self.colour(grass, 15), _ID["terrain"])
        # In strips, so that the haze thickens with the distance.
        for near, far in zip((1, 8, 20, 45), (8, 20, 45, FAR), strict=True):
            for side in (-1, 1):
                edge, end = side * self.road, side * (self.road + self.pavement[side])
                self.ground(edge, end, self.colour(stone, near), _ID["sidewalk"], near, far)
                kerb = self.colour(stone, near, 1.25)
                self.ground(edge, edge + side * 0.2, kerb, _ID["sidewalk"], near, far)
                if not self.verge[side]:
                    self.ground(end, side * 30, self.colour(stone, near, 0.95), _ID["sidewalk"], near, far)
            self.ground(-self.road, self.road, self.colour(asphalt, near), _ID["road"], near, far)
        paint = 200 + draw.uniform(-30, 40)
        if draw.random() < 0.8:
            for start in np.arange(draw.uniform(1, 6), FAR, 9):
                self.ground(-0.08, 0.08, self.colour([paint] * 3, start), None, start, start + 4)
        if draw.random() < 0.35:
            start = draw.uniform(7, 18)
            for x in np.arange(-self.road + 0.3, self.road - 0.4, 1.0):
                self.ground(x, x + 0.5, self.colour([paint] * 3, start), None, start, start + 3)
        if not self.overcast:
            shadow = Image.new("L", (WIDTH, HEIGHT), 255)
            painter, z = ImageDraw.Draw(shadow), draw.uniform(3, 12)
            while z < FAR:
                length, reach = draw.uniform(6, 25), draw.uniform(2, 2 * self.road + 3)
                edge = self.sun * (self.road + 3)
                corners = [
                    (edge, z),
                    (edge - self.sun * reach, z + 1),
                    (edge - self.sun * reach, z + length),
                    (edge, z + length),
                ]
                painter.polygon([self.project(x, 0, far) for x, far in corners], fill=int(draw.uniform(120, 180)))
                z += length + draw.uniform(2, 15)
            soft = np.asarray(shadow.filter(ImageFilter.GaussianBlur(1)), float)[..., None] / 255
            self.photograph.paste(
                Image.fromarray((np.asarray(self.photograph) * soft).astype("uint8")), (0, 0), self.below()
            )

    def below(self):
        """A mask of what lies below the horizon, where shadows fall."""
        mask = np.zeros((HEIGHT, WIDTH), "uint8")
        mask[int(self.horizon) + 1 :] = 255
        return Image.fromarray(mask)

    def put(self, z, thing, *arguments):
        self.things.append((z, lambda: thing(*arguments)))

    def line_the_street(self, side):
        """Houses, trees, walls and fences behind the pavement, one after the other."""
        draw = self.random
        x = side * (self.road + self.pavement[side] + self.verge[side])
        z = draw.uniform(1.5, 5)
        while z < FAR:
            kind = draw.choice(["building", "trees", "wall", "fence", "gap"], p=[0.5, 0.2, 0.12, 0.12, 0.06])
            length = draw.uniform(7, 26) if kind == "building" else draw.uniform(5, 16)
            end = min(z + length, FAR)
            if kind == "building":
                self.put(end, self.house, side, x, z, end)
            elif kind == "trees":
                for _ in range(draw.integers(2, 5)):
                    self.put(end, self.tree, x + side * draw.uniform(0, 4), draw.uniform(z, end), draw.uniform(4, 11))
            elif kind in ("wall", "fence"):
                self.put(end + 4, self.tree, x + side * draw.uniform(4, 9), end, draw.uniform(5, 10))
                self.put(end, self.wall if kind == "wall" else self.fence, x, z, end)
            z = end
        self.put(FAR, self.house_across, side)

    def house_across(self, side):
        draw = self.random
        height, colour = draw.uniform(6, 16), self.colour([draw.uniform(90, 180)] * 3, FAR)
        self.front(side * self.road * 0.9, side * 40, 0, height, FAR, colour, _ID["building"])

    def house(self, side, x, start, end):
        draw = self.random
        palette = [(165, 150, 130), (150, 80, 65), (185, 180, 170), (110, 110, 115), (190, 165, 110), (95, 110, 125)]
        base = np.array(palette[draw.integers(len(palette))]) + draw.normal(0, 12, 3)
        height = draw.uniform(5, 22)
        shade = 0.75 if side == self.sun else 1.0
        self.front(x, x + side * 12, 0, height, start, self.colour(base, start, 0.7), _ID["building"])
        # In pieces, so that the haze thickens with the distance.
        for near, far in _pieces(start, end):
            self.flank(x, 0, height, near, far, self.colour(base, near, shade), _ID["building"])
        glass = np.array([draw.uniform(30, 110)] * 3) + [0, 5, 15]
        storey, every, wide = draw.uniform(2.7, 3.4), draw.uniform(1.9, 3.4), draw.uniform(0.9, 1.5)
        for z in np.arange(start + 0.6, min(end, 90) - wide, every):
            for y in np.arange(draw.uniform(0.9, 1.2), height - 1.6, storey):
                self.flank(x, y, y + 1.5, z, z + wide, self.colour(glass, z, draw.uniform(0.75, 1.3)), None)

    def tree(self, x, z, height):
        draw = self.random
        z = max(z, 2.5)
        leaves = np.array([draw.uniform(45, 120), draw.uniform(70, 130), draw.uniform(35, 80)])
        self.line([(x, 0, z), (x, height * 0.6, z)], 0.3, self.colour((85, 70, 55), z), _ID["vegetation"])
        for _ in range(9):
            size = height * draw.uniform(0.25, 0.45)
            where = x + height * draw.normal(0, 0.14), height * draw.uniform(0.45, 0.95)
            self.ellipse(
                *where,
                z,
                size,
                size * draw.uniform(0.7, 1),
                self.colour(leaves, z, draw.uniform(0.65, 1.2)),
                _ID["vegetation"],
            )

    def bush(self, x, z):
        draw = self.random
        for _ in range(5):
            size = draw.uniform(0.5, 1.2)
            colour = self.colour((draw.uniform(50, 110), draw.uniform(75, 130), 60), z, draw.uniform(0.7, 1.2))
            self.ellipse(x + draw.normal(0, 0.5), size * 0.4, z, size, size, colour, _ID["vegetation"])

    def wall(self, x, start, end):
        draw = self.random
        height, base = draw.uniform(1.4, 3.2), np.array([draw.uniform(80, 170)] * 3) + draw.normal(0, 14, 3)
        for near, far in _pieces(start, end):
            self.flank(x, 0, height, near, far, self.colour(base, near, 0.9), _ID["wall"])
            for y in np.arange(0.4, height, 0.45):
                if near < 25:
                    self.line_only([(x, y, near), (x, y, far)], self.colour(base, near, 0.72))

    def line_only(self, points, colour):
        self.paint.line([self.project(*point) for point in points], fill=colour)

    def fence(self, x, start, end):
        draw = self.random
        height, base = draw.uniform(1.0, 2.0), np.array([draw.uniform(40, 190)] * 3) + draw.normal(0, 12, 3)
        # The gaps between its bars belong to the fence, as in Cityscapes.
        flat = [self.project(*p) for p in [(x, 0, start), (x, 0, end), (x, height, end), (x, height, start)]]
        self.mark.polygon(flat, fill=_ID["fence"])
        for z in np.arange(start, min(end, 60), 0.35):
            self.line_only([(x, 0, z), (x, height, z)], self.colour(base, z))
        for y in (0.15, height * 0.5, height):
            for near, far in _pieces(start, end):
                self.line_only([(x, y, near), (x, y, far)], self.colour(base, near, 0.9))

    def furnish(self, side):
        """What stands and walks on the pavement."""
        draw = self.random
        edge = side * (self.road + 0.5)
        for z in np.arange(draw.uniform(4, 14), 90, draw.uniform(13, 26)):
            kind = draw.choice(["lamp", "light", "sign"], p=[0.3, 0.35, 0.35])
            self.put(z, self.post, edge, z, side, kind)
        if draw.random() < 0.6:
            for z in np.arange(draw.uniform(6, 16), 80, draw.uniform(9, 18)):
                self.put(z, self.tree, edge + side * draw.uniform(0.2, 0.8), z, draw.uniform(3.5, 7))
        wide = self.pavement[side]
        for _ in range(draw.poisson(2.6)):
            z = 4 + 40 * draw.random() ** 1.5
            self.put(z, self.person, edge + side * draw.uniform(0.2, wide), z)
        for _ in range(draw.poisson(0.9)):
            z = draw.uniform(5, 24)
            self.put(
                z, self.two_wheels, edge + side * draw.uniform(0.1, 1), z, draw.choice(["bicycle", "motorcycle"]), False
            )
        for _ in range(draw.poisson(0.5)):
            z = draw.uniform(5, 25)
            self.put(z, self.bin, edge + side * draw.uniform(0.4, wide), z)
        for _ in range(draw.poisson(0.8) if self.verge[side] else 0):
            z = draw.uniform(5, 30)
            self.put(z, self.bush, edge + side * (wide + draw.uniform(0.3, 1.5)), z)

    def bin(self, x, z):
        shade = self.random.uniform(40, 150)
        self.box(x, z, 0.6, 0.5, 0, 1.0, (shade, shade, shade * 0.9), _STATIC)

    def post(self, x, z, side, kind):
        draw = self.random
        grey = self.colour([draw.uniform(50, 170)] * 3, z)
        height = {"lamp": draw.uniform(5, 8), "light": draw.uniform(3, 3.8), "sign": draw.uniform(2.4, 3)}[kind]
        self.line([(x, 0, z), (x, height, z)], 0.14, grey, _ID["pole"])
        if kind == "lamp":
            self.line([(x, height, z), (x - side * 1.6, height + 0.2, z)], 0.1, grey, _ID["pole"])
        elif kind == "light":
            wide, tall = 0.42, 1.1
            corners = [
                (x - wide / 2, height - tall, z),
                (x + wide / 2, height - tall, z),
                (x + wide / 2, height, z),
                (x - wide / 2, height, z),
            ]
            self.polygon(corners, self.colour((35, 38, 36), z), _ID["traffic light"])
            lit = draw.integers(3)
            for place, colour in enumerate(((230, 40, 30), (240, 190, 40), (60, 220, 120))):
                shown = self.colour(colour if place == lit else (60, 55, 50), z)
                self.ellipse(x, height - 0.2 - 0.35 * place, z, 0.26, 0.26, shown, None)
        else:
            size, y = draw.uniform(0.6, 0.9), height
            rim = self.colour([(200, 30, 30), (30, 70, 180), (230, 190, 30)][draw.integers(3)], z)
            inside = self.colour([(235, 235, 235), (240, 210, 60), (40, 80, 190)][draw.integers(3)], z)
            shape = draw.choice(["round", "triangle", "square"])
            for part, colour in ((size, rim), (size * 0.65, inside)):
                if shape == "round":
                    self.ellipse(x, y, z, part, part, colour, _ID["traffic sign"])
                    continue
                half = part / 2
                corners = [(x - half, y - half, z), (x + half, y - half, z)]
                corners += (
                    [(x, y + half, z)] if shape == "triangle" else [(x + half, y + half, z), (x - half, y + half, z)]
                )
                self.polygon(corners, colour, _ID["traffic sign"])

    def clothes(self):
        return self.random.uniform(20, 220, 3)

    def person(self, x, z, label="person", low=0.0):
        """Somebody on foot; a rider sits higher and has no legs of their own to show."""
        draw = self.random
        tall, swing = draw.uniform(1.5, 1.9), draw.uniform(-0.2, 0.2)
        skin = self.colour(np.array([225, 180, 150]) * draw.uniform(0.35, 1), z)
        coat, legs = self.colour(self.clothes(), z), self.colour(self.clothes(), z, 0.8)
        identity = _ID[label]
        if label == "person":
            for foot in (-1, 1):
                self.line([(x, tall * 0.5, z), (x + foot * (0.08 + abs(swing)), 0, z)], 0.17, legs, identity)
        else:
            for foot in (-1, 1):
                self.line([(x, low + 0.1, z), (x + foot * 0.22, low - 0.35, z)], 0.16, legs, identity)
        waist, neck = (tall * 0.47, tall * 0.83) if label == "person" else (low, low + 0.65)
        corners = [(x - 0.19, waist, z), (x + 0.19, waist, z), (x + 0.24, neck, z), (x - 0.24, neck, z)]
        self.polygon(corners, coat, identity)
        for arm in (-1, 1):
            hand = waist + 0.05 if label == "person" else waist + 0.25
            self.line([(x + arm * 0.24, neck, z), (x + arm * (0.3 + swing * arm), hand, z)], 0.11, coat, identity)
        self.ellipse(x, neck + 0.17, z, 0.22, 0.28, skin, identity)

    def two_wheels(self, x, z, kind, ridden):
        """A bicycle or a motorcycle, alone and from the side, or ridden and from behind."""
        identity, paint = _ID[kind], self.colour(self.clothes(), z)
        tyre = self.colour((35, 35, 38), z)
        heavy = kind == "motorcycle"
        if ridden:
            self.line([(x, 0, z), (x, 0.75, z)], 0.28 if heavy else 0.1, tyre, identity)
            self.line([(x - 0.38, 1.0, z), (x + 0.38, 1.0, z)], 0.09 if heavy else 0.05, paint, identity)
            if heavy:
                corners = [(x - 0.24, 0.4, z), (x + 0.24, 0.4, z), (x + 0.2, 1.0, z), (x - 0.2, 1.0, z)]
                self.polygon(corners, paint, identity)
            self.person(x, z, "rider", low=0.85)
            return
        wheel = 0.62 if heavy else 0.68
        for end in (-0.55, 0.55):
            self.ring(x + end, wheel / 2, z, wheel, 0.14 if heavy else 0.05, tyre, identity)
        if heavy:
            corners = [(x - 0.5, 0.35, z), (x + 0.45, 0.35, z), (x + 0.5, 0.85, z), (x - 0.65, 0.8, z)]
            self.polygon(corners, paint, identity)
            self.line([(x + 0.55, 0.3, z), (x + 0.35, 1.05, z)], 0.1, tyre, identity)
        else:
            frame = [(x - 0.55, 0.34, z), (x - 0.2, 0.85, z), (x + 0.4, 0.85, z), (x, 0.34, z), (x - 0.2, 0.85, z)]
            self.line(frame, 0.06, paint, identity)
            self.line([(x + 0.55, 0.34, z), (x + 0.38, 1.0, z), (x + 0.2, 1.02, z)], 0.06, paint, identity)
            self.line([(x - 0.25, 0.95, z), (x - 0.1, 0.95, z)], 0.08, tyre, identity)

    def ring(self, x, y, z, size, width, colour, label):
        """A wheel seen from the side; what is seen through it belongs to it, as in Cityscapes."""
        left, top = self.project(x - size / 2, y + size / 2, z)
        right, bottom = self.project(x + size / 2, y - size / 2, z)
        pixels = max(1, round(self.focal * width / z))
        if right - left >= 2:
            self.paint.ellipse([left, top, right, bottom], outline=colour, width=pixels)
            self.mark.ellipse([left, top, right, bottom], fill=label)

    def fill_the_road(self):
        """Cars at the kerb and in the lanes, now and then something larger, riders."""
        draw = self.random
        for side in (-1, 1):
            if draw.random() < 0.65:
                z = draw.uniform(3.5, 14)
                while z < 70:
                    if draw.random() < 0.7:
                        self.put(z, self.car, side * (self.road - 1.0), z)
                    z += draw.uniform(5.2, 9)
        taken = draw.uniform(6, 20)
        for kind, chance in (("bus", 0.3), ("truck", 0.34), ("train", 0.3)):
            if draw.random() < chance:
                x = -self.road * draw.uniform(0.3, 0.6) if kind != "train" else -self.road * draw.uniform(0.25, 0.75)
                if draw.random() < 0.4 and kind != "train":
                    x = self.road * draw.uniform(0.3, 0.5)
                self.put(taken + 10, self.large, kind, x, taken)
                taken += draw.uniform(14, 26)
        for _ in range(draw.poisson(1.5)):
            z = draw.uniform(8, 60)
            self.put(z, self.car, self.road * draw.choice([-0.45, 0.45]), z)
        for _ in range(draw.poisson(1.0)):
            z = draw.uniform(5, 28)
            kind = draw.choice(["bicycle", "motorcycle"])
            self.put(z, self.two_wheels, draw.uniform(-0.9, 0.9) * self.road, z, kind, True)
        for _ in range(draw.poisson(0.5)):
            z = draw.uniform(7, 25)
            self.put(z, self.person, draw.uniform(-0.8, 0.8) * self.road, z)

    def shadow_below(self, x, z, width, length):
        self.ground(x - width / 2, x + width / 2, self.colour((35, 35, 38), z), None, max(z - 0.4, 1), z + length)

    def wheels(self, x, z, width, length, size, label):
        tyre = self.colour((30, 30, 32), z)
        for end in (-1, 1):
            self.ellipse(x + end * (width / 2 - 0.12), size / 2, z, 0.24, size, tyre, label)
        side = self.near_side(x, width)
        if side is not None:
            for along in (0.18, 0.8):
                far = z + along * length
                wide = size * abs(side - self.x) / far  # seen from the side
                self.ellipse(side, size / 2, far, max(wide, 0.12), size, tyre, label)

    def car(self, x, z):
        draw = self.random
        paint = draw.uniform(20, 235, 3) if draw.random() < 0.5 else np.full(3, draw.uniform(20, 235))
        width, length, tall = draw.uniform(1.65, 1.9), draw.uniform(3.8, 4.7), draw.uniform(1.38, 1.75)
        identity, belt = _ID["car"], tall * 0.58
        self.shadow_below(x, z, width, length)
        self.wheels(x, z, width, length, 0.62, identity)
        self.box(x, z, width, length, 0.28, belt, paint, identity)
        self.box(x, z + 0.5, width * 0.82, length * 0.5, belt, tall, paint, identity)
        glass = self.colour((45, 55, 65), z, draw.uniform(0.7, 1.5))
        half = width * 0.36
        self.polygon(
            [
                (x - half, belt + 0.05, z + 0.49),
                (x + half, belt + 0.05, z + 0.49),
                (x + half * 0.9, tall - 0.1, z + 0.49),
                (x - half * 0.9, tall - 0.1, z + 0.49),
            ],
            glass,
            None,
        )
        side = width * 0.41 * np.sign(self.x - x)
        if abs(self.x - x) > width / 2:
            corners = [
                (x + side, belt + 0.05, z + 0.7),
                (x + side, belt + 0.05, z + 0.4 + length * 0.45),
                (x + side, tall - 0.12, z + 0.4 + length * 0.42),
                (x + side, tall - 0.12, z + 0.8),
            ]
            self.polygon(corners, glass, None)
        ours = x > 0
        lamp = self.colour((200, 30, 30) if ours else (250, 245, 215), z)
        for end in (-1, 1):
            centre = x + end * width * 0.4
            self.front(centre - 0.14, centre + 0.14, 0.62, 0.8, z, lamp, None)
        self.front(x - 0.26, x + 0.26, 0.42, 0.54, z, self.colour((225, 225, 210), z), None)

    def large(self, kind, x, z):
        """A bus, a lorry or a tram: boxes of much the same size, told apart by windows, gaps and rails."""
        draw = self.random
        identity = _ID[kind]
        paint = draw.uniform(30, 225, 3) if draw.random() < 0.7 else np.full(3, draw.uniform(90, 225))
        width = draw.uniform(2.3, 2.6)
        tall = {"bus": draw.uniform(2.9, 3.3), "truck": draw.uniform(2.8, 3.8), "train": draw.uniform(3.2, 3.6)}[kind]
        length = {"bus": draw.uniform(9, 13), "truck": draw.uniform(6, 11), "train": draw.uniform(22, 40)}[kind]
        if kind == "train":
            for rail in (-0.7, 0.7):
                for near, far in _pieces(1.5, z):
                    self.ground(x + rail - 0.05, x + rail + 0.05, self.colour((70, 66, 62), near), None, near, far)
        self.shadow_below(x, z, width, length)
        if kind != "train":
            self.wheels(x, z, width, length, 0.95, identity)
        low = 0.25 if kind == "train" else 0.45
        glass = (50, 60, 70)
        if kind == "truck":
            ours = x > 0
            body = z if ours else z + 2.3
            self.box(x, body, width, length, 0.95, tall, paint, identity)
            self.box(x, z, width * 0.9, 0.3, 0.5, 0.95, (60, 60, 60), identity)
            if not ours:
                cab = draw.uniform(20, 230, 3)
                self.box(x, z, width * 0.95, 2.0, low, 2.6, cab, identity)
                self.pane(x, z, width * 0.8, 1.5, 2.3, glass)
            else:
                self.line_only([(x, 1.0, z), (x, tall, z)], self.colour(paint, z, 0.6))
            return
        side = self.box(x, z, width, length, low, tall, paint, identity)
        self.pane(
            x,
            z,
            width * (0.86 if kind == "bus" else 0.7),
            1.3 if kind == "bus" else 1.5,
            tall - (0.75 if kind == "bus" else 0.5),
            glass,
        )
        if side is not None:
            every = 1.6 if kind == "bus" else 2.4
            for along in np.arange(0.5, length - 1, every):
                far = z + along
                self.flank(side, 1.3, tall - 0.7, far, far + every * 0.75, self.colour(glass, far), None)
            if kind == "train":
                self.flank(side, 0.75, 1.0, z, z + length, self.colour(self.clothes(), z), None)
        if kind == "train":
            self.line(
                [(x, tall, z + 3), (x - 0.5, tall + 0.6, z + 3), (x + 0.5, tall + 1.0, z + 3)],
                0.07,
                self.colour((50, 50, 50), z),
                identity,
            )
            lamp = self.colour((250, 240, 200), z)
            for end in (-1, 1):
                self.ellipse(x + end * width * 0.33, 0.75, z, 0.2, 0.2, lamp, None)
        else:
            self.front(x - 0.7, x + 0.7, tall - 0.5, tall - 0.15, z, self.colour((240, 170, 40), z), None)

    def pane(self, x, z, width, low, high, glass):
        colour = self.colour(glass, z, self.random.uniform(0.7, 1.5))
        self.front(x - width / 2, x + width / 2, low, high, z, colour, None)

    def draw_bonnet(self):
        draw = self.random
        top = HEIGHT * draw.uniform(0.9, 0.96)
        colour = tuple(int(value) for value in np.full(3, draw.uniform(20, 120)))
        for target, fill in ((self.paint, colour), (self.mark, _EGO)):
            target.ellipse([WIDTH * 0.08, top, WIDTH * 0.92, top + HEIGHT * 0.5], fill=fill)

    def finish(self):
        """Texture for each class, then what a camera adds: softness, noise, a dark rim, an exposure."""
        draw = self.random
        labels = np.asarray(self.labels).copy()
        picture = np.asarray(self.photograph).astype("float32")
        mottle, grain = np.full(256, 0.04, "float32"), np.full(256, 0.03, "float32")
        for table, values in ((mottle, _MOTTLE), (grain, _GRAIN)):
            for name, share in values.items():
                table[_ID[name]] = share
        texture = mottle[labels] * _noise(draw, labels.shape, 2.2, 1.0) + grain[labels] * draw.normal(size=labels.shape)
        picture *= (1 + np.clip(texture, -0.8, 0.8))[..., None]
        picture = ndimage.gaussian_filter(picture, (draw.uniform(0.3, 0.7),) * 2 + (0,))
        rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        picture *= (1 - draw.uniform(0, 0.22) * (rows**2 + columns**2) / 2)[..., None]
        picture = 255 * (np.clip(picture, 0, 255) / 255) ** draw.uniform(0.8, 1.25)
        picture += draw.normal(0, draw.uniform(1, 5), picture.shape)
        return np.clip(picture, 0, 255).astype("uint8"), labels


def _pieces(start, end):
    """Cut a stretch of street into pieces that double in length, so that each has a haze of its own."""
    ends = [start]
    while ends[-1] < end:
        ends.append(min(ends[-1] + max(3, 0.35 * ends[-1]), end))
    return list(zip(ends, ends[1:], strict=False))


def _noise(draw, shape, scale, stretch):
    """Smooth noise of unit spread; `scale` in pixels, `stretch` times wider than high."""
    coarse = ndimage.gaussian_filter(draw.normal(size=shape).astype("float32"), (scale, scale * stretch), mode="wrap")
    return coarse / coarse.std()


def scene(seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Make one scene in memory, without touching the disk.

    Args:
        seed: of the whole set, 0 or more.
        index: which scene of it, from 0.

    Returns:
        The photograph (256, 512, 3) uint8 and its label ids (256, 512) uint8.
    """
    return _Scene(seed, index).render()


def make(
    folder: str | os.PathLike, train: int = 120, val: int = 40, seed: int = 0, progress: bool = True
) -> pathlib.Path:
    """Write phantom streets in the layout of Cityscapes.

    The same seed gives the same bytes, and scene k of a split is the same however many are asked for. A run cut
    short leaves nothing that looks finished.

    Args:
        folder: where leftImg8bit and gtFine go; older phantom streets there are replaced.
        train, val: scenes of each split, 1 to 9999; 160 take 45 MB.
        seed: of the whole set, 0 or more.
        progress: show a bar.

    Returns:
        The folder.

    Raises:
        ValueError: an argument is out of its range.
        FileExistsError: the folder holds something else.
        OSError: the folder cannot be written, or the disk is full.
    """
    for name, number in (("train", train), ("val", val)):
        if not 1 <= number <= 9999:
            raise ValueError(f"{name} is {number}: ask for 1 to 9999 scenes.")
    if seed < 0:
        raise ValueError(f"seed is {seed}: give 0 or more.")
    folder = pathlib.Path(folder)
    counts = {"train": train, "val": val}
    with disk.phantoms(folder, _README.format(**counts, seed=seed), (train + val) * 0.3) as unfinished:
        jobs = [(unfinished, seed, split, index) for split, count in counts.items() for index in range(count)]
        disk.in_threads(_write_scene, jobs, "phantom streets", "scene", progress)
    return folder


def _write_scene(folder, seed, split, index):
    # The splits draw from seeds of their own, so that either can grow.
    photograph, labels = scene(2 * seed + (split == "val"), index)
    city = f"phantom{seed}{split}"
    for part, kind, picture in (
        ("leftImg8bit", "leftImg8bit", photograph),
        ("gtFine", "gtFine_labelIds", labels),
    ):
        home = folder / part / split / city
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(home / f"{city}_000000_{index:06}_{kind}.png")


_README = """# Phantom streets

These are no photographs: {train} scenes to train on and {val} to validate, made by `helpers.data.phantom_streets`
with seed {seed}, in the layout of Cityscapes: leftImg8bit holds the scenes, gtFine the label id of each pixel.
"""
