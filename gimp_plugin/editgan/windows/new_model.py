"""New Model: a generator gets parts by labelling its own pictures, and learns to open photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gi

gi.require_version("GimpUi", "3.0")
from gi.repository import Gimp, GimpUi, GLib

from image import label_images
from image.brush import Brush
from link.backend_texts import backend_error
from link.errors import CommandCancelled, PlugInError
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.messages import (
    DrawSample,
    EncoderTrained,
    JobRequest,
    ListOwnModels,
    Message,
    ModelLabels,
    NameParts,
    OwnModel,
    OwnModels,
    PartsTrained,
    PartToLabel,
    SampleToLabel,
    SaveLabels,
    TrainEncoder,
    TrainParts,
    UnreadableModel,
)
from windows import dialogs
from windows.new_model_view import NewModelView
from windows.work_bar import WorkBar

M = TypeVar("M", bound=Message)
_ENOUGH = 16  # labelled pictures, from which on parts are found as a rule


def run() -> Report:
    """Show the window until it is closed; returns what the model that was shown has by then."""
    GimpUi.init(dialogs.ROLE)
    return NewModel().run()


class NewModel:
    """Not modal: one paints in GIMP meanwhile."""

    def __init__(self) -> None:
        self._loop = GLib.MainLoop()
        self._brush = Brush()
        self._models: dict[str, OwnModel] = {}
        self._image: Gimp.Image | None = None
        self._busy = self._closing = False
        self.view = NewModelView(self, WorkBar())

    def run(self) -> Report:
        self.view.show()
        GLib.idle_add(self._look)
        try:
            self._loop.run()
            model = self.model
        finally:
            self._brush.give_back()
            self.view.close()
        if model is None:
            return {"models": len(self._models)}
        return {
            "models": len(self._models),
            "bundle": model.bundle,
            "labelled": len(model.labelled),
            "ready": model.ready,
            "missing": list(model.missing),
        }

    @property
    def model(self) -> OwnModel | None:
        return self._models.get(self.view.chosen)

    # --- what the user does ---

    def choose(self) -> None:
        """Another model is chosen."""
        if model := self.model:
            self._image = label_images.find(model.bundle)
            self.view.show_model(model)

    def use_parts(self) -> None:
        parts = self.view.parts.parts
        names = [part.name for part in parts]
        if len(parts) < 2 or len(set(names)) < len(names):
            self.view.tell(_("Give at least two parts, each with a name of its own."))
            return
        self._change(lambda model: NameParts(model.bundle, parts), ModelLabels)

    def draw(self) -> None:
        """Save what is painted, if a picture is open, and open the next one; one on which nothing
        is painted is passed over."""
        model, image = self.model, self._image
        if model is None or not model.parts:
            self.view.tell(_("Choose Use These Parts first."))
            return
        is_open = image is not None and image.is_valid()
        passed_over = image is not None and is_open and not label_images.is_painted(image)
        if is_open and not passed_over and not self.save():
            return
        sample = self._ask(DrawSample(model.bundle, fresh=passed_over), SampleToLabel)
        if sample is not None:
            if image is not None and is_open:
                label_images.close(image)
            self._brush.give_back()
            self._image = label_images.show(sample, model.parts, model.bundle, model.title)
            self._look()

    def save(self) -> bool:
        """Returns whether it worked."""
        model, image = self.model, self._image
        if model is None or image is None:
            self.view.tell(_("Choose Next Picture first, then paint its parts."))
            return False
        try:
            message = SaveLabels(
                model.bundle,
                label_images.sample_of(image),
                image.get_width(),
                image.get_height(),
                label_images.read(image),
            )
        except PlugInError as error:
            self._image = None
            self.view.tell(str(error))
            return False
        saved = self._change(lambda _model: message, ModelLabels)
        if saved:
            label_images.note_saved(image)
        return saved

    def take(self, part: PartToLabel) -> None:
        """Paint on a part."""
        image = self._image
        if image is None or not image.is_valid():
            self.view.tell(_("Choose Next Picture first, then paint its parts."))
        elif (layer := label_images.choose(image, part.name)) is not None:
            side = layer.get_width() // 8
            self._brush.fit(side, part.color)
        else:
            self.view.tell(_("The layer of this part was removed: undo that."))

    def erase(self, on: bool) -> None:
        self._brush.erase(on)

    def train(self) -> None:
        """Learn the parts from what is labelled."""
        model = self.model
        if model is None:
            return
        found = self._ask(TrainParts(model.bundle), PartsTrained)
        if found is not None:
            self._put(found.model)
            self.view.show_sheet(found.sheet)
            self.view.tell(trained(found))

    def train_encoder(self) -> None:
        """Learn to find photos in the model."""
        model = self.model
        if model is None:
            return
        wanted = TrainEncoder(model.bundle, self.view.images)
        found = self._ask(wanted, EncoderTrained, keep=True)
        if found is not None:
            self._put(found.model)
            self.view.show_sheet(found.sheet)
            said = _("Distance of reconstructions: {before:.2f} before, {after:.2f} now.")
            self.view.tell(said.format(before=found.distance_before, after=found.distance))

    def close(self) -> None:
        """At once, or when the job that runs has ended."""
        self._closing = True
        self.view.work.stop()
        if not self._busy:
            self._loop.quit()

    # --- talking to the backend ---

    def _look(self) -> bool:
        """Ask for the models, and show the one that is chosen."""
        found = self._ask(ListOwnModels(), OwnModels)
        if found is not None:
            self._models = {model.bundle: model for model in found.models}
            self.view.offer(found)
            self.choose()
            if found.unreadable:
                self.view.tell("\n".join(map(unreadable, found.unreadable)))
            elif not found.models:
                self.view.tell(
                    _(
                        "There is no model of your own yet: download one (Backend Status and "
                        "Settings, Models), or run editgan import."
                    )
                )
        return GLib.SOURCE_REMOVE

    def _change(self, make: Callable[[OwnModel], JobRequest], kind: type[ModelLabels]) -> bool:
        """Ask for a change of the chosen model's labels, and show it; returns whether it worked."""
        model = self.model
        found = None if model is None else self._ask(make(model), kind)
        if found is not None:
            self._put(found.model)
        return found is not None

    def _put(self, model: OwnModel) -> None:
        self._models[model.bundle] = model
        self.view.show_model(model)

    def _ask(self, message: JobRequest, kind: type[M], *, keep: bool = False) -> M | None:
        """Send a job and show how it goes on; its answer, None where it failed or was stopped.

        keep: whether Stop ends it with what there is.
        """
        if self._busy:
            return None
        self._busy = True
        work = self.view.work
        work.prepare(keep=keep)
        self.view.set_busy(True)
        try:
            with Session(work) as session:
                return expect(kind, session.request(message))
        except CommandCancelled:
            self.view.tell(_("Stopped."))
        except PlugInError as error:
            self.view.tell(str(error))
        finally:
            self._busy = False
            work.close()
            self.view.set_busy(False)
            if self._closing:
                self._loop.quit()
        return None


def unreadable(model: UnreadableModel) -> str:
    """Why a model is not in the list."""
    said = _("“{bundle}” is left out. {problem}")
    problem = backend_error(model.code, model.message)
    return said.format(bundle=model.bundle, problem=problem)


def trained(found: PartsTrained) -> str:
    """How well the parts were learned, and what would help."""
    if found.mean_iou is None:
        said = [_("Learned from {n} pictures.").format(n=found.pictures)]
    else:
        said = [
            _(
                "Learned from {n} pictures. Of {held} held back, {share:.0%} of the parts fit."
            ).format(n=found.pictures, held=found.held_back, share=found.mean_iou)
        ]
    if found.pictures < _ENOUGH:
        said.append(_("More labelled pictures help, up to about 30."))
    if "encoder" in found.model.missing:
        said.append(_("To open photos it still needs an encoder: Train Encoder."))
    return " ".join(said)
