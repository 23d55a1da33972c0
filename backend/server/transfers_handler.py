"""Public models from the network: listed, fetched, installed."""

from __future__ import annotations

from backend.bundles.download import PublicModel, download, find_model, known_models
from backend.bundles.registry import list_bundles
from backend.errors import BadSetting
from backend.server.jobs import Job
from protocol import messages as m
from protocol.paths import bundles_dir

_FETCHED = 0.9  # of the progress bar
_MB = 1e6


class TransfersHandler:
    """On a thread of its own: a slow server keeps nobody waiting but who asked for it."""

    def answer(self, job: Job) -> m.Message:
        match job.request:
            case m.Download(name, accepted):
                return _downloaded(find_model(name), accepted, job)
        raise m.ProtocolError(f"no transfer for {job.kind}")


def listed() -> m.Downloads:
    installed = list_bundles()
    return m.Downloads(
        [
            m.DownloadableModel(
                name=model.name,
                title=model.title,
                domain=model.domain,
                license=model.license,
                terms=model.terms,
                size=model.size,
                verified=model.sha256 is not None,
                installed=model.name in installed,
            )
            for model in known_models().values()
        ]
    )


def _downloaded(model: PublicModel, accepted: str, job: Job) -> m.Downloaded:
    """Raises BadSetting, DownloadFailed, BadCheckpoint, Cancelled."""
    from backend.bundles.importing import read_checkpoint
    from backend.bundles.importing.install import check_free, install
    from backend.bundles.names import check_bundle_name

    if accepted != model.terms:
        raise BadSetting(f"Read and accept the terms of '{model.title}' first: {model.terms}")
    folder = bundles_dir() / check_bundle_name(model.name)
    check_free(folder, overwrite=False)

    def fetched(done: int, whole: int | None) -> None:
        of = f" of {whole / _MB:.0f}" if whole else ""
        job.report(_FETCHED * done / whole if whole else 0.0, f"Fetched {done / _MB:.0f}{of} MB")

    job.report(0.0, "Asking the server")
    path = download(model, fetched)
    job.report(_FETCHED, "Reading the checkpoint")
    found = read_checkpoint(path, None)
    install(
        found,
        folder,
        title=model.title,
        domain=model.domain,
        license=model.license,
        source=f"{model.url} ({found.origin}). Terms: {model.terms}",
        progress=lambda share: job.report(_FETCHED + (1 - _FETCHED) * share, "Drawing samples"),
    )
    return m.Downloaded(model.name, list(found.notes))
