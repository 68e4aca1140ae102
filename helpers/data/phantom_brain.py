"""Phantom brains: made-up patients with real anatomy, in the layout of the Kaggle LGG set.

A head (Colin27) and a brain (Colin27 or MNI152) are bent into a patient, a tumour grows through the white matter, and
a scanner with a style of its own takes three sequences: pre-contrast T1, FLAIR and post-contrast T1. Contrasts, sizes
and faults are drawn wider than real ones (domain randomisation, Billot et al. 2023, "SynthSeg"), so that a network
that learns them is not surprised by a real hospital. The one rule that always holds: a tumour is brighter in FLAIR
than the white matter around it.

Lesson 01 looks at them; every lesson can be done with them, with no download.
"""

import concurrent.futures
import functools
import os
import pathlib
import tempfile

import numpy as np
import scipy.fft
from PIL import Image
from scipy import ndimage
from tqdm.auto import tqdm

SIDE = 256
# Made-up hospitals, in the order in which they send patients: like the real ones, of unequal size.
HOSPITALS = ("PA", "PB", "PA", "PC", "PB", "PA", "PD", "PC", "PB", "PA", "PE", "PA")
PRE, FLAIR, POST = range(3)
AIR, HEAD, CEREBRUM, VENTRICLE, HINDBRAIN, EYE, DURA = range(7)
FLUID, GREY, WHITE = 32.0, 84.0, 108.0  # the atlas's T1 intensities
_COARSE = 4  # coordinates are worked out at every fourth pixel and interpolated


@functools.cache
def _atlas():
    path = pathlib.Path(__file__).parents[2] / "data" / "brain_atlas.npz"
    with np.load(path) as stored:
        volumes = {k: np.cumsum(stored[k], axis=2, dtype=np.uint8) for k in ("colin", "mni", "label")}
        origin, step = stored["origin"].astype(np.float32), stored["step"].astype(np.float32)
    label, colin, mni = volumes["label"], volumes["colin"], volumes["mni"]
    brain = np.isin(label, (CEREBRUM, VENTRICLE, HINDBRAIN))
    averaged = np.where(brain, np.maximum(mni, np.uint8(FLUID / 2)), colin)
    interior = ndimage.gaussian_filter(ndimage.zoom(brain, (1, 0.5, 0.5), order=0).astype(np.float32), 2.0)
    coarse_label = label[:, ::2, ::2]
    from_ventricle = ndimage.distance_transform_edt(coarse_label != VENTRICLE, sampling=2).astype(np.float32)
    return {
        "origin": origin,
        "step": step,
        "brains": (colin, averaged),
        "label": label,
        "coarse_label": coarse_label,
        "interior": np.clip(interior * 2 - 1, 0, 1),
        "from_ventricle": np.minimum(from_ventricle, 40),
    }


def _sample(volume, points, order=1):
    return ndimage.map_coordinates(
        volume, points, order=order, mode="nearest", prefilter=False, output=np.float32
    )


def _enlarge(coarse):
    """Linear interpolation of (..., 65, 65) to (..., 256, 256)."""
    t = (np.arange(_COARSE, dtype=np.float32) / _COARSE)[:, None]
    for _ in range(2):
        a, b = coarse[..., :-1, None, :], coarse[..., 1:, None, :]
        coarse = (a + (b - a) * t).reshape(*coarse.shape[:-2], -1, coarse.shape[-1]).swapaxes(-1, -2)
    return coarse


def _smooth_noise(generator, shape, sigma):
    noise = ndimage.gaussian_filter(generator.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    return noise / (noise.std() + 1e-6)


def _travel_time(cost, seed, rounds=3):
    """Time to reach each voxel from `seed` through a 3-D field of costs: sweeps over planes, 26 neighbours."""
    time = np.full(cost.shape, np.float32(1e9))
    time[seed] = 0
    for _ in range(rounds):
        for axis in range(3):
            for direction in (1, -1):
                t, c = np.moveaxis(time, axis, 0)[::direction], np.moveaxis(cost, axis, 0)[::direction]
                for i in range(1, len(t)):
                    p = np.pad(t[i - 1], 1, constant_values=1e9)
                    sides = np.minimum(
                        np.minimum(p[:-2, 1:-1], p[2:, 1:-1]), np.minimum(p[1:-1, :-2], p[1:-1, 2:])
                    )
                    corners = np.minimum(
                        np.minimum(p[:-2, :-2], p[2:, 2:]), np.minimum(p[2:, :-2], p[:-2, 2:])
                    )
                    best = np.minimum(t[i - 1] + c[i], sides + 1.414 * c[i])
                    np.minimum(t[i], np.minimum(best, corners + 1.732 * c[i]), out=t[i])
    return time


class _Patient:
    """Everything drawn once for a patient; `slice` renders one slice."""

    def __init__(self, seed, index, slices):
        self.key = (seed, index)
        g = self.g = np.random.default_rng([seed, index])
        self.hospital = HOSPITALS[index % len(HOSPITALS)]
        h = np.random.default_rng([8, ord(self.hospital[1])])  # a hospital's habits, the same for every seed
        year, month, day = g.integers(1988, 2005), g.integers(1, 13), g.integers(1, 29)
        self.name = f"TCGA_{self.hospital}_{index + 1:04d}_{year}{month:02d}{day:02d}"
        self.atlas = _atlas()
        self.volume = self.atlas["brains"][int(g.random() < 0.3)]
        self._draw_geometry(g, h, slices)
        self._draw_tumour(g)
        self._place_slices()
        self._draw_contrasts(g, h)
        self._draw_scanner(g, h)

    def _draw_geometry(self, g, h, slices):
        self.n = int(slices or np.clip(round(h.uniform(22, 36) + g.normal(0, 3)), 20, 40))
        self.pixel = h.uniform(0.93, 1.05) * np.exp(g.normal(0, 0.05))
        size = np.exp(g.normal(0, 0.035)) * np.exp(g.normal(0, 0.03, 3))
        pitch, roll, yaw = np.deg2rad(g.normal((-4, 0, 0), (7, 3, 4)) + (h.normal(0, 4), 0, 0))
        around_x = np.array(
            [[np.cos(pitch), np.sin(pitch), 0], [-np.sin(pitch), np.cos(pitch), 0], [0, 0, 1]]
        )
        around_y = np.array([[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]])
        around_z = np.array([[1, 0, 0], [0, np.cos(yaw), np.sin(yaw)], [0, -np.sin(yaw), np.cos(yaw)]])
        self.matrix = (np.diag(1 / size) @ around_x @ around_y @ around_z).astype(np.float32)  # order z, y, x
        if g.random() < 0.5:
            self.matrix[2] *= -1
        self.middle = np.array([0.0, -15.0, 0.0], np.float32)
        self.shift = g.normal(0, (5, 4))
        self.bottom, self.top = g.uniform(-97, -68), g.uniform(84, 108)
        # Bending: 3 components on a grid of 8 mm over a box of 256 mm, broad and fine.
        shape = (3, 32, 32, 32)
        broad = _smooth_noise(g, shape, (0, 4, 4, 4)) * g.uniform(1.2, 3.2)
        fine = _smooth_noise(g, shape, (0, 2.2, 2.2, 2.2)) * g.uniform(0.3, 1.4)
        self.bend = broad + fine
        self.texture = _smooth_noise(g, (2, 32, 32, 32), (0, 1.5, 1.5, 1.5))
        self.ventricle_growth = np.clip(g.normal(0.05, 0.12), -0.2, 0.35)

    def _draw_tumour(self, g):
        atlas = self.atlas
        label, t1 = atlas["coarse_label"], self.volume[:, ::2, ::2]
        z, y, x = np.ogrid[tuple(slice(n) for n in label.shape)]
        z, y, x = z * 2 - 70.5, y * 2 - 125.0, np.abs(x * 2 - 90.0)
        lobe = (
            np.where(y > 0, 1.0, 0.7) * np.where(y < -60, 0.4, 1.0) * np.where((z < 0) & (x > 25), 1.3, 1.0)
        )
        lobe = lobe * np.where(z < -35, 0.3, 1.0) * np.where(x < 8, 0.3, 1.0) * (z < 66)
        weight = (lobe * ((label == CEREBRUM) & (t1 > 42))).ravel().cumsum()
        seed = np.unravel_index(np.searchsorted(weight, g.random() * weight[-1]), label.shape)
        half = 30
        low = [int(np.clip(s - half, 0, n - 2 * half)) for s, n in zip(seed, label.shape, strict=True)]
        box = tuple(slice(a, a + 2 * half) for a in low)
        curve = [0.02, 0.02, 0.12, g.uniform(0.3, 0.9), 0.9, 1.0]
        speed = np.interp(t1[box], [0, 16, 30, 41, 50, 56], curve) * (label[box] == CEREBRUM) + 2e-3
        rough = _smooth_noise(g, speed.shape, g.uniform(1.5, 4)) * g.uniform(0.2, 0.7)
        cost = (np.exp(rough) / speed).astype(np.float32)
        time = _travel_time(cost, tuple(s - a for s, a in zip(seed, low, strict=True)))
        volume = np.exp(g.normal(np.log(70e3), 0.8))
        voxels = int(np.clip(volume, 9e3, 200e3) / 8)
        limit = np.partition(time.ravel(), voxels)[voxels]
        self.growth = np.minimum(time / limit, 4).astype(np.float32)
        self.growth_low = np.array(low, np.float32)
        inside = np.argwhere(self.growth < 1)
        self.tumour_centre = ((inside.mean(0) + low) * 2 + (-70.5, -125.0, -90.0)).astype(np.float32)
        self.tumour_radius = (voxels * 8 * 0.239) ** (1 / 3)
        self.push = g.uniform(0, 0.45) if g.random() < 0.7 else 0.0
        self.edge = g.uniform(0.03, 0.22)
        self.raggedness = g.uniform(0.0, 0.07)
        self.grain = g.uniform(0, 1.0)
        self.core = g.uniform(0.25, 0.6) if g.random() < 0.28 else 0.0
        fluid = g.choice([g.uniform(0.2, 0.6), g.uniform(0.7, 1.3)])
        self.core_level = (g.uniform(0.25, 0.6), fluid, g.uniform(0.25, 0.6))
        self.core_edge = g.uniform(0.02, 0.12)
        self.cyst = self.tumour_radius * g.uniform(0.3, 0.65) if g.random() < 0.5 else 0.0
        offset = g.normal(0, 0.25, 3) * self.tumour_radius
        self.cyst_centre = (self.tumour_centre + offset).astype(np.float32)
        self.cyst_shape = np.exp(g.normal(0, 0.15, 3)).astype(np.float32)
        self.effacement = g.uniform(0.15, 0.95)
        self.enhancement = g.uniform(0.3, 1.3) if g.random() < 0.25 else 0.0
        self.outline_blur, self.outline_level = g.uniform(0.3, 2.2), g.uniform(0.35, 0.55)

    def _place_slices(self):
        """Spread the slices over the head so that one of them passes through the tumour's middle."""
        back = np.linalg.inv(self.matrix).astype(np.float32)
        place = np.zeros((3, 1), np.float32)
        for _ in range(12):  # fixed-point search for the patient's place of the tumour's middle
            error = self.tumour_centre[:, None] - self._to_atlas(place)
            place = place + (back * error[:, 0]).sum(1, keepdims=True)
        where = float(place[0, 0])
        gap = (self.top - self.bottom) / max(self.n - 1, 1)
        nearest = np.round((where - self.bottom) / gap)
        self.bottom += where - (self.bottom + nearest * gap)
        self.gap = gap

    def _draw_contrasts(self, g, h):
        """Lookup tables (3 channels, 7 labels, 256 T1 intensities); white matter is 1 in each channel."""
        v = np.arange(256.0)
        tables = np.zeros((3, 7, 256))
        grey_t1, fluid_t1 = h.uniform(0.78, 0.95), h.uniform(0.25, 0.5)
        fat = h.uniform(0.75, 1.4)
        self.white = {}
        for c in range(3):
            if c == FLAIR:
                grey, fluid = (
                    h.uniform(1.04, 1.22) + g.normal(0, 0.05),
                    abs(h.uniform(0.1, 0.35) + g.normal(0, 0.08)),
                )
                mid = 1 + (grey - 1) * g.uniform(0.2, 0.7)
                soft, fat_gain = g.uniform(0.5, 1.1), h.uniform(0.75, 1.5) * np.exp(g.normal(0, 0.25))
            else:
                grey = np.clip(grey_t1 + g.normal(0, 0.05), 0.65, 1.02)
                fluid = np.clip(fluid_t1 + g.normal(0, 0.08), 0.1, 0.7)
                mid = grey + (1 - grey) * g.uniform(0.4, 0.7)
                soft, fat_gain = g.uniform(0.8, 1.15), fat * np.exp(g.normal(0, 0.2))
                if c == POST and g.random() < 0.15:
                    fat_gain *= 0.45  # fat suppression
            brain = np.interp(v, [0, FLUID, GREY, 97, WHITE, 140], [0.6 * fluid, fluid, grey, mid, 1, 1.05])
            base = np.interp(v, [0, 12, 30, 60, 108, 150, 220], [0, 0.03, 0.22, 0.6, 1.3, 2.0, 2.6])
            head = base * np.interp(v, [0, 60, 130, 220], [soft, soft, fat_gain, fat_gain])
            tables[c, HEAD] = head
            tables[c, CEREBRUM] = brain
            tables[c, HINDBRAIN] = brain * np.exp(g.normal(0, 0.04))
            tables[c, VENTRICLE] = np.interp(v, [0, FLUID, GREY, WHITE], [0.6 * fluid, fluid, grey, 1])
            tables[c, EYE] = head * (g.uniform(0.3, 1.3) if c == FLAIR else 1)
            tables[c, DURA] = np.minimum(head, 1.0) * (g.uniform(1.0, 1.5) if c == POST else 1)
        self.tables = tables.astype(np.float32)
        self.head_grain = np.float32(g.uniform(0, 0.06))
        self.head_mottle = g.uniform(0, (0.12, 0.4, 0.15)).astype(np.float32)
        self.brain_mottle = g.uniform(0, (0.05, 0.09, 0.05)).astype(np.float32)
        self.caps = abs(g.normal(0, 0.3)) if g.random() < 0.6 else 0.0
        self.caps_reach = g.uniform(2, 8)
        self.spots = []
        for _ in range(int(g.integers(0, 14)) if g.random() < 0.4 else 0):
            centre = (g.uniform(0, 45), g.uniform(-70, 45), g.uniform(15, 45) * g.choice([-1, 1]))
            self.spots.append((np.array(centre, np.float32), g.uniform(1.2, 4), g.uniform(0.15, 0.6)))
        self.pulsation = abs(g.normal(0, 0.4))
        self.vessels = g.uniform(0.2, 1.2)
        # The tumour's levels, white matter being 1.
        faint = g.random() < 0.2
        self.tumour_level = (
            g.uniform(0.42, 0.95),
            g.uniform(1.25, 1.5) if faint else g.uniform(1.45, 2.3),
            g.uniform(0.42, 0.95),
        )
        self.tumour_extent = (g.uniform(0.6, 1.05), 1.0, g.uniform(0.6, 1.05))
        self.tumour_mottle = g.uniform(0.03, 0.2)
        self.tumour_keeps = g.uniform(0.05, 0.4)

    def _draw_scanner(self, g, h):
        # A volume is stored so that its brightest tissue, the fat, comes near the end of the scale.
        brightest = 125 * np.exp(h.normal(0, 0.15, 3) + g.normal(0, 0.12) + g.normal(0, 0.15, 3))
        self.grey_level = np.clip(brightest / np.maximum(self.tables[:, HEAD, 190], 1.4), 14, 100).astype(
            np.float32
        )
        if g.random() < 0.08:
            self.grey_level[FLAIR] *= 0.5
        self.noise = (h.uniform(0.015, 0.07, 3) * np.exp(g.normal(0, 0.4, 3))).astype(np.float32)
        self.cut = [
            (
                min(0.5, h.uniform(0.28, 0.5) * np.exp(g.normal(0, 0.1))),
                min(0.5, 0.5 * np.exp(g.normal(-0.1, 0.12))),
            )
            for _ in range(3)
        ]
        self.roll_off = g.uniform(0.0, 0.5, 3)
        self.swap_phase = h.random(3) < 0.5
        self.ghost = np.where(g.random(3) < 0.3, g.uniform(0.0, 0.05, 3), 0)
        self.ghost_period = g.uniform(4, 40, 3)
        bias = g.normal(0, 1, (3, 9)) * h.uniform(0.3, 1.0)
        self.bias = (bias * np.array([0.12, 0.12, 0.12, 0.1, 0.1, 0.1, 0.06, 0.06, 0.06])).astype(np.float32)
        self.end_gain = (g.normal(0, 0.35, 3) * h.uniform(0.3, 1)).astype(np.float32)
        self.clean_air = g.random() < h.uniform(0, 0.5)
        self.channel_shift = np.where(g.random((3, 1)) < 0.3, g.normal(0, 0.9, (3, 2)), 0)
        self.channel_shift[FLAIR] = 0
        self.gamma = np.exp(g.normal(0, 0.08, 3)).astype(np.float32)
        self.missing = None
        draw = g.random()
        if draw < 0.15:
            self.missing = PRE if draw < 0.07 else POST
        self.clipped = g.random() < 0.06

    def _to_atlas(self, points):
        """Patient millimetres (3, ...) to the atlas's millimetres, both in the order z, y, x."""
        shape = points.shape
        points = points.reshape(3, -1)
        bent = points + np.stack([_sample(f, points / 8 + 16) for f in self.bend])
        m = self.matrix
        moved = np.stack([sum(m[i, j] * bent[j] for j in range(3)) + self.middle[i] for i in range(3)])
        for centre, amount, radius in (
            (np.array([12.0, -5.0, 0.0], np.float32), self.ventricle_growth, 26.0),
            (self.tumour_centre, self.push, 1.1 * self.tumour_radius + 4),
        ):
            away = moved - centre[:, None]
            pull = amount * np.exp(-(away**2).sum(0) / (2 * radius**2)).astype(np.float32)
            inside = _sample(self.atlas["interior"], self._coarse_index(moved))
            moved = moved - away * (pull * inside)
        return moved.reshape(shape).astype(np.float32)

    def _coarse_index(self, atlas_points):
        return (atlas_points - np.array([-70.5, -125.0, -90.0], np.float32)[:, None]) / 2

    def slice(self, number):
        """Render slice `number` (0 is the lowest): image (256, 256, 3) uint8, mask (256, 256) bool."""
        g = np.random.default_rng([*self.key, number])
        height = self.bottom + number * self.gap
        # Fine and broad texture of this slice, standard deviation 1 each.
        noise = np.stack([_smooth_noise(g, (SIDE, SIDE), 1.3), _smooth_noise(g, (SIDE, SIDE), 5.0)])
        tissue = np.zeros((3, SIDE, SIDE), np.float32)
        outline = np.zeros((SIDE, SIDE), np.float32)
        parts = (-0.28, 0.28) if self.gap < 7 else (-0.3, 0.0, 0.3)
        for offset in parts:
            box, layer, share = self._layer(height + offset * min(self.gap, 7), noise)
            if box is not None:
                tissue[(slice(None), *box)] += layer / len(parts)
                outline[box] += share / len(parts)
        mask = self._draw_outline(outline)
        images = np.stack([self._acquire(tissue[c], c, number, g) for c in range(3)], -1)
        if self.missing is not None:
            images[..., self.missing] = images[..., FLAIR]
        return images, mask

    def _layer(self, height, noise):
        steps = np.arange(0, SIDE + 1, _COARSE, dtype=np.float32)
        rows = (SIDE / 2 + self.shift[0] - steps) * self.pixel
        columns = (steps - SIDE / 2 - self.shift[1]) * self.pixel
        grid = np.empty((3, len(steps), len(steps)), np.float32)
        grid[0], grid[1], grid[2] = height, rows[:, None], columns[None, :]
        coarse = self._to_atlas(grid)
        atlas = self.atlas
        scale = atlas["step"][:, None, None]
        index = (coarse - atlas["origin"][:, None, None]) / scale
        # Above the vertex there is nothing; below the atlas its last slice goes on.
        low = np.array([-20, -0.5, -0.5], np.float32)[:, None, None]
        high = (np.array(atlas["label"].shape, np.float32) - 0.5)[:, None, None]
        inside = ((index > low) & (index < high)).all(0)
        present = (_sample(atlas["label"], index, order=0) > 0) & inside
        present = ndimage.binary_dilation(present, iterations=1)
        if not present.any():
            return None, None, None
        r, c = np.nonzero(present.any(1))[0], np.nonzero(present.any(0))[0]
        r0, r1, c0, c1 = max(r[0] - 1, 0), min(r[-1] + 1, 64), max(c[0] - 1, 0), min(c[-1] + 1, 64)
        box = (slice(r0 * _COARSE, r1 * _COARSE), slice(c0 * _COARSE, c1 * _COARSE))
        cut = (slice(None), slice(r0, r1 + 1), slice(c0, c1 + 1))
        index = _enlarge(index[cut])
        t1 = _sample(self.volume, index)
        label = _sample(atlas["label"], index, order=0).astype(np.uint8)
        label[((index < low) | (index > high)).any(0)] = AIR
        level = np.minimum(t1 * 2, 255)
        tissue = self.tables[:, label, (level + 0.5).astype(np.uint8)]
        grid_index = grid[cut].reshape(3, -1) / 8 + 16
        shape = (r1 - r0 + 1, c1 - c0 + 1)
        texture = [_enlarge(_sample(f, grid_index).reshape(shape)) for f in self.texture]
        noise = noise[(slice(None), *box)]
        head, brain = label == HEAD, (label == CEREBRUM) | (label == HINDBRAIN)
        for ch in range(3):
            amount = self.head_mottle[ch] * head + self.brain_mottle[ch] * brain
            tissue[ch] *= 1 + amount * texture[ch == FLAIR] + self.head_grain * head * noise[0]
        self._innocent(tissue, label, level, index, coarse[cut], texture, 0.6 * noise[0] + 0.8 * noise[1])
        share = self._tumour(tissue, label, level, index, noise)
        return box, np.maximum(tissue, 0), share

    def _innocent(self, tissue, label, level, index, coarse, texture, noise):
        """What is bright and no tumour: caps at the ventricles, spots, flowing fluid, vessels."""
        white = (label == CEREBRUM) * np.clip((level - 80) / 25, 0, 1)
        points = self._coarse_index(coarse.reshape(3, -1))
        if self.caps:
            distance = _enlarge(_sample(self.atlas["from_ventricle"], points).reshape(coarse.shape[1:]))
            glow = np.float32(self.caps) * np.exp(-distance / self.caps_reach) * (1 + 0.5 * texture[1])
            tissue[FLAIR] += glow * white
        millimetres = index * self.atlas["step"][:, None, None] + self.atlas["origin"][:, None, None]
        for centre, radius, amount in self.spots:
            if np.abs(coarse[0] - centre[0]).min() < 2 * radius:
                away = ((millimetres - centre[:, None, None]) ** 2).sum(0)
                glow = amount * np.exp(-away / (2 * radius**2)) * white
                tissue[FLAIR] += glow
                tissue[PRE] -= 0.3 * glow
                tissue[POST] -= 0.3 * glow
        fluid = ((label == CEREBRUM) | (label == DURA) | (label == VENTRICLE)) * np.clip(
            (62.0 - level) / 25, 0, 1
        )
        low = np.clip((-5 - millimetres[0]) / 30, 0.05, 1)
        tissue[FLAIR] += self.pulsation * fluid * low * np.clip(texture[0] + 0.3 * noise, 0, 2)
        x, y, z = millimetres[2], millimetres[1], millimetres[0]
        sinus = (label == DURA) & (
            ((np.abs(x) < 4) & (y < 40) & (z > -5)) | ((y < -55) & (np.abs(z + 22) < 5))
        )
        veins = fluid * np.clip(noise - 0.9, 0, 1) * (label != VENTRICLE)
        plexus = (label == VENTRICLE) * np.clip(noise - 0.3, 0, 1) * (y < -15)
        tissue[POST] += self.vessels * (sinus * 0.9 + veins + plexus)
        tissue[FLAIR] += 0.35 * plexus

    def _tumour(self, tissue, label, level, index, noise):
        """Paint the tumour in; give the share of each pixel that an expert would outline."""
        local = np.stack([index[0], index[1] / 2, index[2] / 2]) - self.growth_low[:, None, None]
        inside = ((local >= 0) & (local <= np.array(self.growth.shape)[:, None, None] - 1)).all(0)
        if not inside.any():
            return np.zeros(label.shape, np.float32)
        time = np.where(inside, _sample(self.growth, local), 4) * (
            1 + self.raggedness * (noise[1] + 0.5 * noise[0])
        )
        if time.min() > 1.5:
            return np.zeros(label.shape, np.float32)
        tissue_here = (label == CEREBRUM) | (label == VENTRICLE) | (label == HINDBRAIN)
        solid = tissue_here * np.clip((level - 35.0) / 30, self.effacement, 1)
        noise = noise[1] + self.grain**2 * noise[0]
        mottle = 1 + self.tumour_mottle * noise
        for c in range(3):
            weight = solid / (
                1 + np.exp(np.clip((time - self.tumour_extent[c]) / (self.edge * 0.5), -30, 30))
            )
            target = self.tumour_level[c] * mottle * (1 - self.tumour_keeps) + self.tumour_keeps * tissue[c]
            if c == FLAIR:
                target = np.maximum(target, tissue[c])
            tissue[c] += weight * (target - tissue[c])
        core = self._core(time + 0.1 * noise, index)
        if core is not None:
            core = core * tissue_here
            for c, amount in enumerate((0.7, 0.9, 0.7)):
                tissue[c] += amount * core * (self.core_level[c] * (1 + 0.4 * mottle - 0.4) - tissue[c])
        if self.enhancement:
            rim = (
                np.exp(-(((time - max(self.core, 0.35)) / 0.1) ** 2))
                * np.clip(noise + 0.4, 0, 1.5)
                * tissue_here
            )
            tissue[POST] += self.enhancement * rim
        return ((time < 1) & tissue_here & (level > 30)).astype(np.float32)

    def _core(self, time, index):
        """Where the tumour's middle has softened (follows its growth) or become a cyst (round)."""
        if not self.core:
            return None
        if self.cyst:
            atlas = self.atlas
            place = index * atlas["step"][:, None, None] + atlas["origin"][:, None, None]
            away = (place - self.cyst_centre[:, None, None]) / self.cyst_shape[:, None, None]
            time = np.sqrt((away**2).sum(0)) * self.core / self.cyst
        return 1 / (1 + np.exp(np.clip((time - self.core) / self.core_edge, -30, 30)))

    def _draw_outline(self, outline):
        if not outline.any():
            return np.zeros((SIDE, SIDE), bool)
        mask = ndimage.gaussian_filter(outline, self.outline_blur) > self.outline_level
        mask = ndimage.binary_fill_holes(mask)
        labels, count = ndimage.label(mask)
        if count:
            sizes = np.bincount(labels.ravel())
            sizes[0] = 0
            mask = (sizes >= max(12, 0.04 * sizes.max()))[labels]
        return mask

    def _acquire(self, picture, c, number, g):
        """What the scanner makes of it: coil shading, k-space with its limits, noise, and 8 bits."""
        t = np.linspace(-1, 1, SIDE, dtype=np.float32)
        y, x, z = t[:, None], t[None, :], np.float32(2 * number / max(self.n - 1, 1) - 1)
        b = self.bias[c]
        shading = b[0] * y + b[1] * x + b[2] * z + b[3] * y * y + b[4] * x * x + b[5] * y * x
        shading = shading + (b[6] * y * x * x + b[7] * x * y * y + b[8] * z * x)
        picture = picture * np.exp(shading) * np.exp(self.end_gain[c] * z * abs(z))
        k = scipy.fft.fft2(picture)
        sigma = self.noise[c] * SIDE
        k += (
            g.standard_normal((SIDE, SIDE), np.float32) + 1j * g.standard_normal((SIDE, SIDE), np.float32)
        ) * sigma
        f = scipy.fft.fftfreq(SIDE).astype(np.float32)
        cut = self.cut[c][:: -1 if self.swap_phase[c] else 1]
        for axis in range(2):
            u = np.abs(f) / cut[axis]
            window = (u <= 1) * (1 - self.roll_off[c] * u**2)
            if axis == int(self.swap_phase[c]) and self.ghost[c]:
                order = scipy.fft.fftfreq(SIDE, 1 / SIDE)
                window = window * (1 + self.ghost[c] * 3 * np.cos(2 * np.pi * order / self.ghost_period[c]))
            window = window * np.exp(-2j * np.pi * f * self.channel_shift[c][axis])
            k *= window.astype(np.complex64)[:, None] if axis == 0 else window.astype(np.complex64)[None, :]
        picture = np.abs(scipy.fft.ifft2(k))
        picture = self.grey_level[c] * (picture / 1.0) ** self.gamma[c]
        if self.clean_air:
            picture = picture - 3 * self.noise[c] * self.grey_level[c] * (
                picture < 6 * self.noise[c] * self.grey_level[c]
            )
        if self.clipped and c == FLAIR:
            picture = picture * (y + 0.25 * x < 0.75) * (y + 0.3 * x > -0.85)
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def patient(seed: int, index: int, slices: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Make one patient in memory, without touching the disk.

    The same (seed, index, slices) give the same arrays on every machine thread count; nothing else matters, so
    thousands of patients can be made side by side.

    Args:
        seed: of the whole set.
        index: which patient of it, from 0.
        slices: how many slices to spread over the head; None draws 20 to 40, by the hospital's habit.

    Returns:
        images (n, 256, 256, 3) uint8 (pre-contrast T1, FLAIR, post-contrast T1) and masks (n, 256, 256) bool,
        from the neck up.
    """
    return _render(_Patient(seed, index, slices))


def _render(person):
    pictures = [person.slice(number) for number in range(person.n)]
    return np.stack([p[0] for p in pictures]), np.stack([p[1] for p in pictures])


def make(
    folder, patients: int = 24, seed: int = 0, progress: bool = True, slices: int | None = None
) -> pathlib.Path:
    """Write a set of phantom patients in the Kaggle layout: `folder`/kaggle_3m/TCGA_.../TCGA_..._1.tif and _1_mask.tif.

    Patient k is the same however many are asked for. All is written to a temporary folder and renamed at the end, so
    an interrupted run leaves nothing that looks finished.

    Args:
        folder: where kaggle_3m goes; made if missing. An older kaggle_3m in it is replaced.
        patients: 1 to 9999.
        seed: of the whole set.
        progress: show a bar.
        slices: a fixed number of slices a patient, instead of 20 to 40.

    Returns:
        The kaggle_3m folder.

    Raises:
        ValueError: the number of patients is out of range.
        OSError: the folder cannot be written, or the disk is full.
    """
    if not 1 <= patients <= 9999:
        raise ValueError(f"patients is {patients}: ask for 1 to 9999.")
    folder = pathlib.Path(folder)
    final = folder / "kaggle_3m"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kaggle_3m-", dir=folder) as temporary:
            unfinished = pathlib.Path(temporary) / "kaggle_3m"
            unfinished.mkdir()
            (unfinished / "README.md").write_text(
                _README.format(patients=patients, seed=seed), encoding="utf-8"
            )
            _write_patients(unfinished, patients, seed, progress, slices)
            if final.exists():
                final.rename(pathlib.Path(temporary) / "replaced")
            unfinished.rename(final)
    except OSError as problem:
        raise OSError(
            f"Cannot write the phantom patients to {folder}: {problem.strerror or problem}; about "
            f"{patients * 4} MB of free space in a writable folder are needed."
        ) from problem
    return final


def _write_patients(folder, patients, seed, progress, slices):
    with concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        jobs = [pool.submit(_write_patient, folder, seed, index, slices) for index in range(patients)]
        try:
            done = concurrent.futures.as_completed(jobs)
            for job in tqdm(done, "phantom brain", patients, unit="patient", disable=not progress):
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_patient(folder, seed, index, slices):
    person = _Patient(seed, index, slices)
    images, masks = _render(person)
    home = folder / person.name
    home.mkdir()
    for number, (image, mask) in enumerate(zip(images, masks, strict=True), 1):
        Image.fromarray(image).save(home / f"{person.name}_{number}.tif", compression="tiff_lzw")
        outline = Image.fromarray(mask.astype(np.uint8) * 255)
        outline.save(home / f"{person.name}_{number}_mask.tif", compression="tiff_lzw")


_README = """# Phantom patients

These are NOT real patients. {patients} phantoms made by `helpers.data.phantom_brain` with seed {seed}, in the layout
of the Kaggle set mateuszbuda/lgg-mri-segmentation: a folder a patient, slices numbered from the neck up, channels
pre-contrast T1, FLAIR and post-contrast T1, masks 0 or 255. The hospitals (PA, PB, ...) and the dates are invented.
The anatomy comes from Colin27 and MNI152; their notices stand in the README of the course's data folder.
"""
