"""The steps of an adoption, one after the other; each resumes where it was interrupted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from tqdm import tqdm

from backend.bundles.bundle import Bundle, file_sha, read_bundle, write_bundle_json
from backend.bundles.importing import read_checkpoint
from backend.bundles.importing.checkpoint import Checkpoint
from backend.bundles.importing.install import check_free, copy_small_networks, install
from backend.bundles.names import NO_LICENCE, UNKNOWN_DOMAIN, check_bundle_name
from backend.bundles.networks import load_generator
from backend.bundles.registry import BUILTIN, find_bundle
from backend.editing.editor import Editor
from backend.errors import BadSetting, NoSubject
from backend.models.generator import Generator, sample_z
from backend.models.pictures import to_picture
from backend.photos.detect import FaceDetector
from backend.training.adopting.agreement import CODES, check_parts
from backend.training.adopting.card import write_card
from backend.training.adopting.estimate import (
    Estimate,
    encoder_hours,
    parts_hours,
    peak,
    pictures_hours,
)
from backend.training.adopting.own_samples import Course, learn_encoder, samples_seen
from backend.training.adopting.parts import learn_parts, under
from backend.training.adopting.presets import learn_presets
from backend.training.adopting.progress import Adoption, MadeWith
from backend.training.adopting.report import (
    AdoptionReport,
    CheckedParts,
    LearnedEncoder,
    LearnedParts,
    LearnedPresets,
)
from backend.training.adopting.teacher import Teacher
from backend.training.codes import draw_card_pictures
from edit_library.library import Library
from protocol.paths import bundles_dir, data_dir, library_dir
from protocol.typed import from_known

_LOOKED_AT = 8  # samples in which faces are looked for
_PRESETS = 12  # recipes for a kind of subject, about
_OWN_PARTS = "own parts"  # in what is done: the model had parts before

Learned = TypeVar("Learned", LearnedEncoder, LearnedParts, CheckedParts, LearnedPresets)


@dataclass(frozen=True)
class AdoptionOptions:
    """What `editgan adopt` is asked for; see its help."""

    file: Path
    name: str
    title: str | None
    domain: str | None
    license: str | None
    chosen: int | None
    teacher: str | None
    images: Path | None
    encoder_images: int
    batch: int
    at_once: int
    labelled: int
    heads_steps: int
    check: Path | None
    check_count: int
    preset_steps: int
    device: str
    quiet: bool


class Adopting:
    """One adoption. Its training states lie in `adopting/NAME` of the data folder."""

    def __init__(self, options: AdoptionOptions) -> None:
        self.options = options
        self.folder = bundles_dir() / check_bundle_name(options.name)
        sha = file_sha(options.file)
        if sha is None:
            raise BadSetting(f"There is no file {options.file}.")
        self.adoption = Adoption(data_dir() / "adopting" / options.name, sha)

    def run(self) -> AdoptionReport:
        """All steps; raises EditGanError."""
        report = self.estimate()
        self._say(report.estimate)
        if self.options.images is not None and "encoder" in self.bundle.missing:
            self._say("The encoder learns from photos as well.")
        if self._own_encoder:
            made_with: MadeWith = {"--encoder-images": self.options.encoder_images}
            encoder = self._step("encoder", LearnedEncoder, self._encoder, made_with)
            report = replace(report, encoder=encoder)
        if teacher := self._teacher():
            made_with = {"--teacher": teacher.name, "--labelled": self.options.labelled}
            parts = self._step("parts", LearnedParts, lambda: self._parts(teacher), made_with)
            report = replace(report, parts=parts)
        if self.options.check is not None and not self.bundle.missing:
            of = f"{self.options.check.resolve()}, {self.options.check_count}"
            if self.adoption.forget_unless("check", {"of": of}):
                (self.adoption.folder / CODES).unlink(missing_ok=True)  # of other photographs
            checked = self._step("check", CheckedParts, self._checked, {"of": of})
            report = replace(report, checked=checked)
        if self.options.preset_steps and not self.bundle.missing:
            made_with = {"--preset-steps": self.options.preset_steps}
            presets = self._step("presets", LearnedPresets, self._presets, made_with)
            report = replace(report, presets=presets)
        self._card(report)
        bundle = self.bundle
        used = peak(self.options.device)
        return replace(report, folder=str(bundle.folder), missing=bundle.missing, peak_gb=used)

    def estimate(self) -> AdoptionReport:
        """Import the checkpoint, unless that is done, and measure how long the rest will take."""
        self._import()
        options, hours, features = self.options, dict[str, float](), 0.0
        if self._own_encoder and "encoder" not in self.adoption.done:
            left = max(options.encoder_images - samples_seen(self.adoption.folder), 0)
            with_this = options.batch, options.at_once, options.device
            hours["encoder"] = encoder_hours(self.bundle, left, *with_this)
        teacher = self._teacher()
        if teacher and "parts" not in self.adoption.done:
            hours["parts"], features = parts_hours(
                self.bundle, teacher, options.labelled, options.heads_steps, options.device
            )
        complete = teacher or self.bundle.has("segmentation")
        if complete and options.preset_steps and "presets" not in self.adoption.done:
            count = 4 * _PRESETS * 3 * options.preset_steps
            hours["presets"] = pictures_hours(self.bundle, count, options.device)
        on_the_cpu = not options.device.startswith("cuda")
        found = Estimate(hours, peak(options.device) + features * on_the_cpu)
        sentence = found.sentence(options.device) if hours else "Everything is done."
        return AdoptionReport(options.name, sentence, hours, found.gigabytes)

    @property
    def bundle(self) -> Bundle:
        """As its folder says now."""
        return read_bundle(self.folder)

    @property
    def _own_encoder(self) -> bool:
        """Whether an encoder is to be trained: none came with the generator."""
        bundle = self.bundle
        return bundle.encoder == "residual"

    def _import(self) -> None:
        """Turn the checkpoint into a bundle, unless an earlier run did."""
        options, there = self.options, self.folder.exists()
        if "import" in self.adoption.done and there:
            self.adoption.begin()
            self._describe(self.bundle, options.domain or self.bundle.domain)
            return
        if not there:
            check_free(self.folder, overwrite=False)
            self.adoption.begin()
        self._say("Reading the checkpoint")
        found = read_checkpoint(options.file, options.chosen)
        if there:
            self._go_on_with(found)
            return
        install(
            found,
            self.folder,
            title=options.title or options.name,
            domain=options.domain or self._guess(found),
            license=options.license or NO_LICENCE,
            source=f"Imported from {options.file.name} ({found.origin}).",
            progress=lambda _: None,
        )
        for note in found.notes:
            self._say(note)
        self.adoption.step("import", lambda: None)

    def _go_on_with(self, found: Checkpoint) -> None:
        """Take a model over that was imported from this checkpoint before: what it has learned
        since then stays. Raises BundleExists where it is another one."""
        bundle = self.bundle
        own = load_generator(bundle).state_dict()
        if bundle.config != found.config or not all(
            torch.equal(own[name], weight) for name, weight in found.state.items()
        ):
            check_free(self.folder, overwrite=False)
        self.adoption.begin()
        known = None if bundle.domain == UNKNOWN_DOMAIN else bundle.domain
        self._describe(bundle, self.options.domain or known or self._guess(found))
        if bundle.has("segmentation"):
            self._say("Its parts stay as they are; --teacher NAME learns those of a model.")
            self.adoption.step(_OWN_PARTS, lambda: None)
        self.adoption.step("import", lambda: None)

    def _describe(self, bundle: Bundle, domain: str) -> None:
        """Write into the bundle what it draws, and what else the options say of it."""
        options, crop = self.options, "ffhq" if domain == "faces" else bundle.crop
        license = bundle.license if options.license is None else under(options.license, bundle)
        title = options.title or bundle.title
        new = replace(bundle, domain=domain, crop=crop, title=title, license=license)
        write_bundle_json(copy_small_networks(new))

    def _guess(self, found: Checkpoint) -> str:
        """ "faces" where most samples show one."""
        generator = Generator(found.config)
        generator.load_state_dict(found.state)
        detector, faces = FaceDetector(), 0
        with torch.no_grad():
            for seed in range(_LOOKED_AT):
                z = sample_z(found.config, [seed])
                picture = to_picture(generator(generator.map(z, truncation=0.7))[0])
                try:
                    faces += bool(detector.find(picture))
                except NoSubject:
                    continue
        return "faces" if faces > _LOOKED_AT / 2 else UNKNOWN_DOMAIN

    def _teacher(self) -> Bundle | None:
        """The model that knows such subjects; None where there is none, or none is needed."""
        if self.options.teacher:
            return find_bundle(self.options.teacher)
        if _OWN_PARTS in self.adoption.done:
            return None
        domain = self.bundle.domain
        return read_bundle(BUILTIN / domain) if (BUILTIN / domain).is_dir() else None

    def _encoder(self) -> LearnedEncoder:
        options = self.options
        course = Course(options.encoder_images, options.batch, options.at_once)
        return learn_encoder(
            self.bundle,
            self.adoption.folder,
            course,
            images=options.images,
            device=options.device,
            quiet=options.quiet,
        )

    def _parts(self, teacher: Bundle) -> LearnedParts:
        options = self.options
        return learn_parts(
            self.bundle,
            Teacher(Editor(teacher, options.device)),
            self.adoption.folder,
            options.labelled,
            options.heads_steps,
            images=options.images,
            quiet=options.quiet,
        )

    def _checked(self) -> CheckedParts:
        options = self.options
        assert options.check is not None
        return check_parts(
            self.bundle,
            options.check,
            self.adoption.folder,
            options.check_count,
            device=options.device,
            quiet=options.quiet,
        )

    def _presets(self) -> LearnedPresets:
        options = self.options
        return learn_presets(
            self.bundle,
            Library(library_dir()),
            device=options.device,
            steps=options.preset_steps,
            quiet=options.quiet,
        )

    def _card(self, report: AdoptionReport) -> None:
        def written() -> None:
            draw_card_pictures(load_generator(self.bundle), self.folder)
            write_card(self.bundle, report)

        if self.adoption.step("card", written):
            self._say("card: done")

    def _step(
        self, name: str, kind: type[Learned], work: Callable[[], Learned], made_with: MadeWith
    ) -> Learned:
        """Do a step, or take over what it reported when it was done; made_with: the options that
        its result depends on."""
        path = self.adoption.folder / f"{name}.json"

        def whole() -> None:
            path.write_text(json.dumps(asdict(work())), encoding="utf-8")

        if self.adoption.step(name, whole, made_with):
            self._say(f"{name}: done")
        elif others := self.adoption.made_otherwise(name, made_with):
            before = ", ".join(f"{option} {value}" for option, value in others.items())
            self._say(
                f"{name}: stays as it was made with {before}; to begin anew, remove the model and "
                f"{self.adoption.folder}."
            )
        found: Learned = from_known(kind, json.loads(path.read_text(encoding="utf-8")), (), name)
        return found

    def _say(self, text: str) -> None:
        if not self.options.quiet:
            tqdm.write(text, file=sys.stderr)
