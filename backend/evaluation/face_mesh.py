"""What a face does, told by its shape: MediaPipe's face landmarks and blendshapes.

An observer of its own: it took no part in training and never sees label maps. The model is the file
`face_landmarker.task` (Apache-2.0), a zip of TensorFlow Lite networks.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage
from backend.photos.align import CropFrame, centred

_SIDE = 256  # the network's input
_MARGIN = 1.5  # the input's side, in the longer side of the landmarks' box
_OUTER_EYES = (33, 263)  # image-left, image-right: they say how the head is rolled
_LANDMARKS = 478
# Among the 52 blendshapes:
_BLINK = (9, 10)  # eyeBlinkLeft, eyeBlinkRight
_SMILE = (44, 45)  # mouthSmileLeft, mouthSmileRight
# The landmarks that the blendshape network reads.
_READ = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66,
    67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144,
    145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173,
    176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284,
    285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332,
    334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class FaceShape:
    """landmarks: float64 [478, 2], in pixels of the picture; blendshapes: float32 [52], 0..1."""

    landmarks: NDArray[np.float64]
    blendshapes: NDArray[np.float32]

    @property
    def smile(self) -> float:
        """The mean of mouthSmileLeft and mouthSmileRight, 0..1."""
        return float(self.blendshapes[list(_SMILE)].mean())

    @property
    def blink(self) -> float:
        """How far both eyes are shut, that is the one that is shut less: 0..1."""
        return float(self.blendshapes[list(_BLINK)].min())

    def span(self, a: int, b: int) -> float:
        """The distance of two landmarks, pixels."""
        return float(np.linalg.norm(self.landmarks[a] - self.landmarks[b]))

    @property
    def eye_span(self) -> float:
        """The distance of the outer corners of the eyes, a face's own unit of length."""
        return self.span(*_OUTER_EYES)


class FaceMesh:
    """The networks of a `face_landmarker.task` file; raises BadImage when it is not one."""

    name = "MediaPipe Face Landmarker"
    smile_name = f"{name}, mean of mouthSmileLeft and mouthSmileRight"

    def __init__(self, task: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            with zipfile.ZipFile(task) as archive:
                contents = [
                    archive.read(f"{name}.tflite")
                    for name in ("face_landmarks_detector", "face_blendshapes")
                ]
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise BadImage(f"{task} is not a face landmarker task file ({error}).") from error
        networks = [Interpreter(model_content=content, num_threads=1) for content in contents]
        for network in networks:
            network.allocate_tensors()
        self._mesh, self._blendshapes = networks

    def smile(self, crop: NDArray[np.uint8]) -> float:
        """The smile's blendshape of an aligned crop, 0..1; NaN where no face is seen."""
        shape = self.read(crop)
        return float("nan") if shape is None else shape.smile

    def read(self, crop: NDArray[np.uint8]) -> FaceShape | None:
        """The face that fills an aligned crop, uint8 [S, S, 3]; None when none is seen."""
        size = crop.shape[0]
        half = np.array([size / 2, size / 2])
        whole = CropFrame.from_axes(half, np.array([size / 2, 0.0]))
        landmarks, _ = self._landmarks(crop, whole)
        landmarks, present = self._landmarks(crop, _around(landmarks))
        if not present:
            return None
        read = landmarks[list(_READ)].astype(np.float32)
        (found,) = _outputs(self._blendshapes, read)
        return FaceShape(landmarks, found)

    def _landmarks(
        self, crop: NDArray[np.uint8], frame: CropFrame
    ) -> tuple[NDArray[np.float64], bool]:
        """Landmarks in a square of the crop, in the crop's pixels, and whether a face is there."""
        to_crop = frame.to_pixels(_SIDE)
        # Small crops are enlarged smoothly: the network must not see pixel edges as wrinkles.
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        pixels = cv2.warpAffine(
            crop, centred(to_crop), (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        outputs = _outputs(self._mesh, (pixels / 255).astype(np.float32))
        points = next(o for o in outputs if o.size == _LANDMARKS * 3).reshape(-1, 3)[:, :2]
        presence = next(o for o in outputs if o.size == 1)  # a logit
        return points @ to_crop[:, :2].T + to_crop[:, 2], bool(presence[0] > 0)


def _outputs(network: Any, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    network.set_tensor(network.get_input_details()[0]["index"], values[None])
    network.invoke()
    return [network.get_tensor(o["index"]).ravel() for o in network.get_output_details()]


def _around(landmarks: NDArray[np.float64]) -> CropFrame:
    """The square that the network wants to see: upright with the head, a margin around it."""
    x = landmarks[_OUTER_EYES[1]] - landmarks[_OUTER_EYES[0]]
    x = x / max(float(np.linalg.norm(x)), 1e-9)
    axes = np.stack([x, (-x[1], x[0])])
    turned = landmarks @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    return CropFrame.from_axes((low + high) / 2 @ axes, x * (high - low).max() * _MARGIN / 2)
