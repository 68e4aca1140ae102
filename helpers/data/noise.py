"""Slices as a noisier scanner would have taken them. Built by hand in lesson 15; its hidden patients come from one."""

import dataclasses

import numpy as np

from helpers.data import brain


def rescan(images: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Add noise to slices, each pixel and channel its own, rounded and kept within 0 to 255.

    Args:
        images: (n, h, w, channels) uint8, as a scanner gives them: before normalisation.
        strength: standard deviation of the noise in grey values, 0 or more.
        rng: the source of all randomness.

    Returns:
        A new array, uint8 of the same shape.
    """
    return np.clip(np.rint(images + rng.normal(0, strength, images.shape)), 0, 255).astype(np.uint8)


def rescan_patients(slices: brain.Slices, strongest: float, rng: np.random.Generator) -> brain.Slices:
    """Add noise to each patient, of a strength of its own from 0 to `strongest`, then normalise (`brain.normalise`).

    Args:
        slices: before normalisation.
        strongest: the largest standard deviation, in grey values.
        rng: the source of all randomness.

    Returns:
        New slices; masks, patients and numbers are shared with the input.
    """
    images = np.empty_like(slices.images)
    for patient in np.unique(slices.patients):
        rows = np.flatnonzero(slices.patients == patient)
        images[rows] = rescan(slices.images[rows], rng.uniform(0, strongest), rng)
    return brain.normalise(dataclasses.replace(slices, images=images))
