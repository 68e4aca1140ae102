"""Predictions to numbers: losses, metrics and intervals."""
