"""Results as JSON, and as tables that people read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Results = dict[str, Any]
Column = tuple[str, str, str]  # key in the row, heading, format

_SHARE, _NUMBER, _TEXT = ".0%", ".3f", ""


def load(path: Path, bundle: Mapping[str, str]) -> Results:
    """The sections of an earlier run on the same networks; empty otherwise."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    same = isinstance(kept, dict) and kept.get("bundle", {}).get("files") == dict(bundle)
    return kept["sections"] if same else {}


def save(path: Path, about: Mapping[str, Any], sections: Results) -> None:
    """`results.json`."""
    text = json.dumps({"bundle": about, "sections": sections}, indent=1, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def markdown(about: Mapping[str, Any], sections: Results, sheets: Mapping[str, str]) -> str:
    """All tables, under headings, and the contact sheets: titles by file."""
    lines = [
        f"# Results: {about['title']}, {about['resolution']} x {about['resolution']}",
        "",
        f"Written by `{about['command']}`; generator "
        f"{about['files']['generator.safetensors'][:12]}. What is measured, and how, is told in "
        "[evaluation](../../evaluation.md).",
    ]
    writers = {"encoder": _encoder, "smile": _smile, "presets": _presets}
    for name, write in writers.items():
        if (section := sections.get(name)) is None:
            continue
        lines += ["", f"## {_HEADINGS[name]}", ""]
        skipped = section.get("skipped")
        lines += [f"Not measured: {skipped}."] if skipped else write(section)
    lines += ["", "## Generated pictures", "", "Seeds 0 upwards, not chosen."]
    for file, title in sheets.items():
        lines += ["", f"{title}:", "", f"![{title}]({file})"]
    return "\n".join(lines) + "\n"


_HEADINGS = {
    "encoder": "How well photos are represented",
    "smile": "Smile benchmark",
    "presets": "Presets: where they change the picture, and whether they do what they say",
}


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A markdown table; columns that are empty in every row are left out."""
    shown = [c for c in columns if any(row.get(c[0]) is not None for row in rows)]
    lines = ["| " + " | ".join(c[1] for c in shown) + " |", "|" + "---|" * len(shown)]
    for row in rows:
        cells = [_cell(row.get(key), form) for key, _, form in shown]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _cell(value: Any, form: str) -> str:
    return "" if value is None else format(value, form)


def _encoder(section: Results) -> list[str]:
    networks = [f"perceptual distance: {section['perceptual_network']}"]
    if section["identity_network"]:
        networks.append(f"identity, cosine similarity to the photo: {section['identity_network']}")
    columns = (
        ("steps", "embedding", _TEXT),
        ("perceptual", "perceptual distance", _NUMBER),
        ("mse", "mean squared error", ".4f"),
        ("identity", "identity", _NUMBER),
    )
    note = f"Means of {section['photos']} photos kept out of training; {'; '.join(networks)}."
    return [note, "", *table(columns, section["rows"])]


def _smile_note(section: Results) -> str:
    """What was done, and how sure the judges are."""
    how, boundary = section["calibration"], section["boundary"]
    distances = f"{section['frechet']} and {section['kernel']}"
    note = (
        f"{section['photos']} of {section['neutral']} neutral faces among the photos kept out of "
        "training are made to smile; scale 1, identity loss off (paper section 4.2). Attribute: "
        f"{how['scorer']}, fitted to the ratings of {how['fitted_on']} photos; on "
        f"{how['tried_on']} others it agrees with people about {how['accuracy']:.0%} (always the "
        f"same answer: {how['majority']:.0%}) and correlates with their ratings at "
        f"{how['correlation']:.2f}. Identity: {section['identity_network']}. {distances}: to the "
        f"other {section['compared_with']} photos; sets this small compare rows of one table only. "
        f"InterFaceGAN: fitted to {boundary['fitted_on']} codes, right about "
        f"{boundary['accuracy']:.0%} of others, its vector as long as the preset's."
    )
    if (agreement := section.get("cluster_agreement")) is not None:
        note += (
            " LocalEditing: styles of the happiest faces among the rated photos, lent by turns; "
            f"its cluster overlaps with the edited parts by {agreement:.0%} (intersection over "
            "union)."
        )
    if second := section.get("second_calibration"):
        note += (
            f" Second judge: {second['scorer']}, calibrated in the same way; it agrees with people "
            f"about {second['accuracy']:.0%}, correlation {second['correlation']:.2f}."
        )
    return note


def _smile(section: Results) -> list[str]:
    columns = (
        ("method", "method", _TEXT),
        ("attribute_accuracy", "smiling", _SHARE),
        ("second_accuracy", "smiling, second judge", _SHARE),
        ("attribute_score", "attribute score", _NUMBER),
        ("identity", "identity to photo", _NUMBER),
        ("identity_to_reconstruction", "identity to reconstruction", _NUMBER),
        ("frechet", section["frechet"], ".2f"),
        ("kernel", section["kernel"], ".4f"),
    )
    parts = ", ".join(section["edited_parts"])
    return [
        _smile_note(section),
        "",
        "On the generator's output:",
        "",
        *table(columns, section["generator"]),
        "",
        f"On the composite, the photo with the layer over it (region of all methods: {parts}):",
        "",
        *table(columns, section["composite"]),
        "",
        "![Attribute score against identity](smile-sweep.png)",
        *(["![Distance from photos](smile-quality.png)"] if "frechet" in section["sweep"] else []),
    ]


def _presets(section: Results) -> list[str]:
    columns = (
        ("preset", "preset", _TEXT),
        ("region", "region", _SHARE),
        ("inside", "change inside", ".1f"),
        ("outside", "change outside", ".1f"),
        ("leak", "leak", _SHARE),
        ("worked_parts", "worked, by labels", _SHARE),
        ("measure_parts", "that is", _TEXT),
        ("worked_face", "worked, by landmarks", _SHARE),
        ("measure_face", "that is", _TEXT),
        ("identity", "identity", _NUMBER),
        ("older", "years older", "+.1f"),
        ("aged", "years, either way", ".1f"),
    )
    note = (
        f"Means of {section['photos']} photos kept out of training, vector alone at its default "
        "scale. Region: its share of the crop. Change: of the generator's picture before "
        "compositing, in levels of 255, inside and outside the region; leak: the share of all "
        "squared change that lies outside (compositing removes it). Worked: the share of photos on "
        "which the declared measure was met, by the labels of the generator's picture"
    )
    if any(row["measure_face"] for row in section["rows"]):
        note += (
            " and by face landmarks in the composite. 'Read as': what the landmarks report of "
            "these photos warped by just so much, which is what an edit has to reach"
        )
    note += "."
    if network := section.get("identity_network"):
        note += f" Identity: cosine similarity of composite and photo, {network}."
    if network := section.get("age_network"):
        note += f" Years: how much older the composite looks than the photo, {network}."
    return [note, "", *table(columns, section["rows"])]
