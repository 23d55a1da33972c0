"""The subject that the edit library's dialog is about."""

from __future__ import annotations

from dataclasses import dataclass

from image import photos, stacks, state
from image.stack_layers import StackInImage
from image.stacks import Stack


@dataclass
class EditedSubject:
    """What the dialog is about."""

    photo: photos.PhotoLayer
    subject: state.SubjectRecord
    found: StackInImage
    licence: str

    def base_on(self, stack: Stack) -> bool:
        """Take the photo with the borrowed pixels of a stack; whether it is another one now."""
        before = self.photo
        self.photo = stacks.based(self.found.below(before), stack, self.subject.quad)
        return self.photo.patches != before.patches
