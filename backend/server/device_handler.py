"""What each request means: the protocol's messages on one side, the engine on the other."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from backend.editing.options import ScaledEdit
from backend.errors import NoSubject, UnknownEdit, WrongBundle, is_out_of_memory
from backend.photos.photo import Photo
from backend.photos.prominence import prominent
from backend.server import opening, wire
from backend.server.asked import options_of, painted_layers, thumbnail_key
from backend.server.editors import LoadedEditors, PhotoEditor, Previewer
from backend.server.jobs import Job
from backend.server.sessions import PhotoSession, PhotoStore
from backend.server.wire import to_array, to_code, to_pixels
from backend.session.edits import find_edit, save_edit
from backend.session.embedding_cache import EmbeddingCache
from backend.session.placement import FRAME_MARGIN
from backend.session.plain_json import sendable
from backend.session.thumbnails import aligned_thumbnail
from edit_library.errors import EditNotFound
from edit_library.library import Library
from protocol import messages as m
from protocol.errors import UserError

_log = logging.getLogger(__name__)


class DeviceHandler:
    """Everything that needs the networks; on the device worker's thread only."""

    def __init__(
        self,
        engines: LoadedEditors,
        photos: PhotoStore,
        embeddings: EmbeddingCache,
        library: Library,
    ) -> None:
        self._engines = engines
        self._photos = photos
        self._embeddings = embeddings
        self._library = library

    def answer(self, job: Job) -> m.Message:
        """The job's result. Where a graphics card has too little memory the CPU does this job."""
        device = self._engines.resolve_device()
        try:
            return self._answer(job, device)
        except (MemoryError, RuntimeError) as error:
            if device == "cpu" or not is_out_of_memory(error):
                raise
            _log.warning("out of memory on %s: job %s again on the CPU", device, job.id)
        # outside the handler: the exception's traceback holds the tensors that fill the memory
        self._engines.free_device()
        job.report(0.0, "The graphics memory is full; working without it, which takes longer")
        return self._answer(job, "cpu")

    def _answer(self, job: Job, device: str) -> m.Message:
        match job.request:
            case m.Detect() as request:
                return self._detect(request, device)
            case m.Segment() as request:
                return self._segment(request, device, job)
            case m.Recognise() as request:
                return opening.recognised(request, self._engines.get(request.bundle, device))
            case m.Repaint() as request:
                return self._repaint(request, device, job)
            case m.HasPhoto(photo):
                return m.PhotoKnown(self._photos.get(photo).photo)
            case m.LiveRepaint() as request:
                return self._live_repaint(request, device, job)
            case m.Borrow() as request:
                return self._borrow(request, device, job)
            case m.Apply() as request:
                return self._apply(request, device, job)
            case m.PreviewStack() as request:
                return self._preview_stack(request, device)
            case m.PreviewEdits() as request:
                return self._preview_edits(request, device, job)
            case m.SaveEdit() as request:
                return self._save(request, device, job)
            case m.Learn() as request:
                return self._learn(request, device, job)
            case m.LabelPhoto() | m.DrawSample() | m.TrainParts() | m.TrainEncoder() as request:
                return self._new_model(request, device, job)
        raise m.ProtocolError(f"no work for {job.kind}")

    def _new_model(
        self,
        request: m.LabelPhoto | m.DrawSample | m.TrainParts | m.TrainEncoder,
        device: str,
        job: Job,
    ) -> m.Message:
        from backend.server import new_models  # imports torch, and all that trains

        if isinstance(request, m.LabelPhoto):
            return new_models.labelled_photo(self._photos.get(request.photo), request.layers)
        if isinstance(request, m.DrawSample):
            return new_models.drawn(request, device, job)
        answer = new_models.trained(request, device, job)
        self._engines.drop(request.bundle)
        self._photos.close_all_of(request.bundle)
        return answer

    def _detect(self, request: m.Detect, device: str) -> m.Detected:
        engine = self._engines.get(request.bundle, device)
        selection = request.selection and request.selection.scaled(1 / request.scale)
        preview = to_array(request.preview)
        found = engine.find_subjects(preview, selection)
        meant = prominent(preview, [one.frame for one in found])
        subjects = []
        for one, is_meant in zip(found, meant, strict=True):
            frame = wire.on_grid(one.frame.scaled(request.scale))
            rect = frame.bounds(FRAME_MARGIN, request.width, request.height)
            if not rect.is_empty:
                quad = wire.quad(frame)
                subjects.append(m.Subject(quad, rect, float(one.score), is_meant))
        if not subjects:
            raise NoSubject("The subject lies outside the photo; select it, or nothing.")
        return m.Detected(subjects)

    def _segment(self, request: m.Segment, device: str, job: Job) -> m.Segmented:
        engine = self._engines.get(request.bundle, device)
        opened = opening.opened(request, engine, self._photos, self._embeddings, job).opened
        unsure = engine.uncertainty(opened) if request.uncertainty else None
        return m.Segmented(
            request.photo,
            [wire.part_layer(part, request.rect) for part in opened.parts],
            to_pixels(opened.labels),
            to_pixels(opened.w_plus),
            sendable(opened.report),
            wire.placed_mask(unsure, request.rect) if unsure else None,
        )

    def _repaint(self, request: m.Repaint, device: str, job: Job) -> m.Repainted:
        session, engine = self._session(request.photo, device)
        result = engine.repaint(
            session.opened,
            painted_layers(request, session),
            options_of(
                job, session, request.steps, to_code(request.start) if request.start else None
            ),
        )
        return wire.repainted(session, result)

    def _live_repaint(self, request: m.LiveRepaint, device: str, job: Job) -> m.LiveRepainted:
        session, engine = self._session(request.photo, device)
        start, session.live = session.live if request.resume else None, None
        found = engine.repaint_live(
            session.opened,
            painted_layers(request, session),
            options_of(job, session, request.steps, start),
        )
        session.live = found.delta
        return m.LiveRepainted(
            session.photo, to_pixels(found.delta), found.parts, sendable(found.report),
            to_pixels(found.painted.packed()),
        )  # fmt: skip

    def _borrow(self, request: m.Borrow, device: str, job: Job) -> m.Repainted:
        session, engine = self._session(request.photo, device)
        other = self._photos.get(request.other)
        if other.bundle != session.bundle:
            raise WrongBundle(
                f"The other photo was segmented with the model '{other.bundle}', this one with "
                f"'{session.bundle}'; segment both with the same model."
            )
        result = engine.borrow(
            session.opened,
            other.opened,
            request.parts,
            request.take,
            options_of(job, session, request.steps),
        )
        return wire.repainted(session, result)

    def _apply(self, request: m.Apply, device: str, job: Job) -> m.Applied:
        session, engine = self._session(request.photo, device)
        edits = [self._scaled_edit(one, session, engine) for one in request.edits]
        result = engine.apply(session.opened, edits, options_of(job, session, request.refine))
        return m.Applied(*wire.edited(session, result), sendable(result.report))

    def _preview_stack(self, request: m.PreviewStack, device: str) -> m.StackPreview:
        session, engine = self._session(request.photo, device)
        stack = [self._scaled_edit(one, session, engine) for one in request.edits]
        previewer = self._previewer(session, engine, device)
        (picture,) = previewer.render([stack], request.side)
        layer = None
        if request.on_photo and stack:
            layer = wire.result_layer(previewer.on_photo(stack), session.rect)
        return m.StackPreview(request.photo, to_pixels(picture), layer)

    def _preview_edits(self, request: m.PreviewEdits, device: str, job: Job) -> m.EditThumbnails:
        """Thumbnails: those made before are taken from the session, the rest made in one go."""
        session, engine = self._session(request.photo, device)
        answers: list[m.EditThumbnail | str] = []
        pictures: dict[str, NDArray[np.uint8]] = {}
        missing: dict[str, ScaledEdit] = {}
        for one in request.edits:
            try:
                edit = self._scaled_edit(one, session, engine)
            except UserError as error:
                answers.append(m.EditThumbnail(problem=error.message))
                continue
            answers.append(key := thumbnail_key(edit, request.side))
            if (kept := session.thumbnails.get(key)) is not None:
                pictures[key] = kept
            else:
                missing[key] = edit
        if missing:
            previewer = self._previewer(session, engine, device)
            found = previewer.render(
                [[edit] for edit in missing.values()], request.side, closer=True
            )
            for done, (key, picture) in enumerate(zip(missing, found, strict=True)):
                pictures[key] = picture
                session.thumbnails.put(key, picture)
                job.report(done / len(missing), "Rendering previews")
            self._photos.shrink()
        return m.EditThumbnails(
            [
                m.EditThumbnail(to_pixels(pictures[one])) if isinstance(one, str) else one
                for one in answers
            ]
        )

    def _previewer(self, session: PhotoSession, engine: PhotoEditor, device: str) -> Previewer:
        if device not in session.previewers:
            session.previewers[device] = engine.view(session.opened)
        return session.previewers[device]

    def _save(self, request: m.SaveEdit, device: str, job: Job) -> m.Saved:
        session, engine = self._session(request.photo, device)
        opened = session.opened
        edit = m.EditRef(vector=request.vector, parts=request.parts)
        scaled = self._scaled_edit(edit, session, engine)
        result = engine.apply(opened, [scaled], options_of(job, session, 0))
        edited = Photo(opened.pixels).with_layer(result.layer).pixels
        saved = save_edit(
            self._library,
            engine.bundle,
            request.name,
            scaled.vector,
            parts=request.parts,
            description=request.description,
            low=request.low,
            high=request.high,
            learnt_from=request.learnt_from,
            default=min(max(1.0, request.low), request.high),
            before=aligned_thumbnail(opened.pixels, opened.frame),
            after=aligned_thumbnail(edited, opened.frame),
        )
        return m.Saved(saved.name)

    def _learn(self, request: m.Learn, device: str, job: Job) -> m.Learned:
        from backend.server.learning import target_of  # imports torch

        sessions = [self._photos.get(name) for name in (*request.photos, *request.others)]
        first = sessions[0]
        if any(session.bundle != first.bundle for session in sessions):
            raise WrongBundle("The photos were opened with different models; use one for all.")
        engine = self._engines.get(first.bundle, device)
        edits = [self._scaled_edit(one, first, engine) for one in request.edits]
        opened = [session.opened for session in sessions]
        learned = engine.learn(
            target_of(request.recipe, edits, engine.bundle),
            opened[: len(request.photos)],
            opened[len(request.photos) :],
            options_of(job, first, request.steps),
        )
        return m.Learned(
            to_pixels(learned.vector), learned.parts, learned.low, learned.high,
            sendable(learned.report()),
        )  # fmt: skip

    def _session(self, photo: str, device: str) -> tuple[PhotoSession, PhotoEditor]:
        session = self._photos.get(photo)
        return session, self._engines.get(session.bundle, device)

    def _scaled_edit(
        self, edit: m.EditRef, session: PhotoSession, engine: PhotoEditor
    ) -> ScaledEdit:
        if edit.vector is not None:
            vector, parts = to_code(edit.vector), edit.parts
        else:
            try:
                found = find_edit(self._library, engine.bundle, edit.name or "")
            except EditNotFound as error:
                raise UnknownEdit(error.message) from error
            vector, parts = found.vector, found.info.parts
        if vector.shape != session.opened.w_plus.shape:
            raise WrongBundle(
                f"The edit was learned with a different model than '{session.bundle}'; "
                "choose the model that it belongs to."
            )
        painted = wire.painted_on(session, edit, len(engine.bundle.parts))
        return ScaledEdit(vector, tuple(parts), edit.scale, painted)
