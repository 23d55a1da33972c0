"""Where on the screen a window covers neither the faces of the photo nor another window of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protocol.geometry import Rect

MARGIN = 8  # px, from the screen's edge
STEP = 40  # px, by which a window stands beside one that is open already: both titles are seen
_DOCKS = 480  # px of GIMP's window that are toolbox and panels, left and right together
_BARS = 150  # px of its height that are menu, tabs, rulers and status bar
_FIRST = 5  # as much more the face that is worked on counts than the others
_RIGHT_HALF = 0.55  # of the screen's width: a face beyond it is covered by a window on the right


def free_spot(
    area: Rect,
    size: tuple[int, int],
    faces: Sequence[Rect],
    others: Sequence[tuple[int, int]] = (),
    wanted: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """The left upper corner for a window of that size within `area`, the screen's.

    faces: where they are seen, that which is worked on first. others: corners of windows that are
    open. wanted: where the user had it; taken as long as it is free. Where no place is, the one
    that covers least.
    """
    found = [_inside(area, size, spot) for spot in _spots(area, size, faces, wanted)]

    def covers(spot: tuple[int, int]) -> tuple[bool, int]:
        return _in_the_way(Rect(spot[0], spot[1], size[0], size[1]), faces, others)

    return min(found, key=covers)


def seen_at(window: Rect, photo: tuple[int, int], face: Rect, scale: int = 1) -> Rect:
    """About where a part of an image is seen in GIMP's window on the screen.

    GIMP tells nobody how far one has zoomed: this is where it is when an image has been opened,
    shrunk to fit, in the middle. photo: the image's size; scale: screen pixels to one of the
    desktop's.
    """
    room = max(window.width - _DOCKS, window.width // 3), max(window.height - _BARS, 1)
    zoom = min(1 / scale, room[0] / photo[0], room[1] / photo[1])
    x = window.x + window.width / 2 + (face.x - photo[0] / 2) * zoom
    y = window.y + window.height / 2 + (face.y - photo[1] / 2) * zoom
    return Rect(round(x), round(y), round(face.width * zoom), round(face.height * zoom))


def _spots(
    area: Rect, size: tuple[int, int], faces: Sequence[Rect], wanted: tuple[int, int] | None
) -> Iterator[tuple[int, int]]:
    """The likeliest first: where it was; beside the photo, on the side away from the face."""
    left, right = area.x + MARGIN, area.right - size[0] - MARGIN
    top, middle = area.y, area.y + (area.height - size[1]) // 2
    face = faces[0] if faces else None
    if face and face.x + face.width / 2 > area.x + _RIGHT_HALF * area.width:
        sides = ((left, 1), (right, -1))
    else:
        sides = ((right, -1), (left, 1))
    starts = [(*wanted, 1), (*wanted, -1)] if wanted else []
    starts += [(x, y, way) for x, way in sides for y in (middle, top, area.bottom - size[1])]
    for x, y, way in starts:
        for step in range(5):
            yield x + way * step * STEP, y + step * STEP


def _inside(area: Rect, size: tuple[int, int], spot: tuple[int, int]) -> tuple[int, int]:
    x = max(min(spot[0], area.right - size[0]), area.x)
    y = max(min(spot[1], area.bottom - size[1]), area.y)
    return x, y


def _in_the_way(
    window: Rect, faces: Sequence[Rect], others: Sequence[tuple[int, int]]
) -> tuple[bool, int]:
    """Exactly on another window is worst: then that seems to be gone."""
    on_another = any(max(abs(window.x - x), abs(window.y - y)) < STEP // 2 for x, y in others)
    covered = [window.intersected(face).area for face in faces]
    return on_another, sum(covered) + sum(covered[:1]) * _FIRST
