"""The parts of a face that its landmarks outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # [N, 2], photo pixels, x right, y down

# Closed outlines over FaceMesh's 478 points (Kartynnik et al. 2019); left and right are the
# subject's own.
_OUTLINES = {
    "left brow": "300 293 334 296 336 285 295 282 283 276",
    "right brow": "70 63 105 66 107 55 65 52 53 46",
    "left eye": "263 466 388 387 386 385 384 398 362 382 381 380 374 373 390 249",
    "right eye": "33 246 161 160 159 158 157 173 133 155 154 153 145 144 163 7",
    "nose": "168 193 188 174 198 49 64 98 97 2 326 327 294 279 420 399 412 417",
    "upper lip": "61 185 40 39 37 0 267 269 270 409 291 308 415 310 311 312 13 82 81 80 191 78",
    "lower lip": "61 78 95 88 178 87 14 317 402 318 324 308 291 375 321 405 314 17 84 181 91 146",
    "mouth interior": "78 191 80 81 82 13 312 311 310 415 308 324 318 402 317 14 87 178 88 95",
    "face": "10 338 297 332 284 251 389 356 454 323 361 288 397 365 379 378 400 377 152 148 176 "
    "149 150 136 172 58 132 93 234 127 162 21 54 103 67 109",
}


def part_outlines(landmarks: Points) -> dict[str, Points]:
    """Closed outlines [N, 2] by part name, and "face" for the whole oval, of landmarks [478, 2]."""
    return {name: landmarks[[int(i) for i in path.split()]] for name, path in _OUTLINES.items()}
