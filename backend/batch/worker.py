"""One member of a crew: a model, and photos that are read, edited and written at the same time.

Several threads may ask at once: one photo is decoded and another encoded while the engine, on a
thread of its own, works on a third.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from backend.batch.crews import Work
from backend.batch.people import Likeness, Person
from backend.batch.pictures import before_and_after
from backend.batch.stack import check_stack, scaled_edits
from backend.batch.tasks import BatchSettings, Looked, Lost, Outcome, Quad, Reply, Task, failed
from backend.bundles import find_bundle
from backend.editing.editor import Editor
from backend.editing.options import Optimisation
from backend.editing.progress import no_progress
from backend.errors import BadBundle, BadImage, NoSubject
from backend.photos.align import CropFrame
from backend.photos.composite import ResultLayer
from backend.photos.files import check_holds, encoded, notes, photo_in, read_bytes, reading
from backend.photos.output import replace_file
from backend.photos.photo import Photo
from backend.photos.prominence import prominent
from backend.session.declaration import declared
from backend.session.devices import choose_device
from backend.session.embedding import open_or_reuse
from backend.session.embedding_cache import EmbeddingCache
from backend.session.placement import FRAME_MARGIN, to_photo
from protocol.errors import UserError
from protocol.geometry import Rect
from protocol.paths import cache_dir

T = TypeVar("T")
_WORST = ("well", "roughly", "poorly")


class Stopped(Exception):
    """The batch ends: this photo is not begun."""


@dataclass
class _Edited:
    """A photo with its edits, and what to say about it."""

    photo: Photo
    subjects: list[dict[str, Any]] = field(default_factory=list)
    rects: list[Rect] = field(default_factory=list)


class PhotoWorker:
    """Does tasks with one model on one device. `edit` and `look` may be called by several
    threads."""

    def __init__(
        self, settings: BatchSettings, device: str = "auto", people: Sequence[Person] = ()
    ) -> None:
        """Load the model; raises UserError where it is not here, or another one."""
        self._settings, self._people = settings, tuple(people)
        bundle = find_bundle(settings.stack.bundle)
        if bundle.sha != settings.stack.generator_sha256:
            raise BadBundle(
                f"The model '{bundle.name}' on this machine is another one than the batch was "
                "started with; copy that one here."
            )
        check_stack(settings.stack, bundle)
        self._edits = scaled_edits(settings.stack)
        self._refinement = Optimisation(steps=settings.stack.refine)
        self._editor = Editor(bundle, choose_device(device))
        self._cache = EmbeddingCache(cache_dir())
        self._engine = ThreadPoolExecutor(1, "engine")
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Begin no further photo; those in the engine are finished."""
        self._stopping.set()

    def doing(self, work: Work) -> Callable[[Task], Reply]:
        return self.look if work == "look" else self.edit

    def edit(self, task: Task) -> Outcome | Lost:
        """Apply the stack to a photo; an error is an outcome."""
        seconds: dict[str, float] = {}
        return self._answer(task, lambda: self._edit(task, seconds))

    def look(self, task: Task) -> Looked | Lost:
        """Find the subjects of a photo and compare them with the persons."""
        answer = self._answer(task, lambda: self._look(task))
        if isinstance(answer, Outcome):
            nobody = answer.status == "nobody"
            return Looked(task.number, error=None if nobody else answer.error)
        return answer

    def _answer(self, task: Task, work: Callable[[], T]) -> T | Outcome | Lost:
        try:
            return work()
        except Stopped:
            return Lost(task.number, stopped=True)
        except NoSubject as error:
            return Outcome(task.number, "nobody", error=error.message)
        except UserError as error:
            return failed(task.number, error.message)
        except MemoryError:
            return failed(task.number, "There is not enough memory for this photo; scale it down.")
        except Exception as error:  # a fault of ours in one photo is no reason to lose the others
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            return failed(task.number, f"Something went wrong inside EditGAN ({what:.200}).")

    def _edit(self, task: Task, seconds: dict[str, float]) -> Outcome:
        with _timed(seconds, "read"):
            data, photo = self._read(task)
            sha = hashlib.sha256(data).hexdigest()
            target = Path(task.name)
            check_holds(target, photo)
        edited = self._in_engine(lambda: self._apply(photo, task.frames, seconds))
        with _timed(seconds, "write"):
            before, after = before_and_after(photo, edited.photo, edited.rects)
            result = edited.photo
            if self._settings.declare:
                result = declared(result, "compositeWithTrainedAlgorithmicMedia")
            file = encoded(result, target)
            staged = self._staged(task, file)
        return Outcome(
            task.number, "edited", sha, None, tuple(edited.subjects),
            max((s["quality"] for s in edited.subjects), key=_WORST.index),
            notes(photo, target), len(file), hashlib.sha256(file).hexdigest(),
            staged, None if staged else file, before, after, seconds,
        )  # fmt: skip

    def _read(self, task: Task) -> tuple[bytes, Photo]:
        if self._stopping.is_set():
            raise Stopped
        path, data = task.place(), task.data
        if data is None:
            with reading(path):
                data = read_bytes(path)
        return data, photo_in(data, path)

    def _in_engine(self, work: Callable[[], T]) -> T:
        """Run on the engine's thread; raises Stopped where the batch has ended meanwhile."""

        def guarded() -> T:
            if self._stopping.is_set():
                raise Stopped
            return work()

        return self._engine.submit(guarded).result()

    def _apply(
        self, photo: Photo, frames: Sequence[Quad] | None, seconds: dict[str, float]
    ) -> _Edited:
        with _timed(seconds, "find"):
            chosen = self._meant(photo, frames)
        edited, small = _Edited(photo), list[str]()
        for number, frame in chosen:
            try:
                rect = frame.bounds(FRAME_MARGIN, photo.width, photo.height)
                layer, report = self._one(photo, frame, rect, seconds)
            except BadImage as error:  # too small, at the very edge: the others are edited
                small.append(error.message)
                continue
            edited.photo = edited.photo.with_layer(layer)
            edited.rects.append(rect)
            edited.subjects.append({"subject": number, "rect": list(rect), **report})
        if not edited.subjects:
            raise BadImage(small[0])
        return edited

    def _meant(self, photo: Photo, frames: Sequence[Quad] | None) -> list[tuple[int, CropFrame]]:
        """The subjects to edit with their numbers, from 1; raises NoSubject."""
        if frames is not None:
            return [(i, CropFrame(np.array(quad))) for i, quad in enumerate(frames, 1)]
        image = photo.to_u8()
        found = [subject.frame for subject in self._editor.find_subjects(image)]
        numbered = zip(found, prominent(image, found), strict=True)
        return [(i, frame) for i, (frame, is_meant) in enumerate(numbered, 1) if is_meant]

    def _one(
        self, photo: Photo, frame: CropFrame, rect: Rect, seconds: dict[str, float]
    ) -> tuple[ResultLayer, dict[str, Any]]:
        """The layer that edits one subject, in the photo's coordinates, and its report."""
        local = frame.shifted(-rect.x, -rect.y)
        with _timed(seconds, "embed"):
            opened = open_or_reuse(
                self._editor, self._cache, photo.cut(rect), local, self._settings.level, no_progress
            )
        with _timed(seconds, "apply"):
            result = self._editor.apply(opened, self._edits, self._refinement)
            layer: ResultLayer = to_photo(result.layer, rect)
        said = opened.report
        report = {name: getattr(said, name) for name in ("quality", "identity", "perceptual")}
        return layer, report

    def _staged(self, task: Task, file: bytes) -> str | None:
        """Put the result where it waits for its place; None: it is sent back."""
        if task.staged is None:
            return None
        # A name of its own: the photo may be done twice where a member was given up too early
        place = Path(task.staged)
        place = place.with_stem(f"{place.stem}-{uuid.uuid4().hex}")
        replace_file(place, file)
        return str(place)

    def _look(self, task: Task) -> Looked:
        _, photo = self._read(task)
        return self._in_engine(lambda: self._faces(task.number, photo))

    def _faces(self, number: int, photo: Photo) -> Looked:
        image = photo.to_u8()
        likeness = Likeness(self._editor, self._people)
        found = self._editor.find_subjects(image)
        return Looked(number, tuple(likeness.face(image, one.frame) for one in found))


@contextlib.contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - began
