"""Fetching checkpoints: resumed where it broke off, and checked before they are used.

urllib goes through the proxies that the environment names (https_proxy, no_proxy).
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from backend.errors import BadSetting, EditGanError
from protocol.paths import data_dir
from protocol.typed import ProtocolError, from_wire

TABLE = Path(__file__).with_name("models.toml")
_PIECE = 1 << 20  # bytes
_TIMEOUT = 15  # seconds without a byte: who cancels waits no longer than that
_TRIES = 5
_LARGEST = 8 << 30  # bytes, as many as the importer reads


class DownloadFailed(EditGanError):
    """What went wrong, and where to put the file by hand."""

    code = "download"


@dataclass(frozen=True)
class PublicModel:
    """A checkpoint that can be fetched. sha256 and size (bytes) are None where nobody has checked
    the file yet."""

    name: str
    title: str
    url: str
    domain: str
    license: str
    terms: str
    sha256: str | None = None
    size: int | None = None

    @property
    def path(self) -> Path:
        """Where the file belongs."""
        suffix = PurePosixPath(urlsplit(self.url).path).suffix
        return data_dir() / "downloads" / f"{self.name}{suffix}"


def own_table() -> Path:
    """A table of the user's or their institute's, of the same form; it need not be there."""
    return data_dir() / "models.toml"


def known_models() -> dict[str, PublicModel]:
    """The models of the table and of the user's own by name; raises BadSetting."""
    return _read_table(TABLE) | (_read_table(own_table()) if own_table().is_file() else {})


def _read_table(table: Path) -> dict[str, PublicModel]:
    try:
        found = tomllib.loads(table.read_text(encoding="utf-8"))
        models = {
            name: from_wire(PublicModel, {"name": name, **about}, (), name)
            for name, about in found.items()
        }
    except (OSError, ValueError, TypeError, ProtocolError) as error:
        raise BadSetting(f"{table} cannot be used ({error}): mend it, or remove it.") from error
    for model in models.values():
        if urlsplit(model.url).scheme not in ("http", "https"):
            raise BadSetting(f"{table} gives no web address for '{model.name}': {model.url}")
    return models


def find_model(name: str) -> PublicModel:
    """Raises BadSetting."""
    models = known_models()
    if name not in models:
        raise BadSetting(f"There is no model '{name}' to fetch; known: {', '.join(models)}.")
    return models[name]


def download(model: PublicModel, progress: Callable[[int, int | None], object]) -> Path:
    """Fetch a model's file, or continue where an earlier try broke off; returns its path.

    progress: called with the bytes so far, and all of them where that is known. Raises
    DownloadFailed.
    """
    target = model.path
    if target.is_file():
        if not _is_what_it_should_be(model, target):  # it may be the user's, who put it there
            raise DownloadFailed(
                f"{target} is not the file that was checked: its sha256 is another than "
                f"{model.sha256}. Put the right one there, or remove it and it is fetched again."
            )
        return target
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(model, partial, progress)
    except OSError as error:
        raise DownloadFailed(_by_hand(model, str(error.strerror or error))) from error
    if not _is_what_it_should_be(model, partial):
        partial.unlink()
        raise DownloadFailed(_by_hand(model, "what arrived is not the file that was checked", ""))
    os.replace(partial, target)
    return target


def _fetch(
    model: PublicModel, partial: Path, progress: Callable[[int, int | None], object]
) -> None:
    """Try some times, as long as something arrives each time."""
    for left in reversed(range(_TRIES)):
        before = _size(partial)
        progress(before, model.size)  # who has cancelled is heard before the next try
        try:
            return _fetch_rest(model, partial, progress)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            gone = isinstance(error, urllib.error.HTTPError) and error.code in (401, 403, 404, 410)
            if gone or not left or _size(partial) <= before:
                raise DownloadFailed(_by_hand(model, str(reason))) from error


def _fetch_rest(
    model: PublicModel, partial: Path, progress: Callable[[int, int | None], object]
) -> None:
    """Append what is missing; raises ConnectionError where the server breaks off."""
    done = _size(partial)
    headers = {"User-Agent": "editgan", **({"Range": f"bytes={done}-"} if done else {})}
    request = urllib.request.Request(model.url, headers=headers)  # noqa: S310  (the table's own)
    try:
        answer: Any = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:  # nothing is left, or it is another file now
            if model.size in (None, done):
                return
            partial.unlink()
        raise
    with answer:
        if done and not _goes_on(answer, done):
            done = 0  # it sends everything again
        length = answer.headers.get("Content-Length")
        whole = done + int(length) if length and length.isdigit() else None
        if model.size and whole not in (None, model.size):
            raise DownloadFailed(
                _by_hand(model, f"it has {whole:,} bytes instead of {model.size:,}: another file")
            )
        with partial.open("ab" if done else "wb") as file:
            while piece := answer.read1(_PIECE):  # what there is: nothing is lost by a stall
                file.write(piece)
                done += len(piece)
                progress(done, whole or model.size)
                if done > (model.size or _LARGEST):
                    raise DownloadFailed(_by_hand(model, "it is larger than it should be"))
    if whole is not None and done < whole:
        raise ConnectionError(f"it broke off after {done:,} of {whole:,} bytes")


def _goes_on(answer: Any, done: int) -> bool:
    """Whether the server sends the rest, and not all of it again."""
    sent = answer.headers.get("Content-Range", "")
    return answer.status == 206 and sent.startswith(f"bytes {done}-")


def _is_what_it_should_be(model: PublicModel, path: Path) -> bool:
    """Whether a file is what the table says, as far as it says anything."""
    if model.sha256 is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def _by_hand(model: PublicModel, reason: str, again: str = ": what has arrived is kept") -> str:
    return (
        f"{model.url} could not be fetched ({reason}). Try again{again}. Or fetch it with a "
        f"browser, put it at {model.path}, and give the same command."
    )


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
