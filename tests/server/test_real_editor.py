"""The whole way with the real engine: `editgan serve` and a small bundle of random weights."""

from __future__ import annotations

import shutil
from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from cli_harness import make_bundle

from backend.bundles.bundle import read_bundle, write_bundle_json
from backend_harness import CHECKOUT, REAL_COMMAND, Backend, error_of, wait_until
from protocol import messages as m
from protocol.client import Connection, new_job
from protocol.launch import ensure_backend

WIDTH, HEIGHT = 90, 70


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bundle `tiny`: squares of 32 pixels, three parts."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    make_bundle(folder)
    return folder


@pytest.fixture
def models(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the bundle `tiny`; backends compute on one thread."""
    shutil.copytree(tiny, home / "bundles" / "tiny", symlinks=True)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return home


def picture(x: int, y: int, width: int, height: int) -> m.Pixels:
    """A part of a photo with coloured waves."""
    values = [
        (7 * column, 5 * row, 3 * (column + row))
        for row in range(y, y + height)
        for column in range(x, x + width)
    ]
    data = bytes(value % 256 for pixel in values for value in pixel)
    return m.Pixels(width, height, 3, "u8", data)


def opened(connection: Connection, photo: str = "p") -> m.Segmented:
    whole = m.Detect("tiny", picture(0, 0, WIDTH, HEIGHT), 1.0, WIDTH, HEIGHT)
    subject = connection.request(whole).subjects[0]
    request = m.Segment(
        "tiny", photo, subject.quad, subject.rect, picture(*subject.rect), WIDTH, HEIGHT
    )
    return connection.request(request)


def painted(parts: list[m.PartLayer], name: str) -> list[m.PaintedPart]:
    """All layers as they came, but `name` on top and grown to its whole rectangle."""
    layers = [m.PaintedPart(part.name, part.rect, part.alpha) for part in parts]
    top = next(layer for layer in layers if layer.part == name)
    full = replace(top.alpha, data=b"\xff" * len(memoryview(top.alpha.data)))
    return [replace(top, alpha=full), *(layer for layer in layers if layer is not top)]


def alpha_outside(result: m.Edited, rect: tuple[int, int, int, int]) -> int:
    """The largest alpha of the layer outside a rectangle of the photo."""
    x, y, width, height = result.layer.rect
    alpha = bytes(result.layer.pixels.data)[3::4]
    outside = [
        alpha[row * width + column]
        for row in range(height)
        for column in range(width)
        if not (0 <= x + column - rect[0] < rect[2] and 0 <= y + row - rect[1] < rect[3])
    ]
    return max(outside, default=0)


def test_from_a_photo_to_an_edit_in_the_library(editor: Connection) -> None:
    segmented = opened(editor)
    assert [part.name for part in segmented.parts] == ["background", "fur", "eyes"]
    report = segmented.report
    assert report.perceptual is not None and report.perceptual_network and report.mse is not None
    events: list[m.Message] = []
    layers = painted(segmented.parts, "eyes")
    edited = editor.request(m.Repaint("p", layers, steps=8), events.append)
    assert edited.parts == ("eyes",)
    assert any(array("f", bytes(edited.vector.data)))
    assert any(isinstance(event, m.Progress) and event.fraction > 0 for event in events)
    frame = (10, 0, 70, 70)  # the square in the photo's middle
    assert alpha_outside(edited, frame) == 0
    assert max(bytes(edited.layer.pixels.data)[3::4]) > 0
    saved = editor.request(m.SaveEdit("p", "Big eyes", "", edited.parts, edited.vector))
    (listed,) = editor.request(m.ListEdits("tiny")).edits
    assert (saved.name, listed.name, listed.parts) == ("big-eyes", "big-eyes", ("eyes",))
    applied = editor.request(m.Apply("p", [m.EditRef("big-eyes", scale=1.0)]))
    assert bytes(applied.vector.data) == bytes(edited.vector.data)
    refined = editor.request(m.Apply("p", [m.EditRef("big-eyes", scale=0.5)], refine=3))
    assert refined.report.refine == 3


def test_parts_without_layers_stay_as_they_are(editor: Connection) -> None:
    """One part's layer alone, grown, means what all layers with that one grown mean."""
    segmented = opened(editor)
    layers = painted(segmented.parts, "eyes")
    whole = editor.request(m.Repaint("p", layers, steps=4))
    alone = editor.request(m.Repaint("p", layers[:1], steps=4, only=("eyes",)))
    assert alone.parts == whole.parts == ("eyes",)
    assert bytes(alone.vector.data) == bytes(whole.vector.data)
    erased = editor.request(m.Repaint("p", layers[:1], steps=4))  # the others have no layers
    assert set(erased.parts) > {"eyes"}
    followed = editor.request(m.LiveRepaint("p", layers[:1], 4, resume=False, only=("eyes",)))
    assert followed.parts == ("eyes",)


def test_what_was_painted_comes_back_with_its_vector(editor: Connection) -> None:
    segmented = opened(editor)
    layers = painted(segmented.parts, "eyes")
    edited = editor.request(m.Repaint("p", layers, steps=4))
    followed = editor.request(m.LiveRepaint("p", layers, 4, resume=False))
    assert edited.painted == followed.painted and set(edited.painted.data) > {255}
    mine = m.EditRef(vector=edited.vector, parts=edited.parts, painted=edited.painted)
    applied = editor.request(m.Apply("p", [mine]))
    assert (applied.layer.rect, applied.layer.pixels) == (edited.layer.rect, edited.layer.pixels)
    assert editor.request(m.PreviewStack("p", [mine], 64)).pixels.width == 64
    unknown = replace(edited.painted, data=b"\x09" * len(edited.painted.data))
    for wrong in (m.Pixels(3, 3, 1, "u8", bytes(9)), unknown):
        ref = replace(mine, painted=wrong)
        assert error_of(editor, m.Apply("p", [ref])).code == "bad_setting"


def test_an_edit_learnt_from_several_photos(editor: Connection) -> None:
    segmented, _ = opened(editor), opened(editor, "q")
    edited = editor.request(m.Repaint("p", painted(segmented.parts, "eyes"), steps=4))
    mine = m.EditRef(vector=edited.vector, parts=edited.parts)
    events: list[m.Message] = []
    learnt = editor.request(m.Learn(["p", "q"], edits=[mine], steps=2), events.append)
    assert isinstance(learnt, m.Learned)
    assert learnt.parts == ("eyes",) and learnt.low < 0 < learnt.high
    assert learnt.report.learnt_from == 2 and hasattr(learnt.report, "transfer")
    assert any(isinstance(event, m.Progress) for event in events)
    mean = editor.request(m.Learn(["p"], edits=[mine, replace(mine, scale=0.0)], steps=0))
    half = [value / 2 for value in array("f", bytes(edited.vector.data))]
    assert array("f", bytes(mean.vector.data)) == array("f", half)
    saved = m.SaveEdit("p", "Both", "", learnt.parts, learnt.vector, learnt.low, learnt.high, 2)
    assert editor.request(saved).name == "both"
    assert editor.request(m.ListRecipes("tiny")).recipes == []
    faces = {recipe.name: recipe for recipe in editor.request(m.ListRecipes("faces")).recipes}
    assert len(faces) >= 5 and all(recipe.title and recipe.parts for recipe in faces.values())
    assert error_of(editor, m.Learn(["p"], recipe="smile")).code == "unknown_recipe"
    assert error_of(editor, m.Learn(["p", "nowhere"], edits=[mine])).code == "unknown_photo"


def test_what_the_engine_refuses(editor: Connection) -> None:
    segmented = opened(editor)
    unchanged = [m.PaintedPart(part.name, part.rect, part.alpha) for part in segmented.parts]
    assert error_of(editor, m.Repaint("p", unchanged)).code == "nothing_changed"
    foreign = m.PaintedPart("antenna", unchanged[0].rect, unchanged[0].alpha)
    assert error_of(editor, m.Repaint("p", [foreign, *unchanged])).code == "wrong_bundle"
    far = tuple(1000.0 + value for value in (0, 0, 0, 40, 40, 40, 40, 0))
    request = m.Segment("tiny", "q", far, (0, 0, 20, 20), picture(0, 0, 20, 20), WIDTH, HEIGHT)
    assert error_of(editor, request).code == "bad_image"
    small = m.Detect("tiny", picture(0, 0, 2, 2), 1.0, 2, 2)
    assert error_of(editor, small).code in ("bad_image", "no_subject")
    vector = m.Pixels(3, 3, 1, "f32", bytes(36))
    wrong = m.Apply("p", [m.EditRef(vector=vector, parts=("eyes",))])
    assert error_of(editor, wrong).code == "wrong_bundle"
    assert editor.request(m.Repaint("p", painted(segmented.parts, "eyes"), 2)).parts == ("eyes",)


def test_a_damaged_bundle_is_told_and_harms_no_other(
    models: Path, tiny: Path, editor: Connection
) -> None:
    damaged = models / "bundles" / "broken"
    shutil.copytree(tiny, damaged, symlinks=True)
    (damaged / "generator.safetensors").write_bytes(b"not weights")
    request = m.Detect("broken", picture(0, 0, WIDTH, HEIGHT), 1.0, WIDTH, HEIGHT)
    assert error_of(editor, request).code == "bad_bundle"
    (damaged / "bundle.json").write_text("{")
    assert error_of(editor, request).code == "bad_bundle"
    described = {bundle.name: bundle for bundle in editor.status().bundles}
    assert described["broken"].problem
    assert described["tiny"].parts == ("background", "fur", "eyes")
    assert opened(editor).parts


def test_a_backend_killed_in_a_repaint_loses_nothing_that_was_kept(models: Path) -> None:
    backend = Backend(REAL_COMMAND)
    try:
        with backend.connect() as connection:
            segmented = opened(connection)
            request = m.Repaint("p", painted(segmented.parts, "eyes"), steps=10_000)

            def kill(event: m.Event) -> None:
                if getattr(event, "fraction", 0) > 0:
                    backend.process.kill()

            with pytest.raises(Exception, match="backend stopped") as caught:
                connection.request(request, kill)
            assert caught.value.code == "backend_lost"
    finally:
        backend.kill()
    with ensure_backend(REAL_COMMAND, cwd=CHECKOUT) as connection:
        assert error_of(connection, request).code == "unknown_photo"
        again = opened(connection)
        assert again.report.from_cache
        assert bytes(again.w_plus.data) == bytes(segmented.w_plus.data)
        assert [bytes(p.alpha.data) for p in again.parts] == [
            bytes(p.alpha.data) for p in segmented.parts
        ]
        assert connection.request(replace(request, steps=2)).parts == ("eyes",)
        connection.shutdown()


def test_a_repaint_ended_early_keeps_its_best(editor: Connection) -> None:
    segmented = opened(editor)
    job = new_job()

    def enough(event: m.Event) -> None:
        if getattr(event, "fraction", 0) > 0:
            editor.cancel(job, keep=True)

    request = m.Repaint("p", painted(segmented.parts, "eyes"), steps=10_000)
    edited = editor.request(request, enough, job)
    assert isinstance(edited, m.Edited)
    assert edited.report.ended_early and 1 <= edited.report.steps < 10_000
    assert any(array("f", bytes(edited.vector.data)))


def test_a_cancelled_repaint_stops_computing(editor: Connection) -> None:
    segmented = opened(editor)

    def cancel(event: m.Event) -> None:
        if getattr(event, "fraction", 0) > 0:
            raise InterruptedError

    request = m.Repaint("p", painted(segmented.parts, "eyes"), steps=10_000)
    with pytest.raises(InterruptedError):
        editor.request(request, cancel)
    wait_until(lambda: editor.status().running is None, "the job ends")
    assert editor.request(replace(request, steps=2)).parts == ("eyes",)


def test_a_bundle_that_opens_no_photos_yet(models: Path) -> None:
    folder = Path(shutil.copytree(models / "bundles" / "tiny", models / "bundles" / "raw"))
    for network in ("encoder", "segmentation"):
        (folder / f"{network}.safetensors").unlink()
    write_bundle_json(replace(read_bundle(folder), name="raw", parts=()))
    with ensure_backend(REAL_COMMAND, cwd=CHECKOUT) as connection:
        assert "raw" not in connection.welcome.bundles and "tiny" in connection.welcome.bundles
        request = m.Detect("raw", picture(0, 0, WIDTH, HEIGHT), 1.0, WIDTH, HEIGHT)
        error = error_of(connection, request)
        assert error.code == "incomplete_bundle" and "editgan train" in error.message
        found = {one.name: one for one in connection.request(m.ListBundles()).bundles}
        assert found["raw"].missing == ("encoder", "segmentation")
        assert found["tiny"].missing == () and found["tiny"].picture is None
        picture_of_faces = found["faces"].picture
        assert picture_of_faces is not None and picture_of_faces[8:12] == b"WEBP"
        opened(connection)
        connection.shutdown()
