"""A cluster of two nodes on this machine, one of which is killed in the middle of a batch."""

from __future__ import annotations

import hashlib
import importlib.util
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import make_bundle

from backend.batch import manifest as manifests
from backend.batch.found import find_photos
from backend.batch.run import plan, work
from backend.batch.stack import stack_of
from backend.batch.tasks import BatchSettings, Outcome, Task
from backend.bundles import find_bundle
from backend.photos.files import read_photo, write_photo
from backend.photos.photo import Photo
from backend.session.edits import save_edit
from edit_library import Library
from protocol.paths import library_dir

COUNT = 12
QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300,
         "health_check_failure_threshold": 3, "worker_niceness": 0}  # fmt: skip


@pytest.fixture
def settings(home: Path) -> BatchSettings:
    make_bundle((home / "bundles").parent / "tiny")
    (home / "bundles").mkdir()
    (home / "tiny").rename(home / "bundles" / "tiny")
    bundle = find_bundle("tiny")
    vector = np.random.default_rng(1).normal(size=(bundle.config.n_ws, bundle.config.w_dim))
    library = Library(library_dir())
    save_edit(library, bundle, "eyes", vector.astype(np.float32), parts=("eyes", "fur"))
    return BatchSettings(stack_of(bundle, [(library.get("tiny", "eyes"), 0.7)]), "fast")


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for i in range(COUNT):
        pixels = np.full((64, 64, 3), 10 * i, np.uint8)
        write_photo(Photo(pixels), folder / f"{i:02}.png")
    return folder


@pytest.fixture
def cluster(settings: BatchSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that only hands out, and two nodes with room for one member each."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: pip install -r installer/requirements/cluster.txt")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "_system_config": QUICK, "include_dashboard": False},
    )
    try:
        yield made
    finally:
        made.shutdown()


@pytest.mark.filterwarnings("default")  # Ray's own
def test_a_node_is_killed_and_every_photo_is_written_once(
    cluster: Any, settings: BatchSettings, album: Path, tmp_path: Path
) -> None:
    from backend.batch.ray_crew import RayCrew

    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    out, seen = tmp_path / "out", list[Task]()
    found = find_photos([album], out)
    with (
        manifests.opened(out) as manifest,
        RayCrew(cluster.address, settings, manifest.folder) as crew,
    ):
        planned = plan(manifest, found.photos, settings)
        assert len(crew._members) == 2
        outcomes = []
        for outcome in work(crew, manifest, planned, settings, lambda: False, seen.append):
            outcomes.append(outcome)
            if len(outcomes) == 3:
                lost = [member for member in crew._members]
                cluster.remove_node(nodes.pop(), allow_graceful=False)
        survivors = [member for member in crew._members if member in lost]
    assert len(survivors) == 1  # one member was lost indeed, and another one asked for
    assert Counter(one.number for one in outcomes) == Counter(range(COUNT))
    assert Counter(task.number for task in seen) == Counter(range(COUNT))
    assert {one.status for one in outcomes} == {"edited"}
    lines = (out / manifests.FOLDER / "manifest.jsonl").read_text().splitlines()
    assert sum('"what": "done"' in line for line in lines) == COUNT
    for one in outcomes:
        path = out / found.photos[one.number].name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == one.result_sha
        assert read_photo(path).width == 64
    assert len(list(out.glob("*.png"))) == COUNT
    assert not list((out / manifests.FOLDER / "staged").iterdir())


def test_photos_travel_where_no_storage_is_shared(settings: BatchSettings, album: Path) -> None:
    """As bytes to a member that does not see them, and the results back."""
    from backend.batch.ray_crew import with_bytes
    from backend.batch.worker import PhotoWorker

    path = album / "01.png"
    task = with_bytes(Task(0, str(path), "01.png", staged="/nowhere/01.png"))
    path.unlink()
    outcome = PhotoWorker(settings, "cpu").edit(task)
    assert isinstance(outcome, Outcome) and outcome.error is None
    assert outcome.staged is None and outcome.data is not None
    assert hashlib.sha256(outcome.data).hexdigest() == outcome.result_sha


def test_no_cluster_is_a_sentence(
    settings: BatchSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: pip install -r installer/requirements/cluster.txt")
    from backend.batch.ray_crew import RayCrew
    from backend.errors import BadSetting

    monkeypatch.setenv("RAY_gcs_rpc_server_connect_timeout_s", "1")
    monkeypatch.setenv("RAY_gcs_server_port_wait_time_s", "1")
    with pytest.raises(BadSetting, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        RayCrew("127.0.0.1:1", settings, tmp_path)
