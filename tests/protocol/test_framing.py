"""Every message survives the wire; nothing else does."""

from __future__ import annotations

import dataclasses
import math
import random
from array import array
from dataclasses import replace
from typing import Any

import msgpack
import pytest

from protocol import PROTOCOL_VERSION, framing
from protocol import messages as m
from protocol.framing import pack, unpack
from protocol.typed import MAX_TEXT, ProtocolError, WrongVersionError

MASK = m.Pixels(3, 2, 1, "u8", bytes(range(6)))
CODE = m.Pixels(4, 2, 1, "f32", array("f", [0.5, -1, 2, 3, 4, 5, 6, 7]).tobytes())
RGB = m.Pixels(3, 2, 3, "u8", bytes(range(18)))
DEEP = m.Pixels(1, 1, 4, "f32", array("f", [0.1, 7.5, -0.5, 1]).tobytes())
QUAD = (1.5, -2.0, 1.5, 40.0, 50.0, 40.0, 50.0, -2.0)
PHOTO_REPORT = m.PhotoReport(
    0.1, "SqueezeNet", 0.25, None, None, "well", "The model represents it well.", "fast", 1.5,
    part_verdicts={"eyes": "roughly"}, hidden=("hair",), covered=True, profile=False,
)  # fmt: skip
REPAINT_REPORT = m.RepaintReport(
    area_region=5, area_changed=3, share_of_subject=None, steps=2, ended_early=True,
    loss=(2.5, None), terms={"ce": 0.5}, agreement=0.75, agreement_model=0.5,
    agreement_read_in="photo", take="shape",
)  # fmt: skip
APPLY_REPORT = m.ApplyReport(
    area_region=5, area_changed=3, share_of_subject=0.5, refine=0, ended_early=False,
    scales=(10.0,), clamped=(99.0,), seconds=0.5,
)  # fmt: skip

PART = m.PartToLabel("dark", (20, 20, 60))
OWN_MODEL = m.OwnModel(
    "cars", "Cars", "cars", 64, [PART], ["sample-000001"], [], ("encoder",), ready=True
)
LABELLED: list[m.Message] = [
    m.ListOwnModels(),
    m.OwnModels(
        [OWN_MODEL],
        [m.PartTemplate("birds-11", "Birds", [PART])],
        [m.UnreadableModel("gone", "bad_bundle", "It is damaged.")],
    ),
    m.NameParts("cars", [PART, m.PartToLabel("light", (255, 255, 255))]),
    m.ModelLabels(OWN_MODEL),
    m.DrawSample("cars", "sample-000001", fresh=True, candidates=4),
    m.SampleToLabel("sample-000001", RGB, [], 0.25),
    m.SaveLabels("cars", "sample-000001", 512, 384, []),
    m.LabelPhoto("id", []),
    m.TrainParts("cars", 100),
    m.PartsTrained(OWN_MODEL, 5, 1, {"dark": 0.5}, 0.5, RGB),
    m.TrainEncoder("cars", 64),
    m.EncoderTrained(OWN_MODEL, 0.5, 0.25, None),
    m.ListDownloads(),
    m.Downloads([m.DownloadableModel("n", "N", "cars", "CC0", "https://t", 5, False, True)]),
    m.Download("n", "https://t"),
    m.Downloaded("n", ["It is small."]),
]
SAMPLES: list[m.Message] = [
    *LABELLED,
    m.Hello("gimp 3.0.4"),
    m.Welcome("cpu", ["faces", "cats"]),
    m.Detect("faces", RGB, 2.5, 6000, 4000, (10, 20, 30, 40)),
    m.Detect("faces", RGB, 2.5, 6000, 4000),
    m.Detected([m.Subject(QUAD, (0, 0, 60, 50), 0.99)]),
    m.Segment("faces", "id", QUAD, (5, 6, 3, 2), RGB, 100, 90, "balanced", CODE),
    m.Segment("faces", "id", QUAD, (5, 6, 1, 1), DEEP, 100, 90),
    m.Segmented(
        "id", [m.PartLayer("hair", 1, (255, 0, 9), (1, 2, 3, 2), MASK)], MASK, CODE, PHOTO_REPORT
    ),
    m.Repaint("id", [m.PaintedPart("hair", (-5, 2, 3, 2), MASK)], 50),
    m.Repaint("id", [], 0, CODE),
    m.Recognise("faces", QUAD, (5, 6, 3, 2), RGB),
    m.Recognised(m.Pixels(4, 1, 1, "f32", array("f", [0.5] * 4).tobytes()), 0.75, 0.0),
    m.Recognised(),
    m.HasPhoto("id"),
    m.PhotoKnown("id"),
    m.LiveRepaint("id", [m.PaintedPart("hair", (-5, 2, 3, 2), MASK)], 50, resume=False),
    m.LiveRepaint("id", [m.PaintedPart("hair", (-5, 2, 3, 2), MASK)], only=("hair", "nose")),
    m.LiveRepainted("id", CODE, ("hair",), REPAINT_REPORT, MASK),
    m.Borrow("id", "other", ("left eye", "right eye"), "shape", 50),
    m.Apply("id", [m.EditRef("smile", scale=-0.5), m.EditRef(vector=CODE, parts=("lip",))], 30),
    m.Repainted("id", m.ResultLayer((1, 2, 1, 1), DEEP), CODE, ("hair",), MASK, REPAINT_REPORT),
    m.Apply("id", [m.EditRef(vector=CODE, parts=("lip",), painted=MASK)]),
    m.Applied("id", m.ResultLayer((1, 2, 1, 1), DEEP), CODE, ("skin",), MASK, APPLY_REPORT),
    m.SaveEdit("id", "Größere Augen", "äöü 👁", ("eye",), CODE, -1, 2.5),
    m.Saved("groessere-augen"),
    m.Learn(["a", "b"], "smile", others=["c"], steps=30),
    m.Learn(["a"], edits=[m.EditRef(vector=CODE, parts=("lip",))]),
    m.Learned(CODE, ("lip",), -1.5, 2, m.LearnReport(2, 0.5, None, (-1.5, 2.0))),
    m.ListRecipes("faces"),
    m.Recipes([m.RecipeInfo("smile", "Smile", "Lifts the corners.", ("lip",))]),
    m.ListEdits("faces"),
    m.Edits([m.EditInfo("a", "A", "", ("eye",), -1, 2, 1, "preset", b"RIFF", None)]),
    m.PreviewStack("id", [m.EditRef("smile")], 64),
    m.StackPreview("id", RGB),
    m.PreviewStack("id", [m.EditRef("smile")], on_photo=True),
    m.StackPreview("id", RGB, m.ResultLayer((1, 2, 1, 1), DEEP)),
    m.PreviewEdits("id", []),
    m.EditThumbnails([m.EditThumbnail(RGB), m.EditThumbnail(problem="It is of another model.")]),
    m.GetEdit("faces", "smile"),
    m.EditContent(m.EditInfo("a", "A", "", ("eye",), -1, 2, 1, "user"), CODE, "ab12"),
    m.RenameEdit("faces", "smile", "Grin"),
    m.DeleteEdit("faces", "smile"),
    m.Deleted("smile-20260101T000000-1"),
    m.RestoreEdit("faces", "smile-20260101T000000-1"),
    m.SetFavourite("faces", "smile", True),
    m.ExportEdit("faces", "smile"),
    m.Exported("smile.editgan", b"PK"),
    m.ImportEdit("smile.editgan", b"PK"),
    m.Imported("faces", "smile-2"),
    m.ListBundles(),
    m.Bundles(
        [
            m.BundleInfo("cats", "Cats", "cats", 64, ("ear",), {"ears": ("ear",)}, picture=b"RIFF"),
            m.BundleInfo("torn", problem="bundle.json cannot be read."),
        ]
    ),
    m.Progress(0.5, "Step 50", 12.0),
    m.Preview(RGB, (0, 0, 300, 200), MASK),
    m.ErrorReply("no_subject", "No face was found."),
    m.Ping(),
    m.Pong(),
    m.Cancel("abc"),
    m.Cancelled("abc", True),
    m.Status(),
    m.StatusReport("1.0", "cuda", [m.BundleInfo("faces")], 512.5, 3.5, 2, None, 0, "backend.log"),
    m.Log(),
    m.LogText("one\ntwo"),
    m.Shutdown("update"),
    m.Bye(),
]


def sent(message: m.Message) -> list[bytes]:
    return [bytes(frame) for frame in pack("job1", message)]


def received(
    fields: object, *frames: bytes, type: object = "Detect", job: object = "j"
) -> m.Message:
    header = msgpack.packb({"type": type, "job": job, "fields": fields})
    return unpack([header, *frames])[1]


def detect(**changes: Any) -> dict[str, Any]:
    pixels = {"width": 3, "height": 2, "channels": 3, "dtype": "u8", "frame": 0}
    fields = {"bundle": "b", "preview": pixels, "scale": 1.0, "width": 9, "height": 9}
    return {**fields, **changes}


def with_pixels(**changes: Any) -> dict[str, Any]:
    return detect(preview={**detect()["preview"], **changes})


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_messages_survive(message: m.Message) -> None:
    assert unpack(sent(message)) == ("job1", message)


def test_every_message_is_sampled() -> None:
    assert {type(message) for message in SAMPLES} == set(m.MESSAGES.values())


def test_pixels_travel_as_raw_frames() -> None:
    _, *frames = sent(SAMPLES[len(LABELLED) + 5])
    assert frames == [bytes(RGB.data), bytes(CODE.data)]


def test_memoryviews_travel_too() -> None:
    view = m.Pixels(3, 2, 3, "u8", memoryview(bytes(range(18))))
    assert unpack(pack("j", m.Preview(view, (0, 0, 1, 1))))[1].pixels.data == RGB.data


def test_lists_stand_for_tuples() -> None:
    message = m.Detect("b", RGB, 1, 9, 9, [1, 2, 3, 4])  # type: ignore[arg-type]
    assert unpack(sent(message))[1].selection == (1, 2, 3, 4)


def test_defaults_may_be_left_out() -> None:
    assert received(detect(), bytes(18)).selection is None


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        {},
        detect(extra=1),
        detect(bundle=1),
        detect(bundle=""),
        detect(bundle="x" * 201),
        detect(bundle=b"bytes"),
        detect(scale="1"),
        detect(scale=True),
        detect(scale=0),
        detect(scale=float("nan")),
        detect(scale=float("inf")),
        detect(width=1.0),
        detect(width=True),
        detect(width=0),
        detect(width=-1),
        detect(width=2**60),
        detect(selection=[1, 2, 3]),
        detect(selection=[1, 2, 3, 0]),
        detect(selection=[1, 2, 3, 4.0]),
        detect(selection=[2**40, 0, 1, 1]),
        detect(selection="1234"),
        detect(preview=None),
        detect(preview=[3, 2, 3]),
        with_pixels(frame=1),
        with_pixels(frame=-1),
        with_pixels(frame=0.0),
        with_pixels(width=4),
        with_pixels(width=0),
        with_pixels(height=-2, width=-3),
        with_pixels(width=2**40),
        with_pixels(channels=1, width=9),
        with_pixels(channels=6, width=1),
        with_pixels(dtype="f32"),
        with_pixels(dtype="object"),
        with_pixels(dtype=["u8"]),
        with_pixels(stride=3),
    ],
)
def test_ill_typed_fields_are_refused(fields: object) -> None:
    with pytest.raises(ProtocolError):
        received(fields, bytes(18))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_codes_must_be_finite(value: float) -> None:
    bad = m.Pixels(2, 1, 1, "f32", array("f", [1.0, value]).tobytes())
    for message in (
        m.Apply("p", [m.EditRef(vector=bad)]),
        m.SaveEdit("p", "n", "", ("a",), bad, 0, 1),
    ):
        with pytest.raises(ProtocolError, match="finite"):
            pack("j", message)


def test_largest_floats_are_finite() -> None:
    code = m.Pixels(4, 1, 1, "f32", array("f", [3.4e38] * 4).tobytes())
    assert unpack(pack("j", m.Apply("p", [m.EditRef(vector=code)])))[1].edits[0].vector == code


@pytest.mark.parametrize(
    "make",
    [
        lambda: m.EditRef(),
        lambda: m.EditRef("smile", CODE),
        lambda: m.PaintedPart("hair", (0, 0, 2, 3), MASK),
        lambda: m.Segment("b", "p", QUAD, (98, 0, 3, 2), RGB, 100, 90),
        lambda: m.Pixels(3, 2, 1, "u8", bytes(7)),
        lambda: m.Pixels(3, 2, 1, "i16", bytes(12)),  # type: ignore[arg-type]
        lambda: m.Pixels(3, 2, 1, "u8", "abcdef"),  # type: ignore[arg-type]
    ],
)
def test_messages_that_do_not_fit_together_cannot_be_made(make: Any) -> None:
    with pytest.raises(ProtocolError):
        make()


@pytest.mark.parametrize(
    "message",
    [
        m.Progress(1.5, ""),
        m.Progress(0.5, "x" * (MAX_TEXT + 1)),
        m.Segmented("p", [], MASK, CODE, {"a": object()}),
        m.Segmented("p", [], MASK, CODE, replace(PHOTO_REPORT, part_verdicts={1: "well"})),
        m.Segmented("p", [], RGB, CODE, PHOTO_REPORT),
        m.Repaint("p", [m.PaintedPart("hair", (0, 0, 3, 2), MASK)] * 5000),
    ],
)
def test_what_would_be_refused_is_not_sent(message: m.Message) -> None:
    with pytest.raises(ProtocolError):
        pack("j", message)


@pytest.mark.parametrize("change", [{"mse": "0.25"}, {"quality": "badly"}, {"mse": math.nan}])
def test_reports_hold_what_they_promise(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="report"):
        pack("j", m.Segmented("p", [], MASK, CODE, replace(PHOTO_REPORT, **change)))


@pytest.mark.parametrize("job", ["", "a" * 64, "0123-_Az"])
def test_job_ids(job: str) -> None:
    assert unpack(pack(job, m.Ping())) == (job, m.Ping())


@pytest.mark.parametrize("job", ["a" * 65, "a b", "a\n", "ä", 1, None, b"a"])
def test_bad_job_ids(job: object) -> None:
    with pytest.raises(ProtocolError, match="job id"):
        received({}, type="Ping", job=job)


def test_other_versions_are_seen_whatever_else_they_say() -> None:
    with pytest.raises(WrongVersionError) as caught:
        received({"version": PROTOCOL_VERSION + 1, "news": {}}, type="Hello")
    assert caught.value.version == PROTOCOL_VERSION + 1


@pytest.mark.parametrize(
    "name", ["Message", "JobRequest", "Edited", "Pixels", "Subject", "__class__", ""]
)
def test_only_messages_are_messages(name: str) -> None:
    with pytest.raises(ProtocolError, match="unknown message"):
        received({}, type=name)


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProtocolError, match="frames"):
        unpack([sent(m.Ping())[0]] * (framing.MAX_FRAMES + 1))
    monkeypatch.setattr(framing, "MAX_FRAME", 17)
    with pytest.raises(ProtocolError, match="larger"):
        pack("j", SAMPLES[len(LABELLED) + 2])
    monkeypatch.setattr(framing, "MAX_HEADER", 10)
    with pytest.raises(ProtocolError, match="header"):
        unpack([bytes(11)])
    with pytest.raises(ProtocolError):
        unpack([])


def test_extension_types_are_refused() -> None:
    for value in (msgpack.ExtType(1, b""), msgpack.ExtType(1, b"1234"), msgpack.Timestamp(5)):
        with pytest.raises(ProtocolError):
            received({"job": value}, type="Cancel")


def test_damage_is_an_error_or_another_message_never_a_crash() -> None:
    generator = random.Random(1)
    for message in SAMPLES:
        frames = sent(message)
        for _ in range(300):
            damaged = [bytearray(frame) for frame in frames]
            target = generator.choice(damaged[:1] * 4 + damaged)
            match generator.randrange(3):
                case 0:
                    target[generator.randrange(len(target))] = generator.randrange(256)
                case 1:
                    del target[generator.randrange(len(target)) :]
                case 2:
                    target += generator.randbytes(3)
            try:
                job, other = unpack(damaged)
            except ProtocolError:
                continue
            assert type(other) in m.MESSAGES.values()
            assert dataclasses.is_dataclass(other)
            assert isinstance(job, str)


def test_an_error_names_the_job_where_it_can_be_told() -> None:
    for frames, job in (
        ([msgpack.packb({"type": "X", "job": "abc", "fields": 5})], "abc"),
        ([b"junk"], ""),
        ([], ""),
    ):
        with pytest.raises(ProtocolError) as caught:
            unpack(frames)
        assert caught.value.job == job


def test_a_frame_belongs_to_one_field() -> None:
    vector = {"width": 1, "height": 1, "channels": 1, "dtype": "f32", "frame": 0}
    edits = [{"vector": vector, "parts": []}] * 2
    header = {"type": "Apply", "job": "j", "fields": {"photo": "p", "edits": edits}}
    with pytest.raises(ProtocolError, match="a frame of its own"):
        unpack([msgpack.packb(header), bytes(4)])
    header["fields"]["edits"] = edits[:1]
    unpack([msgpack.packb(header), bytes(4)])
    with pytest.raises(ProtocolError, match="no field names"):
        unpack([msgpack.packb(header), bytes(4), b""])


def test_a_message_has_a_number_of_values() -> None:
    edits = [{"name": "a", "parts": ["p"] * 4000}] * 26
    header = {"type": "Apply", "job": "j", "fields": {"photo": "p", "edits": edits}}
    with pytest.raises(ProtocolError, match="values in a message"):
        unpack([msgpack.packb(header)])


@pytest.mark.parametrize("size", [(4097, 1), (1, 65)])
def test_codes_have_a_size(size: tuple[int, int]) -> None:
    vector = m.Pixels(*size, 1, "f32", bytes(4 * size[0] * size[1]))
    with pytest.raises(ProtocolError, match="4096 x 64"):
        pack("j", m.Apply("p", [m.EditRef(vector=vector)]))


def test_requests_have_smaller_headers() -> None:
    large = [sent(m.ImportEdit("a", bytes(1 << 20)))[0] + bytes(framing.MAX_REQUEST - (1 << 20))]
    with pytest.raises(ProtocolError, match="header is too large"):
        unpack(large, framing.MAX_REQUEST)
    frames = sent(m.ImportEdit("a", bytes(1 << 20)))
    assert unpack(frames, framing.MAX_REQUEST)[1] == m.ImportEdit("a", bytes(1 << 20))


def test_a_path_that_is_no_text_can_be_told() -> None:
    """Names of files may hold any byte; a message that names one still arrives."""
    frames = framing.pack("j", m.ErrorReply("file", "caf\udce9 cannot be read."))
    assert framing.unpack(frames)[1] == m.ErrorReply("file", "caf\\udce9 cannot be read.")
