"""`editgan serve`: everything the server needs, put together, for as long as it is wanted."""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import importlib.metadata
import logging
import logging.handlers
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from backend.server.editors import Catalogue, LoadedEditors
from backend.server.jobs import JobQueue
from backend.server.limits import CannotStart, allow_files
from backend.server.service import Answers, Service
from backend.server.sockets import Listening, listen
from backend.server.worker import Handler, Worker
from backend.session.installed_bundles import InstalledBundles
from backend.session.memory import resident_mb
from protocol import connection_file, paths, settings
from protocol.errors import BackendError, UserError
from protocol.messages import LogText, StatusReport, Welcome
from protocol.typed import MAX_TEXT

if TYPE_CHECKING:  # imports numpy and more: only on the workers
    from backend.server.sessions import PhotoStore

_log = logging.getLogger(__name__)


_LOCK_PATIENCE_S = 3.0  # clients probe the lock for an instant; a predecessor may be ending
_PHOTOS_LIMIT = 768 << 20  # bytes of open photos
_END_PATIENCE_S = 5.0
_LOG_LINES = 200
_SWITCH_S = 0.0005  # a ping takes some ten turns between threads: with Python's 5 ms they add up


def serve(
    idle: float | None = None,
    tcp: str | None = None,
    device: str = "auto",
    catalogue: Catalogue | None = None,
    allowed: Sequence[str] = (),
) -> int:
    """Run the backend until it is idle, stopped or shut down; returns the exit status.

    idle: seconds without clients' messages after which it ends, 0 for never; None: what the
    user's settings say. tcp: None for local sockets; "HOST" or "HOST:PORT" for TCP with CURVE.
    device: "auto", "cpu", "cuda". catalogue: the bundles to serve, by default the installed ones.
    allowed: public keys (Z85) of clients on other machines.
    Where another backend of this user runs already, it continues and 0 is returned at once.
    """
    run_dir, log_file = _prepare()
    allow_files()
    with contextlib.ExitStack() as lock, contextlib.ExitStack() as listening:
        with _usable(run_dir):
            if not lock.enter_context(_only_one(run_dir)):
                _log.info("another backend runs already; this one is not needed")
                return 0
            backend = BackendProcess(catalogue or InstalledBundles(), device, log_file)
            sockets = listen(run_dir, backend.version, tcp, allowed)
            listening.callback(sockets.close)
            listening.enter_context(_published(run_dir, sockets))
        backend.run(sockets, idle_timeout(idle))
        listening.close()
        _log.info("ended")
        backend.leave()
    return 0


class BackendProcess:
    """The parts of a running backend."""

    def __init__(self, catalogue: Catalogue, device: str, log_file: Path) -> None:
        self.version = _version()
        self._catalogue = catalogue
        self._engines = LoadedEditors(catalogue, device)
        self._log_file = log_file
        self._started = time.monotonic()
        self._photos: PhotoStore | None = None
        self._workers: list[Worker] = []

    def run(self, sockets: Listening, idle_timeout: Callable[[], float]) -> None:
        sys.setswitchinterval(_SWITCH_S)
        device, files, transfers = JobQueue(), JobQueue(), JobQueue()
        answers = Answers(self._welcome, self._status, self._log_tail, self._watch)
        service = Service(sockets, device, files, transfers, answers, idle_timeout)
        self._workers = [
            Worker("device", device, self._open_device_desk, self._log_file),
            Worker("files", files, self._open_files_desk, self._log_file),
            Worker("transfers", transfers, self._open_transfers_desk, self._log_file),
        ]
        for worker in self._workers:
            worker.start()
        _log.info("EditGAN backend %s listens at %s", self.version, sockets.info.jobs)
        with _stopped_by_signals(service):
            try:
                service.run()
            except Exception:
                _log.exception("the backend fails")
                raise

    def leave(self) -> None:
        """Wait for the workers; one that is deep in a computation does not hold up the end."""
        deadline = time.monotonic() + _END_PATIENCE_S
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        if any(worker.is_alive() for worker in self._workers):
            _log.info("a job did not stop in time; leaving anyway")
            logging.shutdown()
            os._exit(0)

    def _open_device_desk(self) -> Handler:
        from backend.server.device_handler import DeviceHandler
        from backend.server.sessions import PhotoStore
        from backend.session.embedding_cache import EmbeddingCache
        from edit_library.library import Library

        if self._photos is None:
            self._photos = PhotoStore(_PHOTOS_LIMIT)
        else:  # a thread was given up
            self._engines.forget()
            self._photos.drop_previewers()
        embeddings = EmbeddingCache(paths.cache_dir())
        embeddings.sweep()
        library = Library(paths.library_dir())
        library.sweep()
        desk = DeviceHandler(self._engines, self._photos, embeddings, library)
        self._load_ahead(self._catalogue.ready())
        return desk

    def _open_files_desk(self) -> Handler:
        from backend.server.files_handler import FilesHandler
        from edit_library.library import Library

        return FilesHandler(Library(paths.library_dir()), self._catalogue)

    def _open_transfers_desk(self) -> Handler:
        from backend.server.transfers_handler import TransfersHandler

        return TransfersHandler()

    def _load_ahead(self, names: list[str]) -> None:
        """Load a model while the user looks for the menu; a damaged one is told when it is used."""
        try:
            for name in sorted(names, key=lambda name: name != "faces")[:1]:
                self._engines.get(name)
        except UserError as error:
            _log.warning("not loaded ahead: %s", error.message)

    def _welcome(self) -> Welcome:
        return Welcome(self._engines.device, self._catalogue.ready())

    def _log_tail(self) -> LogText:
        """The last lines of the log, as many as a message holds."""
        with self._log_file.open("rb") as file:
            file.seek(max(0, self._log_file.stat().st_size - MAX_TEXT))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
        return LogText("\n".join(lines[-_LOG_LINES:]))

    def _watch(self) -> None:
        for worker in self._workers:
            worker.watch()

    def _status(self, queued: int) -> StatusReport:
        running = next((worker.running for worker in self._workers if worker.running), None)
        return StatusReport(
            version=self.version,
            device=self._engines.device,
            bundles=self._catalogue.describe(),
            memory_mb=resident_mb(),
            uptime_s=time.monotonic() - self._started,
            photos=len(self._photos) if self._photos is not None else 0,
            running=running.kind if running else None,
            stage=running.latest.text if running else "",
            silent_s=time.monotonic() - running.heard if running else 0.0,
            queued=queued,
            log=str(self._log_file),
        )


@contextlib.contextmanager
def _usable(run_dir: Path) -> Iterator[None]:
    """Turns what is wrong with the run folder, or with the system's limits, into a sentence."""
    try:
        yield
    except (OSError, zmq.ZMQError) as error:
        _log.exception("the backend cannot go on")
        reason = error.strerror or str(error)
        if error.errno in (errno.EMFILE, errno.ENFILE):
            advice = "allow more open files (ulimit -n 1024)"
        else:
            advice = f"move {run_dir} away"
        raise CannotStart(
            f"The backend cannot work in {run_dir} ({reason}): {advice}, then try again."
        ) from error


@contextlib.contextmanager
def _only_one(run_dir: Path) -> Iterator[bool]:
    """Hold the user's backend lock; False where another process keeps it."""
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        with connection_file.held(run_dir / connection_file.LOCK_NAME) as mine:
            if mine or time.monotonic() > deadline:
                yield mine
                return
        time.sleep(0.02)


def idle_timeout(seconds: float | None) -> Callable[[], float]:
    """The idle timeout: as given, or as the user's settings say at the time."""

    def from_settings() -> float:
        try:
            return 60.0 * settings.load().idle_minutes
        except BackendError:  # the plug-in tells the user what is wrong with the file
            return 60.0 * settings.Settings().idle_minutes

    return from_settings if seconds is None else lambda: seconds


@contextlib.contextmanager
def _published(run_dir: Path, sockets: Listening) -> Iterator[None]:
    """Tell clients where we are."""
    path = run_dir / paths.connection_file().name
    try:
        connection_file.write(path, sockets.info)
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _stopped_by_signals(service: Service) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [signal.SIGINT, signal.SIGTERM]
    old = [signal.signal(number, lambda *_: service.stop()) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, old, strict=True):
            signal.signal(number, handler)


def _prepare() -> tuple[Path, Path]:
    """The folders that are needed, private ones; returns the run folder and the log file.

    Raises CannotStart: which one cannot be used, and what to do.
    """
    os.umask(0o077)  # whatever this process writes is the user's own
    place = paths.data_dir()
    try:
        for place in paths.private_dirs():
            if place.is_dir() or place in (paths.data_dir() / "run", paths.logs_dir()):
                paths.private(place)
        place = paths.logs_dir() / "backend.log"
        return paths.run_dir(), _start_logging(place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotStart(
            f"{place} cannot be used ({reason}): see that {paths.data_dir()} is a folder in which "
            "you may write, or set EDITGAN_HOME to another one."
        ) from error


def _start_logging(path: Path) -> Path:
    """Log to a rotating file; returns it. Crashes of compiled code go to stderr."""
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=2 << 20, backupCount=3)
    text = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"
    handler.setFormatter(logging.Formatter(text))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    with contextlib.suppress(ValueError, OSError, AttributeError):  # no real stderr
        faulthandler.enable(sys.stderr)
    return path


def _version() -> str:
    try:
        return importlib.metadata.version("editgan-gimp")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
