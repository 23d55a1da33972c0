"""EditGAN itself: inversion, region of interest, objective, optimisation, vectors, refinement."""

from backend.errors import Cancelled

__all__ = ["Cancelled"]
