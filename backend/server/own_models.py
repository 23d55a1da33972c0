"""Models that may learn parts, and their label sets: requests that need no device."""

from __future__ import annotations

from collections.abc import Sequence

from backend.bundles import Bundle, find_bundle
from backend.bundles.bundle import Part
from backend.bundles.registry import list_bundles
from backend.errors import BadSetting
from backend.server import wire
from backend.training.labelling.own_labels import OwnLabels, name_parts, own_labels
from backend.training.labelling.templates import templates
from protocol import messages as m
from protocol.errors import UserError
from protocol.geometry import Rect
from protocol.paths import bundles_dir


def answer(request: m.ListOwnModels | m.NameParts | m.SaveLabels) -> m.Message:
    match request:
        case m.NameParts(bundle, parts):
            return named(bundle, parts)
        case m.SaveLabels():
            return saved(request)
    return listed()


def listed() -> m.OwnModels:
    """Those of the user's own; of those that cannot be read, why."""
    models, unreadable = [], []
    for name, folder in sorted(list_bundles().items()):
        try:
            bundle = find_bundle(name)
            if is_own(bundle):
                models.append(described(bundle))
        except UserError as error:
            if folder.parent == bundles_dir():
                unreadable.append(m.UnreadableModel(name[:200], error.code, error.message))
    found = templates().items()
    return m.OwnModels(
        models,
        [m.PartTemplate(name, card.title, _named(card.parts)) for name, card in found],
        unreadable,
    )


def named(bundle: str, parts: Sequence[m.PartToLabel]) -> m.ModelLabels:
    """Raises BadSetting, UnknownBundle."""
    model = own_model(bundle)
    name_parts(model, [Part(one.name, i, one.color) for i, one in enumerate(parts)])
    return m.ModelLabels(described(model))


def saved(request: m.SaveLabels) -> m.ModelLabels:
    """Raises BadImage, UnknownPart, UnknownBundle."""
    model = find_bundle(request.bundle)
    whole = Rect(0, 0, request.width, request.height)
    layers = wire.painted(request.layers, whole)
    own_labels(model).save(request.sample, layers, (request.width, request.height))
    return m.ModelLabels(described(model))


def own_model(name: str) -> Bundle:
    """A model that may be changed; raises UnknownBundle, BadSetting."""
    bundle = find_bundle(name)
    if not is_own(bundle):
        raise BadSetting(f"'{name}' is built in and stays as it is: choose a model of your own.")
    return bundle


def is_own(bundle: Bundle) -> bool:
    return bundle.folder.parent == bundles_dir()


def described(bundle: Bundle, labels: OwnLabels | None = None) -> m.OwnModel:
    labels = labels or own_labels(bundle)
    return m.OwnModel(
        bundle=bundle.name,
        title=bundle.title,
        domain=bundle.domain,
        resolution=bundle.resolution,
        parts=_named(labels.parts),
        labelled=labels.labelled(),
        waiting=labels.waiting(),
        missing=tuple(bundle.missing),
        ready=bundle.has("segmentation") and labels.parts == bundle.parts,
    )


def _named(parts: Sequence[Part]) -> list[m.PartToLabel]:
    return [m.PartToLabel(part.name, part.color) for part in parts]
