"""What an image's metadata says about how it was made."""

from __future__ import annotations

from gi.repository import Gimp

from link import settings
from protocol import provenance


def declare(image: Gimp.Image) -> None:
    """Say in the image's metadata that it holds a trained model's work, unless the user does not
    want that; undone with the step that it is called in.

    Without GExiv2: GIMP's own packages do not bring its bindings along.
    """
    if not settings.load().declare_ai:
        return
    metadata = image.get_metadata() or Gimp.Metadata.new()
    metadata.set_from_xmp(provenance.xmp("compositeWithTrainedAlgorithmicMedia"))  # adds to it
    image.set_metadata(metadata)
