"""The queue and a job's own reports, without sockets."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from backend.errors import JobCancelled
from backend.server.jobs import Job, JobQueue
from protocol import messages as m

RGB = m.Pixels(32, 32, 3, "u8", bytes(3 * 32 * 32))
QUAD = (0.0, 0.0, 0.0, 32.0, 32.0, 32.0, 32.0, 0.0)
ASKED = m.Segment("b", "p", QUAD, m.Rect(0, 0, 32, 32), RGB, 32, 32)
UNASKED = replace(ASKED, improve=True)


def make(
    request: m.JobRequest | None = None, client: bytes = b"a", sent: list[m.Message] | None = None
) -> Job:
    target: list[m.Message] = [] if sent is None else sent
    return Job(
        client, "id", request or m.ListEdits("b"), lambda job, message: target.append(message)
    )


def apply(photo: str = "p") -> m.Apply:
    return m.Apply(photo, [m.EditRef("smile")])


def test_first_in_first_out() -> None:
    queue = JobQueue()
    jobs = [make() for _ in range(3)]
    assert [queue.put(job) for job in jobs] == [[], [], []]
    assert [queue.take() for _ in jobs] == jobs


def test_only_an_apply_of_the_same_client_and_photo_is_replaced() -> None:
    queue = JobQueue()
    others = [
        make(apply("q")),
        make(apply(), client=b"b"),
        make(m.Repaint("p", [])),
        make(m.SaveEdit("p", "n", "", (), m.Pixels(1, 1, 1, "f32", bytes(4)))),
    ]
    for job in others:
        queue.put(job)
    old, new = make(apply()), make(apply())
    assert queue.put(old) == []
    assert queue.put(new) == [old]
    assert queue.put(make(m.Repaint("p", []))) == []
    assert [queue.take() for _ in range(5)] == [*others, new]


def test_a_started_job_is_neither_replaced_nor_removed() -> None:
    queue = JobQueue()
    old = make(apply())
    queue.put(old)
    assert queue.take() is old
    assert queue.put(make(apply())) == []
    assert queue.remove(old) is False


@pytest.mark.parametrize(
    ("other", "client", "ends"),
    [
        (m.Detect("b", RGB, 1.0, 32, 32), b"other", True),
        (m.Detect("b", RGB, 1.0, 32, 32), b"a", False),  # who asks ends it by itself
        (m.PreviewStack("p", []), b"other", False),  # runs between the steps
        (UNASKED, b"other", False),  # else two windows end each other's for ever
    ],
)
def test_embedding_better_gives_way_to_what_others_wait_for(
    other: m.JobRequest, client: bytes, ends: bool
) -> None:
    queue = JobQueue()
    for request, given_up in ((UNASKED, ends), (ASKED, False)):
        running = make(request)
        queue.put(running)
        assert queue.take() is running
        queue.put(make(other, client))
        assert running.cancelled.is_set() == given_up
        queue.take()


def test_what_nobody_asked_for_waits_until_all_others_are_done() -> None:
    queue = JobQueue()
    first, unasked, asked = make(UNASKED), make(UNASKED, b"other"), make(ASKED, b"third")
    for job in (first, unasked, asked):
        queue.put(job)
    assert [queue.take(), queue.take(), queue.take()] == [asked, first, unasked]


def test_nothing_that_takes_long_runs_between_the_steps_of_what_nobody_asked_for() -> None:
    queue = JobQueue()
    running = make(UNASKED)
    queue.put(running)
    assert queue.take() is running
    queue.put(make(ASKED, b"other"))
    assert queue.take_more_urgent(running.urgency) is None


def test_waiting_is_told_from_getting_ready() -> None:
    queue = JobQueue()
    first, second = make(), make()
    queue.put(first)
    queue.put(second)
    assert first.latest.text == "Getting ready"
    assert second.latest.text == "Waiting for earlier work"
    queue.take()
    assert first.latest.text == "Starting"
    queue.take()
    third = make()
    queue.put(third)
    assert third.latest.text == "Waiting for earlier work"


def test_a_closed_queue_lets_its_worker_go() -> None:
    queue = JobQueue()
    taken: list[Job | None] = []
    worker = threading.Thread(target=lambda: taken.append(queue.take()))
    worker.start()
    queue.close()
    worker.join(30)
    assert taken == [None]


def test_progress_is_thinned_out_and_forecasts() -> None:
    sent: list[m.Message] = []
    job = make(sent=sent)
    job.start()
    assert job.started is not None
    job.started -= 10
    for step in range(1000):
        job.report(step / 1000, f"Step {step}")
    assert 1 <= len(sent) < 1000
    assert job.latest.fraction == 0.999
    assert job.latest.seconds_left is not None
    assert 0 < job.latest.seconds_left < 1
    job.report(7.0, "too far")
    assert job.latest.fraction == 1.0
    job.report(0.001, "early")
    assert job.latest.seconds_left is None


def test_previews_are_drawn_only_when_they_are_due() -> None:
    drawn: list[m.Preview] = []

    def draw() -> m.Preview:
        drawn.append(m.Preview(m.Pixels(1, 1, 3, "u8", bytes(3)), (0, 0, 1, 1)))
        return drawn[-1]

    sent: list[m.Message] = []
    job = make(sent=sent)
    for _ in range(100):
        job.report(0.5, "half", draw)
    assert 1 <= len(drawn) < 100
    assert [event for event in sent if isinstance(event, m.Preview)] == drawn


def test_a_cancelled_job_stops_at_its_next_report() -> None:
    job = make()
    job.report(0.1, "goes on")
    job.cancelled.set()
    with pytest.raises(JobCancelled):
        job.report(0.2, "stops")
    with pytest.raises(JobCancelled):
        job.check()
