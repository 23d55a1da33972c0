"""How long a photographer waits in GIMP: `python benchmarks/window_times.py [--megapixels 24]`.

Starts the GIMP that `install.py --test` prepared, with all its windows, operates the EditGAN window
by the keyboard (tests/support/window_times_in_gimp.py), and looks at the screen until it shows what
is waited for. Prints each wait beside its goal, in seconds; the last line is one JSON object. Worth
something on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support")]

from backend.photos.formats import open_picture  # noqa: E402
from gimp_harness.profile import find_gimp  # noqa: E402
from gimp_harness.windowed import tell  # noqa: E402
from protocol import paths  # noqa: E402

GOALS = {
    "people": ("window to the people in it", 2.0),
    "presets": ("people to the presets' pictures", 4.0),
    "canvas": ("slider to canvas", 0.25),
    "layers": ("Segment Parts of a photo that is known", 1.0),
    "preview": ("command to a repaint's first preview", 1.0),
}
_LIMIT = 1800.0  # seconds for everything, on a busy machine


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=24.0, help="of the photo (default: 24)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="editgan-times-") as folder:
        photo = Path(folder, "photo.jpg")
        enlarged(args.megapixels).save(photo, quality=92)
        settings = {"EDITGAN_TEST_IMAGE": str(photo)}
        story = ROOT / "tests/support/window_times_in_gimp.py"
        told = tell(find_gimp(paths.data_dir()), Path(folder), story, settings, _LIMIT)
    print(f"{args.megapixels:g} megapixels; load {os.getloadavg()[0]:.1f}")
    for name, (what, goal) in GOALS.items():
        print(f"{what:40} {told[name]:6.2f} s   goal {goal:.2f} s")
    print(json.dumps(told))
    return 0


def enlarged(megapixels: float) -> Image.Image:
    """The portrait, so large."""
    side = round((megapixels * 1e6) ** 0.5)
    with open_picture(ROOT / "assets/portrait.png") as picture:
        return picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sys.exit(main())
