"""Jobs that are cancelled, replaced, or whose client or backend dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.server.main import idle_timeout
from backend_harness import CHECKOUT, COMMAND, Backend, error_of, repaint, segment, wait_until
from protocol import messages as m
from protocol import paths, settings
from protocol.client import Connection, new_job
from protocol.errors import BackendError
from protocol.launch import ensure_backend

FOREVER = 10_000  # steps: 100 s, longer than any test waits


class Running(threading.Thread):
    """A request on a thread of its own; `events` grows, `outcome` is its result or error."""

    def __init__(self, connection: Connection, request: m.JobRequest) -> None:
        super().__init__()
        self.job = new_job()
        self.events: list[m.Message] = []
        self.outcome: m.Message | BackendError | None = None
        self._connection, self._request = connection, request
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._connection.request(self._request, self.events.append, self.job)
        except BackendError as error:
            self.outcome = error

    def until_running(self) -> None:
        wait_until(lambda: any("Step" in getattr(e, "text", "") for e in self.events), "a step")

    def code(self) -> str:
        """The error that it ends with."""
        self.join(60)
        assert isinstance(self.outcome, BackendError)
        return self.outcome.code


def test_cancel_a_running_job(backend: Backend, connection: Connection) -> None:
    connection.request(segment())
    running = Running(connection, repaint("slow", FOREVER))
    running.until_running()
    assert connection.status().running == "Repaint"
    assert connection.cancel(running.job) is True
    assert running.code() == "cancelled"
    assert connection.request(repaint("hair")).parts == ("hair",)
    wait_until(lambda: "Repaint ends: cancelled" in backend.log(), "the worker stops")


def test_cancel_a_waiting_job(backend: Backend, connection: Connection) -> None:
    connection.request(segment())
    with backend.connect() as other:
        first = Running(connection, repaint("slow", FOREVER))
        first.until_running()
        second = Running(other, repaint("slow", FOREVER))
        wait_until(lambda: connection.status().queued == 1, "the second job waits")
        assert other.cancel(second.job) is True
        assert second.code() == "cancelled"
        assert connection.status().running == "Repaint"
        assert connection.cancel(first.job) is True
        assert first.code() == "cancelled"
    assert backend.log().count("Repaint starts") == 1


def test_cancel_after_the_end_and_of_nothing(connection: Connection) -> None:
    job = new_job()
    connection.request(segment(), job=job)
    assert connection.cancel(job) is False
    assert connection.cancel("nothing") is False
    assert connection.request(repaint("hair")).parts == ("hair",)


def test_keep_what_a_running_job_has(connection: Connection) -> None:
    connection.request(segment())
    running = Running(connection, repaint("slow", FOREVER))
    running.until_running()
    assert connection.cancel(running.job, keep=True) is True
    running.join(60)
    assert isinstance(running.outcome, m.Edited)
    assert 0 < running.outcome.report.steps < FOREVER
    assert connection.cancel(running.job, keep=True) is False


def test_a_job_can_be_cancelled_after_all(connection: Connection) -> None:
    connection.request(segment())
    running = Running(connection, repaint("stone", 9000))
    wait_until(lambda: connection.status().running == "Repaint", "the job runs")
    assert connection.cancel(running.job, keep=True) is True
    assert connection.cancel(running.job) is True
    assert running.code() == "cancelled"


def test_a_waiting_job_has_nothing_to_keep(backend: Backend, connection: Connection) -> None:
    connection.request(segment())
    with backend.connect() as other:
        first = Running(connection, repaint("slow", FOREVER))
        first.until_running()
        second = Running(other, repaint("slow", FOREVER))
        wait_until(lambda: connection.status().queued == 1, "the second job waits")
        assert other.cancel(second.job, keep=True) is True
        assert second.code() == "cancelled"
        connection.cancel(first.job)
        assert first.code() == "cancelled"


def test_an_exception_in_the_callback_cancels_the_job(connection: Connection) -> None:
    connection.request(segment())

    def interrupt(event: m.Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connection.request(repaint("slow", FOREVER), interrupt)
    wait_until(lambda: connection.status().running is None, "the job ends")


def test_a_waiting_job_hears_that_it_waits(backend: Backend, connection: Connection) -> None:
    connection.request(segment())
    with backend.connect() as other:
        first = Running(connection, repaint("slow", FOREVER))
        first.until_running()
        second = Running(other, repaint("hair"))
        wait_until(lambda: second.events, "news of the waiting job")
        assert second.events[0] == m.Progress(0.0, "Waiting for earlier work")
        connection.cancel(first.job)
        second.join(60)
        assert isinstance(second.outcome, m.Edited)
        first.join(60)


def test_files_do_not_wait_for_the_device(backend: Backend, connection: Connection) -> None:
    connection.request(segment())
    running = Running(connection, repaint("stone", 3000))
    wait_until(lambda: connection.status().running == "Repaint", "the job runs")
    assert connection.request(m.ListEdits("small")).edits == []
    connection.ping()
    assert connection.status().running == "Repaint"
    assert connection.cancel(running.job)
    assert running.code() == "cancelled", "at once, though its worker does not listen"


def test_a_newer_apply_takes_the_place_of_one_that_waits(connection: Connection) -> None:
    connection.request(segment())
    first = Running(connection, repaint("slow", FOREVER))
    first.until_running()
    vector = m.Pixels(8, 4, 1, "f32", bytes(128))
    apply = [m.Apply("p1", [m.EditRef(None, vector, ("hair",), scale)]) for scale in (1.0, 2.0)]
    older = Running(connection, apply[0])
    wait_until(lambda: connection.status().queued == 1, "the older one waits")
    newer = Running(connection, apply[1])
    assert older.code() == "cancelled"
    assert isinstance(older.outcome, BackendError)
    assert older.outcome.detail == "replaced"
    connection.cancel(first.job)
    newer.join(60)
    assert isinstance(newer.outcome, m.Edited)
    first.join(60)


def test_two_clients_at_once_both_get_their_own(backend: Backend) -> None:
    with backend.connect() as one, backend.connect() as two:
        one.request(segment("a", 10))
        two.request(segment("b", 20))
        requests = [(one, "a"), (two, "b")] * 4
        running = [
            Running(c, repaint(f"part-{p}-{i}", photo=p)) for i, (c, p) in enumerate(requests)
        ]
        for i, (job, (_, photo)) in enumerate(zip(running, requests, strict=True)):
            job.join(60)
            assert isinstance(job.outcome, m.Edited)
            assert (job.outcome.photo, job.outcome.parts) == (photo, (f"part-{photo}-{i}",))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_client_that_dies_has_its_jobs_cancelled(
    backend: Backend, connection: Connection, how: signal.Signals
) -> None:
    connection.request(segment())
    script = Path(__file__).with_name("client_that_dies.py")
    client = subprocess.Popen([sys.executable, str(script)], cwd=CHECKOUT, stdout=subprocess.PIPE)
    try:
        assert client.stdout is not None
        assert client.stdout.readline().startswith(b"running")
        assert connection.status().running == "Repaint"
    finally:
        client.send_signal(how)
        client.communicate()
    assert connection.request(repaint("hair")).parts == ("hair",)
    assert "its client is gone" in backend.log()


def test_a_client_that_hangs_up_has_its_jobs_cancelled(
    backend: Backend, connection: Connection
) -> None:
    connection.request(segment())
    with backend.connect() as other:
        running = Running(other, repaint("slow", FOREVER))
        running.until_running()
    assert running.code() == "backend_lost"
    wait_until(lambda: connection.status().running is None, "the job ends")


def test_a_killed_backend_is_noticed_and_replaced(start: Callable[..., Backend]) -> None:
    backend = start()
    with backend.connect() as connection:
        connection.request(segment())
        running = Running(connection, repaint("slow", FOREVER))
        running.until_running()
        backend.kill()
        assert running.code() == "backend_lost"
        with pytest.raises(BackendError, match="backend") as caught:
            connection.request(repaint("hair"))
        assert caught.value.code == "backend_lost"
    assert paths.connection_file().exists(), "it had no time to remove it"
    with ensure_backend(COMMAND, cwd=CHECKOUT) as connection:
        assert error_of(connection, repaint("hair")).code == "unknown_photo"
        connection.request(segment())
        connection.shutdown()


def test_a_backend_that_dies_of_a_job_is_noticed(connection: Connection) -> None:
    connection.request(segment())
    assert error_of(connection, repaint("die")).code == "backend_lost"


def test_shutdown_ends_jobs_and_removes_what_was_published(
    backend: Backend, connection: Connection
) -> None:
    connection.request(segment())
    running = Running(connection, repaint("slow", FOREVER))
    running.until_running()
    connection.shutdown()
    assert running.code() == "shutting_down"
    assert backend.process.wait(60) == 0
    assert not paths.connection_file().exists()


def test_shutdown_does_not_wait_for_a_job_that_does_not_listen(
    backend: Backend, connection: Connection
) -> None:
    connection.request(segment())
    running = Running(connection, repaint("stone", 9000))
    wait_until(lambda: connection.status().running == "Repaint", "the job runs")
    connection.shutdown()
    assert running.code() == "shutting_down"
    assert backend.process.wait(60) == 0
    assert not paths.connection_file().exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(start: Callable[..., Backend], how: signal.Signals) -> None:
    backend = start()
    with backend.connect():
        backend.process.send_signal(how)
        assert backend.process.wait(60) == 0
    assert not paths.connection_file().exists()


def test_an_idle_backend_ends(start: Callable[..., Backend]) -> None:
    backend = start("--idle", "3")
    with backend.connect() as connection:
        connection.request(segment())
        connection.request(repaint("stone", 400))  # longer than the limit: work is not idleness
    assert backend.process.wait(60) == 0
    assert "idle for" in backend.log()
    assert not paths.connection_file().exists()


def test_the_idle_time_follows_the_settings(home: Path) -> None:
    timeout = idle_timeout(None)
    assert timeout() == 900
    settings.save(settings.Settings(idle_minutes=3))
    assert timeout() == 180
    assert idle_timeout(5.0)() == 5
    paths.settings_file().write_text("{")
    assert timeout() == 900
