"""`editgan download`: fetch a public checkpoint, or list those that are known."""

from __future__ import annotations

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one; without it: list all")
    parser.add_argument(
        "--accept-terms", action="store_true", help="you accept the licence that is shown"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Raises BadSetting, DownloadFailed."""
    from tqdm import tqdm

    from backend.bundles.download import download, find_model, known_models
    from backend.errors import BadSetting

    if args.name is None:
        return {"models": [_about(model) for model in known_models().values()]}
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
    return {"file": str(path), **_about(model)}


def _about(model: Any) -> dict[str, Any]:
    return {
        "name": model.name,
        "title": model.title,
        "domain": model.domain,
        "licence": model.license,
        "terms": model.terms,
        "verified": model.sha256 is not None,
        "here": model.path.is_file(),
    }


def describe(report: dict[str, Any]) -> str:
    if "models" in report:
        return "\n".join(map(_line, report["models"]))
    name, license = report["name"], report["licence"]
    return (
        f"{report['file']}\n"
        f"Next: editgan adopt {report['file']} --name {name} --domain '{report['domain']}' "
        f"--license '{license}'"
    )


def _line(model: dict[str, Any]) -> str:
    marks = [] if model["verified"] else ["not verified here"]
    marks += ["fetched"] if model["here"] else []
    state = f" ({', '.join(marks)})" if marks else ""
    return f"{model['name']}: {model['title']}{state}\n    {model['licence']}, {model['terms']}"
