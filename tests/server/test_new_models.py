"""A generator gets parts and an encoder by requests alone, as New Model in GIMP asks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import write_nvidia
from cli_harness import make_generator
from download_server import send, served
from numpy.typing import NDArray
from PIL import Image
from stylegan_reference import Generator as Original

from backend_harness import wait_until
from protocol import messages as m
from protocol.client import Connection, new_job
from protocol.errors import BackendError

PARTS = [m.PartToLabel("dark", (20, 20, 60)), m.PartToLabel("light", (250, 240, 200))]


@pytest.fixture
def models(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a generator `tiny` that has neither parts nor an encoder."""
    make_generator(home / "bundles/tiny")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return home


def problem(work: Callable[[], object]) -> BackendError:
    with pytest.raises(BackendError) as caught:
        work()
    return caught.value


def array(pixels: m.Pixels) -> NDArray[np.uint8]:
    data = np.frombuffer(bytes(pixels.data), np.uint8)
    return data.reshape(pixels.height, pixels.width, pixels.channels)


def layer(part: str, shown: NDArray[np.bool_]) -> m.PaintedPart:
    height, width = shown.shape
    alpha = m.Pixels(width, height, 1, "u8", (shown * np.uint8(255)).tobytes())
    return m.PaintedPart(part, m.Rect(0, 0, width, height), alpha)


def painted(sample: m.SampleToLabel) -> list[m.PaintedPart]:
    """What is lighter than the middle, above what is not; a corner stays unlabelled."""
    grey = array(sample.pixels).mean(axis=2)
    light, dark = grey > np.median(grey), grey <= np.median(grey)
    for one in (light, dark):
        one[: len(grey) // 4, : len(grey) // 4] = False
    return [layer("light", light), layer("dark", dark)]


def label(connection: Connection, count: int) -> m.OwnModel:
    for _ in range(count):
        sample = connection.request(m.DrawSample("tiny"))
        size = sample.pixels.width, sample.pixels.height
        kept = connection.request(m.SaveLabels("tiny", sample.sample, *size, painted(sample)))
    return kept.model


def waves(width: int, height: int) -> m.Pixels:
    y, x = np.mgrid[:height, :width]
    picture = np.stack([128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), x + y], axis=2)
    return m.Pixels(width, height, 3, "u8", picture.astype(np.uint8).tobytes())


def segmented(connection: Connection, photo: str = "p") -> tuple[m.Segment, m.Segmented]:
    pixels = waves(90, 70)
    subject = connection.request(m.Detect("tiny", pixels, 1.0, 90, 70)).subjects[0]
    x, y, width, height = subject.rect
    cut = array(pixels)[y : y + height, x : x + width]
    sent = m.Pixels(width, height, 3, "u8", np.ascontiguousarray(cut).tobytes())
    request = m.Segment("tiny", photo, subject.quad, subject.rect, sent, 90, 70)
    return request, connection.request(request)


def test_from_a_generator_to_a_model_that_opens_photos(editor: Connection, models: Path) -> None:
    found = editor.request(m.ListOwnModels())
    assert [one.bundle for one in found.models] == ["tiny"]  # built-in ones are not to be changed
    assert found.models[0].missing == ("encoder", "segmentation") and not found.models[0].parts
    assert len(next(t for t in found.templates if t.name == "birds-11").parts) == 11
    assert editor.request(m.NameParts("tiny", PARTS)).model.parts == PARTS
    first = editor.request(m.DrawSample("tiny"))
    assert (first.pixels.width, first.pixels.height) == (512, 512) and first.parts == []
    again = editor.request(m.DrawSample("tiny"))
    assert again.sample == first.sample  # it waits to be painted
    assert editor.request(m.DrawSample("tiny", fresh=True)).sample == "sample-000001"
    assert label(editor, 4).labelled == [f"sample-{n:06d}" for n in range(4)]
    drawn = np.array(Image.open(models / "labels/tiny" / f"{first.sample}_parts.png"))
    assert drawn.shape == (32, 32) and (drawn[:8, :8] == 255).all()
    assert set(np.unique(drawn)) == {0, 1, 255} and (drawn == 1).mean() == pytest.approx(0.47, 0.2)

    news: list[m.Event] = []
    trained = editor.request(m.TrainParts("tiny", 250), news.append)
    assert (trained.pictures, trained.held_back) == (4, 1) and trained.sheet is not None
    assert trained.mean_iou is not None and trained.mean_iou > 0.4 and trained.model.ready
    assert "Learning the parts" in {one.text for one in news if isinstance(one, m.Progress)}
    # now the model is asked which picture it knows least, and draws what it sees on it
    fifth = editor.request(m.DrawSample("tiny", candidates=4))
    assert fifth.unsure is not None and {part.name for part in fifth.parts} == {"dark", "light"}

    learned = editor.request(m.TrainEncoder("tiny", 16))
    assert learned.model.missing == () and learned.sheet is not None
    request, opened = segmented(editor)
    assert [part.name for part in opened.parts] == ["dark", "light"]
    # what was put right in a photo counts as well, with its mirror image
    layers = [m.PaintedPart(p.name, p.rect, p.alpha) for p in opened.parts]
    kept = editor.request(m.LabelPhoto("p", layers)).model
    assert "photo-p" in kept.labelled
    assert editor.request(m.TrainParts("tiny", 50)).pictures == 5
    lost = problem(lambda: editor.request(m.HasPhoto(request.photo)))
    assert lost.code == "unknown_photo"  # its parts were those of before


def test_what_cannot_be_is_said(editor: Connection) -> None:
    def refused(message: m.JobRequest) -> str:
        return problem(lambda: editor.request(message)).message

    assert "is built in" in refused(m.NameParts("faces", PARTS))
    assert "Name the parts" in refused(m.DrawSample("tiny"))
    editor.request(m.NameParts("tiny", PARTS))
    editor.request(m.DrawSample("tiny"))
    blue = [PARTS[0], m.PartToLabel("blue", (0, 0, 255))]
    assert editor.request(m.NameParts("tiny", blue)).model.waiting == []  # nothing was painted
    editor.request(m.NameParts("tiny", PARTS))
    assert "no picture '../../x'" in refused(m.SaveLabels("tiny", "../../x", 64, 64, []))
    assert "Nothing is painted" in refused(m.TrainParts("tiny"))
    label(editor, 1)
    assert "1 pictures are painted with other parts" in refused(m.NameParts("tiny", blue))
    sample = editor.request(m.DrawSample("tiny"))
    hat = [layer("hat", np.ones((64, 64), bool))]
    assert "hat" in refused(m.SaveLabels("tiny", sample.sample, 64, 64, hat))


def test_an_encoder_goes_on_where_it_was_cancelled(editor: Connection, models: Path) -> None:
    state, job = models / "adopting/tiny/encoder.pt", new_job()
    heard = threading.Event()
    answers: list[str] = []

    def listen(event: m.Event) -> None:
        if isinstance(event, m.Progress) and event.text == "Learning to find codes":
            heard.set()

    def ask() -> None:
        request = m.TrainEncoder("tiny", 1_000_000)
        error = problem(lambda: editor.request(request, listen, job))
        answers.append(error.code)

    asking = threading.Thread(target=ask)
    asking.start()
    assert heard.wait(60)
    editor.cancel(job)
    asking.join(60)
    assert answers == ["cancelled"]
    wait_until(state.is_file, "a training state")
    seen = torch.load(state, weights_only=True)["seen"]
    learned = editor.request(m.TrainEncoder("tiny", seen + 8))
    assert learned.model.missing == ("segmentation",)
    assert torch.load(state, weights_only=True)["seen"] >= seen + 8


@pytest.fixture
def checkpoint(tmp_path: Path) -> bytes:
    torch.manual_seed(4)
    original = Original(channels=(16, 16, 16, 8)).eval().requires_grad_(False)
    write_nvidia(tmp_path / "snapshot.pkl", original)
    return (tmp_path / "snapshot.pkl").read_bytes()


def offer(models: Path, url: str) -> None:
    terms = "https://example.org/terms"
    about = f'title = "Net"\ndomain = "blots"\nlicense = "CC0"\nterms = "{terms}"\n'
    (models / "models.toml").write_text(f'[net]\nurl = "{url}"\n{about}')


def test_a_public_model_is_fetched_and_installed(
    editor: Connection, models: Path, checkpoint: bytes
) -> None:
    def whole(request: BaseHTTPRequestHandler, start: int) -> None:
        send(request, checkpoint[start:], start)

    with served(whole) as (url, asked):
        offer(models, url)
        listed = editor.request(m.ListDownloads()).models
        net = next(one for one in listed if one.name == "net")
        assert not net.installed and not net.verified and "ffhq" in {one.name for one in listed}
        refused = problem(lambda: editor.request(m.Download("net", "")))
        assert "accept the terms" in refused.message and asked == []
        news: list[m.Event] = []
        done = editor.request(m.Download("net", net.terms), news.append)
        assert done.bundle == "net" and asked == [0]
        twice = problem(lambda: editor.request(m.Download("net", net.terms)))
        assert twice.code == "exists"
    assert "net" in {one.bundle for one in editor.request(m.ListOwnModels()).models}
    assert "net" in {bundle.name for bundle in editor.status().bundles}


def test_a_damaged_model_is_named_with_the_reason(editor: Connection, models: Path) -> None:
    """Whoever made it looks for it."""
    for name, text in (("new", '{"format": 99}'), ("torn", "{")):
        (models / "bundles" / name).mkdir()
        (models / "bundles" / name / "bundle.json").write_text(text)
    found = editor.request(m.ListOwnModels())
    assert [one.bundle for one in found.models] == ["tiny"]
    damaged = [(one.bundle, one.code) for one in found.unreadable]
    assert damaged == [("new", "bad_bundle"), ("torn", "bad_bundle")]
    assert all(one.bundle in one.message for one in found.unreadable)


def test_a_slow_download_keeps_nobody_waiting_and_is_cancelled(
    editor: Connection, models: Path, checkpoint: bytes
) -> None:
    gone = threading.Event()

    def slowly(request: BaseHTTPRequestHandler, start: int) -> None:
        send(request, checkpoint[start : start + 1000], start, whole=len(checkpoint) - start)
        gone.wait(60)

    with served(slowly) as (url, _):
        offer(models, url)
        job, codes = new_job(), list[str]()
        request = m.Download("net", "https://example.org/terms")
        asking = threading.Thread(
            target=lambda: codes.append(
                problem(lambda: editor.request(request, lambda _: None, job)).code
            )
        )
        asking.start()
        partial = models / "downloads/net.pkl.partial"
        wait_until(partial.is_file, "the first bytes")
        assert editor.request(m.ListEdits("faces")).edits  # meanwhile
        editor.cancel(job)
        asking.join(10)
        assert codes == ["cancelled"]
        gone.set()
    assert [one.installed for one in _only(editor, "net")] == [False]


def _only(editor: Connection, name: str) -> Sequence[m.DownloadableModel]:
    return [one for one in editor.request(m.ListDownloads()).models if one.name == name]
