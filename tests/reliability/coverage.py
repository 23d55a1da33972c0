"""One target under atheris: `python -m tests.reliability.coverage TARGET CORPUS [OPTIONS]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["protocol", "edit_library", "backend.bundles"]):
    from tests.reliability.targets import targets

if __name__ == "__main__":
    target = targets()[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.try_one)
    atheris.Fuzz()
