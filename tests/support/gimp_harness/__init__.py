"""Runs tests/gimp inside real GIMPs and shows each of its results in the outer pytest run."""

from pathlib import Path

import pytest

INSTALLED = pytest.StashKey[Path]()  # the real data folder, where install.py put GIMP
LANES = pytest.StashKey[Path]()  # the folder in which every GIMP has one of its own
TAKEN = "taken"  # in that folder: a folder for each file of tests that one of them has taken
WORKSTATION = "workstation"  # in the run's folder: the data folder of another computer's backend
WORKSTATION_ADDRESS = "EDITGAN_TEST_WORKSTATION"  # variable: where that listens, HOST:PORT
LEVEL = "fast"  # of the tests' user: embedding closely is not what they are about
