"""Typed coding of dataclasses to and from plain msgpack values.

The dataclass annotations are the schema: `from_wire` accepts exactly what they describe and raises
ProtocolError for anything else (unknown, missing or ill-typed fields, numbers that are not finite,
pixels whose size does not fit their data). `Annotated[T, check]` adds a check to a type.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from protocol import PROTOCOL_VERSION

MAX_TEXT = 20_000  # characters in one string
MAX_NAME = 200  # characters in a name
MAX_ITEMS = 4096  # entries in one list or map
MAX_VALUES = 100_000  # of a request: keys, entries, lists and maps
MAX_BYTES = 1 << 20  # one `bytes` field; pixels are frames of their own
MAX_SIDE = 1 << 18  # pixels
ITEM_SIZE = {"u8": 1, "f32": 4}
_PIECE = 1 << 13  # values that are checked at once

Buffer = bytes | bytearray | memoryview


class ProtocolError(Exception):
    """The other side sent something that is not in the protocol, or we were about to.

    job: the id that the message carries, "" where it cannot be told.
    """

    job = ""


class WrongVersionError(ProtocolError):
    """The other side is of another version of the protocol, `version`."""

    def __init__(self, version: object) -> None:
        # another value may be anything, and long
        self.version = version if isinstance(version, int) else type(version).__name__
        super().__init__(f"protocol version {self.version!r} instead of {PROTOCOL_VERSION}")

    @property
    def other_is_older(self) -> bool:
        return isinstance(self.version, int) and self.version < PROTOCOL_VERSION


def require(condition: bool, where: str, expected: str) -> None:
    if not condition:
        raise ProtocolError(f"{where}: expected {expected}")


@dataclass(frozen=True)
class Pixels:
    """A raster of `height` rows of `width` pixels, row-major, channels interleaved, no padding.

    dtype: "u8" (0..255) or "f32" (little-endian float32). `data` travels as a raw frame.
    A latent code or editing vector [n_ws, w_dim] is Pixels(w_dim, n_ws, 1, "f32", data).
    """

    width: int
    height: int
    channels: int
    dtype: Literal["u8", "f32"]
    data: Buffer = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            fits = type(value) is int and 1 <= value <= MAX_SIDE
            require(fits, name, f"a whole number in 1..{MAX_SIDE}")
        require(type(self.channels) is int and 1 <= self.channels <= 4, "channels", "1 to 4")
        require(self.dtype in ITEM_SIZE, "dtype", '"u8" or "f32"')
        require(isinstance(self.data, Buffer), "data", "bytes")
        size = self.width * self.height * self.channels * ITEM_SIZE[self.dtype]
        require(memoryview(self.data).nbytes == size, "data", f"{size} bytes")


@dataclass(frozen=True)
class PixelLayout:
    """Which Pixels a field takes.

    finite: no NaN or infinity; the check reads every value, so it is for small rasters.
    largest: width and height.
    """

    formats: tuple[tuple[str, int], ...]
    finite: bool = False
    largest: tuple[int, int] = (MAX_SIDE, MAX_SIDE)

    def __call__(self, value: Pixels, where: str) -> None:
        wanted = " or ".join(f"{channels} x {dtype}" for dtype, channels in self.formats)
        require((value.dtype, value.channels) in self.formats, where, f"pixels of {wanted}")
        width, height = self.largest
        fits = value.width <= width and value.height <= height
        require(fits, where, f"at most {width} x {height} values")
        if self.finite and value.dtype == "f32":
            # float64: finite values cannot overflow it; in pieces: other threads have their turn
            data = memoryview(value.data).cast("B").cast("f")
            total = sum(sum(data[at : at + _PIECE]) for at in range(0, len(data), _PIECE))
            require(math.isfinite(total), where, "finite values")


class Incoming(list[Buffer]):
    """The frames of a message that is being read: each belongs to one field, and all that the
    message is made of is counted, so that the work that it makes is bounded.
    """

    def __init__(self, frames: Sequence[Buffer]) -> None:
        super().__init__(frames)
        self._used: set[int] = set()
        self._values = 0

    def take(self, index: int, where: str) -> Buffer:
        require(index not in self._used, where, "a frame of its own")
        self._used.add(index)
        return self[index]

    def add(self, values: int, where: str) -> None:
        self._values += values
        require(self._values <= MAX_VALUES, where, f"at most {MAX_VALUES} values in a message")

    def check_all_used(self) -> None:
        require(len(self._used) == len(self), "frames", "none that no field names")


@dataclass(frozen=True)
class Range:
    """Bounds of a number, both included."""

    low: float
    high: float

    def __call__(self, value: float, where: str) -> None:
        require(self.low <= value <= self.high, where, f"{self.low} to {self.high}")


@dataclass(frozen=True)
class Matches:
    """A predicate on a value, with what it expects in words."""

    test: typing.Callable[[Any], bool]
    expected: str

    def __call__(self, value: Any, where: str) -> None:
        require(self.test(value), where, self.expected)


@dataclass(frozen=True)
class OfAnyVersion:
    """On a dataclass that files keep: fields that this version does not know are left out."""

    def __call__(self, value: Any, where: str) -> None:
        """Nothing more to check."""


def to_wire(value: Any, frames: list[Buffer]) -> Any:
    """`value` as plain msgpack values; the data of Pixels is appended to `frames`."""
    if isinstance(value, Pixels):
        frames.append(value.data)
        size = {"width": value.width, "height": value.height, "channels": value.channels}
        return {**size, "dtype": value.dtype, "frame": len(frames) - 1}
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value)]
        return {name: to_wire(getattr(value, name), frames) for name in names}
    if isinstance(value, Mapping):
        return {key: to_wire(item, frames) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(item, frames) for item in value]
    return value


def from_known(cls: type, value: Any, frames: Sequence[Buffer], where: str) -> Any:
    """`value` as an instance of a dataclass, without the fields that the class does not have.

    For files: those of a later version may say more.
    """
    require(isinstance(value, dict), where, "a map")
    names = {item.name for item in dataclasses.fields(cls)}
    known = {name: item for name, item in value.items() if name in names}
    return from_wire(cls, known, frames, where)


def from_wire(hint: Any, value: Any, frames: Sequence[Buffer], where: str) -> Any:
    """`value` as an instance of the annotation `hint`; `where` names it in errors."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        read = from_known if OfAnyVersion() in arguments[1:] else from_wire
        result = read(arguments[0], value, frames, where)
        for check in arguments[1:]:
            check(result, where)
        return result
    if origin in (types.UnionType, typing.Union):  # only `T | None` is used
        present = next(a for a in arguments if a is not type(None))
        return None if value is None else from_wire(present, value, frames, where)
    if origin is Literal:
        require(isinstance(value, str) and value in arguments, where, f"one of {arguments}")
        return value
    if origin in (list, tuple):
        return _sequence(origin, arguments, value, frames, where)
    if isinstance(hint, type) and issubclass(hint, tuple):  # a NamedTuple travels as a list
        return hint(*_sequence(tuple, tuple(_hints(hint).values()), value, frames, where))
    if hint is Pixels:
        return _pixels(value, frames, where)
    if dataclasses.is_dataclass(hint):
        return _dataclass(typing.cast(type, hint), value, frames, where)
    if origin in (dict, Mapping):
        return _mapping(arguments[1], value, frames, where)
    return _scalar(hint, value, where)


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        require(number and abs(value) < 1e300 and math.isfinite(value), where, "a finite number")
        return float(value)
    if hint is int:
        require(type(value) is int and abs(value) < 2**53, where, "a whole number")
        return value
    if hint is bytes:
        require(isinstance(value, bytes) and len(value) <= MAX_BYTES, where, "bytes, at most 1 MiB")
        return value
    if hint is str:
        require(isinstance(value, str) and len(value) <= MAX_TEXT, where, "a text")
        return value
    if hint is bool:
        require(type(value) is bool, where, "true or false")
        return value
    raise TypeError(f"{where}: no coding for {hint}")  # a mistake in the messages


def _sequence(
    origin: Any, hints: tuple[Any, ...], value: Any, frames: Sequence[Buffer], where: str
) -> Any:
    require(isinstance(value, list | tuple) and len(value) <= MAX_ITEMS, where, "a list")
    if isinstance(frames, Incoming):
        frames.add(len(value), where)
    if origin is tuple and hints[-1] is not Ellipsis:
        require(len(value) == len(hints), where, f"{len(hints)} values")
        pairs = list(zip(hints, value, strict=True))
    else:
        pairs = [(hints[0], item) for item in value]
    return origin(from_wire(h, v, frames, f"{where}[{i}]") for i, (h, v) in enumerate(pairs))


def _mapping(hint: Any, value: Any, frames: Sequence[Buffer], where: str) -> dict[str, Any]:
    require(isinstance(value, dict) and len(value) <= MAX_ITEMS, where, "a map")
    require(all(isinstance(key, str) and len(key) <= MAX_NAME for key in value), where, "names")
    return {key: from_wire(hint, item, frames, f"{where}.{key}") for key, item in value.items()}


def _pixels(value: Any, frames: Sequence[Buffer], where: str) -> Pixels:
    require(isinstance(value, dict), where, "pixels")
    names = ("width", "height", "channels", "dtype", "frame")
    require(set(value) == set(names), where, f"exactly the keys {names}")
    index = value["frame"]
    require(type(index) is int and 0 <= index < len(frames), where, "the number of a frame")
    require(isinstance(value["dtype"], str), where, "a dtype")
    try:
        sizes = value["width"], value["height"], value["channels"]
        data = frames.take(index, where) if isinstance(frames, Incoming) else frames[index]
        return Pixels(*sizes, value["dtype"], data)
    except ProtocolError as error:
        raise ProtocolError(f"{where}.{error}") from None


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _dataclass(cls: type, value: Any, frames: Sequence[Buffer], where: str) -> Any:
    require(isinstance(value, dict), where, "a map")
    hints = _hints(cls)
    unknown = [str(key)[:40] for key in value if key not in hints]
    require(not unknown, where, f"no field {unknown[:3]}")
    for item in dataclasses.fields(cls):
        optional = item.default is not dataclasses.MISSING
        optional |= item.default_factory is not dataclasses.MISSING
        require(item.name in value or optional, where, f"the field {item.name}")
    return cls(**{n: from_wire(hints[n], v, frames, f"{where}.{n}") for n, v in value.items()})
