"""Stacks of edits: made from the library, applied as the engine takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edit_library import Edit
from protocol.stack_file import BadStack, EditStack, StackEdit, vector_pixels

if TYPE_CHECKING:  # imports torch
    from backend.bundles.bundle import Bundle
    from backend.editing.options import ScaledEdit


def stack_of(bundle: Bundle, edits: Sequence[tuple[Edit, float]], *, refine: int = 0) -> EditStack:
    """The library's edits, each with its scale."""
    entries = tuple(_entry(edit, scale) for edit, scale in edits)
    return EditStack(bundle.name, bundle.sha, entries, refine)


def joined(stack: EditStack, further: EditStack) -> EditStack:
    """A stack with another one of the same model on top."""
    refine = max(stack.refine, further.refine)
    return EditStack(stack.bundle, stack.generator_sha256, (*stack.edits, *further.edits), refine)


def check_stack(stack: EditStack, bundle: Bundle) -> None:
    """Raises BadStack where the stack is another model's, WrongBundle or UnknownPart where it does
    not fit this one, and where all of it is switched off."""
    if stack.generator_sha256 != bundle.sha:
        raise BadStack(
            f"The stack was made with another model (bundle '{stack.bundle}'); name that one by "
            f"--bundle, or make the stack again with '{bundle.name}'."
        )
    if not stack.counting:
        raise BadStack("All edits of the stack are switched off; switch one on.")
    wanted = bundle.config.n_ws, bundle.config.w_dim
    for edit in stack.counting:
        if (edit.vector.height, edit.vector.width) != wanted:
            raise BadStack(f"The edit '{edit.title}' does not fit the model '{bundle.name}'.")
        for part in edit.parts:
            bundle.part(part)


def scaled_edits(stack: EditStack) -> list[ScaledEdit]:
    """The edits that count, as the engine applies them."""
    from backend.editing.options import ScaledEdit

    edits = []
    for edit in stack.counting:
        values = np.frombuffer(edit.vector.data, "<f4").astype(np.float32)
        vector = values.reshape(edit.vector.height, edit.vector.width)
        edits.append(ScaledEdit(vector, edit.parts, edit.scale))
    return edits


def _entry(edit: Edit, scale: float) -> StackEdit:
    info, vector = edit.info, np.ascontiguousarray(edit.vector, "<f4")
    return StackEdit(
        info.name, info.title, info.parts, vector_pixels(vector.tobytes(), *vector.shape), scale,
        info.low, info.high, info.default,
    )  # fmt: skip
