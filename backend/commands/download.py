"""`editgan download`: fetch a public checkpoint, or list those that are known."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.bundles.download import PublicModel


@dataclass(frozen=True, kw_only=True)
class KnownCheckpoint:
    """A public checkpoint; verified: its digest is known; here: it was fetched."""

    name: str
    title: str
    domain: str
    licence: str
    terms: str
    verified: bool
    here: bool


@dataclass(frozen=True)
class KnownCheckpoints:
    """What there is to fetch."""

    models: list[KnownCheckpoint]


@dataclass(frozen=True, kw_only=True)
class FetchedCheckpoint(KnownCheckpoint):
    """What was fetched, and where it is."""

    file: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one; without it: list all")
    parser.add_argument(
        "--accept-terms", action="store_true", help="you accept the licence that is shown"
    )


def run(args: argparse.Namespace) -> KnownCheckpoints | FetchedCheckpoint:
    """Raises BadSetting, DownloadFailed."""
    from tqdm import tqdm

    from backend.bundles.download import download, find_model, known_models
    from backend.errors import BadSetting

    if args.name is None:
        return KnownCheckpoints([_about(model) for model in known_models().values()])
    model = find_model(args.name)
    if not args.accept_terms:
        raise BadSetting(
            f"'{model.title}' is under the {model.license} ({model.terms}). If you accept that, "
            "add --accept-terms."
        )
    with tqdm(desc=model.name, unit="B", unit_scale=True, disable=args.quiet or None) as bar:

        def show(done: int, whole: int | None) -> None:
            bar.total = whole
            bar.update(done - bar.n)

        path = download(model, show)
    return FetchedCheckpoint(file=str(path), **vars(_about(model)))


def _about(model: PublicModel) -> KnownCheckpoint:
    return KnownCheckpoint(
        name=model.name,
        title=model.title,
        domain=model.domain,
        licence=model.license,
        terms=model.terms,
        verified=model.sha256 is not None,
        here=model.path.is_file(),
    )


def describe(report: KnownCheckpoints | FetchedCheckpoint) -> str:
    if isinstance(report, KnownCheckpoints):
        return "\n".join(map(_line, report.models))
    return (
        f"{report.file}\n"
        f"Next: editgan adopt {report.file} --name {report.name} --domain '{report.domain}' "
        f"--license '{report.licence}'"
    )


def _line(model: KnownCheckpoint) -> str:
    marks = [] if model.verified else ["not verified here"]
    marks += ["fetched"] if model.here else []
    state = f" ({', '.join(marks)})" if marks else ""
    return f"{model.name}: {model.title}{state}\n    {model.licence}, {model.terms}"
