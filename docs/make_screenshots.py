"""Makes the documentation's pictures of GIMP: `python docs/make_screenshots.py [NAME ...]`.

Starts the GIMP that `install.py --test` prepared, with all its windows, on a display of its own,
and lets screenshots_in_gimp.py work in it. Writes docs/images/gimp-NAME.png, all or those named;
the animation is docs/images/window.webp.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
PROJECT = DOCS.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests/support")]

from backend.bundles.bundle import read_bundle, write_bundle_json  # noqa: E402
from backend.bundles.registry import BUILTIN  # noqa: E402
from backend.photos.formats import open_picture  # noqa: E402
from gimp_harness.profile import TestGimp, find_gimp  # noqa: E402
from gimp_harness.windowed import tell  # noqa: E402
from protocol import paths  # noqa: E402

NAMES = [
    "window",
    "animation",
    "parts",
    "result",
    "segment",
    "live",
    "edit-library",
    "borrow",
    "best-take",
    "new-model",
    "status",
    "models",
    "settings",
]
STEPS = "steps"  # a file in the run's folder: the pictures that were begun, a line each
_FILM = (960, 600)  # px, the animation
_LANCZOS = Image.Resampling.LANCZOS
_LIMIT = 300.0  # seconds for each picture, and as many for the start, on a busy machine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--to", type=Path, default=DOCS / "images", help="another folder for them")
    options = parser.parse_args()
    names = options.names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    options.to.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="editgan-shots-") as folder:
        problem = shoot(find_gimp(paths.data_dir()), Path(folder), names)
        animate(sorted(Path(folder).glob("animation-*.png")), options.to / "window.webp")
        for name in [name for name in names if name != "animation"]:
            if (made := Path(folder, f"{name}.png")).exists():
                small(open_picture(made).convert("RGB")).save(
                    options.to / f"gimp-{name}.png", optimize=True
                )
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def shoot(gimp: TestGimp, run: Path, names: list[str]) -> str:
    """Make the pictures run/NAME.png in a GIMP; returns what went wrong, "" if nothing did."""
    if "new-model" in names:
        without_parts(BUILTIN / "cats", run / "home/bundles/my-cats")
    settings = {
        "EDITGAN_PICTURES": " ".join(names),
        "EDITGAN_TEST_IMAGE": str(PROJECT / "assets/portrait.png"),
    }
    try:
        tell(gimp, run, DOCS / "screenshots_in_gimp.py", settings, _LIMIT * (1 + len(names)))
    except RuntimeError as error:
        return f"{error} {_last_step(run)}"
    return ""


def without_parts(bundle: Path, to: Path) -> None:
    """The generator of a bundle as an import leaves it."""
    shutil.copytree(bundle, to)
    mine = replace(read_bundle(to), name=to.name, title="My cats", parts=(), groups={}, large=())
    for name in ("segmentation", "encoder"):
        (to / f"{name}.safetensors").unlink()
    write_bundle_json(mine)


def _last_step(run: Path) -> str:
    begun = (run / STEPS).read_text(encoding="utf-8").split() if (run / STEPS).exists() else []
    return f"It happened at the picture {begun[-1]}." if begun else "No picture was begun."


def animate(shots: list[Path], to: Path) -> None:
    """One animated picture; each shot's name says for how many milliseconds it is shown."""
    if not shots:
        return
    pictures = [open_picture(shot).convert("RGB").resize(_FILM, _LANCZOS) for shot in shots]
    times = [int(shot.stem.rpartition("-")[2]) for shot in shots]
    pictures[0].save(
        to, save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=80, method=6
    )


def small(picture: Image.Image) -> Image.Image:
    """With a palette where that loses nothing."""
    few = picture.getcolors(256) is not None
    return picture.quantize(256, dither=Image.Dither.NONE) if few else picture


if __name__ == "__main__":
    sys.exit(main())
