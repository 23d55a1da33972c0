"""The shape of a generator; imports no torch, so that bundles can be listed quickly."""

from __future__ import annotations

import math
from dataclasses import dataclass

LARGEST_START = 16  # values of the constant, a side
LARGEST_SIDE = 4096
LARGEST_LAYER = 16_384  # channels
MOST_MAPPING_LAYERS = 64


@dataclass(frozen=True)
class GeneratorConfig:
    """Shape of a generator. Config f of the paper: channel_base 32768, channel_max 512.

    channel_table: channels at 4x4, 8x8, ... for generators that do not follow the rule
    min(channel_base / resolution, channel_max).
    const_size: height and width of the learned constant. Pictures of other shapes than squares are
    shown in the middle of a square of side `resolution`.
    Raises ValueError for numbers that no generator has, and for a table of another length.
    """

    resolution: int = 64
    channel_base: int = 4096
    channel_max: int = 256
    z_dim: int = 256
    w_dim: int = 256
    mapping_layers: int = 4
    conv_clamp: float | None = None  # networks trained in fp16 clip their activations
    channel_table: tuple[int, ...] | None = None
    const_size: tuple[int, int] = (4, 4)

    def __post_init__(self) -> None:
        height, width = self.const_size
        object.__setattr__(self, "const_size", (height, width))  # lists in JSON
        if not all(2 <= side <= LARGEST_START for side in self.const_size):
            raise ValueError(f"const_size must be two numbers from 2 to {LARGEST_START}")
        sides = [max(self.const_size) << i for i in range(11)]
        if self.resolution not in sides or self.resolution > LARGEST_SIDE:
            raise ValueError(f"resolution must be one of {sides[0]}, {sides[1]}, {sides[2]} ...")
        sizes = (self.channel_max, self.z_dim, self.w_dim, *(self.channel_table or ()))
        if not all(1 <= size <= LARGEST_LAYER for size in sizes):
            raise ValueError(f"layers must have 1 to {LARGEST_LAYER} channels")
        if not self.resolution <= self.channel_base <= LARGEST_LAYER * self.resolution:
            raise ValueError("channel_base does not fit the resolution")
        if not 1 <= self.mapping_layers <= MOST_MAPPING_LAYERS:
            raise ValueError(f"mapping_layers must be 1 to {MOST_MAPPING_LAYERS}")
        if self.conv_clamp is not None and not 0 < self.conv_clamp < 1e9:
            raise ValueError("conv_clamp must be positive")
        if self.channel_table is None:
            return
        object.__setattr__(self, "channel_table", tuple(self.channel_table))
        if len(self.channel_table) != len(self.block_resolutions):
            raise ValueError("channel_table needs one number for each resolution")

    @property
    def block_resolutions(self) -> list[int]:
        """Sides of the squares that the blocks' features lie in: 4, 8, ... resolution."""
        side = max(self.const_size)
        return [side << i for i in range(int(math.log2(self.resolution / side)) + 1)]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the picture within the square."""
        scale = self.resolution // max(self.const_size)
        return self.const_size[0] * scale, self.const_size[1] * scale

    @property
    def aspect(self) -> float:
        """Width by height of the picture within the square."""
        height, width = self.const_size
        return width / height

    @property
    def n_ws(self) -> int:
        """Number of w vectors that W+ has."""
        return 2 * len(self.block_resolutions)

    def channels(self, resolution: int) -> int:
        if self.channel_table is not None:
            return self.channel_table[self.block_resolutions.index(resolution)]
        return min(self.channel_base // resolution, self.channel_max)

    @property
    def feature_channels(self) -> list[int]:
        """Channels of each feature that the segmentation branch reads: the constant, then each
        conv."""
        first = self.channels(4)
        return [first, first] + [
            self.channels(r) for r in self.block_resolutions[1:] for _ in range(2)
        ]

    @property
    def feature_sides(self) -> list[int]:
        """Sides of these features."""
        return [r for r in self.block_resolutions for _ in range(2)]
