"""The note in a picture's metadata that a trained model made or changed it."""

from __future__ import annotations

import dataclasses

from backend.photos.containers.xmp import with_source_type
from backend.photos.photo import Photo
from protocol.provenance import SourceType


def declared(photo: Photo, source_type: SourceType) -> Photo:
    """The photo, saying so; what its metadata says already stays, and a damaged packet too."""
    packet = with_source_type(photo.metadata.xmp, source_type)
    if packet is None:
        return photo
    metadata = dataclasses.replace(photo.metadata, xmp=packet)
    return dataclasses.replace(photo, metadata=metadata)
