"""What decides a training run: the hyper-parameters, from a TOML file or the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from backend.errors import BadSetting

Value = int | float
Config = TypeVar("Config")


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a run of `editgan train generator` besides the network's shape."""

    batch: int = 4  # on a processor steps count more than pictures
    shared_from: int = 40_000  # images seen: one basis of W for all layers from here on
    discriminator_from: int = 150_000  # images seen: it learns to judge before it is listened to
    adversarial_from: int = 200_000  # images seen
    drawn_from: int = 250_000  # images seen: pictures of drawn codes are judged from here on
    cool_over: int = 0  # images, the last of a run: the rates of both networks fall to nothing
    generator_rate: float = 8e-3  # equalised: weights are used 1 / sqrt(fan-in) as large
    encoder_rate: float = 4e-4
    momentum: float = 0.9  # Adam's; adversarial training wants less
    discriminator_rate: float = 4e-4
    mse_weight: float = 2.0
    perceptual_weight: float = 0.4
    identity_weight: float = 0.5  # one minus cosine similarity, with an identity network (faces)
    focus: float = 4.0  # how much more the middle of the picture counts in both
    close_up_weight: float = 0.0  # like perceptual_weight, of the middle seen twice as large
    adversarial_weight: float = 0.5  # its gradient at the picture, relative to reconstruction's
    drawn_share: float = 0.5  # pictures of drawn codes that are judged, per photo
    code_spread_weight: float = 0.02  # keeps W+ near W: layers' codes near their mean
    augment: float = 0.5
    half_life: int = 20_000  # images, of the moving average; at most a twentieth of those seen
    seed: int = 0


@dataclass(frozen=True)
class FinerConfig:
    """Everything that decides a run of `editgan train finer` besides the bundle that it starts
    from."""

    batch: int = 4  # pictures with known codes, and as many with the encoder's
    rate: float = 4e-3  # equalised, as in StyleGAN2
    discriminator_rate: float = 1e-3
    adversarial_from: int = 1_000  # images seen: before, the discriminator learns to judge
    perceptual_weight: float = 0.4
    same_weight: float = 20.0  # squared error of the picture, reduced, from the small generator's
    adversarial_weight: float = 0.7  # its gradient at the picture, relative to the others'
    augment: float = 0.3
    half_life: int = 2_000  # images, of the moving average
    seed: int = 0


def read_config(path: Path | None) -> dict[str, Value]:
    """The values of a TOML file, none without one; raises BadSetting."""
    if path is None:
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(f"{path} cannot be read ({error}); give a TOML file.") from error
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadSetting(f"'{name}' in {path} must be a number.")
    return found


def configured(kind: type[Config], *layers: Mapping[str, Value | None]) -> Config:
    """A config from several sources, the later ones before the earlier ones; None says nothing.

    Raises BadSetting for names that it does not have.
    """
    chosen = {k: v for layer in layers for k, v in layer.items() if v is not None}
    known = {item.name: type(item.default) for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(chosen) - set(known)):
        raise BadSetting(f"There is no '{unknown[0]}'; there are {', '.join(known)}.")
    return kind(**{name: known[name](value) for name, value in chosen.items()})  # type: ignore[misc]
