"""Generators of other programs' checkpoints. Nothing in such a file is ever executed.

One module per format; `checkpoint` holds what they have in common.
"""

from backend.bundles.importing.checkpoint import BadCheckpoint, Checkpoint
from backend.bundles.importing.isolated import read_checkpoint

__all__ = ["BadCheckpoint", "Checkpoint", "read_checkpoint"]
