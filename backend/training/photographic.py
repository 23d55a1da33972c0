"""Augmentation of labelled faces with what photographs differ in: framing, light, colour, skin,
sharpness, noise, compression, and things that cover a part of the face."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.models.parser import CLASSES
from backend.photos.cv import gaussian_blur, resize, warp_affine
from backend.training.face_parts import MARGIN, SIDE
from backend.training.labelled import UNLABELLED
from backend.training.part_names import mirrored_names

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Chance = np.random.Generator

_SKIN = np.isin(
    np.arange(256),
    [CLASSES.index(n) for n in ("skin", "nose", "left ear", "right ear", "neck")],
)
_OCCLUDER = CLASSES.index("occluder")


def augmented(image: Image, labels: Image, size: int, rng: Chance) -> tuple[Image, Image]:
    """A crop with its margin [SIDE, SIDE, 3] and its labels as one more photograph might show
    them: uint8 [size, size, 3] and [size, size]."""
    image, labels = framed(image, labels, size, rng)
    if rng.random() < 0.3:
        image, labels = covered(image, labels, rng)
    return degraded(lit(image, labels, rng), rng), labels


def framed(image: Image, labels: Image, size: int, rng: Chance) -> tuple[Image, Image]:
    """Shifted, turned and scaled as the detector's frames vary; half of them mirrored."""
    wide = rng.random() < 0.15  # a frame that is badly off
    angle = rng.normal(0, 20 if wide else 5)
    scale = size * MARGIN / SIDE * np.exp(rng.normal(0, 0.12 if wide else 0.05))
    matrix = np.asarray(cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), angle, scale), np.float64)
    matrix[:, 2] += size / 2 - SIDE / 2 + rng.normal(0, (0.06 if wide else 0.025) * size, 2)
    area = (size, size)
    labels = warp_affine(labels, matrix, area, flags=cv2.INTER_NEAREST, outside=UNLABELLED)
    image = warp_affine(image, matrix, area, flags=cv2.INTER_LINEAR, border=cv2.BORDER_REPLICATE)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        labels = mirrored_names(labels[:, ::-1], CLASSES)
    return image, labels


def lit(image: Image, labels: Image, rng: Chance) -> Floats:
    """Another skin, light and white balance: float32 [H, W, 3] in 0..1."""
    x = image.astype(np.float32) / 255
    if rng.random() < 0.4:
        skin = cv2.GaussianBlur(_SKIN[labels].astype(np.float32), (0, 0), 1.5)[..., None]
        deeper = np.exp(rng.uniform(-1.0, 0.25)) * np.array([1, 0.97, 0.94]) ** rng.uniform(0, 2)
        x *= 1 - skin + skin * deeper.astype(np.float32)
    if rng.random() < 0.4:
        x *= ramp(x.shape[0], rng)[..., None]
    x = np.clip(x * np.exp(rng.normal(0, 0.08, 3)).astype(np.float32), 0, 1)
    x = x ** np.float32(np.exp(rng.normal(0, 0.3)))
    grey = x.mean(axis=2, keepdims=True)
    saturation = 0 if rng.random() < 0.06 else np.exp(rng.normal(0, 0.25))
    x = grey + (x - grey) * np.float32(saturation)
    contrast, brightness = np.exp(rng.normal(0, 0.2)), rng.normal(0, 0.07)
    return np.clip((x - x.mean()) * np.float32(contrast) + x.mean() + np.float32(brightness), 0, 1)


def ramp(size: int, rng: Chance) -> Floats:
    """Light from one side: factors [size, size] of 0.4 to 1.6 along a random direction."""
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.6)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    along = np.cos(angle) * x + np.sin(angle) * y
    return (1 + depth * np.tanh(along * rng.uniform(0.7, 3))).astype(np.float32)


def degraded(x: Floats, rng: Chance) -> Image:
    """Blurred, small, noisy or compressed as photos are: uint8 [H, W, 3]."""
    size = x.shape[0]
    if rng.random() < 0.25:
        x = gaussian_blur(x, rng.uniform(0.4, 2.0))
    if rng.random() < 0.35:
        smaller = round(size * rng.uniform(0.25, 0.9))
        x = resize(x, (smaller, smaller), cv2.INTER_AREA)
        x = resize(x, (size, size), cv2.INTER_CUBIC)
    if rng.random() < 0.35:
        x = x + rng.normal(0, rng.uniform(0.005, 0.05), x.shape).astype(np.float32)
    result = np.round(np.clip(x, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.35:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        jpeg = cv2.imencode(".jpg", result, quality)[1]
        result = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    return result


def covered(image: Image, labels: Image, rng: Chance) -> tuple[Image, Image]:
    """Something lies before the face: a cloth over mouth and nose, fingers, a cup or a
    microphone."""
    kind = (_cloth, _fingers, _thing)[rng.choice(3, p=(0.3, 0.35, 0.35))]
    shape = kind(labels, rng)
    surface = _surface(image, labels, kind is _fingers, rng)
    edge = cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), 0.7)[..., None]
    shadow = cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), 4)[..., None]
    below = image * (1 - np.float32(rng.uniform(0, 0.5)) * shadow)
    mixed = np.clip(below * (1 - edge) + surface * edge, 0, 255).astype(np.uint8)
    return mixed, np.where((shape > 127) & (labels != UNLABELLED), _OCCLUDER, labels).astype(
        np.uint8
    )


def _cloth(labels: Image, rng: Chance) -> Image:
    """A mask from the nose's bridge to below the chin, as wide as the face."""
    size = labels.shape[0]
    face = np.isin(labels, [CLASSES.index(n) for n in ("skin", "nose")])
    if not face.any():
        return _thing(labels, rng)
    rows, columns = np.nonzero(face)
    top, bottom = np.quantile(rows, rng.uniform(0.4, 0.6)), rows.max()
    left, right = np.quantile(columns, (0.02, 0.98))
    middle, sag = (left + right) / 2, rng.uniform(0, 0.06) * size
    points = np.array(
        [
            (left, top + sag),
            (middle - 0.15 * size, top),
            (middle, top - sag),
            (middle + 0.15 * size, top),
            (right, top + sag),
            (right, (top + bottom) / 2),
            (middle + 0.1 * size, bottom + 0.03 * size),
            (middle - 0.1 * size, bottom + 0.03 * size),
            (left, (top + bottom) / 2),
        ]
    )
    points += rng.normal(0, 0.01 * size, points.shape)
    shape = np.zeros(labels.shape, np.uint8)
    cv2.fillPoly(shape, [np.round(points).astype(np.int32)], (255,))
    for side, x in ((-1, left), (1, right)):
        end = (round(x + side * 0.12 * size), round(top - rng.uniform(-0.05, 0.1) * size))
        cv2.line(shape, (round(x), round(top + sag)), end, (255,), int(rng.integers(1, 4)))
    return shape


def _fingers(labels: Image, rng: Chance) -> Image:
    """One to five parallel fingers that reach into the face from outside, and a palm."""
    size = labels.shape[0]
    angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(0.035, 0.06) * size
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    tip = np.array([0.5, 0.6]) * size + rng.normal(0, 0.15 * size, 2)
    shape, count = np.zeros(labels.shape, np.uint8), int(rng.integers(1, 6))
    for i in range(count):
        end = tip + across * width * 1.05 * (i - count / 2) + along * rng.normal(0, 0.03 * size)
        bent = along + across * rng.normal(0, 0.05)
        knuckle = end + bent * rng.uniform(0.2, 0.35) * size
        corners = [tuple(np.round(p).astype(int).tolist()) for p in (end, knuckle)]
        cv2.line(shape, corners[0], corners[1], (255,), round(width))
    if count > 2:
        palm = tuple(np.round(tip + along * 0.3 * size).astype(int).tolist())
        cv2.circle(shape, palm, round(width * 2.6), (255,), -1)
    return shape


def _thing(labels: Image, rng: Chance) -> Image:
    """A convex thing: a microphone or a glass on its stem, a phone, a ball."""
    size = labels.shape[0]
    centre = np.array([0.5, 0.65]) * size + rng.normal(0, 0.15 * size, 2)
    axes = rng.uniform(0.05, 0.2, 2) * size
    angle = rng.uniform(0, 360)
    middle = tuple(np.round(centre).astype(int).tolist())
    shape = np.zeros(labels.shape, np.uint8)
    if rng.random() < 0.5:
        cv2.ellipse(shape, (centre.tolist(), (2 * axes).tolist(), float(angle)), (255,), -1)
    else:
        box = cv2.boxPoints((centre.tolist(), (2 * axes).tolist(), float(angle)))
        cv2.fillPoly(shape, [np.round(box).astype(np.int32)], (255,))
    if rng.random() < 0.6:
        foot = (round(rng.uniform(0, size)), size)
        cv2.line(shape, middle, foot, (255,), round(rng.uniform(0.02, 0.08) * size))
    return shape


def _surface(image: Image, labels: Image, skin: bool, rng: Chance) -> Floats:
    """What a thing looks like: fingers have the face's skin, others any colour or a texture of
    this photo; float32 [H, W, 3] in 0..255."""
    size = image.shape[0]
    texture = np.zeros((8, 8, 3), np.float32) + rng.normal(0, 1, (8, 8, 1))
    grain = cv2.resize(texture.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    face = image[_SKIN[labels]]
    if skin and len(face) and rng.random() < 0.85:
        color = np.median(face, axis=0) * np.exp(rng.normal(0, 0.12)) + rng.normal(0, 6, 3)
        return (color + 12 * grain + rng.normal(0, 3, image.shape)).astype(np.float32)
    if rng.random() < 0.3:
        turned = np.roll(np.rot90(image, int(rng.integers(4))), rng.integers(0, size, 2), (0, 1))
        return turned.astype(np.float32)
    pale = rng.random() < 0.4
    color = rng.uniform(150, 255) + rng.normal(0, 15, 3) if pale else rng.uniform(0, 255, 3)
    fine = rng.normal(0, rng.uniform(0, 12), (size, size, 1))
    return (color + rng.uniform(0, 30) * grain + fine).astype(np.float32)
