"""Runs tests/gimp inside one real GIMP and shows each of its results in the outer pytest run."""

from pathlib import Path

import pytest

INSTALLED = pytest.StashKey[Path]()  # the real data folder, where install.py put GIMP
