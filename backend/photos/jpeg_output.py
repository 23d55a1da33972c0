"""A photo as a JPEG: around the segments of the file it came from, or with new ones."""

from __future__ import annotations

import io
from typing import Any

from PIL import JpegImagePlugin

from backend.photos.coding import image_of, saved, sketch_of, stored
from backend.photos.containers import jpeg, jpeg_rest, previews
from backend.photos.formats import open_picture
from backend.photos.metadata import SourceFile
from backend.photos.photo import Photo

_QUALITY = {"quality": 95, "subsampling": 0}


def room_for_exif(photo: Photo, same: bool) -> int:
    """Bytes that the EXIF block may have: one segment's, or those that the file has for it."""
    room = jpeg.ROOM - len(jpeg.EXIF)
    exif = photo.metadata.exif if same else None
    return max(room, len(exif)) if exif else room


def fits_segment(data: bytes, head: bytes) -> bool:
    """Whether a block fits into one segment, behind its head."""
    return len(head) + len(data) <= jpeg.ROOM


def jpeg_of(photo: Photo, same: bool) -> bytes:
    """The file; `same` where the photo came from a JPEG."""
    if not same or photo.source is None:
        segments = _new_segments(photo)
    else:
        segments = jpeg.kept(photo.source.data, anew=photo.edited)
        if photo.edited:
            segments = _with_previews(photo, segments)
            if photo.source.converted:  # the profile is of the old colours
                segments = [s for s in segments if not s.data.startswith(jpeg.PROFILE)]
    if photo.metadata.xmp:
        segments = jpeg.with_xmp(segments, photo.metadata.xmp)
    picture = jpeg.with_segments(_coded(photo, same), segments)
    if not same or photo.source is None:
        return picture
    sketch = sketch_of(photo) if photo.edited else None
    return jpeg_rest.with_rest(picture, photo.source.data, sketch)


def _coded(photo: Photo, same: bool) -> bytes:
    """The picture: the file's own where nothing was edited, else coded as finely as that is."""
    if not same or photo.source is None:
        return saved(image_of(stored(photo, same)), "JPEG", **_QUALITY)
    if not photo.edited:
        return photo.source.data[: jpeg.end_of(photo.source.data) or None]
    return saved(image_of(stored(photo, same)), "JPEG", **_coding_of(photo.source))


def _coding_of(source: SourceFile) -> dict[str, Any]:
    """How the file's picture is quantised: by the same tables, most of what is not edited becomes
    the same numbers again.
    """
    with open_picture(io.BytesIO(source.data), ("JPEG",)) as image:
        if source.converted or not isinstance(image, JpegImagePlugin.JpegImageFile):
            return _QUALITY
        return {
            "qtables": image.quantization,
            "subsampling": max(0, JpegImagePlugin.get_sampling(image)),
            "progressive": bool(image.info.get("progressive")),
        }


def _with_previews(photo: Photo, segments: list[jpeg.JpegSegment]) -> list[jpeg.JpegSegment]:
    """The segments with thumbnails that show the photo."""
    if photo.metadata.exif:
        segments = jpeg.with_exif(segments, photo.metadata.exif)
    resources = jpeg.resources_of(segments)
    new = previews.in_resources(resources, sketch_of(photo))
    return segments if new == resources else jpeg.with_resources(segments, new)


def _new_segments(photo: Photo) -> list[jpeg.JpegSegment]:
    said = photo.metadata
    segments = [jpeg.density_segment(said.density or (72, 72))]
    if said.exif and fits_segment(said.exif, jpeg.EXIF):
        segments.append(jpeg.JpegSegment(jpeg.APP1, jpeg.EXIF + said.exif))
    if photo.profile:
        segments += jpeg.profile_segments(photo.profile)
    if said.iptc and fits_segment(said.iptc, bytes(30)):
        segments.append(jpeg.iptc_segment(said.iptc))
    if said.comment:
        segments.append(jpeg.JpegSegment(jpeg.COMMENT, said.comment.encode()[: jpeg.ROOM]))
    return segments
