"""One member of a crew: a model, and photos that are read, edited and written at the same time.

Several threads may ask at once: one photo is decoded and another encoded while the engine, on a
thread of its own, works on others, whose subjects it embeds together.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.batch.crews import Work
from backend.batch.engine_thread import EngineThread
from backend.batch.freed_memory import give_back_freed_memory
from backend.batch.people import Likeness, Person
from backend.batch.pictures import before_and_after
from backend.batch.room import Room, pixels_of
from backend.batch.stack import check_stack, scaled_edits
from backend.batch.tasks import BatchSettings, Looked, Lost, Outcome, Quad, Reply, Task, failed
from backend.bundles import find_bundle
from backend.editing.editor import Editor, OpenPhoto
from backend.editing.opening import AlignedSubject
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
from backend.session.embedding import keep, reuse
from backend.session.embedding_cache import EmbeddingCache
from backend.session.placement import FRAME_MARGIN, to_photo
from protocol.errors import UserError
from protocol.geometry import Rect
from protocol.paths import cache_dir

T = TypeVar("T")
_WORST = ("well", "roughly", "poorly")
_SAID = ("quality", "identity", "perceptual")  # of a subject's report
_TOGETHER = 4  # subjects that are embedded in one descent
_LARGEST_TOGETHER = 256  # pixels: larger pictures keep a processor busy one by one


class Stopped(Exception):
    """The batch ends: this photo is not begun."""


@dataclass
class _Edited:
    """A photo with its edits, and what to say about it."""

    photo: Photo
    subjects: list[dict[str, Any]] = field(default_factory=list)
    rects: list[Rect] = field(default_factory=list)


@dataclass(frozen=True)
class _Found:
    """A subject to be edited: its number, what of the photo the engine sees, and what that
    becomes."""

    number: int
    rect: Rect
    opening: Future[OpenPhoto]


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
        self._stopping = threading.Event()
        self._room = Room()
        most = _TOGETHER if bundle.resolution <= _LARGEST_TOGETHER else 1
        self._engine = EngineThread(self._embed, most)

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
            with self._room.of(pixels_of(task)):
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
        finally:
            give_back_freed_memory()

    def _edit(self, task: Task, seconds: dict[str, float]) -> Outcome:
        with self._engine.coming():
            with _timed(seconds, "read"):
                data, photo = self._read(task)
                sha = hashlib.sha256(data).hexdigest()
                target = Path(task.name)
                check_holds(target, photo)
            found = self._begun(lambda: self._found(photo, task.frames, seconds))
        for one in found:
            report = one.opening.result().report
            seconds["embed"] += 0.0 if report.from_cache else report.seconds
        edited = self._engine.do(lambda: self._apply(photo, found, seconds))
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
        self._check_going_on()
        path, data = task.place(), task.data
        if data is None:
            with reading(path):
                data = read_bytes(path)
        return data, photo_in(data, path)

    def _begun(self, work: Callable[[], T]) -> T:
        """Run on the engine's thread; raises Stopped where the batch has ended meanwhile."""

        def guarded() -> T:
            self._check_going_on()
            return work()

        return self._engine.do(guarded)

    def _check_going_on(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _found(
        self, photo: Photo, frames: Sequence[Quad] | None, seconds: dict[str, float]
    ) -> list[_Found]:
        """The subjects to edit, whose embedding is asked for; raises NoSubject, BadImage."""
        with _timed(seconds, "find"):
            meant = self._meant(photo, frames)
        found, small = list[_Found](), list[str]()
        for number, frame in meant:
            rect = frame.bounds(FRAME_MARGIN, photo.width, photo.height)
            try:
                with _timed(seconds, "embed"):
                    opening = self._opening(photo.cut(rect), frame.shifted(-rect.x, -rect.y))
            except BadImage as error:  # too small, at the very edge: the others are edited
                small.append(error.message)
            else:
                found.append(_Found(number, rect, opening))
        if not found:
            raise BadImage(small[0])
        return found

    def _opening(self, pixels: NDArray[np.generic], frame: CropFrame) -> Future[OpenPhoto]:
        level = self._settings.level
        if kept := reuse(self._editor, self._cache, pixels, frame, level, no_progress):
            opening = Future[OpenPhoto]()
            opening.set_result(kept)
            return opening
        return self._engine.embed(self._editor.align(pixels, frame))

    def _embed(self, subjects: Sequence[AlignedSubject]) -> list[OpenPhoto]:
        self._check_going_on()
        found = self._editor.open_together(subjects, level=self._settings.level)
        for opened in found:
            keep(self._editor, self._cache, opened)
        return found

    def _apply(self, photo: Photo, found: Sequence[_Found], seconds: dict[str, float]) -> _Edited:
        edited = _Edited(photo)
        for one in found:
            opened = one.opening.result()
            with _timed(seconds, "apply"):
                result = self._editor.apply(opened, self._edits, self._refinement)
                layer: ResultLayer = to_photo(result.layer, one.rect)
            edited.photo = edited.photo.with_layer(layer)
            edited.rects.append(one.rect)
            said = {key: getattr(opened.report, key) for key in _SAID}
            edited.subjects.append({"subject": one.number, "rect": list(one.rect), **said})
        return edited

    def _meant(self, photo: Photo, frames: Sequence[Quad] | None) -> list[tuple[int, CropFrame]]:
        """The subjects to edit with their numbers, from 1; raises NoSubject."""
        if frames is not None:
            return [(i, CropFrame(np.array(quad))) for i, quad in enumerate(frames, 1)]
        image = photo.to_u8()
        found = [subject.frame for subject in self._editor.find_subjects(image)]
        numbered = zip(found, prominent(image, found), strict=True)
        return [(i, frame) for i, (frame, is_meant) in enumerate(numbered, 1) if is_meant]

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
        return self._begun(lambda: self._faces(task.number, photo))

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
