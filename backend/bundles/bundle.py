"""`bundle.json` and what it promises about the files beside it."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from backend.errors import BadBundle, IncompleteBundle, UnknownPart
from backend.models.config import GeneratorConfig

FORMAT_VERSION = 1
NETWORKS = ("generator", "codes", "encoder", "segmentation", "perceptual", "identity")
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

    domain: how subjects are found ("faces", or anything else for the middle square).
    crop: how the subject lies in the crop ("ffhq" or "square").
    groups: named part groups, the Q_edit sets that edits use.
    large: parts so large that an edit's region is what changed, not the whole part.
    files: sha256 by file name.
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

    @property
    def resolution(self) -> int:
        return self.config.resolution

    @property
    def sha(self) -> str:
        """sha256 of the generator: editing vectors belong to one generator only."""
        return self.files["generator.safetensors"]

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

    def verify(self) -> list[str]:
        """File names whose content is not what `bundle.json` says."""
        return [n for n, sha in self.files.items() if file_sha(self.folder / n) != sha]


def file_sha(path: Path) -> str | None:
    """sha256 of a file, None when it is missing."""
    if not path.is_file():
        return None
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def read_bundle(folder: Path) -> Bundle:
    """Read `folder/bundle.json`; raises BadBundle with the reason."""
    path = folder / "bundle.json"
    with reading(path, "the description of a model"):
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT_VERSION:
            raise BadBundle(
                f"{folder.name} is a bundle of format {data['format']}; this version reads "
                f"{FORMAT_VERSION}. Update EditGAN."
            )
        bundle = _from_json(folder, data)
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
    except (TypeError, ValueError) as error:
        raise BadBundle(f"{path} is not {what}: {error}.") from error


def _from_json(folder: Path, data: dict[str, Any]) -> Bundle:
    parts = tuple(Part(p["name"], i, tuple(p["color"])) for i, p in enumerate(data["parts"]))
    return Bundle(
        folder=folder,
        name=data["name"],
        title=data["title"],
        domain=data["domain"],
        crop=data["crop"],
        config=GeneratorConfig(**data["generator"]),
        parts=parts,
        large=tuple(data["large_parts"]),
        groups={k: tuple(v) for k, v in data["groups"].items()},
        license=data["license"],
        source=data["source"],
        files=dict(data["files"]),
        images_seen=int(data.get("images_seen", 0)),
    )


def write_bundle_json(bundle: Bundle) -> Bundle:
    """Write `bundle.json`, with the sha256 of the weight files as they are now."""
    names = [n for n in NETWORKS if bundle.path(n).exists()]
    files = {f"{n}.safetensors": file_sha(bundle.path(n)) for n in names}
    data = {
        "format": FORMAT_VERSION,
        "name": bundle.name,
        "title": bundle.title,
        "domain": bundle.domain,
        "crop": bundle.crop,
        "generator": asdict(bundle.config),
        "parts": [{"name": p.name, "color": list(p.color)} for p in bundle.parts],
        "large_parts": list(bundle.large),
        "groups": {k: list(v) for k, v in bundle.groups.items()},
        "license": bundle.license,
        "source": bundle.source,
        "images_seen": bundle.images_seen,
        "files": files,
    }
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    (bundle.folder / "bundle.json").write_text(text, encoding="utf-8")
    return read_bundle(bundle.folder)
