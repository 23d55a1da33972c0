"""A bundle of twice the resolution, from a finished one and its new finest block."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from backend.bundles.bundle import Bundle, read_bundle, write_bundle_json
from backend.bundles.networks import (
    load_generator,
    load_own_encoder,
    load_segmentation,
    new_segmentation_branch,
    save_network,
)
from backend.errors import BadSetting
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.training.codes import draw_card_pictures
from backend.training.growing import grow_branch, grow_codes, grow_encoder

_AS_THEY_ARE = ("perceptual", "identity", "detector", "parser")


def write_finer_bundle(small: Bundle, generator: Generator, seen: int, folder: Path) -> Bundle:
    """Write a grown generator and all that goes with it into a folder. Codes, encoder and parts of
    `small` remain valid, its edits are to be learned again; raises BadSetting."""
    if folder.resolve() == small.folder.resolve():
        raise BadSetting(f"{folder} holds the bundle to start from; write to another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    grown = replace(
        small, folder=folder, config=generator.config, images_seen=small.images_seen + seen
    )
    save_network(generator, grown.path("generator"))
    encoder = Encoder(grown.config)
    grow_encoder(load_own_encoder(small), encoder)
    save_network(encoder, grown.path("encoder"))
    if codes := load_generator(small).codes:
        generator.codes = grow_codes(codes, grown.config.n_ws)
        save_network(generator.codes, grown.path("codes"))
    if small.has("segmentation"):
        branch = new_segmentation_branch(grown)
        grow_branch(load_segmentation(small), branch)
        save_network(branch, grown.path("segmentation"))
    for name in _AS_THEY_ARE:
        if small.has(name):
            shutil.copyfile(small.path(name), grown.path(name))
    write_bundle_json(grown)
    if generator.codes:
        draw_card_pictures(generator, folder)
    return read_bundle(folder)
