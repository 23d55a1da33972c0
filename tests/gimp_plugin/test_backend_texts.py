"""The backend's English texts are all known to the plug-in, which has them translated."""

from __future__ import annotations

import ast
import gettext
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.bundles.download import known_models
from backend.editing.inversion import Reconstruction
from link import backend_texts
from protocol.messages import (
    BundleInfo,
    DownloadableModel,
    EditInfo,
    FilesRequest,
    JobRequest,
)

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs/protocol.md").read_text(encoding="utf-8")
ANSWERED_AT_ONCE = {"HasPhoto", "TransferRequest"}
ENDS_QUIETLY = {"cancelled", "replaced"}


def progress_texts() -> Iterator[str]:
    """The fixed texts that the backend gives to Progress(fraction, text) or report(...)."""
    training = ("training", "training/adopting", "training/labelling")
    for folder in ("editing", "server", *training):
        for path in (PROJECT / "backend" / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = isinstance(node, ast.Call) and getattr(
                    node.func, "attr", getattr(node.func, "id", "")
                )
                if name in ("Progress", "report"):
                    yield from (
                        argument.value
                        for argument in node.args
                        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                    )


def verdicts() -> set[str]:
    return {Reconstruction(far, "", 0.0, None, None).verdict for far in (0.0, 0.15, 1.0)}


def test_no_text_is_missing_and_none_is_left_over() -> None:
    assert set(backend_texts.FIXED) == {*progress_texts(), *verdicts()}


def kinds(request: type) -> Iterator[type]:
    for kind in request.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_what_the_backend_is_seen_working_on_has_a_name() -> None:
    """Requests about files are answered before anybody can look."""
    long = {kind.__name__ for kind in kinds(JobRequest) if not issubclass(kind, FilesRequest)}
    names = {kind.__name__: backend_texts.backend_job(kind.__name__) for kind in kinds(JobRequest)}
    assert not [kind for kind in long - ANSWERED_AT_ONCE if names[kind] == kind]
    assert set(backend_texts.JOBS) <= set(names)


def test_every_error_code_has_a_sentence() -> None:
    chapter = PAGE.split("## Error codes")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in chapter.splitlines() if line.startswith("| `")]
    client = chapter.split("The client in Python")[1]
    codes = {*re.findall(r"`([a-z_]+)`", " ".join(rows)), *re.findall(r"`([a-z_]+)`\s\(", client)}
    assert codes - ENDS_QUIETLY == set(backend_texts.ERRORS)


def test_steps_keep_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_texts, "_", str)  # whatever language this machine speaks
    assert backend_texts.backend_text("Step 3 of 100") == "Step 3 of 100"
    assert backend_texts.backend_text("Something new") == "Something new"


def test_presets_are_titled_in_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    german = gettext.translation("editgan", PROJECT / "gimp_plugin/editgan/locale", ["de"])
    monkeypatch.setattr(backend_texts, "_", german.gettext)
    preset = EditInfo(
        "smile", "Smile", "Widens the mouth.", ("mouth",), -1.0, 1.0, 1.0, source="preset"
    )
    shown = backend_texts.in_users_language(preset)
    assert (shown.title, shown.description) == ("Lächeln", "Verbreitert den Mund.")
    assert (shown.name, shown.parts) == (preset.name, preset.parts)
    own = replace(preset, source="user")
    assert backend_texts.in_users_language(own) == own  # it is called what its maker called it


def test_models_that_everybody_has_are_described_in_the_users_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    german = gettext.translation("editgan", PROJECT / "gimp_plugin/editgan/locale", ["de"])
    monkeypatch.setattr(backend_texts, "_", german.gettext)
    for file in (PROJECT / "backend/bundles/builtin").glob("*/bundle.json"):
        about = json.loads(file.read_text(encoding="utf-8"))
        fields = {name: about[name] for name in ("title", "license", "source")}
        shown = backend_texts.bundle_in_users_language(BundleInfo(file.parent.name, **fields))
        assert not [name for name, text in fields.items() if getattr(shown, name) == text]
    for name, public in known_models().items():
        model = DownloadableModel(
            name, public.title, "", public.license, public.terms, None, False, False
        )
        shown_as = backend_texts.download_in_users_language(model)
        assert shown_as.title != model.title and shown_as.license != model.license


def test_a_model_of_ones_own_is_called_what_its_maker_called_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    german = gettext.translation("editgan", PROJECT / "gimp_plugin/editgan/locale", ["de"])
    monkeypatch.setattr(backend_texts, "_", german.gettext)
    for terms in ("Mine.", ""):
        own = BundleInfo("mine", title="Cats", license=terms)
        assert backend_texts.bundle_in_users_language(own) == own


def test_in_english_the_backends_sentence_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_texts, "IN_ENGLISH", True)
    assert backend_texts.backend_error("no_subject", "No face.") == "No face."


def test_elsewhere_a_translated_sentence_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    german = gettext.translation("editgan", PROJECT / "gimp_plugin/editgan/locale", ["de"]).gettext
    monkeypatch.setattr(backend_texts, "IN_ENGLISH", False)
    monkeypatch.setitem(
        backend_texts.ERRORS, "no_subject", german(backend_texts.ERRORS["no_subject"])
    )
    said = backend_texts.backend_error("no_subject", "No face was found.")
    assert said.startswith("Weder im Foto") and said.endswith("\nNo face was found.")
    assert backend_texts.backend_error("new_code", "Odd.") == "Odd."
