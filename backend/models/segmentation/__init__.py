"""The segmentation branch: an ensemble of per-pixel MLPs on the generator's features.

docs/segmentation-branch.md gives the mathematics: what is computed at which resolution, and why.
"""

from backend.models.segmentation.branch import SegmentationBranch, hidden_sizes

__all__ = ["SegmentationBranch", "hidden_sizes"]
