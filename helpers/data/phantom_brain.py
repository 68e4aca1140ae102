"""Phantom brains: made-up patients with real anatomy, in the layout of the Kaggle LGG set.

A head (Colin27) with its own brain or an average one (MNI152) is bent into a patient, a tumour grows through
the white matter, and a scanner with habits of its own takes pre-contrast T1, FLAIR and post-contrast T1.
Contrasts, sizes and faults are drawn wider than real ones ("domain randomisation": Billot et al. 2023,
SynthSeg, doi:10.1016/j.media.2023.102789), so that a network that has learned them is not surprised by a real
hospital. One rule nearly always holds: in FLAIR a tumour is brighter than the white matter around it.

Arrays of places have the order z (up), y (forward), x (right), as the atlas has; lengths are in millimetres.
"""

import functools
import os
import pathlib

import numpy as np
import scipy.fft
from scipy import ndimage

from helpers.data import disk, image_files

SIDE = 256
# Invented hospitals, in the order in which they send patients: of unequal size, as real ones are.
HOSPITALS = ("PA", "PB", "PA", "PC", "PB", "PA", "PD", "PC", "PB", "PA", "PE", "PA")
PRE, FLAIR, POST = range(3)
AIR, HEAD, CEREBRUM, VENTRICLE, HINDBRAIN, EYE, DURA = range(7)  # the atlas's labels
FLUID, GREY, WHITE = 32, 84, 108  # the atlas's T1 intensities
_SKIP = 4  # the bending is worked out at every fourth pixel and interpolated
_BOX = 60  # the side of the box a tumour grows in, in steps of 2 mm


@functools.cache
def _atlas():
    path = pathlib.Path(__file__).with_name("brain_atlas.npz")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: it is part of the repository, so get it from there again.")
    with np.load(path) as stored:
        colin, mni, label = (np.cumsum(stored[k], axis=2, dtype=np.uint8) for k in ("colin", "mni", "label"))
        origin, step = stored["origin"].astype(np.float32), stored["step"].astype(np.float32)
    brain = np.isin(label, (CEREBRUM, VENTRICLE, HINDBRAIN))
    coarse = label[:, ::2, ::2]  # steps of 2 mm in all directions
    interior = ndimage.gaussian_filter(brain[:, ::2, ::2].astype(np.float32), 2)
    from_ventricle = ndimage.distance_transform_edt(coarse != VENTRICLE, sampling=2)
    return {
        "origin": origin[:, None, None],
        "step": step[:, None, None],
        "heads": (colin, np.where(brain, np.maximum(mni, np.uint8(FLUID // 2)), colin)),  # half the intensity
        "label": label,
        "coarse": coarse,
        "interior": np.clip(interior * 2 - 1, 0, 1),
        "from_ventricle": np.minimum(from_ventricle, 40).astype(np.float32),
    }


def _sample(volume, index, order=1):
    return ndimage.map_coordinates(volume, index, np.float32, order, mode="nearest", prefilter=False)


def _enlarge(values):
    """Interpolate (..., h + 1, w + 1) linearly to (..., 4 h, 4 w)."""
    share = (np.arange(_SKIP, dtype=np.float32) / _SKIP)[:, None]
    for _ in range(2):
        first, second = values[..., :-1, None, :], values[..., 1:, None, :]
        values = first + (second - first) * share
        values = values.reshape(*values.shape[:-3], -1, values.shape[-1]).swapaxes(-1, -2)
    return values


def _noise(rng, shape, sigma):
    """Make smooth noise of standard deviation 1, sigma in steps of the grid."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), sigma, mode="wrap")
    return noise / (noise.std() + np.float32(1e-6))


def _step(distance, width):
    """Fall from 1 inside (negative distance) to 0 outside, over about `width`."""
    return 1 / (1 + np.exp(np.clip(distance * (4 / width), -30, 30)))


def _travel_time(cost, start, rounds=3):
    """Compute the time to reach each voxel from `start`, at a cost a step, by sweeps of planes."""
    time = np.full(cost.shape, 1e9, np.float32)
    time[start] = 0
    for axis in (0, 1, 2) * rounds:
        for direction in (1, -1):
            planes = np.moveaxis(time, axis, 0)[::direction]
            costs = np.moveaxis(cost, axis, 0)[::direction]
            for before, plane, price in zip(planes, planes[1:], costs[1:], strict=False):
                p = np.pad(before, 1, constant_values=1e9)
                sides = np.minimum(np.minimum(p[:-2, 1:-1], p[2:, 1:-1]), np.minimum(p[1:-1, :-2], p[1:-1, 2:]))
                corners = np.minimum(np.minimum(p[:-2, :-2], p[2:, 2:]), np.minimum(p[2:, :-2], p[:-2, 2:]))
                nearest = np.minimum(before + price, sides + 1.414 * price)
                np.minimum(plane, np.minimum(nearest, corners + 1.732 * price), out=plane)
    return time


def _rotation(pitch, roll, yaw):
    """Make a rotation about x, then y, then z, for places in the order z, y, x; angles in degrees."""
    matrix = np.eye(3)
    for angle, (i, j) in ((pitch, (0, 1)), (roll, (0, 2)), (yaw, (1, 2))):
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(np.deg2rad(angle))
        turn[i, j] = np.sin(np.deg2rad(angle))
        turn[j, i] = -turn[i, j]
        matrix = matrix @ turn
    return matrix


class _Patient:
    """What is drawn once for a patient: head, tumour, contrasts, scanner; `slice` renders a slice of it."""

    def __init__(self, seed, index, slices):
        if seed < 0 or index < 0 or (slices is not None and slices < 1):
            raise ValueError(f"seed {seed}, index {index}, slices {slices}: use 0 or more, and 1 slice or more.")
        self.key = (seed, index)
        rng = np.random.default_rng([seed, index])
        self.hospital = HOSPITALS[index % len(HOSPITALS)]
        self._habits = np.random.default_rng(list(self.hospital.encode()))  # the same for every seed
        year, month, day = rng.integers((1988, 1, 1), (2005, 13, 29))
        self.name = f"TCGA_{self.hospital}_{index + 1:04d}_{year}{month:02d}{day:02d}"
        self.atlas = _atlas()
        self._draw_head(rng)
        self._draw_tumour(rng)
        self._draw_contrasts(rng)
        self._draw_scanner(rng)
        self._place_slices(slices)

    def _habit(self, rng, low, high, size=None):
        """Draw from a range: half the hospital's habit, half the day's chance."""
        place = np.abs(self._habits.random(size) + rng.uniform(-0.35, 0.35, size))
        place = np.minimum(place, 2 - place)
        return np.float32(low) + np.float32(high - low) * np.float32(place)

    def _draw_head(self, rng):
        self.volume = self.atlas["heads"][int(rng.random() < 0.3)]
        self.number = int(round(float(self._habit(rng, 20, 40))))
        self.pixel = self._habit(rng, 0.88, 1.1)
        size = np.exp(rng.normal(0, 0.03) + rng.normal(0, 0.03, 3))
        pitch = self._habit(rng, -21, 7) + rng.normal(0, 3)
        matrix = np.diag(1 / size) @ _rotation(pitch, rng.normal(0, 3), rng.normal(0, 4))
        matrix[2] *= rng.choice([-1, 1])  # left and right
        self.matrix = matrix.astype(np.float32)
        self.centre = np.array([0, -15, 0], np.float32)[:, None, None]
        self.shift = rng.normal(0, (5, 4)).astype(np.float32)  # pixels
        self.bottom, self.top = rng.uniform(-97, -68), rng.uniform(84, 108)
        # Bending and texture: grids of 8 mm over a box of 256 mm.
        broad = _noise(rng, (3, 32, 32, 32), (0, 4, 4, 4)) * np.float32(rng.uniform(1, 2.8))
        self.bend = broad + _noise(rng, (3, 32, 32, 32), (0, 2.2, 2.2, 2.2)) * np.float32(rng.uniform(0.3, 1.4))
        self.texture = _noise(rng, (2, 32, 32, 32), (0, 1.5, 1.5, 1.5))
        self.ventricle_growth = float(np.clip(rng.normal(0.05, 0.12), -0.2, 0.35))

    def _draw_tumour(self, rng):
        """Let a tumour start where gliomas do, and grow, fastest in white matter."""
        label, intensity = self.atlas["coarse"], self.volume[:, ::2, ::2]
        origin = self.atlas["origin"][:, 0, 0]
        z, y, x = (2 * i + o for i, o in zip(np.ogrid[tuple(map(slice, label.shape))], origin, strict=True))
        lobe = np.where(y > 0, 1, 0.7) * np.where(y < -60, 0.4, 1) * np.where((z < 0) & (abs(x) > 25), 1.3, 1)
        lobe = lobe * np.where(z < -35, 0.3, 1) * np.where(abs(x) < 8, 0.3, 1) * (z < 66)
        home = HINDBRAIN if rng.random() < 0.04 else CEREBRUM
        lobe = lobe if home == CEREBRUM else 1
        chance = np.cumsum(lobe * ((label == home) & (intensity > GREY // 2)))
        start = np.unravel_index(np.searchsorted(chance, rng.random() * chance[-1]), label.shape)
        low = [int(np.clip(s - _BOX // 2, 0, n - _BOX)) for s, n in zip(start, label.shape, strict=True)]
        box = tuple(slice(a, a + _BOX) for a in low)
        speed = np.interp(intensity[box], [0, 16, 30, 41, 50, 56], [0.02, 0.02, 0.12, rng.uniform(0.3, 0.9), 0.9, 1])
        speed = speed * (label[box] == home) + 2e-3
        rough = _noise(rng, speed.shape, rng.uniform(1.5, 4)) * rng.uniform(0.2, 0.7)
        cost = (np.exp(rough) / speed).astype(np.float32)
        time = _travel_time(cost, tuple(s - a for s, a in zip(start, low, strict=True)))
        volume = np.clip(np.exp(rng.normal(np.log(70e3), 0.8)), 9e3, 200e3)  # mm3
        voxels = int(volume / 8)
        walls = min(np.moveaxis(time, axis, 0)[side].min() for axis in range(3) for side in (0, -1))
        self.growth = time / min(np.partition(time.ravel(), voxels)[voxels], 0.75 * walls)  # < 1 in the tumour
        self.growth_low = np.array(low, np.float32)[:, None, None]
        inside = np.argwhere(self.growth < 1)
        self.tumour_centre = ((inside.mean(0) + low) * 2 + origin).astype(np.float32)[:, None, None]
        self.tumour_radius = float((len(inside) * 8 * 0.239) ** (1 / 3))
        self.push = rng.uniform(0, 0.45) * (rng.random() < 0.7)
        # How it looks; levels have white matter at 1.
        faint = rng.random() < 0.2
        bright = rng.uniform(1.3, 1.5) if faint else rng.uniform(1.45, 2.3)
        self.tumour_level = (rng.uniform(0.42, 0.95), bright, rng.uniform(0.42, 0.95))
        self.tumour_extent = (rng.uniform(0.6, 1.05), 1.0, rng.uniform(0.6, 1.05))
        self.tumour_edge = rng.uniform(0.06, 0.44)
        self.tumour_mottle, self.tumour_grain = rng.uniform(0.03, 0.16), rng.uniform(0, 0.8) ** 2
        self.tumour_keeps = rng.uniform(0.05, 0.3)  # of the tissue that was there
        self.tumour_fade = rng.uniform(0, 0.5) * (rng.random() < 0.6) * (not faint)
        self.effacement = 1 - 0.85 * rng.random() ** 2  # 1: swollen, the furrows are gone
        self.raggedness = rng.uniform(0, 0.07)
        self.enhancement = rng.uniform(0.3, 1.3) * (rng.random() < 0.25)
        self.core = rng.uniform(0.25, 0.7) * (rng.random() < 0.3)
        fluid = rng.choice([rng.uniform(0.03, 0.6), rng.uniform(0.7, 1.3)])
        self.core_level = (rng.uniform(0.15, 0.6), float(fluid), rng.uniform(0.15, 0.6))
        self.core_edge = rng.uniform(0.08, 0.5)
        self.cyst = self.tumour_radius * rng.uniform(0.3, 0.8) * (rng.random() < 0.5)
        offset = rng.normal(0, 0.25, (3, 1, 1)) * self.tumour_radius
        self.cyst_centre = self.tumour_centre + offset.astype(np.float32)
        self.cyst_shape = np.exp(rng.normal(0, 0.15, (3, 1, 1))).astype(np.float32)
        self.outline_blur, self.outline_level = rng.uniform(0.3, 2.2), rng.uniform(0.35, 0.55)

    def _draw_contrasts(self, rng):
        """Draw lookup tables (channel, label, atlas intensity) -> brightness with white matter at 1."""
        intensity = np.arange(256)
        wet = FLUID + max(0.0, rng.uniform(-20, 28))  # shrunken brains have wide furrows
        grey_t1, fluid_t1 = self._habit(rng, 0.72, 0.98), self._habit(rng, 0.18, 0.55)
        fat_t1 = self._habit(rng, 0.75, 1.5) * (0.5 if rng.random() < 0.08 else 1)
        self.tables = np.zeros((3, 7, 256), np.float32)
        for channel in range(3):
            if channel == FLAIR:
                grey, fluid = self._habit(rng, 1.0, 1.4), self._habit(rng, 0.04, 0.42)
                deep = 1 + (grey - 1) * rng.uniform(0.2, 0.9)
                muscle, fat = rng.uniform(0.5, 1.1), self._habit(rng, 0.5, 1.8)
            else:
                grey, fluid = grey_t1 + rng.normal(0, 0.03), max(0.1, fluid_t1 + rng.normal(0, 0.05))
                deep = grey + (1 - grey) * rng.uniform(0.4, 0.7)
                muscle, fat = rng.uniform(0.8, 1.15), fat_t1 * np.exp(rng.normal(0, 0.15))
                if channel == POST and rng.random() < 0.15:
                    fat *= 0.45  # fat suppression
            brain = np.interp(intensity, [0, wet, GREY, 97, WHITE, 140], [0.6 * fluid, fluid, grey, deep, 1, 1.05])
            head = np.interp(intensity, [0, 12, 30, 60, 108, 150, 220], [0, 0.03, 0.22, 0.6, 1.3, 2, 2.6])
            head = head * np.interp(intensity, [60, 130], [muscle, fat])
            table = self.tables[channel]
            table[HEAD], table[CEREBRUM], table[HINDBRAIN] = head, brain, brain * np.exp(rng.normal(0, 0.04))
            table[VENTRICLE] = np.interp(intensity, [0, FLUID, GREY, WHITE], [0.6 * fluid, fluid, grey, 1])
            table[EYE] = head * (rng.uniform(0.3, 1.3) if channel == FLAIR else 1)
            table[DURA] = np.minimum(head, 1) * (rng.uniform(1, 1.5) if channel == POST else 1)
        self.head_grain = rng.uniform(0, 0.06)
        self.head_mottle = rng.uniform(0, (0.12, 0.4, 0.15)).tolist()
        self.brain_mottle = rng.uniform(0, (0.05, 0.09, 0.05)).tolist()
        # What is bright and no tumour.
        self.caps, self.caps_reach = abs(rng.normal(0, 0.3)) * (rng.random() < 0.6), rng.uniform(2, 8)
        self.spots = []
        for _ in range(rng.integers(0, 14) if rng.random() < 0.4 else 0):
            place = (rng.uniform(0, 45), rng.uniform(-70, 45), rng.uniform(15, 45) * rng.choice([-1, 1]))
            place = np.array(place, np.float32)[:, None, None]
            self.spots.append((place, rng.uniform(1.2, 4), rng.uniform(0.15, 0.6)))
        self.pulsation, self.vessels = abs(rng.normal(0, 0.4)), rng.uniform(0.2, 1.2)

    def _draw_scanner(self, rng):
        # A volume is stored so that its brightest tissue, the fat, comes near the end of the scale.
        brightest = self._habit(rng, 90, 170, 3) * np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.12, 3))
        level = np.clip(brightest / np.maximum(self.tables[:, HEAD, 190], 1.4), 14, 100)
        level[FLAIR] *= 0.5 if rng.random() < 0.08 else 1
        self.level = level.tolist()  # of white matter
        self.noise = (self._habit(rng, 0.015, 0.09, 3) * np.exp(rng.normal(0, 0.3, 3))).tolist()
        # k-space: how far it reaches along either axis (cycles per pixel), its fall-off, what repeats in it.
        self.limits = np.stack([self._habit(rng, 0.28, 0.58, 3), rng.uniform(0.38, 0.6, 3)], 1)
        turned = self._habits.random(3) < 0.5
        self.limits[turned] = self.limits[turned, ::-1]
        self.fall_off = rng.uniform(-1.0, 0.3, 3)
        self.ghost, self.ghost_period = (
            rng.uniform(0, 0.06, 3) * (rng.random(3) < 0.3),
            rng.uniform(4, 40, 3),
        )
        self.moved = rng.normal(0, 0.9, (3, 2)) * (rng.random((3, 1)) < 0.3) * [[1], [0], [1]]  # pixels
        shading = rng.normal(0, [0.12] * 3 + [0.1] * 3 + [0.06] * 3, (3, 9))
        self.shading = (shading * self._habit(rng, 0.2, 1)).tolist()
        self.end_gain = (rng.normal(0, 0.35, 3) * self._habit(rng, 0.2, 1)).tolist()
        self.gamma = np.exp(rng.normal(0, 0.08, 3)).tolist()
        self.clean_air = rng.random() < self._habit(rng, 0, 0.5)
        self.cropped = rng.random() < 0.06
        self.steep = int(rng.choice([PRE, POST])) if rng.random() < 0.05 else None
        chance = rng.random()
        self.missing = [PRE] * (chance < 0.11) + [POST] * (0.03 < chance < 0.16)  # often both

    def _place_slices(self, slices):
        """Spread the slices over the head so that one of them passes through the tumour's middle."""
        self.number = slices or self.number
        back = np.linalg.inv(self.matrix).astype(np.float32)[:, :, None, None]
        place = np.zeros((3, 1, 1), np.float32)
        for _ in range(12):  # converges to well under a millimetre
            place = place + (back * (self.tumour_centre - self._to_atlas(place))).sum(1)
        middle = float(place[0, 0, 0])
        self.gap = (self.top - self.bottom) / max(self.number - 1, 1)
        self.bottom = middle - np.clip(round((middle - self.bottom) / self.gap), 0, self.number - 1) * self.gap

    def _to_atlas(self, place):
        """Take places (3, h, w) in the patient to the atlas."""
        index = place / 8 + 16
        bent = place + np.stack([_sample(component, index) for component in self.bend])
        place = np.stack([(row[:, None, None] * bent).sum(0) for row in self.matrix]) + self.centre
        ventricles = np.array([12, -5, 0], np.float32)[:, None, None]
        for middle, amount, radius in (
            (ventricles, self.ventricle_growth, 26),
            (self.tumour_centre, self.push, 1.1 * self.tumour_radius + 4),
        ):
            away = place - middle
            pull = amount * np.exp((away**2).sum(0) * (-0.5 / radius**2))
            place = place - away * pull * _sample(self.atlas["interior"], (place - self.atlas["origin"]) / 2)
        return place

    def slice(self, number):
        """Render a slice (0 is the lowest): image (256, 256, 3) uint8, mask (256, 256) bool."""
        rng = np.random.default_rng([*self.key, number + 1])
        noise = np.stack([_noise(rng, (SIDE, SIDE), 1.3), _noise(rng, (SIDE, SIDE), 5)])
        picture, outline = np.zeros((3, SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
        thickness = min(self.gap, 7)
        layers = (-0.28, 0.28) if thickness < 6.5 else (-0.33, 0, 0.33)
        for layer in layers:
            self._add_layer(picture, outline, self.bottom + number * self.gap + layer * thickness, noise)
        picture, outline = picture / len(layers), outline / len(layers)
        image = np.stack([self._scan(picture[c], c, number, rng) for c in range(3)], -1)
        for channel in self.missing:
            image[..., channel] = image[..., FLAIR]
        return image, self._draw_outline(outline)

    def _add_layer(self, picture, outline, height, noise):
        """Add the tissue of a thin layer to the picture, and its tumour to the outline."""
        atlas = self.atlas
        steps = np.arange(0, SIDE + 1, _SKIP, dtype=np.float32) - SIDE // 2
        here = np.empty((3, len(steps), len(steps)), np.float32)
        here[0] = height
        here[1] = ((self.shift[0] - steps) * self.pixel)[:, None]
        here[2] = (steps - self.shift[1]) * self.pixel
        place = self._to_atlas(here)
        # Above the atlas there is nothing; below it, its last slice goes on.
        index = (place - atlas["origin"]) / atlas["step"]
        low = np.array([-20, -0.5, -0.5], np.float32)[:, None, None]
        high = np.array(atlas["label"].shape, np.float32)[:, None, None] - 0.5
        head = (_sample(atlas["label"], index, 0) > 0) & ((index > low) & (index < high)).all(0)
        rows, columns = (np.nonzero(ndimage.binary_dilation(head, iterations=2).any(axis))[0] for axis in (1, 0))
        if not len(rows):
            return
        near = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        box = tuple(slice(s.start * _SKIP, (s.stop - 1) * _SKIP) for s in near)
        here, place = here[:, *near], _enlarge(place[:, *near])
        index = (place - atlas["origin"]) / atlas["step"]
        intensity = np.minimum(_sample(self.volume, index) * 2, 255)
        label = _sample(atlas["label"], index, 0).astype(np.uint8)
        label[((index < low) | (index > high)).any(0)] = AIR
        tissue = self.tables[:, label, (intensity + 0.5).astype(np.uint8)]
        noise = noise[:, *box]
        texture = [_enlarge(_sample(grid, here / 8 + 16)) for grid in self.texture]
        head, brain = label == HEAD, (label == CEREBRUM) | (label == HINDBRAIN)
        for channel in range(3):
            mottle = self.head_mottle[channel] * head + self.brain_mottle[channel] * brain
            tissue[channel] *= 1 + mottle * texture[channel == FLAIR] + self.head_grain * head * noise[0]
        self._add_innocent(tissue, label, intensity, place, texture, 0.6 * noise[0] + 0.8 * noise[1])
        outline[box] += self._add_tumour(tissue, label, intensity, place, noise)
        picture[:, *box] += np.maximum(tissue, 0)

    def _add_innocent(self, tissue, label, intensity, place, texture, noise):
        """Add what is bright and no tumour: caps at the ventricles, spots, moving fluid, vessels."""
        z, y, x = place
        white = (label == CEREBRUM) * np.clip((intensity - 80) / 25, 0, 1)
        if self.caps:
            distance = _sample(self.atlas["from_ventricle"], (place - self.atlas["origin"]) / 2)
            tissue[FLAIR] += self.caps * np.exp(distance / -self.caps_reach) * (1 + 0.5 * texture[1]) * white
        for spot, radius, amount in self.spots:
            if np.abs(z - spot[0]).min() < 2 * radius:
                glow = amount * np.exp(((place - spot) ** 2).sum(0) * (-0.5 / radius**2)) * white
                tissue += glow * np.array([-0.3, 1, -0.3], np.float32)[:, None, None]
        inside = (label == CEREBRUM) | (label == DURA) | (label == VENTRICLE)
        fluid = inside * np.clip((62 - intensity) / 25, 0, 1)
        moving = np.clip((-5 - z) / 30, 0.05, 1) * np.clip(texture[0] + 0.3 * noise, 0, 2)  # mostly at the base
        tissue[FLAIR] += self.pulsation * fluid * moving
        behind = (y < -55) & (np.abs(z + 22) < 5)
        sinus = (label == DURA) & (((np.abs(x) < 4) & (y < 40) & (z > -5)) | behind)
        ventricle = label == VENTRICLE
        veins = fluid * np.clip(noise - 1.2, 0, 1) * ~ventricle
        plexus = ventricle * np.clip(noise - 0.5, 0, 1) * (y < -15)
        tissue[POST] += self.vessels * (0.9 * sinus + veins + plexus)
        tissue[FLAIR] += 0.35 * plexus

    def _add_tumour(self, tissue, label, intensity, place, noise):
        """Paint the tumour into the tissue; return where an expert would see it, bool (h, w)."""
        index = (place - self.atlas["origin"]) / 2 - self.growth_low
        if index[0].max() < 0 or index[0].min() > _BOX - 1:
            return False
        outside = ((index < 0) | (index > _BOX - 1)).any(0)
        time = np.where(outside, 9, _sample(self.growth, index))
        time *= 1 + self.raggedness * (noise[1] + 0.5 * noise[0])
        if time.min() > 1.5:
            return False
        brain = (label == CEREBRUM) | (label == VENTRICLE) | (label == HINDBRAIN)
        solid = brain * np.clip((intensity - 35) / 30, self.effacement, 1)
        noise = noise[1] + self.tumour_grain * noise[0]
        mottle = self.tumour_mottle * noise
        for channel in range(3):
            target = self.tumour_level[channel] * (1 + mottle)
            if channel == FLAIR:  # often brightest in the middle, and never darker than what was there
                target *= 1 + self.tumour_fade * (0.5 - np.minimum(time, 1))
                target = np.maximum(target, tissue[FLAIR])
            share = solid * _step(time - self.tumour_extent[channel], self.tumour_edge) * (1 - self.tumour_keeps)
            tissue[channel] += share * (target - tissue[channel])
        if self.core:
            core = brain * self._core(time + 0.1 * noise, place)
            for channel, share in enumerate((0.7, 0.9, 0.7)):
                target = self.core_level[channel] * (1 + 0.4 * mottle)
                tissue[channel] += share * core * (target - tissue[channel])
        if self.enhancement:
            rim = np.exp(-(((time - max(self.core, 0.35)) / 0.1) ** 2)) * np.clip(noise + 0.4, 0, 1.5)
            tissue[POST] += self.enhancement * rim * brain
        return (time < 1) & brain & (intensity > 30)

    def _core(self, time, place):
        """Say where the middle has softened (along its growth) or become a cyst (round)."""
        if self.cyst:
            away = (place - self.cyst_centre) / self.cyst_shape
            time = np.sqrt((away**2).sum(0)) * (self.core / self.cyst)
        return _step(time - self.core, self.core_edge)

    def _draw_outline(self, outline):
        """Draw the contour as a person would: smooth, filled, without crumbs."""
        mask = ndimage.gaussian_filter(outline, self.outline_blur) > self.outline_level
        parts, count = ndimage.label(ndimage.binary_fill_holes(mask))
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        return (sizes >= max(12, 0.04 * sizes.max()))[parts] if count else mask

    def _scan(self, picture, channel, number, rng):
        """Take the picture as a scanner does: coil shading, k-space and its limits, noise, eight bits."""
        line = np.linspace(-1, 1, SIDE, dtype=np.float32)
        y, x, z = line[:, None], line[None, :], 2 * number / max(self.number - 1, 1) - 1
        terms = (y, x, z, y * y, x * x, y * x, y * x * x, x * y * y, z * x)
        shading = sum(amount * term for amount, term in zip(self.shading[channel], terms, strict=True))
        picture = picture * np.exp(shading + self.end_gain[channel] * z * abs(z))
        signal = scipy.fft.fft2(picture)
        white_noise = rng.standard_normal((2, SIDE, SIDE), np.float32) * np.float32(self.noise[channel] * SIDE)
        signal += white_noise[0] + 1j * white_noise[1]
        frequency = scipy.fft.fftfreq(SIDE)
        for axis in range(2):
            part = np.abs(frequency) / self.limits[channel, axis]
            window = (part <= 1) * (1 - self.fall_off[channel] * part**2)
            if axis == 0:
                repeats = np.cos(2 * np.pi * SIDE * frequency / self.ghost_period[channel])
                window = window * (1 + self.ghost[channel] * repeats)
            window = window * np.exp(-2j * np.pi * frequency * self.moved[channel, axis])
            signal *= window.astype(np.complex64).reshape((-1, 1) if axis == 0 else (1, -1))
        level = self.level[channel]
        picture = level * np.abs(scipy.fft.ifft2(signal)) ** self.gamma[channel]
        if self.steep == channel:  # a rare kind of T1: steep contrast on a raised ground
            picture = 15 + picture**2 / level
        if self.clean_air:
            quiet = 3 * self.noise[channel] * level
            picture = picture - quiet * (picture < 2 * quiet)
        if self.cropped and channel == FLAIR:
            picture = picture * ((y + 0.25 * x < 0.75) & (y + 0.3 * x > -0.85))
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8)

    def render(self):
        """Render all slices: images (n, 256, 256, 3) uint8, masks (n, 256, 256) bool."""
        pictures = [self.slice(number) for number in range(self.number)]
        return np.stack([image for image, _ in pictures]), np.stack([mask for _, mask in pictures])


def patient(seed: int, index: int, slices: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Make one patient in memory, without touching the disk.

    Nothing but the arguments decides what comes out, so patients can be made side by side in threads.

    Args:
        seed: of the whole set, 0 or more.
        index: which patient of it, from 0.
        slices: how many slices to spread over the same head; None: 20 to 40, by the hospital's habit.

    Returns:
        images (n, 256, 256, 3) uint8 (pre-contrast T1, FLAIR, post-contrast T1) and masks (n, 256, 256) bool,
        from the neck up.

    Raises:
        ValueError: an argument is out of its range.
    """
    return _Patient(seed, index, slices).render()


def make(
    folder: str | os.PathLike,
    patients: int = 24,
    seed: int = 0,
    progress: bool = True,
    slices: int | None = None,
) -> pathlib.Path:
    """Write phantom patients in the Kaggle layout: a folder each, `_k.tif` and `_k_mask.tif` for slice k.

    The same seed gives the same bytes, and patient k is the same however many are asked for. A run cut short
    leaves nothing that looks finished.

    Args:
        folder: where kaggle_3m goes; older phantoms there are replaced.
        patients: 1 to 9999; 24 take about 60 MB.
        seed: of the whole set, 0 or more.
        progress: show a bar.
        slices: the same number of slices for each patient, instead of 20 to 40.

    Returns:
        The folder kaggle_3m.

    Raises:
        ValueError: an argument is out of its range.
        FileExistsError: kaggle_3m is there and holds something else.
        OSError: the folder cannot be written, or the disk is full.
    """
    if not 1 <= patients <= 9999:
        raise ValueError(f"patients is {patients}: ask for 1 to 9999.")
    finished = pathlib.Path(folder) / "kaggle_3m"
    _atlas()
    with disk.phantoms(finished, _README.format(patients=patients, seed=seed), 3 * patients) as unfinished:
        _write_all(unfinished, patients, seed, progress, slices)
    return finished


def _write_all(folder, patients, seed, progress, slices):
    jobs = [(folder, seed, index, slices) for index in range(patients)]
    disk.in_threads(_write_patient, jobs, "phantom brain", "patient", progress)


def _write_patient(folder, seed, index, slices):
    person = _Patient(seed, index, slices)
    images, masks = person.render()
    home = folder / person.name
    home.mkdir()
    for number, (image, mask) in enumerate(zip(images, masks, strict=True), 1):
        for values, end in ((image, ""), (mask.astype(np.uint8) * 255, "_mask")):
            image_files.save(values, home / f"{person.name}_{number}{end}.tif", compression="tiff_lzw")


_README = """# Phantom patients

These are not real patients: {patients} phantoms, made by `helpers.data.phantom_brain` with seed {seed}, in
the layout of the Kaggle set mateuszbuda/lgg-mri-segmentation. A folder for each patient; slices numbered from
the neck up; channels pre-contrast T1, FLAIR and post-contrast T1; masks 0 or 255. The hospitals (PA, PB, ...)
and the dates are invented. The anatomy comes from Colin27 and MNI152; see the course's
`helpers/data/README.md`.
"""
