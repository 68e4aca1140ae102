"""Predictions become scores: losses, metrics, schedules, experiments and inference."""
