"""Attacks on the real programs, each of which prints how often it was tried.

The short run is part of the test suite; `python -m tests.reliability --long` takes hours and prints
one table in the end.
"""
