"""`bundle.json` and what it promises about the files beside it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from backend.bundles.crop import read_crop
from backend.errors import BadBundle, IncompleteBundle, UnknownPart
from backend.models.config import GeneratorConfig
from protocol import bounded_file
from protocol.typed import MAX_NAME, Matches, ProtocolError, Range, from_known, require

FORMAT_VERSION = 1
MAX_DESCRIPTION = 1 << 20  # bytes of a JSON file
MAX_PARTS = 255  # label maps are bytes, and 255 says nothing
NETWORKS = (
    "generator",
    "codes",
    "encoder",
    "segmentation",
    "perceptual",
    "identity",
    "parser",
    "detector",
)
_FOR_PHOTOS = ("encoder", "segmentation")  # without these a bundle only draws samples


@dataclass(frozen=True)
class Part:
    """One class of the segmentation branch: its name, label value and colour (R, G, B, 0..255)."""

    name: str
    index: int
    color: tuple[int, int, int]


@dataclass(frozen=True)
class Bundle:
    """What a bundle is, without its weights.

    domain: how subjects are found ("faces", or anything else for the middle).
    crop: how the subject lies in the crop: "ffhq", "square", or, where there are bars, "4:3" and
    the like (`read_crop`).
    groups: named part groups, the Q_edit sets that edits use.
    large: parts so large that an edit's region is what changed, not the whole part.
    files: sha256 by file name.
    encoder: the kind of network: "residual"; "psp", "e4e" or "fpn" of one that was imported.
    """

    folder: Path
    name: str
    title: str
    domain: str
    crop: str
    config: GeneratorConfig
    parts: tuple[Part, ...]
    large: tuple[str, ...]
    license: str
    source: str
    files: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    images_seen: int = 0
    encoder: str = "residual"

    @property
    def resolution(self) -> int:
        return self.config.resolution

    @property
    def aspect(self) -> float:
        """Width by height of what the square pictures show; what is beyond it are bars."""
        own = self.config.aspect
        return own if own != 1 else read_crop(self.crop).aspect

    @property
    def whole(self) -> bool:
        """Whether the model knows subjects cut to their box, each shown whole, grey beyond it."""
        return read_crop(self.crop).whole

    @property
    def sha(self) -> str:
        """sha256 of the generator: editing vectors belong to one generator only."""
        return self.files["generator.safetensors"]

    @property
    def embedding_sha(self) -> str:
        """What an embedding depends on: it belongs to one generator, and a parser steers it."""
        return "".join(self.files.get(f"{n}.safetensors", "") for n in ("generator", "parser"))

    @property
    def photo_files(self) -> dict[str, str]:
        """The files that results on photos depend on; only samples come from the codes."""
        return {name: sha for name, sha in self.files.items() if name != "codes.safetensors"}

    def path(self, network: str) -> Path:
        return self.folder / f"{network}.safetensors"

    def has(self, network: str) -> bool:
        return f"{network}.safetensors" in self.files

    @property
    def missing(self) -> list[str]:
        """The networks without which photos cannot be opened, as far as they are missing."""
        return [network for network in _FOR_PHOTOS if not self.has(network)]

    def check_complete(self) -> None:
        """Raises IncompleteBundle where photos cannot be opened yet."""
        if not self.missing:
            return
        names = {"encoder": "an encoder", "segmentation": "parts"}
        lacks = " and ".join(names[network] for network in self.missing)
        commands = " and ".join(f"'editgan train {network}'" for network in self.missing)
        raise IncompleteBundle(
            f"The model '{self.name}' has a generator but not yet {lacks}: it can draw samples, "
            f"not open photos; {commands} add what is missing."
        )

    def part(self, name: str) -> Part:
        """The part called `name`; raises UnknownPart."""
        for part in self.parts:
            if part.name == name:
                return part
        known = ", ".join(p.name for p in self.parts)
        raise UnknownPart(f"The model '{self.name}' has no part '{name}'; it has {known}.")

    def checked_path(self, network: str) -> Path:
        """The file of a network's weights, if it is what `bundle.json` says; raises BadBundle.

        Its sha256 is computed once, and again when its size or time changes.
        """
        path = self.path(network)
        if _sha_of_state(path) != self.files.get(path.name):
            raise BadBundle(
                f"{path} does not hold the weights that belong there (its sha256 is another); "
                "fetch it again."
            )
        return path

    def verify(self) -> list[str]:
        """File names whose content is not what `bundle.json` says."""
        return [n for n, sha in self.files.items() if file_sha(self.folder / n) != sha]


def file_sha(path: Path) -> str | None:
    """sha256 of a file, None when it is missing."""
    if not path.is_file():
        return None
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _sha_of_state(path: Path) -> str | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return _sha_at(path, (state.st_size, state.st_mtime_ns, state.st_ino))


@functools.lru_cache(256)
def _sha_at(path: Path, state: tuple[int, int, int]) -> str | None:
    return file_sha(path)


def read_bundle(folder: Path) -> Bundle:
    """Read `folder/bundle.json`; raises BadBundle with the reason, whatever is in the file."""
    path = folder / "bundle.json"
    with reading(path, "the description of a model"):
        data = bounded_file.read_json(path, MAX_DESCRIPTION)
        written = data["format"] if isinstance(data, dict) else None
        if type(written) is int and written > FORMAT_VERSION:
            raise BadBundle(
                f"{folder.name} is a bundle of a newer format than {FORMAT_VERSION}, which this "
                "version reads. Update EditGAN."
            )
        require(written == FORMAT_VERSION, "format", f"{FORMAT_VERSION}")
        bundle = _bundle_of(folder, from_known(_Description, data, (), path.name))
    if not bundle.has("generator"):
        raise BadBundle(f"The bundle '{bundle.name}' has no generator.")
    return bundle


@contextlib.contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turns what goes wrong while a JSON file is read into BadBundle, saying what it should be."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadBundle(f"{path} cannot be read: {reason}; it should be {what}.") from error
    except KeyError as error:
        raise BadBundle(f"{path} is not {what}: it does not say its {error}.") from error
    except (TypeError, ValueError, ProtocolError) as error:
        raise BadBundle(f"{path} is not {what}: {str(error)[:300]}.") from error


def is_line(text: str) -> bool:
    """Whether `text` may be a name: one printable line."""
    return 0 < len(text) <= MAX_NAME and text.isprintable()


_Byte = Annotated[int, Range(0, 255)]
_Name = Annotated[str, Matches(is_line, "one line of 1 to 200 characters")]
_Sha = Annotated[str, Matches(re.compile("[0-9a-f]{64}").fullmatch, "64 hexadecimal digits")]
_Names = Annotated[tuple[_Name, ...], Matches(lambda names: len(names) <= MAX_PARTS, "255 at most")]


@dataclass(frozen=True)
class PartDescription:
    """A part as JSON describes it; its place in the list is its label value."""

    name: _Name
    color: tuple[_Byte, _Byte, _Byte]


_Parts = Annotated[list[PartDescription], Matches(lambda p: len(p) <= MAX_PARTS, "255 at most")]


@dataclass(frozen=True)
class CommonDescription:
    """What a bundle and a card have in common; the annotations are the schema of the file."""

    title: _Name
    domain: _Name
    crop: _Name
    parts: _Parts
    large_parts: _Names
    groups: dict[str, _Names]
    license: str
    source: str


@dataclass(frozen=True)
class _BundleOnly:
    format: int
    name: _Name
    generator: GeneratorConfig
    files: dict[str, _Sha]
    images_seen: Annotated[int, Range(0, 1 << 52)] = 0
    encoder: Literal["residual", "psp", "e4e", "fpn"] = "residual"


@dataclass(frozen=True)
class _Description(_BundleOnly, CommonDescription):
    """`bundle.json`."""


def parts_of(described: Sequence[PartDescription]) -> tuple[Part, ...]:
    return tuple(Part(part.name, index, part.color) for index, part in enumerate(described))


def _bundle_of(folder: Path, described: _Description) -> Bundle:
    strange = [name for name in described.files if Path(name).name != name]
    require(not strange, "files", "names of files in the bundle's folder")
    return Bundle(
        folder=folder,
        name=described.name,
        title=described.title,
        domain=described.domain,
        crop=described.crop,
        config=described.generator,
        parts=parts_of(described.parts),
        large=described.large_parts,
        groups=described.groups,
        license=described.license,
        source=described.source,
        files=described.files,
        images_seen=described.images_seen,
        encoder=described.encoder,
    )


def common_description(bundle: Bundle) -> dict[str, object]:
    """What a bundle and its card have in common, as JSON describes it."""
    return {
        "title": bundle.title,
        "domain": bundle.domain,
        "crop": bundle.crop,
        "parts": [{"name": p.name, "color": list(p.color)} for p in bundle.parts],
        "large_parts": list(bundle.large),
        "groups": {k: list(v) for k, v in bundle.groups.items()},
        "license": bundle.license,
        "source": bundle.source,
    }


def write_bundle_json(bundle: Bundle) -> Bundle:
    """Write `bundle.json`, with the sha256 of the weight files as they are now."""
    names = [n for n in NETWORKS if bundle.path(n).exists()]
    files = {f"{n}.safetensors": file_sha(bundle.path(n)) for n in names}
    data = {
        "format": FORMAT_VERSION,
        "name": bundle.name,
        "generator": asdict(bundle.config),
        **common_description(bundle),
        "images_seen": bundle.images_seen,
        "encoder": bundle.encoder,
        "files": files,
    }
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    (bundle.folder / "bundle.json").write_text(text, encoding="utf-8")
    return read_bundle(bundle.folder)
