"""How much a pickle would make, told from its instructions before any of them is carried out.

A few hundred bytes can describe tuples that take for ever to hash, nesting that overflows the
stack of the interpreter, or a memo of gigabytes. The instructions are followed with weights in
place of values: a value's weight is 1 plus the weights of what it contains, each time that it is
contained.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import IO, Any

from backend.bundles.importing.checkpoint import BadCheckpoint

_MAX_INSTRUCTIONS = 2_000_000  # a whole training state of StyleGAN2 has about 200,000
_MAX_MEMO = 1_000_000
_MAX_DEPTH = 200
_MAX_WEIGHT = 20_000_000
_MAX_KEY_WEIGHT = 64  # of a key, or a member of a set: it is hashed
_MAX_NUMBER = 64  # bytes of a whole number

_BUILDS = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LIST", "DICT", "FROZENSET"}
_CALLS = {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"}
# instructions that put something into what is there: how many values, None for all since the mark
_FILLS = {
    "APPEND": 1,
    "BUILD": 1,
    "SETITEM": 2,
    "APPENDS": None,
    "SETITEMS": None,
    "ADDITEMS": None,
}
_READS = {"GET", "BINGET", "LONG_BINGET"}
_WRITES = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_REFUSED = {"EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}


@dataclass(eq=False)
class _Value:
    weight: int = 1
    depth: int = 1

    def take(self, items: list[_Value]) -> None:
        """Contain `items`, too."""
        self.weight += sum(item.weight for item in items)
        self.depth = max([self.depth, *(item.depth + 1 for item in items)])
        if self.weight > _MAX_WEIGHT:
            raise BadCheckpoint("It describes more than any checkpoint holds.")
        if self.depth > _MAX_DEPTH:
            raise BadCheckpoint("Its content is nested too deeply.")


class _Mark(_Value):
    """Where the items of a list, tuple or dict begin on the stack."""


def check_pickle(file: IO[bytes]) -> None:
    """Follow one pickle to its end; raises BadCheckpoint where it would make too much.

    Leaves `file` behind the pickle.
    """
    machine = _Machine()
    try:
        for number, (code, argument, _) in enumerate(pickletools.genops(file)):
            if number > _MAX_INSTRUCTIONS:
                raise BadCheckpoint("It has more instructions than any checkpoint.")
            machine.follow(code, argument)
    except (ValueError, IndexError, EOFError, KeyError, MemoryError, OverflowError) as error:
        raise BadCheckpoint("It ends too early or is damaged; get the file again.") from error


class _Machine:
    """The stack and the memo of an unpickler, with weights in place of values."""

    def __init__(self) -> None:
        self._stack: list[_Value] = []
        self._memo: dict[int, _Value] = {}

    def follow(self, code: pickletools.OpcodeInfo, argument: Any) -> None:
        name = code.name
        if name in _REFUSED:
            raise BadCheckpoint("It refers to data outside the file, which no checkpoint does.")
        if isinstance(argument, int) and argument.bit_length() > 8 * _MAX_NUMBER:
            raise BadCheckpoint("It holds a number that is longer than any checkpoint's.")
        if name in _READS:
            self._stack.append(self._memo[argument])
        elif name in _WRITES:
            self._remember(len(self._memo) if argument is None else argument)
        elif name == "DUP":
            self._stack.append(self._stack[-1])
        elif name in _FILLS:
            self._fill(name)
        else:
            self._make(name, self._popped(code.stack_before), len(code.stack_after))

    def _remember(self, place: int) -> None:
        if not 0 <= place < _MAX_MEMO:
            raise BadCheckpoint("It remembers more than any checkpoint.")
        self._memo[place] = self._stack[-1]

    def _fill(self, name: str) -> None:
        count = _FILLS[name]
        items = self._to_mark() if count is None else self._last(count)
        if name == "ADDITEMS":
            _check_keys(items)
        elif name in ("SETITEM", "SETITEMS"):
            _check_keys(items[::2])
        self._stack[-1].take(items)

    def _make(self, name: str, items: list[_Value], count: int) -> None:
        if name in ("DICT", "FROZENSET"):
            _check_keys(items[::2] if name == "DICT" else items)
        for _ in range(count):
            made = _Mark() if name == "MARK" else _Value()
            if name in _BUILDS or name in _CALLS:
                made.take(items)
            self._stack.append(made)

    def _popped(self, wanted: list[pickletools.StackObject]) -> list[_Value]:
        """Take what an instruction takes from the stack."""
        if pickletools.markobject not in wanted:
            return self._last(len(wanted))
        items = self._to_mark()
        return self._last(wanted.index(pickletools.markobject)) + items

    def _last(self, count: int) -> list[_Value]:
        return [self._stack.pop() for _ in range(count)][::-1]

    def _to_mark(self) -> list[_Value]:
        items: list[_Value] = []
        while not isinstance(value := self._stack.pop(), _Mark):
            items.append(value)
        return items[::-1]


def _check_keys(keys: list[_Value]) -> None:
    if any(key.weight > _MAX_KEY_WEIGHT for key in keys):
        raise BadCheckpoint("It has a key that is larger than any checkpoint's.")
