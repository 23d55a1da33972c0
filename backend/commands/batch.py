"""`editgan batch`: the same edits on many photos."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import (
    add_declaration,
    add_device,
    add_level,
    finite,
    level_of,
    positive,
)
from backend.commands.stacks import add_stack, stack_from
from backend.errors import BadSetting

if TYPE_CHECKING:
    from backend.batch.crews import AnyCrew
    from backend.batch.manifest import Manifest
    from backend.batch.people import Person
    from backend.batch.report import BatchReport
    from backend.batch.run import Plan
    from backend.batch.tasks import BatchSettings, Outcome, Task

FORMATS = ("same", "png", "tif", "jpg", "webp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photos", type=Path, nargs="+", metavar="PHOTO", help="photos, and folders of photos"
    )
    add_stack(parser)
    parser.add_argument(
        "--person", type=Path, action="append", default=[], metavar="FACE.jpg",
        help="edit only this person, as the photo shows; give it several times for several people, "
        "or for several photos of one (default: everybody)",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=finite, metavar="X",
        help="from which likeness on, -1 to 1, a face is taken for a person's (default: 0.5)",
    )  # fmt: skip
    parser.add_argument(
        "--yes", action="store_true", help="edit at once, without asking who was taken for whom"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT",
        help="a folder for the results, the contact sheet and the manifest",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=FORMATS, default="same",
        help="of the results (default: each photo's own, PNG where that cannot be written)",
    )  # fmt: skip
    add_level(parser)
    add_declaration(parser)
    add_device(parser)
    parser.add_argument(
        "--workers", type=positive, metavar="N",
        help="processes with a model each (default: one for each core or GPU, as memory allows)",
    )  # fmt: skip
    parser.add_argument(
        "--ray", metavar="ADDRESS",
        help="work on a Ray cluster: its head's HOST:PORT, 'auto' on a machine of it, or 'local' "
        "for one on this machine",
    )  # fmt: skip


def run(args: argparse.Namespace) -> BatchReport:
    """Edit the photos; raises UserError for what cannot be begun."""
    from backend.batch import manifest as manifests
    from backend.batch import report, sheet
    from backend.batch.found import find_photos
    from backend.batch.run import plan
    from backend.commands.inputs import check_packages, declaration_wanted

    began = time.monotonic()
    if args.ray:
        check_packages("--ray", ["ray"])
    suffix = None if args.format == "same" else f".{args.format}"
    found = find_photos(args.photos, args.output, suffix)
    bundle, stack = stack_from(args)
    if not any(edit.scale for edit in stack.counting):
        raise BadSetting("All edits have the scale 0, which changes nothing; give one another.")
    people, digest = _people(args, bundle.name)
    from backend.batch.tasks import BatchSettings

    settings = BatchSettings(stack, level_of(args), declaration_wanted(args), digest)
    with manifests.opened(args.output) as manifest, _ending() as stopping:
        planned = plan(manifest, found.photos, settings)
        outcomes = _Batch(args, manifest, planned, settings, people, stopping).edit()
        said = report.report_of(
            manifest, planned, outcomes, seconds=time.monotonic() - began, stopped=stopping()
        )
        page = sheet.write_sheet(manifest, said)
        raw = [str(path) for path in found.raw]
        return report.write_report(manifest, replace(said, raw=raw, contact_sheet=str(page)))


def describe(report: BatchReport) -> str:
    """The report for people."""
    rate = f" ({report.photos_per_second:g} photos/s)" if report.photos_per_second else ""
    lines = [f"{report.output}: {report.edited} photos edited{rate}."]
    if report.earlier:
        lines.append(f"{report.earlier} of {report.photos} photos were done in an earlier run.")
    if report.nobody:
        lines.append(f"{report.nobody} show nobody to edit; the contact sheet lists them.")
    if raw := report.raw:
        name = Path(raw[0]).name
        lines.append(f"{len(raw)} raw file(s) were left alone ({name}{' ...' * (len(raw) > 1)}).")
    for row in report.results:
        if row["status"] == "failed":
            lines.append(f"Failed: {row['photo']}: {row['error']}")
    if report.left:
        lines.append(f"{report.left} photos are left; run the same again to go on.")
    return "\n".join([*lines, f"Look at {report.contact_sheet}."])


def _people(args: argparse.Namespace, bundle: str) -> tuple[list[Person], str]:
    """The persons that --person names, and their digest; loads the model where there are any."""
    if not args.person:
        if args.threshold is not None:
            raise BadSetting("--threshold is about --person; name a photo of somebody's face.")
        return [], ""
    from backend.batch.people import THRESHOLD, digest, read_person
    from backend.bundles import find_bundle
    from backend.editing.editor import Editor

    args.threshold = THRESHOLD if args.threshold is None else args.threshold
    editor = Editor(find_bundle(bundle), "cpu")
    people = [read_person(editor, path) for path in args.person]
    return people, digest(people, args.threshold)


@dataclass(frozen=True)
class _Batch:
    """What the work needs to know."""

    args: argparse.Namespace
    manifest: Manifest
    planned: Plan
    settings: BatchSettings
    people: list[Person]
    stopping: Callable[[], bool]

    def edit(self) -> list[Outcome]:
        """Do what is to be done, as far as Ctrl-C lets it."""
        from backend.batch.losses import expected_losses
        from backend.batch.run import work

        if not self.planned.tasks:
            return []
        for sentence in expected_losses(self.planned.tasks):
            print(f"editgan: {sentence}", file=sys.stderr)
        with self._crew() as crew:
            if self.people and not self._choose(crew):
                return []
            about = self.manifest, self.planned, self.settings, self.stopping
            with _bar("Editing", len(self.planned.tasks), quiet=self.args.quiet) as heard:
                return list(work(crew.doing("edit"), *about, heard))

    def _choose(self, crew: AnyCrew) -> bool:
        """Look for the persons, show who was taken for whom, and ask; False: nothing is to be
        done."""
        from backend.batch.looks import Looks
        from backend.batch.run import choose_people, look
        from backend.batch.sheet import write_people

        threshold = self.args.threshold
        looks = Looks(self.manifest.folder, self.settings.stack.generator_sha256, self.people)
        with _bar("Looking for people", len(self.planned.tasks), quiet=self.args.quiet) as heard:
            looked = look(crew.doing("look"), self.planned, looks, self.stopping, heard)
        if self.stopping():
            return False
        page, count = write_people(self.manifest, self.planned, self.people, looked, threshold)
        choose_people(self.planned, looked, threshold)
        return self.args.yes or _agreed(page, count)

    def _crew(self) -> contextlib.AbstractContextManager[AnyCrew]:
        settings, people, count = self.settings, self.people, self.args.workers
        if self.args.ray:
            from backend.batch.ray_crew import RayCrew

            folder = self.manifest.folder
            return RayCrew(self.args.ray, settings, folder, count=count, people=people)
        from backend.batch.local_crew import LocalCrew, members_that_fit
        from backend.session.devices import choose_device, devices_like

        device = choose_device(self.args.device)
        devices = devices_like(device)
        count = count or (members_that_fit() if device == "cpu" else len(devices))
        threads = max(1, members_that_fit() // count) if device == "cpu" else None
        return LocalCrew(count, settings, devices=devices, threads=threads, people=people)


def _agreed(page: Path, count: int) -> bool:
    if not sys.stdin.isatty():
        raise BadSetting(f"Look at {page} for who was taken for whom, then add --yes.")
    print(f"{count} faces are taken for the persons; look at {page}.", file=sys.stderr)
    print("Edit these? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextlib.contextmanager
def _ending() -> Iterator[Callable[[], bool]]:
    """Ctrl-C: the photos at hand are finished; pressed again, they are not."""
    from backend.commands.progress import enough_on_interrupt

    said = False

    def stopping() -> bool:
        nonlocal said
        if pressed() and not said:
            said = True
            print("Ending after the photos at hand; press again to end at once.", file=sys.stderr)
        return said

    with enough_on_interrupt(True) as pressed:
        yield stopping


@contextlib.contextmanager
def _bar(label: str, total: int, *, quiet: bool) -> Iterator[Callable[[Task], None]]:
    from tqdm import tqdm

    layout = "{desc}: {n_fmt}/{total_fmt}|{bar}| {elapsed}<{remaining}, {rate_noinv_fmt}{postfix}"
    with tqdm(
        total=total, desc=label, unit=" photos", file=sys.stderr, disable=quiet or None,
        bar_format=layout, leave=False, smoothing=0.1,
    ) as bar:  # fmt: skip

        def heard(task: Task) -> None:
            bar.set_postfix_str(Path(task.source).name, refresh=False)
            bar.update()

        yield heard
