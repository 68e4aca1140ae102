"""Runs: from settings to a folder with a trained and scored network."""
