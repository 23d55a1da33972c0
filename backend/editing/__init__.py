"""EditGAN itself: inversion, region of interest, objective, optimisation, vectors, refinement."""

from backend.errors import JobCancelled

__all__ = ["JobCancelled"]
