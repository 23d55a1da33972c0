"""What decides a training run of generator and encoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the network's shape."""

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
