"""A batch from its photos to its results: what is still to be done, who is meant, and the work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from backend.batch.dispatch import Crew, Dispatcher
from backend.batch.found import Found
from backend.batch.looks import Looks
from backend.batch.manifest import Manifest, ManifestEntry, Stamp, stamp_of
from backend.batch.people import quads_taken
from backend.batch.tasks import BatchSettings, Looked, Outcome, Task, failed
from protocol.errors import UserError

Stopping = Callable[[], bool]
Heard = Callable[[Task], None]  # a photo was dealt with
_STALE = "The result that lies there is of an earlier run with other settings."


@dataclass
class Plan:
    """tasks: what is to be done. done: entries of photos that are done already. failures: of photos
    that cannot be begun, by number."""

    photos: Sequence[Found]
    tasks: list[Task] = field(default_factory=list)
    done: dict[int, ManifestEntry] = field(default_factory=dict)
    failures: dict[int, Outcome] = field(default_factory=dict)
    stamps: dict[int, Stamp] = field(default_factory=dict)


def plan(manifest: Manifest, photos: Sequence[Found], settings: BatchSettings) -> Plan:
    """What is still to be done of a batch."""
    found, digest = Plan(photos), settings.digest
    for number, photo in enumerate(photos):
        name = photo.name.as_posix()
        try:
            found.stamps[number] = stamp_of(photo.source)
            state = manifest.state(name, photo.source, digest)
        except OSError as error:
            reason = f"{photo.source} cannot be read: {error.strerror}."
            found.failures[number] = failed(number, reason)
            continue
        entry = manifest.entry(name)
        if state == "done" and entry is not None:
            found.done[number] = entry
        elif state == "blocked":
            reason = f"{manifest.out / name} was not written by this batch, or was changed since;"
            reason += " move it away, or use another output folder."
            found.failures[number] = failed(number, reason)
        else:
            staged = manifest.staging / f"{number}{photo.name.suffix}"
            found.tasks.append(Task(number, str(photo.source), name, staged=str(staged)))
    return found


def look(crew: Crew, planned: Plan, looks: Looks, stopping: Stopping, heard: Heard) -> list[Looked]:
    """The faces in all photos that are to be done, by number; what is known is not looked at
    again, and what was seen before `stopping` is kept."""
    tasks = {task.number: task for task in planned.tasks}
    known = {n: looks.get(task, planned.stamps[n]) for n, task in tasks.items()}
    found = {n: looked for n, looked in known.items() if looked is not None}
    for number in found:
        heard(tasks[number])
    fresh = [task for number, task in tasks.items() if number not in found]
    for reply in Dispatcher(crew, fresh).replies(stopping):
        if isinstance(reply, Outcome):  # lost for good
            reply = Looked(reply.number, error=reply.error)
        assert isinstance(reply, Looked)
        found[reply.number] = reply
        looks.add(tasks[reply.number], planned.stamps[reply.number], reply)
        heard(tasks[reply.number])
    looks.save()
    return [found[number] for number in sorted(found)]


def choose_people(planned: Plan, looked: Sequence[Looked], threshold: float) -> None:
    """Give the plan's tasks the frames of those who are meant; what could not be looked at is a
    failure, never a photo in which everybody is edited."""
    faces = {one.number: one.faces for one in looked if one.error is None}
    for one in looked:
        if one.error is not None:
            planned.failures[one.number] = failed(one.number, one.error)
    planned.tasks = [
        dataclasses.replace(task, frames=quads_taken(faces[task.number], threshold))
        for task in planned.tasks
        if task.number in faces
    ]


def work(
    crew: Crew,
    manifest: Manifest,
    planned: Plan,
    settings: BatchSettings,
    stopping: Stopping,
    heard: Heard,
) -> Iterator[Outcome]:
    """Do the tasks; each outcome as it is in its place."""
    digest = settings.digest
    tasks = {task.number: task for task in planned.tasks}
    nobody = {n for n, task in tasks.items() if task.frames == ()}
    for number in sorted(nobody):
        outcome = Outcome(number, "nobody", error="None of the persons was found in the photo.")
        yield _committed(manifest, planned, outcome, digest)
        heard(tasks[number])
    rest = [task for task in planned.tasks if task.number not in nobody]
    for reply in Dispatcher(crew, rest).replies(stopping):
        assert isinstance(reply, Outcome)
        yield _committed(manifest, planned, reply, digest)
        heard(tasks[reply.number])


def _committed(manifest: Manifest, planned: Plan, outcome: Outcome, digest: str) -> Outcome:
    photo, number = planned.photos[outcome.number], outcome.number
    name, stamp = photo.name.as_posix(), planned.stamps[number]
    try:
        manifest.commit(outcome, name, photo.source, stamp, digest)
    except UserError as error:
        return failed(number, error.message)
    except OSError as error:
        return failed(number, f"{manifest.out / name} cannot be written: {error.strerror}.")
    if outcome.status != "edited" and (manifest.out / name).exists():
        outcome = dataclasses.replace(outcome, note=_STALE)
    return dataclasses.replace(outcome, data=None, before=b"", after=b"")


def sums(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    """Seconds by stage, of all photos together."""
    found: dict[str, float] = {}
    for outcome in outcomes:
        for stage, seconds in outcome.seconds.items():
            found[stage] = found.get(stage, 0.0) + seconds
    return found
