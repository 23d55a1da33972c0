"""Learning one edit from several open photos."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from protocol.facts import LearnReport
from protocol.messages.edits import Stack
from protocol.messages.fields import Latent, Name, Scale
from protocol.messages.kinds import FilesRequest, JobRequest, Message
from protocol.typed import Range, require


@dataclass(frozen=True)
class Learn(JobRequest):
    """Learn one edit from several open photos of one bundle: the mean of what each of them learns.

    Either `recipe`, a scripted change of parts (see ListRecipes), is optimised on every photo; or
    the mean of `edits` (results of repaints, say) is refined on every photo towards the parts that
    it predicts there; with steps = 0 it is that mean. others: open photos to try the edit on; where
    there are none, each photo tries what the rest taught.
    """

    photos: list[Name]
    recipe: Name | None = None
    edits: Stack = field(default_factory=list)
    others: list[Name] = field(default_factory=list)
    steps: Annotated[int, Range(0, 10_000)] = 100

    def __post_init__(self) -> None:
        require(bool(self.photos), "photos", "at least one")
        require((self.recipe is None) != (not self.edits), "learn", "a recipe or edits")


@dataclass(frozen=True)
class Learned(Message):
    """low, high: the scales at which the subject stays the same and the picture sound."""

    vector: Latent
    parts: tuple[Name, ...]  # Q_edit
    low: Scale
    high: Scale
    report: LearnReport


@dataclass(frozen=True)
class ListRecipes(FilesRequest):
    """The recipes whose parts a bundle has."""

    bundle: Name


@dataclass(frozen=True)
class RecipeInfo:
    name: Name
    title: str
    description: str
    parts: tuple[Name, ...]


@dataclass(frozen=True)
class Recipes(Message):
    recipes: list[RecipeInfo]
