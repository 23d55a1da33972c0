"""The library: the presets that ship with EditGAN, and the user's own edits."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edit_library.archive import SUFFIX, pack_archive, parse_archive, read_archive
from edit_library.edit import BrokenEdit, Edit, EditInfo, check_info, check_vector
from edit_library.errors import BadEdit, EditExists, EditNotFound, EditNotWritable
from edit_library.names import is_name, slugify
from edit_library.storage import (
    Thumbnail,
    discard,
    edit_files,
    edit_folders,
    folders_in,
    parse_files,
    publish,
    read_edit,
    read_info,
    remove,
    replace_file,
    stage,
    sweep,
    trash_name,
    writing,
)
from protocol.paths import is_folder_name

# `list` is a method below, so the type has another name there.
Edits = list[EditInfo]
BrokenEdits = list[BrokenEdit]

PRESETS_DIR = Path(__file__).resolve().parent / "presets"


class Library:
    """Edits in `<user_dir>/<bundle>/<name>/` and, read-only, in `<presets_dir>/<bundle>/<name>/`.

    Nothing is kept in memory: several processes may use one library, and a change is seen at once.
    A user's edit cannot be saved under a preset's name (EditExists). Should a later version bring a
    preset with the name of a user's edit, the user's edit is the one that is found.
    Wherever a `name` is asked for, the edit's title does as well.
    """

    def __init__(self, user_dir: Path, presets_dir: Path | None = None) -> None:
        """presets_dir: None means the presets that ship with EditGAN. Folders need not exist."""
        self.user_dir = Path(user_dir)
        self.presets_dir = PRESETS_DIR if presets_dir is None else Path(presets_dir)

    @classmethod
    def for_presets(cls, presets_dir: Path = PRESETS_DIR) -> Library:
        """A library whose `save` writes presets: for those who make them, not for users."""
        return cls(presets_dir, presets_dir / ".none")

    # Reading

    def list(self, bundle: str | None = None) -> Edits:
        """All readable edits, presets first, then by title; of one bundle, or of all."""
        return self._scan(bundle)[0]

    def broken(self, bundle: str | None = None) -> BrokenEdits:
        """The folders that `list` left out, each with the reason."""
        return self._scan(bundle)[1]

    def search(self, text: str, bundle: str | None = None) -> Edits:
        """The edits in whose name, title, description or parts every word of `text` occurs."""
        words = text.casefold().split()
        return [info for info in self.list(bundle) if _matches(info, words)]

    def get(self, bundle: str, name: str) -> Edit:
        """The edit with its vector. Raises EditNotFound, or BadEdit when its files are damaged."""
        folder, source = self._find(bundle, name)
        try:
            return read_edit(folder, source=source)
        except BadEdit as error:
            raise BadEdit(f"The edit '{name}' is damaged. {error.message}") from error

    # Writing

    def save(
        self,
        bundle: str,
        name: str,
        vector: NDArray[Any],
        *,
        generator_sha: str,
        parts: Sequence[str],
        title: str | None = None,
        description: str = "",
        low: float = -1.0,
        high: float = 2.0,
        default: float = 1.0,
        before: Thumbnail = None,
        after: Thumbnail = None,
        learnt_from: int = 1,
        license: str = "",
        attribution: str = "",
        overwrite: bool = False,
    ) -> EditInfo:
        """Store a new edit; all of it is written or nothing.

        name: any text; the folder's name is made from it (`slugify`), and the title unless given.
        vector: float [n_ws, w_dim]. parts: Q_edit.
        generator_sha: sha256 (hex) of the generator's weights.
        before, after: uint8 [h, w, 3] or WebP bytes.
        overwrite: an edit of the same name goes to the trash; without it EditExists is raised.
        Raises BadEdit for unsound values and EditNotWritable when the disk refuses.
        """
        array = check_vector(vector)
        info = EditInfo(
            name=slugify(name),
            title=(title or name).strip(),
            description=description,
            bundle=bundle,
            generator_sha256=generator_sha,
            n_ws=array.shape[0],
            w_dim=array.shape[1],
            parts=tuple(parts),
            low=float(low),
            high=float(high),
            default=float(default),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            learnt_from=learnt_from,
            license=license,
            attribution=attribution,
        )
        return self._store(Edit(info, array), before, after, overwrite=overwrite)

    def rename(self, bundle: str, name: str, new_name: str) -> EditInfo:
        """Give a user's edit a new title and the name that follows from it.

        At every moment the edit is there under one of the two names, whole.
        """
        old = self._find_own(bundle, name)
        edit = self.get(bundle, old.name)
        info = dataclasses.replace(edit.info, name=slugify(new_name), title=new_name.strip())
        thumbnails = edit.info.before, edit.info.after
        if info.name == old.name:  # only the title's spelling changes
            return self._store(Edit(info, edit.vector), *thumbnails, overwrite=True)
        renamed = self._store(Edit(info, edit.vector), *thumbnails, overwrite=False)
        with writing("renamed"):
            # one step takes the old name away; what is removed file by file is out of sight
            remove(old, self.user_dir)
        return renamed

    def sweep(self) -> int:
        """Remove what processes that were killed left half done; returns how many folders."""
        return sweep(self.user_dir)

    def delete(self, bundle: str, name: str) -> Path:
        """Move a user's edit to `<user_dir>/.trash`; returns where it lies now."""
        folder = self._find_own(bundle, name)
        with writing("deleted"):
            return discard(folder, self.user_dir / ".trash")

    def restore(self, bundle: str, trash: str) -> EditInfo:
        """Take back what `delete` did; trash: the name of the folder that it returned.

        Raises EditNotFound, or EditExists when the edit's name is taken meanwhile.
        """
        if not is_folder_name(bundle):
            raise EditNotFound(f"There is no edit '{trash}' in the trash for '{bundle}'.")
        parent = self.user_dir / ".trash" / bundle
        found = next((folder for folder in folders_in(parent) if folder.name == trash), None)
        name = trash_name(trash)
        if found is None or not is_name(name):
            raise EditNotFound("The deleted edit is no longer in the library's trash.")
        target = self.user_dir / bundle / name
        with writing("restored"):
            if target.exists():
                raise EditExists(f"An edit named '{name}' already exists; rename that one first.")
            target.parent.mkdir(parents=True, exist_ok=True)
            found.rename(target)
        return read_info(target, source="user")

    def import_file(
        self, path: Path, *, name: str | None = None, overwrite: bool = False
    ) -> EditInfo:
        """Add the edit in an `.editgan` file, optionally under another name.

        Raises BadEdit for a file that is not a sound edit, EditExists when the name is taken.
        """
        content = read_archive(Path(path))
        return self.import_data(content, Path(path).name, name=name, overwrite=overwrite)

    def import_data(
        self, data: bytes, label: str, *, name: str | None = None, overwrite: bool = False
    ) -> EditInfo:
        """The same from a file's content; label: the file's name, for messages."""
        files = parse_archive(data, label)
        try:
            edit = parse_files(files)
        except BadEdit as error:
            raise BadEdit(f"{label} is not a sound edit. {error.message}") from error
        if name is not None:
            info = dataclasses.replace(edit.info, name=slugify(name), title=name.strip())
            edit = Edit(info, edit.vector)
        return self._store(
            edit, files.get("before.webp"), files.get("after.webp"), overwrite=overwrite
        )

    def export(self, bundle: str, name: str, path: Path) -> Path:
        """Write one edit as an `.editgan` file; returns its path.

        path: the file, or a folder, in which it is called after the edit.
        """
        edit = self.get(bundle, name)
        target = Path(path)
        if target.is_dir():
            target = target / f"{edit.info.name}{SUFFIX}"
        if not target.absolute().parent.is_dir():
            raise EditNotWritable(
                f"There is no folder {target.absolute().parent}; create it first."
            )
        with writing("exported"):
            replace_file(target, _packed(edit), private=False)
        return target

    def export_data(self, bundle: str, name: str) -> tuple[str, bytes]:
        """A name for the `.editgan` file, and its content."""
        edit = self.get(bundle, name)
        return f"{edit.info.name}{SUFFIX}", _packed(edit)

    # Folders

    def _store(
        self, edit: Edit, before: Thumbnail, after: Thumbnail, *, overwrite: bool
    ) -> EditInfo:
        info = check_info(edit.info)
        if (self.presets_dir / info.bundle / info.name).is_dir():
            raise EditExists(f"A preset named '{info.name}' already exists; choose another name.")
        target = self.user_dir / info.bundle / info.name
        files = edit_files(Edit(info, edit.vector), before, after)
        trash = self.user_dir / ".trash" if overwrite else None
        with writing("saved"):
            stored = publish(stage(self.user_dir, files), target, trash=trash)
        if not stored:
            raise EditExists(
                f"An edit named '{info.name}' already exists; choose another name or replace it."
            )
        return dataclasses.replace(info, source="user", folder=target)

    def _find(self, bundle: str, name: str) -> tuple[Path, str]:
        """The folder of an edit by its name, else by its title, and its source."""
        if is_folder_name(bundle):
            if is_name(name):
                for root, source in self._roots():
                    if (root / bundle / name).is_dir():
                        return root / bundle / name, source
            for info in self.list(bundle):
                if info.title.casefold() == name.strip().casefold():
                    return info.folder, info.source
        raise EditNotFound(
            f"There is no edit '{name}' for '{bundle}'; 'editgan library list' shows all edits."
        )

    def _find_own(self, bundle: str, name: str) -> Path:
        folder, source = self._find(bundle, name)
        if source == "preset":
            raise EditNotWritable(
                f"'{name}' is a preset and cannot be changed; "
                "export it and import it under another name."
            )
        return folder

    def _roots(self) -> Iterable[tuple[Path, str]]:
        return (self.user_dir, "user"), (self.presets_dir, "preset")

    def _scan(self, bundle: str | None) -> tuple[Edits, BrokenEdits]:
        found: dict[tuple[str, str], EditInfo] = {}
        broken: BrokenEdits = []
        for root, source in self._roots():
            for folder in edit_folders(root, bundle):
                key = folder.parent.name, folder.name
                try:
                    info = read_info(folder, source=source)
                    found.setdefault(key, info)
                except (BadEdit, OSError, ValueError) as error:
                    broken.append(BrokenEdit(*key, source, folder, str(error)))
        return sorted(found.values(), key=_order), broken


def _packed(edit: Edit) -> bytes:
    return pack_archive(edit_files(edit, edit.info.before, edit.info.after))


def _order(info: EditInfo) -> tuple[bool, str, str]:
    return info.source != "preset", info.title.casefold(), info.name


def _matches(info: EditInfo, words: Iterable[str]) -> bool:
    text = " ".join((info.name, info.title, info.description, *info.parts)).casefold()
    return all(word in text for word in words)
