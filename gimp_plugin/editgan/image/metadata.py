"""What an image's metadata says about how it was made."""

from __future__ import annotations

from typing import Final

from gi.repository import Gimp

from image import exports
from link import settings
from protocol import provenance

_SAID: Final = "compositeWithTrainedAlgorithmicMedia"


def declare(image: Gimp.Image) -> None:
    """Say in the image's metadata that it holds a trained model's work, and see that exported files
    say it, unless the user does not want that; undone with the step that it is called in.

    Without GExiv2: GIMP's own packages do not bring its bindings along.
    """
    if not settings.load().declare_ai:
        return
    metadata = image.get_metadata() or Gimp.Metadata.new()
    if _SAID in metadata.serialize():
        return  # whoever has unticked the export since then meant it
    metadata.set_from_xmp(provenance.xmp(_SAID))  # adds to it
    image.set_metadata(metadata)
    exports.tick_xmp(image)
