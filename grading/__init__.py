"""Grading of what learners hand in: `python -m grading submitted`, or `make grade`.

It is no part of the installed package. `docs/instructors.md` says how it is used.
"""
