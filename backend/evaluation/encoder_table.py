"""How well photos are represented: by the encoder alone, and with optimisation after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch

from backend.editing.inversion import measure
from backend.evaluation.photo_set import STEPS, PhotoSet
from backend.evaluation.report import Results


def encoder_table(photo_set: PhotoSet, names: Sequence[str]) -> Results:
    """Means over the photos `names` for each of `STEPS`, with the networks that measured them."""
    networks = photo_set.editor.networks
    rows = []
    for steps in STEPS:
        found = []
        for name in photo_set.each(names, f"embedding, {steps}"):
            image, mask = photo_set.tensors(name)
            code = torch.from_numpy(photo_set.code(name, steps))[None].to(image.device)
            with torch.no_grad():
                rebuilt, _ = networks.generator(code)
            found.append(measure(networks, image, rebuilt, mask))
        values = [asdict(one) for one in found]
        means = {key: _mean([v[key] for v in values]) for key in ("perceptual", "mse", "identity")}
        rows.append({"steps": steps, **means})
    return {
        "photos": len(names),
        "perceptual_network": found[0].perceptual_network,
        "identity_network": found[0].identity_network,
        "rows": rows,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    """None where nothing was measured: cats have no identity network."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
