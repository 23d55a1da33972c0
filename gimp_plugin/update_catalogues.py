"""Brings the plug-in's translations up to date: `python gimp_plugin/update_catalogues.py`.

Reads every text in _(), those of the presets and of everybody's models into locale/editgan.pot,
takes new texts over into each language's editgan.po (a near one's translation is kept, marked fuzzy
and not used until somebody has looked), and compiles those. A new language:
`python gimp_plugin/update_catalogues.py fr`.
"""

from __future__ import annotations

import io
import json
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PLUGIN = Path(__file__).resolve().parent / "editgan"
PROJECT = PLUGIN.parents[1]
PRESETS = PROJECT / "edit_library/presets"
BUNDLES = PROJECT / "backend/bundles"
LOCALE = PLUGIN / "locale"
TEMPLATE = LOCALE / "editgan.pot"
_ANY_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_HEADER = """\
# Texts of EditGAN for GIMP.
# This file is distributed under the same licence as the program (MIT).
#"""


def main(new: list[str]) -> int:
    template = extracted()
    _write(TEMPLATE, po_bytes(template))
    for language in new:
        po_file(language).parent.mkdir(parents=True, exist_ok=True)
        _write(po_file(language), po_bytes(_empty(language)))
    for file in sorted(LOCALE.glob("*/LC_MESSAGES/editgan.po")):
        catalog = read(file)
        catalog.update(template)
        _write(file, po_bytes(catalog))
        _write(file.with_suffix(".mo"), mo_bytes(read(file)))
        missing = sum(not done(message) for message in catalog if message.id)
        print(f"{catalog.locale}: {len(catalog)} texts, {missing} to translate")
    return 0


def extracted() -> Catalog:
    """All texts in the source, of the presets, of the built-in models and of the public ones."""
    found = _empty(None)
    texts = extract_from_dir(str(PLUGIN), [("**.py", "python")], keywords={"_": None})
    for name, line, text, comments, context in sorted(texts, key=lambda entry: entry[:2]):
        found.add(text, locations=[(name, line)], auto_comments=comments, context=context)
    for file in sorted(PRESETS.glob("*/*/edit.json")):
        edit = json.loads(file.read_text(encoding="utf-8"))
        for text in (edit["title"], edit["description"]):
            found.add(text, locations=[(file.relative_to(PRESETS.parent).as_posix(), 1)])
    for file, text in of_models():
        found.add(text, locations=[(file.relative_to(PROJECT).as_posix(), 1)])
    return found


def of_models() -> Iterator[tuple[Path, str]]:
    """What is said of the models that everybody has or can fetch, and where it is written."""
    for file in sorted(BUNDLES.glob("builtin/*/bundle.json")):
        bundle = json.loads(file.read_text(encoding="utf-8"))
        yield from ((file, bundle[name]) for name in ("title", "license", "source"))
    table = BUNDLES / "models.toml"
    for model in tomllib.loads(table.read_text(encoding="utf-8")).values():
        yield from ((table, model[name]) for name in ("title", "license"))


def _empty(language: str | None) -> Catalog:
    return Catalog(
        language,
        domain="editgan",
        project="EditGAN for GIMP",
        version="1",
        header_comment=_HEADER,
        fuzzy=False,
        last_translator="EditGAN for GIMP contributors",
        language_team="none",
        msgid_bugs_address="none",
        copyright_holder="EditGAN for GIMP contributors",
    )


def po_file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES/editgan.po"


def read(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream, domain="editgan", locale=file.parts[-3])


def done(message: object) -> bool:
    return bool(message.string) and not message.fuzzy  # type: ignore[attr-defined]


def po_bytes(catalog: Catalog) -> bytes:
    """Without line numbers and dates: a file that changes only when its texts do."""
    catalog.creation_date = catalog.revision_date = None
    stream = io.BytesIO()
    write_po(stream, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    lines = stream.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if b"-Date: " not in line)


def mo_bytes(catalog: Catalog) -> bytes:
    catalog.creation_date = catalog.revision_date = _ANY_DATE  # else that of this moment
    stream = io.BytesIO()
    write_mo(stream, catalog)
    return stream.getvalue()


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_bytes() != data:
        file.write_bytes(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
