#!/usr/bin/env python3
"""The same edit by the engine's objective, by the paper's text and by the authors' release.

    python benchmarks/variants.py [--bundle faces] [--recipe smile] [-n 8] [--steps N]

Pictures of the generator, edited by a recipe's change of parts in the three variants of
`reference.py`, each with its own steps unless --steps says otherwise. Medians over the pictures:
share of the claimed pixels that show their part at the end (read bilinearly, as everywhere but in
the release's own optimisation), perceptual distance outside the variant's region, identity, seconds
a step. The last line but one compares nearest and bilinear upsampling on the same features; the
last is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles import find_bundle  # noqa: E402
from backend.bundles.bundle import Bundle  # noqa: E402
from backend.bundles.networks import Networks, load_networks  # noqa: E402
from backend.editing.objective import EditTarget, at_resolution  # noqa: E402
from backend.editing.recipes import find_recipe, group_of, label_edit_of  # noqa: E402
from backend.models.generator import sample_z  # noqa: E402
from backend.models.perceptual import feature_distance  # noqa: E402
from benchmarks import reference  # noqa: E402

Figures = dict[str, float]
HOWS: tuple[Literal["nearest"], Literal["bilinear"]] = ("nearest", "bilinear")
TRUNCATION = 0.7  # psi of the pictures


def logits_of(
    networks: Networks, w_plus: Tensor, upsampling: Literal["bilinear", "nearest"] = "bilinear"
) -> Tensor:
    """Mean logits (L, L, classes) of the published heads everywhere in the picture."""
    heads = reference.separate_heads(networks.segmentation)
    side = networks.segmentation.resolution
    everywhere = torch.ones(side, side, dtype=torch.bool)
    features = networks.generator(w_plus)[1]
    return reference.segment(heads, features, everywhere, upsampling).view(side, side, -1)


def edited(
    bundle: Bundle, networks: Networks, recipe: str, w_plus: Tensor, variant: reference.Variant
) -> Figures:
    """One edit of the picture at w_plus (1, n_ws, w_dim); raises NothingChanged."""
    with torch.no_grad():
        before = networks.generator(w_plus)[0]
        labels = logits_of(networks, w_plus).argmax(dim=-1)
    label_edit = label_edit_of(find_recipe(bundle, recipe), labels.numpy().astype(np.uint8), bundle)
    wanted = torch.from_numpy(label_edit.target).long()
    parts = torch.tensor([index for name in label_edit.parts for index in group_of(bundle, name)])
    region = reference.region(torch.stack([labels, wanted]), parts, variant)
    changed = torch.from_numpy(label_edit.changed)
    whole = torch.ones_like(region)
    target = EditTarget(wanted, region, changed, torch.zeros_like(wanted), whole)
    began = time.perf_counter()
    delta, losses = reference.optimise(networks, w_plus, before, target, variant)
    seconds = time.perf_counter() - began
    return _figures(networks, w_plus + delta, before, target) | {
        "steps": float(len(losses)),
        "step_s": seconds / len(losses),
    }


@torch.no_grad()
def _figures(networks: Networks, w_plus: Tensor, before: Tensor, target: EditTarget) -> Figures:
    after = networks.generator(w_plus)[0]
    shown = logits_of(networks, w_plus).argmax(dim=-1)
    outside = at_resolution(~target.region, before.shape[-1])
    seen = networks.perceptual
    distance = feature_distance(seen.features(after * outside), seen.features(before * outside))
    found = {
        "claimed": float((shown == target.labels)[target.changed].float().mean()),
        "outside": float(distance.sum()) * seen.scale,
    }
    if networks.identity:
        alike = networks.identity.embed(after) * networks.identity.embed(before)
        found["identity"] = float(alike.sum())
    return found


def upsampling_agrees(networks: Networks, codes: list[Tensor]) -> float:
    """Share of pixels to which nearest and bilinear upsampling give the same part."""
    with torch.no_grad():
        pairs = [[logits_of(networks, w, how).argmax(-1) for how in HOWS] for w in codes]
    return statistics.fmean(float((a == b).float().mean()) for a, b in pairs)


def measure(args: argparse.Namespace) -> tuple[dict[str, Figures], float]:
    """Medians by variant, and how far the two ways of upsampling agree."""
    bundle = find_bundle(args.bundle)
    networks = load_networks(bundle, torch.device("cpu"))
    generator = networks.generator
    with torch.no_grad():
        z = sample_z(generator.config, range(args.n))
        codes = list(generator.map(z, truncation=TRUNCATION).split(1))
    rows = {}
    for variant in reference.VARIANTS:
        chosen = replace(variant, steps=args.steps) if args.steps else variant
        found = [edited(bundle, networks, args.recipe, code, chosen) for code in codes]
        rows[variant.name] = {k: statistics.median(row[k] for row in found) for k in found[0]}
    return rows, upsampling_agrees(networks, codes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="faces")
    parser.add_argument("--recipe", default="smile")
    parser.add_argument("-n", type=int, default=8, help="pictures")
    parser.add_argument("--steps", type=int, help="of every variant (default: each its own)")
    args = parser.parse_args()
    rows, agree = measure(args)
    for name, row in rows.items():
        print(f"{name:8}", "  ".join(f"{k} {v:.3f}" for k, v in row.items()))
    print(f"nearest and bilinear upsampling agree on {agree:.1%} of the pixels")
    print(json.dumps(rows | {"upsampling_agrees": agree}))


if __name__ == "__main__":
    main()
