"""`editgan import`: a model from a StyleGAN2 checkpoint; nothing in the file is executed."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from backend.bundles.names import NO_LICENCE, UNKNOWN_DOMAIN
from backend.commands.arguments import not_negative
from backend.commands.progress import progress_bar


@dataclass(frozen=True)
class ImportReport:
    """What the command reports."""

    bundle: str
    folder: str
    origin: str
    resolution: int
    w_dim: int
    mapping_layers: int
    sha256: str
    licence: str
    notes: list[str]
    missing: list[str]
    edits: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE",
        help="a StyleGAN2 checkpoint of NVIDIA's programs, rosinality's, BasicSR or GenForce; "
        "of e4e or pSp, with the encoder; or the folder of EditGAN's release",
    )  # fmt: skip
    parser.add_argument(
        "--card", type=Path,
        help="for EditGAN's release: card.json that names its classes, in their order",
    )  # fmt: skip
    parser.add_argument(
        "--class", type=not_negative, dest="chosen", metavar="N",
        help="which class a conditional generator is to draw: 0 is the first",
    )  # fmt: skip
    parser.add_argument("--bundle", required=True, metavar="NAME", help="the new model's name")
    parser.add_argument("--title", help="its name for people (default: NAME)")
    parser.add_argument(
        "--domain", default=UNKNOWN_DOMAIN,
        help="what it draws; 'faces': photos are aligned as FFHQ's are; anything else: the middle "
        "square is taken (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--license", default=NO_LICENCE, help="the checkpoint's licence terms")
    parser.add_argument("--overwrite", action="store_true", help="replace a model of that name")


def run(args: argparse.Namespace) -> ImportReport:
    """Convert the generator and write a bundle; raises UserError."""
    from backend.bundles.bundle import read_bundle
    from backend.bundles.importing import read_checkpoint
    from backend.bundles.importing.install import check_free, install
    from backend.bundles.importing.release import read_release
    from backend.bundles.names import check_bundle_name
    from backend.editing.progress import Progress
    from backend.session.release import add_release
    from protocol.paths import bundles_dir

    folder = bundles_dir() / check_bundle_name(args.bundle)
    check_free(folder, overwrite=args.overwrite)
    with progress_bar("Reading the checkpoint", quiet=args.quiet) as show:
        release = read_release(args.file) if args.file.is_dir() else None
        found = release.checkpoint if release else read_checkpoint(args.file, args.chosen)
        show(Progress(0.5, "Drawing samples"))
        bundle = install(
            found,
            folder,
            title=args.title or args.bundle,
            domain=args.domain,
            license=args.license,
            source=f"Imported from {args.file.name} ({found.origin}).",
            progress=lambda share: show(Progress(0.5 + share / 2, "Drawing samples")),
        )
        edits = add_release(release, bundle, args.card) if release else []
        bundle = read_bundle(bundle.folder)
    config = bundle.config
    return ImportReport(
        bundle=bundle.name,
        folder=str(bundle.folder),
        origin=found.origin,
        resolution=config.resolution,
        w_dim=config.w_dim,
        mapping_layers=config.mapping_layers,
        sha256=bundle.sha,
        licence=bundle.license,
        notes=list(found.notes),
        missing=bundle.missing,
        edits=edits,
    )


def describe(report: ImportReport) -> str:
    name, lacks = report.bundle, report.missing
    lines = [
        f"'{name}' was made from a {report.origin}: {report.resolution} pixels, "
        f"{report.mapping_layers} mapping layers{'' if 'encoder' in lacks else ', encoder'}.",
        *report.notes,
        *([f"Edits: {', '.join(report.edits)}."] if report.edits else []),
        f"Its folder: {report.folder}",
        f"Try it: editgan sample --bundle {name} -o samples.png",
    ]
    if lacks:
        still = {"encoder": "an encoder", "segmentation": "parts"}
        wanted = " and ".join(still[network] for network in lacks)
        lines.append(f"It cannot open photos yet: it lacks {wanted} (docs/bundles.md).")
    return "\n".join(lines)
