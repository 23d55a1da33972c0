"""What arguments mean: photos read, weights, and names checked before the work."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import BadImage, BadSetting

if TYPE_CHECKING:
    from backend.editing.options import Weights
    from backend.photos.photo import Photo
    from protocol.provenance import SourceType


_PACKAGES = {  # that not everybody needs, by module
    "ai_edge_litert": "ai-edge-litert",
    "matplotlib": "matplotlib",
    "ray": "ray",
    "sklearn": "scikit-learn",
    "torch_fidelity": "torch-fidelity",
}


def declared(
    photo: Photo,
    args: argparse.Namespace,
    source_type: SourceType = "compositeWithTrainedAlgorithmicMedia",
) -> Photo:
    """The photo, saying in its metadata how it was made unless the user does not want that."""
    from backend.session.declaration import declared as saying_so

    return saying_so(photo, source_type) if declaration_wanted(args) else photo


def declaration_wanted(args: argparse.Namespace) -> bool:
    """Whether results say how they were made: as --declare-ai says, else the settings."""
    from protocol import settings

    return settings.load().declare_ai if args.declare_ai is None else args.declare_ai


def read_input(args: argparse.Namespace) -> Photo | None:
    """The photo that was named, None for a picture of the model's own; raises BadImage."""
    from backend.photos.files import read_photo

    return None if args.photo is None else read_photo(args.photo)


def weights_of(args: argparse.Namespace) -> Weights:
    """The weights of the losses as the command line says; raises BadSetting."""
    from backend.editing.options import Weights

    values = {}
    for text in args.weight:
        name, _, value = text.partition("=")
        try:
            values[name] = float(value)
        except ValueError:
            raise BadSetting(f"'{text}' is not a weight; write for instance lpips=5.") from None
    return Weights.named(values)


def check_not_input(output: Path, *inputs: Path | None) -> None:
    """Raises BadImage where writing `output` would destroy a file that is read."""
    for path in filter(None, inputs):
        with contextlib.suppress(OSError):
            if output.samefile(path):
                raise BadImage(f"Writing to {output} would overwrite the input; use another name.")


def say_losses(photo: Photo | None, output: Path) -> None:
    """Name what the output cannot hold while there is time to choose another format."""
    from backend.photos.files import losses

    if photo is not None and (sentence := losses(photo, output)):
        print(f"editgan: {sentence}", file=sys.stderr)


def check_packages(what: str, modules: Sequence[str]) -> None:
    """Raises BadSetting where `what` needs modules whose packages are not installed."""
    missing = [_PACKAGES[name] for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise BadSetting(
            f"{what} needs {', '.join(missing)}; install them with: "
            f"{sys.executable} -m pip install {' '.join(missing)}"
        )


def check_edit_name(bundle: str, name: str, *, overwrite: bool) -> None:
    """Before minutes of work: may an edit be saved under this name? Raises EditExists."""
    from edit_library import EditExists, EditNotFound, Library, slugify
    from protocol.paths import library_dir

    try:
        found = Library(library_dir()).get(bundle, slugify(name)).info
    except EditNotFound:
        return
    if found.source == "preset" or not overwrite:
        raise EditExists(
            f"There is an edit named '{found.name}' already; choose another name"
            f"{'' if found.source == 'preset' else ', or add --overwrite'}."
        )
