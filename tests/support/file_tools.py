"""What other programs say about picture files, so that no reader of the product judges itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

needs_exiftool = pytest.mark.skipif(
    shutil.which("exiftool") is None,
    reason="exiftool is missing (Debian: libimage-exiftool-perl); install.py --test installs it",
)
needs_vips = pytest.mark.skipif(
    shutil.which("vips") is None,
    reason="vips is missing (Debian: libvips-tools); install.py --test installs it",
)
# What describes how pixels are packed, and the file itself, but not the photo.
_STORAGE = (
    "System:", "ExifTool:", "SourceFile", "Composite:", "StripByteCounts", "StripOffsets",
    "TileByteCounts", "TileOffsets", "YCbCrSubSampling", "WebP_Flags", "Interlace",
    "ThumbnailOffset", "ThumbnailLength", "QuickTime:MediaData", "QuickTime:Chroma",
    "QuickTime:CompatibleBrands", "QuickTime:MatrixCoefficients", "QuickTime:Handler",
    "MPImageStart", "MPImageLength", "RIFF:VP8Version", "RIFF:HorizontalScale",
    "RIFF:VerticalScale", "RIFF:AlphaPreprocessing", "RIFF:AlphaFiltering",
    "RIFF:AlphaCompression", "Adobe:ColorTransform", "File:EncodingProcess", "PreviewImageStart",
)  # fmt: skip
_DRAWN_ANEW = ("ThumbnailImage", "PhotoshopThumbnail")  # only that there is one stays
NOTE = "XMP-iptcExt:DigitalSourceType"


def tags_of(path: Path) -> dict[str, Any]:
    """All that exiftool finds in a file, by group and name, but for how pixels are packed."""
    words = ["exiftool", "-json", "-G1", "-a", "-s", "-n", "-ee", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)[0]
    kept = {k: v for k, v in found.items() if not any(word in k for word in _STORAGE)}
    return {k: "there" if k.endswith(_DRAWN_ANEW) else v for k, v in kept.items()}


def complaints_of(path: Path) -> set[str]:
    """What exiftool finds wrong in a file."""
    words = ["exiftool", "-validate", "-warning", "-error", "-a", "-q", "-s3", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return {line for line in done.stdout.splitlines() if not line[0].isdigit() and line != "OK"}
