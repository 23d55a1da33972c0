"""`python3 -m installer.pins`: write the pins with hashes (`.txt`) from those without (`.in`).

Needs `uv` on the path; it asks the package index for the hashes of every file of each release, for
all platforms. Run it after changing a version.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from installer.torch_build import PINS


def main() -> int:
    """Write all of them; returns the exit code."""
    uv = shutil.which("uv")
    if uv is None:
        print("uv is not on the path; `pip install uv` gets it.", file=sys.stderr)
        return 2
    flags = ["--no-deps", "--generate-hashes", "--universal", "--no-header", "--no-annotate"]
    for source in sorted(PINS.glob("*.in")):
        made = str(source.with_suffix(".txt"))
        python = ["--python-version", "3.11"]
        command = [uv, "pip", "compile", "--quiet", *flags, *python, str(source), "-o", made]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
