"""An edit's files: reading one with every check, and writing one all at once or not at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load, save

from edit_library.edit import (
    MAX_N_WS,
    MAX_THUMBNAIL,
    MAX_W_DIM,
    Edit,
    EditInfo,
    check_vector,
    parse_info,
)
from edit_library.errors import BadEdit, EditNotWritable
from protocol import bounded_file
from protocol.paths import is_folder_name

INFO, VECTOR, BEFORE, AFTER = "edit.json", "vector.safetensors", "before.webp", "after.webp"
# The most bytes that each file of an edit may have.
LIMITS: Mapping[str, int] = {
    INFO: 64 << 10,
    VECTOR: 4 * MAX_N_WS * MAX_W_DIM + (16 << 10),
    BEFORE: MAX_THUMBNAIL,
    AFTER: MAX_THUMBNAIL,
}
REQUIRED = (INFO, VECTOR)
THUMBNAIL_SIZE = 256
_MAX_THUMBNAIL_SIDE = 1024
_UNFINISHED = ".new-"  # begins the names of what is not published yet
_STALE_S = 3600.0  # after which it is nobody's

Thumbnail = NDArray[np.uint8] | bytes | None


def read_info(folder: Path, *, source: str) -> EditInfo:
    """The description; raises BadEdit unless `edit.json` is sound and names its own folder."""
    info = parse_info(_read_limited(folder / INFO), source=source, folder=folder)
    if (info.name, info.bundle) != (folder.name, folder.parent.name):
        place = f"{folder.parent.name}/{folder.name}"
        raise BadEdit(f"Its edit.json says '{info.bundle}/{info.name}', but it lies in '{place}'.")
    vector_file = folder / VECTOR
    if not vector_file.is_file() or vector_file.stat().st_size > LIMITS[VECTOR]:
        raise BadEdit(f"Its {VECTOR} is missing or too large.")
    return info


def read_edit(folder: Path, *, source: str) -> Edit:
    """The edit with its vector; raises BadEdit."""
    info = read_info(folder, source=source)
    return Edit(info, parse_vector(_read_limited(folder / VECTOR), info))


def parse_files(files: Mapping[str, bytes], *, source: str = "user") -> Edit:
    """An edit from the bytes of its files, thumbnails checked too; raises BadEdit."""
    info = parse_info(files[INFO], source=source)
    for name in (BEFORE, AFTER):
        if name in files:
            check_thumbnail(files[name])
    return Edit(info, parse_vector(files[VECTOR], info))


def parse_vector(data: bytes, info: EditInfo) -> NDArray[np.float32]:
    """The vector in safetensors bytes: one float32 tensor `vector` of the shape `info` says."""
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BadEdit(f"Its {VECTOR} is damaged or is not a safetensors file.") from error
    if set(tensors) != {"vector"} or tensors["vector"].dtype != np.float32:
        raise BadEdit(f"Its {VECTOR} must hold exactly one float32 tensor named 'vector'.")
    vector = check_vector(tensors["vector"])
    if vector.shape != (info.n_ws, info.w_dim):
        wanted = f"[{info.n_ws}, {info.w_dim}]"
        raise BadEdit(f"Its vector is {list(vector.shape)}, but edit.json says {wanted}.")
    return vector


def edit_files(edit: Edit, before: Thumbnail, after: Thumbnail) -> dict[str, bytes]:
    """The files of an edit by name, as they are stored."""
    text = json.dumps(edit.info.to_json(), indent=2, ensure_ascii=False) + "\n"
    files = {INFO: text.encode(), VECTOR: save({"vector": edit.vector})}
    for name, picture in ((BEFORE, before), (AFTER, after)):
        if picture is not None:
            files[name] = make_thumbnail(picture)
    return files


def make_thumbnail(picture: NDArray[np.uint8] | bytes) -> bytes:
    """WebP of at most 256 px a side from uint8 [h, w, 3]; WebP bytes are checked and kept."""
    if isinstance(picture, bytes):
        check_thumbnail(picture)
        return picture
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (3, 4):
        raise BadEdit("A thumbnail must be a uint8 picture [h, w, 3].")
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    image.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=88, method=4)
    return buffer.getvalue()


def check_thumbnail(data: bytes) -> None:
    """Raises BadEdit unless `data` is a readable WebP picture of reasonable size."""
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            if max(image.size) > _MAX_THUMBNAIL_SIDE:
                raise BadEdit(f"Its thumbnail is larger than {_MAX_THUMBNAIL_SIDE} pixels.")
            image.load()
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadEdit("Its thumbnail is not a readable WebP picture.") from error


@contextlib.contextmanager
def writing(action: str) -> Iterator[None]:
    """Turns a failing disk into EditNotWritable: `action` ("saved") goes into the sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise EditNotWritable(
            f"The edit could not be {action}: {reason}. "
            "Check the disk's free space and the folder's permissions."
        ) from error


def replace_file(path: Path, content: bytes, *, private: bool = True) -> None:
    """Write a file all at once; an existing one is replaced. Raises OSError.

    private: only its owner may read it; else whoever may read the user's other new files.
    """
    handle, temporary = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if not private:  # mkstemp's mode is 0600
            os.umask(mask := os.umask(0))
            os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def stage(root: Path, files: Mapping[str, bytes]) -> Path:
    """A new hidden folder under `root` with `files` on the disk; nothing is left if that fails."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=root))
    try:
        for name, data in files.items():
            with open(folder / name, "wb", opener=_private) as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder  # mkdtemp's mode is 0700: it may hold pictures of people


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def publish(staged: Path, target: Path, *, trash: Path | None) -> bool:
    """Move `staged` to `target` in one step; an edit already there goes to `trash`.

    Returns False, with `staged` removed, when `target` exists and there is no `trash`.
    """
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        old = discard(target, trash) if trash is not None and target.exists() else None
        try:
            if target.exists():  # an empty folder would silently be replaced on POSIX
                return False
            staged.rename(target)
        except OSError:
            if old is not None:
                old.rename(target)
            if target.exists():  # another process was faster
                return False
            raise
        return True
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def discard(folder: Path, trash: Path) -> Path:
    """Move an edit's folder to `trash/<bundle>/<name>-<time>`; returns where it went."""
    stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.time_ns() % 1_000_000_000:09d}"
    target = trash / folder.parent.name / f"{folder.name}-{stamp}"
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.rename(target)
    return target


def remove(folder: Path, root: Path) -> None:
    """Take an edit's folder away in one step; `root`: the library, on the same disk."""
    grave = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=root))
    try:
        folder.rename(grave / folder.name)
    finally:
        shutil.rmtree(grave, ignore_errors=True)


def sweep(root: Path) -> int:
    """Remove what was staged and never published; what is younger may be somebody's at work."""
    before, swept = time.time() - _STALE_S, 0
    try:
        left = [path for path in root.iterdir() if path.name.startswith(_UNFINISHED)]
    except OSError:
        return 0
    for path in left:
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime < before:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
                swept += 1
    return swept


def trash_name(trash: str) -> str:
    """The edit's name in a folder's name that `discard` made: without the two parts of the time."""
    return trash.rsplit("-", 2)[0]


def _read_limited(path: Path) -> bytes:
    try:
        return bounded_file.read(path, LIMITS[path.name])
    except OSError as error:
        raise BadEdit(f"Its {path.name} cannot be read: {error.strerror or error}.") from error


def edit_folders(root: Path, bundle: str | None) -> Iterable[Path]:
    """The folders that should be edits: hidden ones (trash, unfinished) are not."""
    if bundle is not None and not is_folder_name(bundle):
        return
    for parent in folders_in(root) if bundle is None else [root / bundle]:
        yield from folders_in(parent)


def folders_in(parent: Path) -> Sequence[Path]:
    """The visible folders within one, by name; none where it cannot be read."""
    try:
        visible = [p for p in parent.iterdir() if not p.name.startswith((".", "_"))]
        return sorted(p for p in visible if p.is_dir())
    except OSError:
        return []
