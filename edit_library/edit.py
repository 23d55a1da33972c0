"""What an edit is, and its description as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edit_library.errors import BadEdit, WrongBundleEdit
from edit_library.names import MAX_TITLE, check_name
from protocol import bounded_file
from protocol.paths import is_folder_name

FORMAT = "editgan-edit"
FORMAT_VERSION = 1
MAX_N_WS = 64
MAX_W_DIM = 4096
MAX_PARTS = 256
MAX_TEXT = 4000
MAX_SCALE = 100.0
MAX_THUMBNAIL = 2 << 20  # bytes
MAX_VALUE = 1e4  # of a vector: codes have values around 1

_OPTIONAL = ("description", "licence", "attribution", "created")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class EditInfo:
    """An edit without its vector.

    name: folder name; title and description: free text, any language.
    bundle, generator_sha256, n_ws, w_dim: the generator whose W+ the vector lives in.
    parts: Q_edit, the parts that the edit is meant to change.
    low <= default <= high: useful scales; 1 is the edit as it was learned, 0 is none.
    created: ISO 8601, UTC. learnt_from: from how many photos. source: "preset" or "user".
    """

    name: str
    title: str
    description: str
    bundle: str
    generator_sha256: str
    n_ws: int
    w_dim: int
    parts: tuple[str, ...]
    low: float
    high: float
    default: float
    created: str
    learnt_from: int = 1
    license: str = ""
    attribution: str = ""
    source: str = "user"
    folder: Path = field(default=Path(), compare=False)

    @property
    def before(self) -> bytes | None:
        """The WebP thumbnail of the photo before the edit, if there is one."""
        return _read_optional(self.folder / "before.webp")

    @property
    def after(self) -> bytes | None:
        """The WebP thumbnail of the photo after the edit, if there is one."""
        return _read_optional(self.folder / "after.webp")

    def check_generator(self, sha256: str, shape: tuple[int, ...] | None = None) -> None:
        """Raises WrongBundleEdit unless the edit was learned with this generator.

        sha256: hex, of the generator's weights. shape: (n_ws, w_dim).
        """
        if self.generator_sha256 != sha256 or shape not in (None, (self.n_ws, self.w_dim)):
            raise WrongBundleEdit(
                f"The edit '{self.title}' was learned with another version of the model "
                f"'{self.bundle}' and does not fit the one in use; learn it again from photos "
                "with 'editgan learn', or save it again after a repaint."
            )

    def to_json(self) -> dict[str, Any]:
        """What `edit.json` holds."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "bundle": self.bundle,
            "generator_sha256": self.generator_sha256,
            "n_ws": self.n_ws,
            "w_dim": self.w_dim,
            "parts": list(self.parts),
            "low": self.low,
            "high": self.high,
            "default": self.default,
            "created": self.created,
            "learnt_from": self.learnt_from,
            "licence": self.license,
            "attribution": self.attribution,
        }


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit with its editing vector, float32 [n_ws, w_dim], finite."""

    info: EditInfo
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class BrokenEdit:
    """A folder in the library that cannot be read as an edit, and why, in one sentence."""

    bundle: str
    name: str
    source: str
    folder: Path
    reason: str


def parse_info(text: bytes, *, source: str = "user", folder: Path = Path()) -> EditInfo:
    """An EditInfo from the bytes of `edit.json`; raises BadEdit unless every value is sound."""
    try:
        data = bounded_file.parse_json(text)
    except ValueError as error:
        raise BadEdit("Its edit.json is not valid JSON.") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadEdit("Its edit.json does not describe an edit.")
    version = _integer(data, "format_version", 1, 1_000_000)
    if version > FORMAT_VERSION:
        raise BadEdit(f"It has format {version}; update EditGAN to use it.")
    return check_info(
        EditInfo(
            name=_text(data, "name"),
            title=_text(data, "title"),
            description=_text(data, "description"),
            bundle=_text(data, "bundle"),
            generator_sha256=_text(data, "generator_sha256"),
            n_ws=_integer(data, "n_ws", 1, MAX_N_WS),
            w_dim=_integer(data, "w_dim", 1, MAX_W_DIM),
            parts=_parts(data),
            low=_number(data, "low"),
            high=_number(data, "high"),
            default=_number(data, "default"),
            created=_text(data, "created"),
            learnt_from=_integer(data, "learnt_from", 0, 1_000_000),
            license=_text(data, "licence"),
            attribution=_text(data, "attribution"),
            source=source,
            folder=folder,
        )
    )


def check_info(info: EditInfo) -> EditInfo:
    """`info` if its values are sound; raises BadEdit saying which is not."""
    check_name(info.name)
    if not is_folder_name(info.bundle):
        raise BadEdit(f"The edit names a model that cannot be: {info.bundle!r:.80}.")
    if not info.title.strip() or len(info.title) > MAX_TITLE or not info.title.isprintable():
        raise BadEdit(f"An edit's title must be one line of 1 to {MAX_TITLE} characters.")
    texts = (info.description, info.license, info.attribution, info.created)
    if any(len(text) > MAX_TEXT for text in texts):
        raise BadEdit(f"An edit's texts may have at most {MAX_TEXT} characters.")
    if not _SHA256.fullmatch(info.generator_sha256):
        raise BadEdit("The edit does not say with which generator it was learned (sha256).")
    if not info.parts or len(info.parts) > MAX_PARTS or not all(_is_part(p) for p in info.parts):
        raise BadEdit("The edit does not name the parts that it changes.")
    scales = (info.low, info.high, info.default)
    if not all(math.isfinite(s) and abs(s) <= MAX_SCALE for s in scales):
        raise BadEdit(f"An edit's scales must be numbers between -{MAX_SCALE:g} and {MAX_SCALE:g}.")
    if not (info.low <= info.default <= info.high and info.low < info.high):
        raise BadEdit("An edit's scales must satisfy low <= default <= high, and low < high.")
    return info


def check_vector(vector: NDArray[Any]) -> NDArray[np.float32]:
    """`vector` as float32 [n_ws, w_dim]; raises BadEdit unless it has that shape and is finite."""
    array = np.asarray(vector)
    if array.dtype.kind != "f" or array.ndim != 2:
        given = f"{array.dtype} {list(array.shape)}"
        raise BadEdit(f"An editing vector must be float [n_ws, w_dim], not {given}.")
    if not (1 <= array.shape[0] <= MAX_N_WS and 1 <= array.shape[1] <= MAX_W_DIM):
        raise BadEdit(f"An editing vector of shape {list(array.shape)} is outside the limits.")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(result).all():
        raise BadEdit("The editing vector holds values that are not finite numbers.")
    if np.abs(result).max() > MAX_VALUE:
        raise BadEdit(f"The editing vector holds values beyond {MAX_VALUE:g}, which no edit has.")
    return result


def _is_part(text: str) -> bool:
    return 0 < len(text) <= 100 and text.isprintable()


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key, "" if key in _OPTIONAL else None)
    if not isinstance(value, str):
        raise BadEdit(f"Its edit.json has no text '{key}'.")
    return value


def _integer(data: Mapping[str, object], key: str, low: int, high: int) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadEdit(f"Its edit.json has no integer '{key}' between {low} and {high}.")
    return value


def _number(data: Mapping[str, object], key: str) -> float:
    value = data.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > MAX_SCALE:
        raise BadEdit(f"Its edit.json has no number '{key}' within +-{MAX_SCALE:g}.")
    return float(value)


def _parts(data: Mapping[str, object]) -> tuple[str, ...]:
    value = data.get("parts")
    if not isinstance(value, list) or not all(isinstance(p, str) for p in value):
        raise BadEdit("Its edit.json has no list of part names 'parts'.")
    return tuple(value)


def _read_optional(path: Path) -> bytes | None:
    try:
        return bounded_file.read(path, MAX_THUMBNAIL)
    except OSError:
        return None
