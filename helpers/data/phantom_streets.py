"""Phantom streets: scenes in perspective with all 19 classes of Cityscapes, made from nothing but a seed.

A pinhole camera looks down a street. The ground and everything that stands on it are planes and boxes in metres,
drawn from far to near into a photograph and into its labels. Light, weather, haze and the colours of houses,
vehicles and clothes are drawn anew for each scene, and classes share their colours: the same red may be a car, a
tram, a coat or a sign. What is left to tell them apart is texture (bricks, planks, windows, ribs, slabs), shape and
place. Things are few, near and large, so that a small network learns them within a minute on two cores.
"""

import math
import os
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from helpers.data import disk, image_files, street_classes

HEIGHT, WIDTH = 128, 256  # pixels
FAR = 80.0  # metres: where the street ends
_FINE = 2  # the photograph is drawn so many times larger and then reduced, which smooths its edges

_ID = {each.name: each.label_id for each in street_classes.CLASSES}
_EGO = 1  # the bonnet of one's own car: a label id that is not scored
_STATIC = 4  # bins, boxes: not scored either

# Colours that several classes share, in red, green and blue.
_PLASTER = ((172, 158, 138), (160, 98, 80), (178, 176, 170), (188, 160, 108))  # houses, walls, fences
_RED, _BLUE, _YELLOW, _WHITE, _GREEN = (190, 45, 45), (45, 85, 165), (220, 185, 60), (222, 222, 220), (50, 120, 90)
_PAINT = {
    "car": (_RED, _BLUE, _WHITE, _GREEN),
    "bus": (_BLUE, _YELLOW),
    "train": (_RED, _YELLOW),
    "truck": (_BLUE, _GREEN, _WHITE),
    "motorcycle": (_RED, _BLUE, _GREEN),
    "bicycle": (_YELLOW, _WHITE),
    "person": (_RED, _BLUE, _GREEN),
    "traffic sign": (_RED, _BLUE),
}
_VESTS = ((196, 214, 62), (236, 128, 44))  # of riders, near the yellow and the red above
_LEAVES = ((78, 112, 58), (92, 116, 62), (70, 104, 64))  # trees, bushes, grass

# How much a class is mottled, as a share of its brightness, in blotches of what size and stretch, in pixels.
_MOTTLE = {"vegetation": (0.34, 1.1, 1.0), "terrain": (0.1, 0.5, 5.0), "sidewalk": (0.03, 0.5, 1.0)}


class _Scene:
    """One scene while it is drawn; all numbers are metres, x to the right, y up, z ahead."""

    def __init__(self, seed: int, index: int):
        self.rng = np.random.default_rng((seed, index))
        rng = self.rng
        self.focal = WIDTH * rng.uniform(0.62, 0.68)
        self.horizon = HEIGHT * rng.uniform(0.4, 0.44)
        self.eye = rng.uniform(1.6, 1.8)
        self.road = rng.uniform(3.0, 3.6)  # half its width
        self.x = rng.uniform(0.6, 1.2)  # we keep to the right
        self.verge = {side: rng.uniform(1.0, 1.8) for side in (-1, 1)}  # grass beside the road
        self.pavement = {side: rng.uniform(1.6, 2.4) for side in (-1, 1)}
        self.sun = rng.choice([-1, 1])
        self.overcast = rng.random() < 0.5
        self.light = rng.uniform(0.78, 0.95) if self.overcast else rng.uniform(0.9, 1.1)
        self.tint = np.array([1, 1, 1]) + rng.normal(0, 0.02, 3)
        self.haze = rng.uniform(70, 400)
        self.sky = np.array([rng.uniform(165, 215)] * 3) + np.array([-25, 0, 25]) * rng.uniform(0.0, 1.4)
        self.photograph = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE))
        self.labels = Image.new("L", (WIDTH, HEIGHT), _ID["sky"])
        self.paint = ImageDraw.Draw(self.photograph)
        self.mark = ImageDraw.Draw(self.labels)
        self.things = []  # (distance, function that draws it)
        self.taken = []  # (left, right) in pixels, of the small things placed so far

    # ------------------------------------------------------------ drawing

    def project(self, x, y, z):
        """Where a point is in the labels, in pixels from the left and from the top."""
        return (WIDTH / 2 + self.focal * (x - self.x) / z, self.horizon - self.focal * (y - self.eye) / z)

    def colour(self, base, z, shade=1.0):
        """The colour of a thing at a distance, in this light, through this haze."""
        lit = np.asarray(base, float) * shade * self.light * self.tint
        clear = math.exp(-z / self.haze)
        return tuple(int(value) for value in np.clip(lit * clear + self.sky * 0.95 * (1 - clear), 0, 255))

    def one_of(self, palette, spread=8):
        return np.array(palette[self.rng.integers(len(palette))]) + self.rng.normal(0, spread, 3)

    def polygon(self, points, colour, label):
        """A polygon through points in space; without a label only the photograph gets it."""
        flat = [self.project(*point) for point in points]
        self.paint.polygon([(x * _FINE, y * _FINE) for x, y in flat], fill=colour)
        if label is not None:
            self.mark.polygon(flat, fill=label)

    def ellipse(self, x, y, z, width, height, colour, label):
        left, top = self.project(x - width / 2, y + height / 2, z)
        right, bottom = self.project(x + width / 2, y - height / 2, z)
        if right - left < 0.5:
            return
        self.paint.ellipse([_FINE * edge for edge in (left, top, right, bottom)], fill=colour)
        if label is not None:
            self.mark.ellipse([left, top, right, bottom], fill=label)

    def line(self, points, width, colour, label):
        """A line through points in space, `width` metres wide at the first one."""
        flat = [self.project(*point) for point in points]
        pixels = self.focal * width / points[0][2]
        self.paint.line([(x * _FINE, y * _FINE) for x, y in flat], colour, max(1, round(pixels * _FINE)))
        if label is not None:
            self.mark.line(flat, label, max(1, round(pixels)))

    def shape(self, x, z, outline, colour, label):
        """A flat thing that faces us; its outline is (to the right, up) from the point on the ground at x."""
        self.polygon([(x + right, up, z) for right, up in outline], colour, label)

    def front(self, left, right, low, high, z, colour, label):
        """A rectangle that faces us."""
        self.polygon([(left, low, z), (right, low, z), (right, high, z), (left, high, z)], colour, label)

    def flank(self, x, low, high, near, far, colour, label):
        """A rectangle along the street."""
        self.polygon([(x, low, near), (x, low, far), (x, high, far), (x, high, near)], colour, label)

    def ground(self, left, right, colour, label, near=1.0, far=FAR):
        self.polygon([(left, 0, near), (right, 0, near), (right, 0, far), (left, 0, far)], colour, label)

    def near_side(self, x, width):
        """The side of a thing that we see past its front, or None where we are right behind it."""
        left, right = x - width / 2, x + width / 2
        return left if self.x < left else right if self.x > right else None

    def box(self, x, z, width, length, low, high, base, label):
        """A box on the road from x - width / 2 and from z on: its side, its top and the end that faces us."""
        left, right, front, back = x - width / 2, x + width / 2, z, z + length
        side = self.near_side(x, width)
        if side is not None:
            shade = 0.85 if (side > x) == (self.sun > 0) else 0.7
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
        self.line_the_street()
        self.fill_the_road()
        self.furnish()
        for _, thing in sorted(self.things, key=lambda pair: -pair[0]):
            thing()
        if self.rng.random() < 0.3:
            self.draw_bonnet()
        return self.finish()

    def draw_sky(self):
        rng, size = self.rng, (HEIGHT * _FINE, WIDTH * _FINE)
        top = np.clip(self.sky + (-8 if self.overcast else -30), 0, 255)
        rows = np.linspace(0, 1, size[0])[:, None, None]
        sky = top * (1 - rows) + self.sky * rows
        if not self.overcast:
            clouds = _noise(rng, size, rng.uniform(10, 26), 2.5)
            sky = sky + np.clip(clouds - 0.4, 0, 1)[..., None] * rng.uniform(20, 50)
        picture = np.broadcast_to(np.clip(sky, 0, 255), (*size, 3))
        self.photograph.paste(Image.fromarray(picture.astype("uint8")))

    def draw_ground(self):
        rng = self.rng
        asphalt = np.full(3, rng.uniform(88, 112)) + rng.normal(0, 3, 3)
        stone = np.full(3, rng.uniform(118, 140)) + rng.normal(0, 4, 3)
        grass = self.one_of(_LEAVES)
        for side in (-1, 1):
            for near, far in _pieces(1.0, FAR):
                self.ground(0, side * 80, self.colour(grass, near, 1.05), _ID["terrain"], near, far)
        for near, far in _pieces(1.0, FAR):
            for side in (-1, 1):
                edge = side * (self.road + self.verge[side])
                end = edge + side * self.pavement[side]
                self.ground(edge, end, self.colour(stone, near), _ID["sidewalk"], near, far)
                kerb = side * (self.road + 0.25)
                self.ground(side * self.road, kerb, self.colour(stone, near, 1.15), _ID["sidewalk"], near, far)
            self.ground(-self.road, self.road, self.colour(asphalt, near), _ID["road"], near, far)
        self.draw_slabs(stone)
        self.draw_markings()
        if not self.overcast:
            self.draw_shadows()

    def draw_slabs(self, stone):
        """The joints of the pavement's slabs."""
        for side in (-1, 1):
            edge, wide = side * (self.road + self.verge[side]), self.pavement[side]
            for z in np.arange(2, 28, 0.8):
                self.ground(edge, edge + side * wide, self.colour(stone, z, 0.62), None, z, z + 0.012 * z)
            for along in (0, wide / 3, wide * 2 / 3, wide):
                for near, far in _pieces(2, 28):
                    x = edge + side * along
                    self.ground(x - 0.05, x + 0.05, self.colour(stone, near, 0.62), None, near, far)

    def draw_markings(self):
        rng, paint = self.rng, [self.rng.uniform(195, 235)] * 3
        for start in np.arange(rng.uniform(1, 6), FAR, 7):
            self.ground(-0.09, 0.09, self.colour(paint, start), None, start, start + 3)
        if rng.random() < 0.3:
            start = rng.uniform(6, 9)
            for x in np.arange(-self.road + 0.3, self.road - 0.4, 1.0):
                self.ground(x, x + 0.5, self.colour(paint, start), None, start, start + 2.5)

    def draw_shadows(self):
        """The shadows of houses and trees across the road."""
        rng = self.rng
        shadow = Image.new("L", self.photograph.size, 255)
        painter, z = ImageDraw.Draw(shadow), rng.uniform(3, 12)
        edge = self.sun * (self.road + 5)
        while z < FAR:
            length, reach = rng.uniform(4, 15), rng.uniform(4, 2 * self.road + 4)
            corners = [(edge, z), (edge - self.sun * reach, z + 1)]
            corners += [(edge - self.sun * reach, z + length), (edge, z + length)]
            flat = [self.project(x, 0, far) for x, far in corners]
            painter.polygon([(x * _FINE, y * _FINE) for x, y in flat], fill=int(rng.uniform(165, 200)))
            z += length + rng.uniform(3, 15)
        soft = np.asarray(shadow.filter(ImageFilter.GaussianBlur(_FINE)), float)[..., None] / 255
        soft[: int((self.horizon + 1) * _FINE)] = 1
        self.photograph.paste(Image.fromarray((np.asarray(self.photograph) * soft).astype("uint8")))

    def put(self, z, thing, *arguments):
        self.things.append((z, lambda: thing(*arguments)))

    # ------------------------------------------------------------ beside the street

    def line_the_street(self):
        """Houses, trees, walls and fences behind the pavement; one of each is near, where most of it is seen."""
        rng = self.rng
        near = list(rng.permutation(["building", "trees", "wall", "fence"]))
        for side in (-1, 1):
            x, z = side * (self.road + self.verge[side] + self.pavement[side]), 4.0
            kinds = near[:2] if side < 0 else near[2:]
            while z < FAR:
                kind = kinds.pop(0) if kinds else rng.choice(["building", "trees"], p=[0.65, 0.35])
                end = min(z + rng.uniform(6, 9) * (1 if z < 16 else 2), FAR)
                if kind == "building":
                    self.put(end, self.house, side, x, z, end)
                else:
                    for place in (0.25, 0.75):
                        behind = x + side * (1.2 if kind == "trees" else rng.uniform(3.5, 6))
                        self.put(end, self.tree, behind, z + place * (end - z), rng.uniform(6, 9))
                if kind in ("wall", "fence"):
                    self.put(end - 0.1, self.wall if kind == "wall" else self.fence, x, z, end)
                z = end
            self.put(FAR, self.house_across, side)

    def house_across(self, side):
        height, colour = self.rng.uniform(7, 14), self.colour(self.one_of(_PLASTER), FAR)
        self.front(side * self.road * 0.5, side * 40, 0, height, FAR, colour, _ID["building"])

    def house(self, side, x, start, end):
        rng = self.rng
        base, height = self.one_of(_PLASTER), rng.uniform(7, 16)
        shade = 0.8 if side == self.sun else 1.0
        self.front(x, x + side * 12, 0, height, start, self.colour(base, start, 0.7), _ID["building"])
        # In pieces, so that the haze thickens with the distance.
        for near, far in _pieces(start, end):
            self.flank(x, 0, height, near, far, self.colour(base, near, shade), _ID["building"])
        glass = np.array([rng.uniform(50, 80)] * 3) + [0, 5, 15]
        storey, every = rng.uniform(2.3, 2.7), rng.uniform(1.7, 2.1)
        for z in np.arange(start + 0.4, min(end, 45) - 1.1, every):
            for y in np.arange(0.7, height - 1.4, storey):
                self.flank(x, y - 0.15, y + 1.6, z - 0.1, z + 1.2, self.colour(base, z, shade * 1.3), None)
                self.flank(x, y, y + 1.45, z, z + 1.1, self.colour(glass, z, rng.uniform(0.8, 1.2)), None)
                self.flank(x, y + 0.65, y + 0.8, z, z + 1.1, self.colour(base, z, shade * 1.3), None)

    def tree(self, x, z, height):
        rng, leaves = self.rng, self.one_of(_LEAVES)
        self.line([(x, 0, z), (x, height * 0.6, z)], 0.35, self.colour((85, 70, 55), z), _ID["vegetation"])
        for _ in range(14):
            size = height * rng.uniform(0.3, 0.45)
            where = x + height * rng.normal(0, 0.16), height * rng.uniform(0.3, 0.9)
            colour = self.colour(leaves, z, rng.uniform(0.75, 1.2))
            self.ellipse(*where, z, size, size * rng.uniform(0.8, 1), colour, _ID["vegetation"])

    def wall(self, x, start, end):
        """Bricks: courses of 0.4 m, joints that alternate."""
        height, base = self.rng.uniform(2.2, 2.8), self.one_of(_PLASTER)
        for near, far in _pieces(start, end):
            self.flank(x, 0, height, near, far, self.colour(base, near, 0.9), _ID["wall"])
        for row, y in enumerate(np.arange(0, height, 0.4)):
            for near, far in _pieces(start, end):
                self.flank(x, y, y + 0.1, near, far, self.colour(base, near, 0.5), None)
            for z in np.arange(start + 0.45 * (row % 2), end, 0.9):
                self.flank(x, y, min(y + 0.4, height), z, z + 0.13, self.colour(base, z, 0.5), None)

    def fence(self, x, start, end):
        """Upright planks; the gaps between them belong to the fence, as in Cityscapes."""
        height, base = self.rng.uniform(1.9, 2.4), self.one_of(_PLASTER)
        self.flank(x, 0, height, start, end, self.colour(base, start, 0.35), _ID["fence"])
        for z in np.arange(start, end - 0.3, 0.62):
            self.flank(x, 0, height, z, z + 0.36, self.colour(base, z, 1.1), None)

    # ------------------------------------------------------------ small things

    def room(self, width, left, right, nearest, farthest):
        """A place (x, z) where a small thing is seen whole and hides none of the others; None if none is found."""
        for _ in range(20):
            x, z = self.rng.uniform(*sorted((left, right))), self.rng.uniform(nearest, farthest)
            low, high = (self.project(x + end * width / 2, 0, z)[0] for end in (-1, 1))
            if low > 1 and high < WIDTH - 1 and all(high < other[0] or low > other[1] for other in self.taken):
                self.taken.append((low, high))
                return x, z
        return None

    def furnish(self):
        """What stands and walks beside the road and between the cars."""
        rng = self.rng
        posts = [("light", 0.85), ("sign", 0.9), ("lamp", 0.6)]
        asked = [("ridden bicycle", 0.75), ("ridden motorcycle", 0.6), ("bicycle", 0.65), ("motorcycle", 0.5)]
        asked += [("person", 1), ("person", 0.9), ("person", 0.7), ("bin", 0.2), ("bush", 0.3)]
        # Posts first: they have the least choice of place.
        for kind, chance in [*posts, *(asked[row] for row in rng.permutation(len(asked)))]:
            if rng.random() < chance:
                self.add(kind, rng.choice([-1, 1]))

    def add(self, kind, side):
        """Put a small thing of this kind where there is room for it, on this side of the street."""
        rng = self.rng
        kerb, back = self.road, self.road + self.verge[side] + self.pavement[side] - 0.4
        if kind in ("light", "sign", "lamp"):
            place = self.room(1.0, side * (kerb + 0.5), side * (kerb + 0.9), 5.5, 11)
            thing, arguments = self.post, (side, kind)
        elif kind == "person":
            inside = rng.random() < 0.3
            left, right = (-0.8 * self.road, 0.8 * self.road) if inside else (side * (kerb + 0.4), side * back)
            place, thing, arguments = self.room(0.7, left, right, 5, 9), self.person, ()
        elif kind == "bin":
            place, thing, arguments = self.room(0.8, side * (kerb + 0.6), side * back, 6, 14), self.bin, ()
        elif kind == "bush":
            place, thing, arguments = self.room(1.6, side * (kerb + 0.8), side * back, 6, 12), self.bush, ()
        else:
            ridden = kind.startswith("ridden ")
            left, right = (-self.road, self.road) if ridden else (side * (kerb + 0.9), side * (back - 0.5))
            place = self.room(1.9, left, right, 5, 8)
            thing, arguments = self.two_wheels, (kind.removeprefix("ridden "), ridden)
        if place:
            self.put(place[1], thing, *place, *arguments)

    def bin(self, x, z):
        shade = self.rng.uniform(50, 130)
        self.box(x, z, 0.6, 0.5, 0, 1.0, (shade, shade, shade * 0.9), _STATIC)

    def bush(self, x, z):
        rng, leaves = self.rng, self.one_of(_LEAVES)
        for _ in range(7):
            size, colour = rng.uniform(0.6, 1.0), self.colour(leaves, z, rng.uniform(0.75, 1.2))
            self.ellipse(x + rng.normal(0, 0.35), size * 0.5, z, size, size, colour, _ID["vegetation"])

    def post(self, x, z, side, kind):
        rng = self.rng
        grey = np.full(3, rng.uniform(115, 140))
        height = {"lamp": rng.uniform(4.5, 6), "light": rng.uniform(3.6, 4.2), "sign": rng.uniform(2.6, 3.2)}[kind]
        # Round: one side is lit, the other is not.
        self.front(x - 0.15, x + 0.15, 0, height, z, self.colour(grey, z, 1.35), _ID["pole"])
        dark = (x, x + 0.15) if self.sun < 0 else (x - 0.15, x)
        self.front(*dark, 0, height, z, self.colour(grey, z, 0.5), None)
        if kind == "lamp":
            self.front(x - 0.15, x + 0.15, height, height + 0.3, z, self.colour(grey, z, 0.6), _ID["pole"])
            self.front(
                *sorted((x, x - side * 1.8)), height + 0.05, height + 0.4, z, self.colour(grey, z, 0.6), _ID["pole"]
            )
        elif kind == "light":
            self.traffic_light(x, z, height)
        else:
            self.sign(x, z, height)

    def traffic_light(self, x, z, top):
        self.front(x - 0.46, x + 0.46, top - 1.9, top, z, self.colour((225, 225, 220), z), _ID["traffic light"])
        self.front(x - 0.38, x + 0.38, top - 1.82, top - 0.08, z, self.colour((38, 40, 40), z), None)
        lit = self.rng.integers(3)
        for place, colour in enumerate(((235, 50, 40), (245, 190, 50), (60, 220, 130))):
            shown = self.colour(colour, z, 1.0 if place == lit else 0.45)
            self.ellipse(x, top - 0.38 - 0.57 * place, z, 0.5, 0.5, shown, None)

    def sign(self, x, z, y):
        rng, size = self.rng, self.rng.uniform(1.1, 1.3)
        rim, white = self.colour(self.one_of(_PAINT["traffic sign"]), z), self.colour((232, 232, 228), z)
        shape = rng.choice(["round", "triangle", "square"])
        for part, colour, label in ((size, rim, _ID["traffic sign"]), (size * 0.62, white, None)):
            half = part / 2
            if shape == "round":
                self.ellipse(x, y, z, part, part, colour, label)
            elif shape == "triangle":
                self.shape(x, z, [(-half, y - half), (half, y - half), (0, y + half)], colour, label)
            else:
                self.front(x - half, x + half, y - half, y + half, z, colour, label)
        self.front(x - 0.08, x + 0.08, y - 0.2, y + 0.12, z, self.colour((30, 30, 30), z), None)

    def person(self, x, z):
        """Somebody on foot, in a plain coat and dark trousers."""
        rng, label = self.rng, _ID["person"]
        tall, stride = rng.uniform(1.6, 1.85), rng.uniform(0.18, 0.34)
        coat, legs = self.one_of(_PAINT["person"]), self.colour((48, 50, 62), z)
        hip, neck = tall * 0.48, tall * 0.84
        for foot in (-1, 1):
            leg = [(-0.03, hip), (0.26, hip), (stride + 0.14, 0), (stride - 0.12, 0)]
            self.shape(x, z, [(foot * right, up) for right, up in leg], legs, label)
        outline = [(-0.28, hip - 0.1), (0.28, hip - 0.1), (0.32, neck), (-0.32, neck)]
        self.shape(x, z, outline, self.colour(coat, z), label)
        for arm in (-1, 1):
            sleeve = [(0.27, hip), (0.42, hip), (0.36, neck - 0.03), (0.24, neck)]
            self.shape(x, z, [(arm * right, up) for right, up in sleeve], self.colour(coat, z, 0.6), label)
        skin = self.colour(np.array([225, 180, 150]) * rng.uniform(0.45, 1), z)
        self.ellipse(x, neck + 0.15, z, 0.32, 0.38, skin, label)
        self.ellipse(x, neck + 0.26, z, 0.32, 0.18, self.colour((50, 40, 32), z), label)

    def two_wheels(self, x, z, kind, ridden):
        """A bicycle or a motorcycle from the side; what is seen through it belongs to it, as in Cityscapes."""
        rng, label, paint = self.rng, _ID[kind], self.one_of(_PAINT[kind])
        way, tyre = rng.choice([-1, 1]), self.colour((32, 32, 35), z)
        heavy = kind == "motorcycle"
        if not ridden or heavy:
            self.ground(x - 0.9, x + 0.9, self.colour((50, 50, 52), z), None, z - 0.15, z + 0.35)
        if heavy:
            outline = [(-0.75, 0.1), (0.75, 0.1), (0.85, 0.6), (0.5, 1.15), (0.2, 0.95), (-0.85, 0.95)]
            self.shape(x, z, [(way * right, up) for right, up in outline], tyre, label)
            for end in (-0.62, 0.62):
                self.ellipse(x + end, 0.33, z, 0.68, 0.66, tyre, label)
                self.ellipse(x + end, 0.33, z, 0.34, 0.33, self.colour((175, 175, 175), z), None)
            body = [(-0.85, 0.85), (-0.3, 0.62), (0.3, 0.45), (0.62, 0.75), (0.42, 1.0), (0.0, 0.95)]
            self.shape(x, z, [(way * right, up) for right, up in body], self.colour(paint, z), None)
            self.ellipse(x, 0.42, z, 0.5, 0.36, self.colour((150, 150, 152), z), None)
        else:
            bag = [(-0.5, 0.36), (-0.32, 1.0), (0.44, 1.0), (0.5, 0.4), (0.0, 0.24)]
            self.shape(x, z, [(way * right, up) for right, up in bag], self.colour(paint, z, 0.6), label)
            for end in (-0.55, 0.55):
                self.wheel(x + end, z, 0.72, label)
            frame = [(-0.55, 0.36), (-0.2, 0.88), (0.4, 0.88), (0.0, 0.36), (-0.2, 0.88)]
            self.line([(x + way * right, up, z) for right, up in frame], 0.11, self.colour(paint, z), label)
            fork = [(0.55, 0.36), (0.38, 1.02), (0.15, 1.05)]
            self.line([(x + way * right, up, z) for right, up in fork], 0.1, self.colour(paint, z), label)
            self.front(x - way * 0.22 - 0.2, x - way * 0.22 + 0.2, 0.92, 1.02, z, tyre, None)
        if ridden:
            self.rider(x - way * 0.1, z, way)

    def wheel(self, x, z, size, label):
        """A bicycle's wheel: a dark rim and bright spokes."""
        self.ellipse(x, size / 2, z, size, size, self.colour((32, 32, 35), z), label)
        self.ellipse(x, size / 2, z, size * 0.78, size * 0.78, self.colour((165, 168, 170), z), None)
        for turn in np.arange(0, math.pi, math.pi / 3):
            right, up = 0.39 * size * math.cos(turn), 0.39 * size * math.sin(turn)
            ends = [(x - right, size / 2 - up, z), (x + right, size / 2 + up, z)]
            self.line(ends, 0.05, self.colour((70, 70, 72), z), None)

    def rider(self, x, z, way):
        """Whoever rides bends forward, in a bright vest with a white stripe, and has a white helmet."""
        rng, label, vest = self.rng, _ID["rider"], self.one_of(_VESTS)
        leg = [(-0.22, 0.98), (0.12, 1.0), (0.36, 0.72), (0.22, 0.28), (0.02, 0.32), (0.1, 0.64), (-0.16, 0.74)]
        self.shape(x, z, [(way * right, up) for right, up in leg], self.colour((48, 50, 62), z), label)
        back = [(-0.36, 0.86), (0.26, 0.88), (0.54, 1.62), (-0.12, 1.64)]
        self.shape(x, z, [(way * right, up) for right, up in back], self.colour(vest, z), label)
        stripe = [(-0.27, 1.16), (0.36, 1.16), (0.42, 1.32), (-0.22, 1.32)]
        self.shape(x, z, [(way * right, up) for right, up in stripe], self.colour((240, 240, 228), z), None)
        arm = [(0.2, 1.5), (0.34, 1.45), (0.62, 1.08), (0.5, 1.0)]
        self.shape(x, z, [(way * right, up) for right, up in arm], self.colour(vest, z, 0.7), label)
        head, skin = x + way * 0.27, np.array([225, 180, 150]) * rng.uniform(0.45, 1)
        self.ellipse(head, 1.76, z, 0.28, 0.34, self.colour(skin, z), label)
        self.ellipse(head, 1.86, z, 0.36, 0.26, self.colour((240, 240, 238), z), label)

    # ------------------------------------------------------------ on the road

    def fill_the_road(self):
        """In each lane a car or something larger, and further cars ahead of it."""
        rng = self.rng
        # Buses and trams come towards us and show their fronts, lorries their backs.
        for side, kinds, shares in (
            (-1, ("bus", "train", "car"), (0.42, 0.42, 0.16)),
            (1, ("truck", "car"), (0.55, 0.45)),
        ):
            x, kind = side * self.road * 0.5, rng.choice(kinds, p=shares)
            z = rng.uniform(6.5, 9) if kind == "car" else rng.uniform(8.5, 12)
            if kind == "car":
                self.put(z, self.car, x, z)
            else:
                self.put(z, self.large, kind, x, z)
            z += 8 if kind == "car" else 22
            while z < 50:
                z += rng.uniform(5, 14)
                self.put(z, self.car, x, z)
        for side in (-1, 1):
            if rng.random() < 0.35:
                x, z = side * (self.road + self.verge[side] * 0.5), rng.uniform(11, 15)
                self.put(z, self.car, x, z)  # parked on the grass

    def shadow_below(self, x, z, width, length):
        self.ground(x - width / 2, x + width / 2, self.colour((35, 35, 38), z), None, max(z - 0.4, 1), z + length)

    def wheels(self, x, z, width, length, size, label):
        tyre = self.colour((30, 30, 32), z)
        for end in (-1, 1):
            left = x + end * (width / 2 - 0.17) - 0.15
            self.front(left, left + 0.3, 0, size, z, tyre, label)
        side = self.near_side(x, width)
        if side is not None:
            for along in (0.18, 0.8):
                far = z + along * length
                wide = size * abs(side - self.x) / far  # seen from the side
                self.ellipse(side, size / 2, far, max(wide, 0.12), size, tyre, label)

    def car(self, x, z):
        rng, label, paint = self.rng, _ID["car"], self.one_of(_PAINT["car"])
        width, length, tall = rng.uniform(1.75, 1.9), rng.uniform(3.8, 4.4), rng.uniform(1.45, 1.65)
        belt = tall * 0.58
        self.shadow_below(x, z, width, length)
        self.wheels(x, z, width, length, 0.62, label)
        side = self.box(x, z, width, length, 0.28, belt, paint, label)
        self.box(x, z + 0.5, width * 0.84, length * 0.5, belt, tall, paint, label)
        glass = self.colour((45, 55, 65), z, rng.uniform(0.8, 1.2))
        half, pane = width * 0.37, z + 0.49
        corners = [(-half, belt + 0.03), (half, belt + 0.03), (half * 0.92, tall - 0.1), (-half * 0.92, tall - 0.1)]
        self.shape(x, pane, corners, glass, None)
        if side is not None:
            edge = x + np.sign(side - x) * width * 0.42
            self.flank(edge, belt + 0.03, tall - 0.12, z + 0.7, z + 0.3 + length * 0.45, glass, None)
        lamp = self.colour((215, 30, 30) if x > 0 else (250, 245, 215), z)
        for end in (-1, 1):
            centre = x + end * width * 0.38
            self.front(centre - 0.2, centre + 0.2, 0.58, 0.82, z, lamp, None)
        self.front(x - 0.3, x + 0.3, 0.4, 0.54, z, self.colour((225, 225, 210), z), None)

    def large(self, kind, x, z):
        """A bus, a lorry or a tram: boxes of much the same size and colours, told apart by what is on them."""
        rng, label, paint = self.rng, _ID[kind], self.one_of(_PAINT[kind])
        width, tall = rng.uniform(2.4, 2.6), rng.uniform(3.0, 3.4)
        length = {"bus": rng.uniform(8, 11), "truck": rng.uniform(6, 8), "train": rng.uniform(14, 20)}[kind]
        if kind == "train":
            for rail in (-0.7, 0.7):
                for near, far in _pieces(1.5, z):
                    steel = self.colour((70, 66, 62), near)
                    self.ground(x + rail - 0.06, x + rail + 0.06, steel, None, near, far)
        self.shadow_below(x, z, width, length)
        low = 0.2 if kind == "train" else 0.45
        if kind != "train":
            self.wheels(x, z, width, length, 0.9, label)
        side = self.box(x, z, width, length, low, tall, paint, label)
        finish = {"bus": self.as_bus, "truck": self.as_truck, "train": self.as_tram}[kind]
        finish(x, z, width, length, tall, paint, side)

    def as_bus(self, x, z, width, length, tall, paint, side):
        """One broad pane above, a bright line of letters, lamps; a band of windows along the side."""
        glass, half = (50, 60, 70), width / 2
        self.front(x - half * 0.9, x + half * 0.9, 1.35, tall - 0.65, z, self.colour(glass, z), None)
        self.front(x - half * 0.7, x + half * 0.7, tall - 0.5, tall - 0.12, z, self.colour((30, 30, 30), z), None)
        for letter in np.arange(-0.6, 0.6, 0.3):
            left = x + half * letter
            self.front(left, left + 0.18, tall - 0.44, tall - 0.18, z, self.colour((250, 180, 50), z), None)
        for end in (-1, 1):
            self.ellipse(x + end * half * 0.72, 0.85, z, 0.4, 0.34, self.colour((250, 245, 220), z), None)
        if side is not None:
            for far in np.arange(z + 0.4, z + length - 1, 1.5):
                self.flank(side, 1.35, tall - 0.5, far, far + 1.25, self.colour(glass, far), None)

    def as_truck(self, x, z, width, length, tall, paint, side):
        """A container with upright ribs, and red and white bars below."""
        dark = 0.62
        for left in np.arange(x - width / 2 + 0.1, x + width / 2 - 0.15, 0.42):
            self.front(left, left + 0.19, 0.95, tall - 0.1, z, self.colour(paint, z, dark), None)
        if side is not None:
            for far in np.arange(z + 0.2, z + length - 0.3, 0.9):
                self.flank(side, 0.95, tall - 0.1, far, far + 0.4, self.colour(paint, far, dark * 0.75), None)
        for place, left in enumerate(np.arange(x - width / 2, x + width / 2 - 0.1, width / 6)):
            bar = (225, 225, 220) if place % 2 else (200, 45, 40)
            self.front(left, left + width / 6, 0.5, 0.85, z, self.colour(bar, z), None)

    def as_tram(self, x, z, width, length, tall, paint, side):
        """Corrugated from below to the panes: level ribs; a tall pane, one lamp, a current collector."""
        glass, half = (50, 60, 70), width / 2
        for low in np.arange(0.3, tall - 0.2, 0.4):
            self.front(x - half, x + half, low, low + 0.17, z, self.colour(paint, z, 0.6), None)
            if side is not None:
                self.flank(side, low, low + 0.17, z, z + length, self.colour(paint, z, 0.45), None)
        self.front(x - half * 0.55, x + half * 0.55, 1.6, tall - 0.45, z, self.colour(glass, z), None)
        if side is not None:
            for far in np.arange(z + 1, z + length - 1.5, 3.2):
                self.flank(side, 1.6, tall - 0.5, far, far + 1.4, self.colour(glass, far), None)
        self.ellipse(x, 1.0, z, 0.45, 0.45, self.colour((250, 240, 200), z), None)

    # ------------------------------------------------------------ the camera

    def draw_bonnet(self):
        rng = self.rng
        top = HEIGHT * rng.uniform(0.93, 0.97)
        colour = tuple(int(value) for value in np.full(3, rng.uniform(20, 120)))
        for target, fill, scale in ((self.paint, colour, _FINE), (self.mark, _EGO, 1)):
            corners = [WIDTH * 0.08, top, WIDTH * 0.92, top + HEIGHT * 0.5]
            target.ellipse([scale * corner for corner in corners], fill=fill)

    def finish(self):
        """Texture for some classes, then what a camera adds: softness, noise, a dark rim, an exposure."""
        rng = self.rng
        labels = np.asarray(self.labels).copy()
        picture = np.asarray(self.photograph.reduce(_FINE)).astype("float32")
        for name, (share, scale, stretch) in _MOTTLE.items():
            texture = share * _noise(rng, labels.shape, scale, stretch)
            picture *= np.where(labels == _ID[name], 1 + np.clip(texture, -0.7, 0.7), 1)[..., None]
        rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        picture *= (1 - rng.uniform(0, 0.15) * (rows**2 + columns**2) / 2)[..., None]
        picture = 255 * (np.clip(picture, 0, 255) / 255) ** rng.uniform(0.92, 1.1)
        picture += rng.normal(0, rng.uniform(1, 4), picture.shape)
        return np.clip(picture, 0, 255).astype("uint8"), labels


def _pieces(start, end):
    """Cut a stretch of street into pieces that double in length, so that each has a haze of its own."""
    ends = [start]
    while ends[-1] < end:
        ends.append(min(ends[-1] + max(3, 0.35 * ends[-1]), end))
    return list(zip(ends, ends[1:], strict=False))


def _noise(rng, shape, scale, stretch):
    """Smooth noise of unit spread; `scale` in pixels, `stretch` times wider than high."""
    coarse = ndimage.gaussian_filter(rng.normal(size=shape).astype("float32"), (scale, scale * stretch), mode="wrap")
    return coarse / coarse.std()


def scene(seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Make one scene in memory, without touching the disk.

    Args:
        seed: of the whole set, 0 or more.
        index: which scene of it, from 0.

    Returns:
        The photograph (128, 256, 3) uint8 and its label ids (128, 256) uint8.
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
        train, val: scenes of each split, 1 to 9999; 160 take 10 MB.
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
    with disk.phantoms(folder, _README.format(**counts, seed=seed), (train + val) * 0.07) as unfinished:
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
        image_files.save(picture, home / f"{city}_000000_{index:06}_{kind}.png")


_README = """# Phantom streets

These are no photographs: {train} scenes to train on and {val} to validate, made by `helpers.data.phantom_streets`
with seed {seed}, in the layout of Cityscapes: leftImg8bit holds the scenes, gtFine the label id of each pixel.
"""
