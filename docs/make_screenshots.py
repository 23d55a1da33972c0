"""Makes the documentation's pictures of GIMP: `python docs/make_screenshots.py`.

Starts the GIMP that `install.py --test` prepared, with all its windows, on a display of its own,
and lets screenshots_in_gimp.py work in it. Writes docs/images/gimp-*.png.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
PROJECT = DOCS.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests/support")]

from gimp_harness.profile import TestGimp, find_gimp  # noqa: E402
from installer.enter import command, launcher, start_backend  # noqa: E402
from protocol import paths  # noqa: E402

SIZE = "1440x900"
PICTURES = ("parts", "result", "segment", "edit-library", "status")
_WINDOWS = """
Xvfb -displayfd 1 -noreset -screen 0 "$1"x24 -nolisten tcp >"$0/display" 2>/dev/null &
while [ ! -s "$0/display" ]; do sleep 0.05; done
export DISPLAY=:$(cat "$0/display")
openbox &
shift
exec "$@"
"""
_START = (
    "import os, runpy; "
    "runpy.run_path(os.environ['EDITGAN_SHOOT'])['main'](os.environ['EDITGAN_PICTURES'])"
)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="editgan-shots-") as folder:
        return shoot(find_gimp(paths.data_dir()), Path(folder), DOCS / "images")


def shoot(gimp: TestGimp, run: Path, pictures: Path) -> int:
    """Run GIMP until its batch has made the pictures; returns 0 when it has."""
    begin = time.time()
    home, profile = run / "home", run / "profile"
    home.mkdir()
    pictures.mkdir(exist_ok=True)
    gimp.make_profile(profile, home)
    backend = [sys.executable, "-m", "backend.cli", "serve"]
    environment = {**os.environ, "EDITGAN_HOME": str(home)}
    words = ["gimp", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", _START]
    with launcher({"start": lambda: start_backend(backend, environment, PROJECT)}) as fifo:
        settings = {
            "EDITGAN_HOME": str(home),
            "EDITGAN_LAUNCHER": str(fifo),
            "EDITGAN_PICTURES": str(pictures),
            "EDITGAN_SHOOT": str(DOCS / "screenshots_in_gimp.py"),
            "EDITGAN_PORTRAIT": str(PROJECT / "assets/portrait.png"),
            "GIMP3_DIRECTORY": str(profile),
        }
        shell = ["sh", "-c", _WINDOWS, str(run), SIZE, *words]
        start = command(gimp.root, shell, settings) if gimp.root else shell
        environment |= settings
        subprocess.run(start, env=environment, cwd=PROJECT, check=False)
    wanted = [pictures / f"gimp-{name}.png" for name in PICTURES]
    made = [path for path in wanted if path.exists() and path.stat().st_mtime > begin]
    for picture in made:
        Image.open(picture).convert("RGB").save(picture, optimize=True)
    for picture in set(wanted) - set(made):
        print(f"{picture} was not made.", file=sys.stderr)
    return 0 if made == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
