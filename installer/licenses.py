"""`python -m installer.licenses`: the licence of every package that EditGAN installs, as Markdown.

Reads what the packages say of themselves in the environment that runs it (an EditGAN environment;
`--cuda` and `--test` have all). What is not there keeps its row of the table that was made before.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata

from installer.torch_build import HERE, PINS

TABLE = HERE.parent / "docs/licences.md"
FOR = {
    "backend": "backend",
    "torch": "backend",
    "cuda": "backend with an NVIDIA card",
    "gimp": "plug-in",
    "cluster": "`editgan batch --ray`",
    "evaluation": "`editgan evaluate`",
    "test": "tests",
    "gimp-test": "tests",
}
_HEAD = """# Licences of what EditGAN installs

EditGAN's code is under the MIT licence. The built-in models, which come with it, are not: each has
terms of its own, which its model card explains.

| model | terms |
|---|---|
{models}
None of the packages below is part of EditGAN: `install.py` gets them from the package index, each
under its own licence, checked by its hash. Made by `python -m installer.licenses`.

| package | version | licence | used by |
|---|---|---|---|
"""
_UNSAID = "not said in its metadata"


def pinned() -> Iterator[tuple[str, str, str]]:
    """(package, version, what for) of every pin."""
    for name, purpose in FOR.items():
        for line in (PINS / f"{name}.in").read_text(encoding="utf-8").splitlines():
            if found := re.match(r"([\w.-]+)==([^\s;]+)", line):
                yield found[1], found[2], purpose


def table(before: str = "") -> str:
    """The page; before: an earlier one."""
    purposes: dict[tuple[str, str], list[str]] = {}
    for package, version, purpose in pinned():
        known = purposes.setdefault((package, version), [])
        if purpose not in known:
            known.append(purpose)
    rows = [
        f"| {package} | {version} | {licence(package, before)} | {', '.join(for_what)} |\n"
        for (package, version), for_what in sorted(
            purposes.items(), key=lambda row: row[0][0].lower()
        )
    ]
    return _HEAD.format(models=_models()) + "".join(rows)


def _models() -> str:
    files = sorted((HERE.parent / "backend/bundles/builtin").glob("*/bundle.json"))
    bundles = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return "".join(f"| {bundle['name']} | {bundle['license']} |\n" for bundle in bundles)


def licence(package: str, before: str = "") -> str:
    """What a package says of its licence: the SPDX expression, else its classifiers, else text."""
    try:
        says = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        found = re.search(rf"(?m)^\| {re.escape(package)} \| [^|]+ \| ([^|]+) \|", before)
        return found[1] if found else _UNSAID
    classifiers = [
        text.split(" :: ")[-1]
        for text in says.get_all("Classifier") or []
        if text.startswith("License :: ") and "DFSG" not in text
    ]
    said = says.json  # names in lower case, "_" for "-"
    short = str(said.get("license", "")).strip()
    if len(short) > 40 or short == "UNKNOWN" or "\n" in short:
        short = ""
    return str(said.get("license_expression") or short or ", ".join(classifiers) or _UNSAID)


def main() -> int:
    """Print the page."""
    before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    sys.stdout.write(table(before))
    return 0


if __name__ == "__main__":
    sys.exit(main())
