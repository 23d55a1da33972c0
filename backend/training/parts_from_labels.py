"""A segmentation branch learned from labelled pictures: photos, the generator's own samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.networks import (
    Networks,
    load_encoder,
    load_generator,
    load_parser,
    load_perceptual,
    new_segmentation_branch,
    save_network,
)
from backend.editing.progress import ProgressCallback, no_progress, sub_progress
from backend.errors import BadBundle, BadImage
from backend.models.generator import Generator
from backend.models.segmentation import SegmentationBranch
from backend.training.embedded import embed_all
from backend.training.labelled import LabelledCrop, LabelSet, read_labelled
from backend.training.labelling.samples import read_codes, read_samples
from backend.training.parsed_samples import parsed_samples
from backend.training.segmentation import build_branch, choose_held_back, score


@dataclass(frozen=True, kw_only=True)
class LabelCourse:
    """What a branch is learned from, and how.

    images: a folder of photos and samples; labels: of their maps, None where they lie with them.
    held_back: pictures kept for the score. parsed: samples that the bundle's face parser labels.
    mirrored_samples: whether mirror images of samples are embedded and learned from, as those of
    photos are. codes: file that keeps the embedded codes. sheet: where picture, labels and what was
    found are drawn.
    """

    images: Path
    labels: Path | None = None
    steps: int = 2000
    held_back: int = 8
    parsed: int = 0
    mirrored_samples: bool = False
    embedding_steps: int = 40
    codes: Path | None = None
    sheet: Path | None = None
    device: str = "cpu"
    quiet: bool = False


@dataclass(frozen=True)
class PartsFromLabels:
    """pictures: that were learned from in the end; samples: of them the generator's own; held_back:
    names of those kept for the score; iou: by part, NaN where it does not occur there."""

    pictures: int
    samples: int
    skipped: list[str]
    parsed_samples: int
    held_back: list[str]
    iou: dict[str, float]
    mean_iou: float


@dataclass(frozen=True, eq=False)
class Taught:
    """Codes (1, n_ws, w_dim) and the labelled crops that they draw."""

    codes: list[Tensor]
    crops: list[LabelledCrop]

    def of(self, kept: Sequence[int]) -> Taught:
        return Taught([self.codes[i] for i in kept], [self.crops[i] for i in kept])

    def __add__(self, other: Taught) -> Taught:
        return Taught(self.codes + other.codes, self.crops + other.crops)


@dataclass(frozen=True, eq=False)
class _Material:
    """The labelled pictures, of which the last `samples` are the generator's own, and mirror images
    by the number of the picture that they are of."""

    known: Taught
    samples: int
    turned: dict[int, tuple[Tensor, LabelledCrop]]
    parsed: Taught

    def of(self, kept: Sequence[int]) -> Taught:
        """What there is to learn from these pictures."""
        pairs = [self.turned[i] for i in kept if i in self.turned]
        mirrored = Taught([code for code, _ in pairs], [crop for _, crop in pairs])
        return self.known.of(kept) + mirrored + self.parsed


def learn_from_labels(
    bundle: Bundle, course: LabelCourse, progress: ProgressCallback = no_progress
) -> PartsFromLabels:
    """Score a branch on pictures held back, then train one on all, and write it into the bundle
    with the bundle's parts. Raises BadBundle, BadImage, IncompleteBundle."""
    if not bundle.parts:
        raise BadBundle(f"The model '{bundle.name}' names no parts yet; give --card card.json.")
    generator = load_generator(bundle).to(torch.device(course.device))
    skipped: list[str] = []
    material = _material(bundle, generator, skipped, course, sub_progress(progress, 0.0, 0.2))
    crops = material.known.crops
    back = choose_held_back(crops, course.held_back, len(bundle.parts))

    def branch_of(kept: Sequence[int], report: ProgressCallback) -> SegmentationBranch:
        some = material.of(kept)
        return build_branch(
            bundle, generator, some.codes, some.crops, course.steps,
            quiet=course.quiet, progress=report,
        )  # fmt: skip

    everything = range(len(crops))
    test, iou = material.known.of(back), [float("nan")] * len(bundle.parts)
    if back:
        rest = [i for i in everything if i not in back]
        scored = branch_of(rest, sub_progress(progress, 0.2, 0.6))
        iou = score(scored, generator, test.codes, test.crops, bundle.parts, course.sheet)
    branch = branch_of(everything, sub_progress(progress, 0.6 if back else 0.2, 1.0))
    save_network(branch, bundle.path("segmentation"))
    write_bundle_json(bundle)
    return PartsFromLabels(
        pictures=len(crops),
        samples=material.samples,
        skipped=skipped,
        parsed_samples=len(material.parsed.crops),
        held_back=[crop.name for crop in test.crops],
        iou=dict(zip((part.name for part in bundle.parts), iou, strict=True)),
        mean_iou=float(np.nanmean(iou)) if back else float("nan"),
    )


def _material(
    bundle: Bundle,
    generator: Generator,
    skipped: list[str],
    course: LabelCourse,
    progress: ProgressCallback,
) -> _Material:
    """Read and embed the labelled pictures; raises BadBundle, BadImage, IncompleteBundle."""
    side = new_segmentation_branch(bundle).resolution
    photos, samples = _labelled(bundle, side, skipped, course)
    names = [part.name for part in bundle.parts]
    crops = photos + samples.crops
    turned = [crop.mirrored(names) for crop in crops]
    if not course.mirrored_samples:
        turned = turned[: len(photos)]
    codes = _embedded(bundle, generator, photos + turned, course, progress)
    pairs = zip(codes[len(photos) :], turned, strict=True)
    return _Material(
        Taught(codes[: len(photos)] + samples.codes, crops),
        len(samples.crops),
        dict(enumerate(pairs)),
        _parsed(bundle, generator, side, course),
    )


def _labelled(
    bundle: Bundle, side: int, skipped: list[str], course: LabelCourse
) -> tuple[list[LabelledCrop], Taught]:
    """The photos, whose codes are yet to be found, and the painted samples; raises BadImage."""
    labels = LabelSet.open(course.labels or course.images, course.images)
    parts = [part.name for part in bundle.parts]
    codes = read_codes(labels.labels, bundle.sha)
    samples = Taught(*read_samples(labels, codes, parts, side))
    names = [name for name in labels.names() if name not in codes]
    photos = read_labelled(
        labels, parts, bundle.domain, bundle.resolution, side, skipped, names,
        aspect=bundle.aspect, whole=bundle.whole,
    )  # fmt: skip
    if not samples.crops and not photos:
        raise BadImage(f"Nothing is painted on the label maps in {labels.labels} yet.")
    return photos, samples


def _embedded(
    bundle: Bundle,
    generator: Generator,
    crops: Sequence[LabelledCrop],
    course: LabelCourse,
    progress: ProgressCallback,
) -> list[Tensor]:
    """The codes of crops; raises IncompleteBundle where there is no encoder for them."""
    if not crops:
        return []
    device = generator.w_avg.device
    perceptual = load_perceptual(bundle)
    assert isinstance(perceptual, nn.Module)
    networks = Networks(
        generator=generator,
        segmentation=new_segmentation_branch(bundle).to(device),
        encoder=load_encoder(bundle).to(device),
        perceptual=perceptual,
        identity=None,
    )
    perceptual.to(device)
    return embed_all(
        networks, crops, course.embedding_steps, course.codes, bundle.sha,
        quiet=course.quiet, progress=progress,
    )  # fmt: skip


def _parsed(bundle: Bundle, generator: Generator, side: int, course: LabelCourse) -> Taught:
    """Samples that the bundle's parser labelled; raises BadBundle."""
    if not course.parsed:
        return Taught([], [])
    parser = load_parser(bundle)
    if parser is None:
        raise BadBundle(f"The model '{bundle.name}' has no face parser to label samples with.")
    some = parsed_samples(generator, parser, bundle.parts, course.parsed, side, quiet=course.quiet)
    return Taught(*some)
