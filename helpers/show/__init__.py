"""Scores into pictures: figures, widgets for notebooks, and a live view of a training."""

from helpers.show import checks

checks.install()
