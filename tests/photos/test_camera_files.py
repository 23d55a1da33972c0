"""What cameras, phones and their owners' other programs put into files, and where it points."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from file_tools import complaints_of, needs_exiftool, tags_of
from photo_files import Spot, outside, through, values_of
from PIL import Image

from backend.photos.containers import jpeg, png, xmp_parts
from backend.photos.files import losses, notes, read_photo, write_photo
from backend.photos.metadata import Metadata
from backend.photos.photo import Photo
from backend.photos.png_output import coded
from backend.session.declaration import declared

from .test_previews import NEW, OLD, binary, exif_with, grey_of, painted, picture

SIZE = (320, 240)
_RAMP = np.linspace(0, 255, 240)[:, None, None] + np.linspace(-90, 90, 320)[None, :, None]
SMOOTH = np.clip(_RAMP * np.array([1, 0.8, 1.1]), 0, 255).astype(np.uint8)


def jpeg_with(*segments: jpeg.JpegSegment, rest: bytes = b"") -> bytes:
    """A grey photo with these segments, and this behind it."""
    return jpeg.with_segments(picture(OLD, *SIZE, 90), list(segments)) + rest


def edit(path: Path, data: bytes) -> bytes:
    """The file after another grey was painted over all of its photo."""
    path.write_bytes(data)
    write_photo(painted(read_photo(path)), path.with_stem("out"))
    return path.with_stem("out").read_bytes()


def test_untouched_pictures_stay_as_they_were_coded(tmp_path: Path) -> None:
    """An edit of strength 0: JPEG's coefficients, a palette, a lossy WebP, a packed TIFF."""
    values = values_of(np.uint8, 3)
    image = Image.fromarray(values)
    image.save(tmp_path / "a.jpg", quality=60)
    image.convert("CMYK").save(tmp_path / "b.jpg", quality=60)
    image.quantize(16).save(tmp_path / "c.png")
    image.save(tmp_path / "d.webp", quality=50)
    image.convert("CMYK").save(tmp_path / "e.tif")
    image.quantize(16).save(tmp_path / "f.tif", compression="packbits")
    for path in sorted(tmp_path.iterdir()):
        photo = read_photo(path)
        clear = np.zeros((4, 4, 4), np.uint8)
        out = path.with_stem(f"{path.stem}-out")
        write_photo(_with_note(photo, clear), out)
        with Image.open(path) as old, Image.open(out) as new:
            assert old.mode == new.mode and old.size == new.size, path.name
            assert np.array_equal(np.asarray(old), np.asarray(new)), path.name


def _with_note(photo: Photo, layer: Any) -> Photo:
    return declared(photo.with_layer(Spot(1, 1, layer)), "compositeWithTrainedAlgorithmicMedia")


def test_most_of_a_jpeg_becomes_the_same_numbers_again(tmp_path: Path) -> None:
    """By its own tables; with finer ones it would be larger and further away."""
    Image.fromarray(SMOOTH).save(tmp_path / "in.jpg", quality=83, subsampling=1, progressive=True)
    photo = through(tmp_path / "in.jpg", tmp_path / "out.jpg")
    with Image.open(tmp_path / "in.jpg") as old, Image.open(tmp_path / "out.jpg") as new:
        assert old.quantization == new.quantization  # type: ignore[attr-defined]
        assert new.info["progressive"]
    before, after = (read_photo(tmp_path / n).pixels.astype(int) for n in ("in.jpg", "out.jpg"))
    kept = outside(photo)
    kept[60:180, 80:240] = False  # blocks that the edit shares
    assert np.abs(before - after)[kept].mean() < 0.5


@needs_exiftool
def test_adobes_segment_is_kept(tmp_path: Path) -> None:
    """For RGB coded as such, which becomes YCbCr."""
    with io.BytesIO() as buffer:
        Image.fromarray(SMOOTH).save(buffer, "JPEG", keep_rgb=True, quality=90)
        (tmp_path / "in.jpg").write_bytes(buffer.getvalue())
    photo = through(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert tags_of(tmp_path / "out.jpg")["Adobe:DCTEncodeVersion"] == 100
    assert binary(tmp_path / "out.jpg", "-Adobe:ColorTransform") in (b"1", b"YCbCr")
    back = read_photo(tmp_path / "out.jpg").pixels.astype(int)
    assert np.abs(back - photo.pixels)[outside(photo)].mean() < 2


@needs_exiftool
def test_an_afcp_trailer_is_found_again(tmp_path: Path) -> None:
    """Its places are counted from the file's start."""
    head = jpeg_with()
    records = b"\x1c\x02\x78\0\x04abcd"
    at = len(head)
    trailer = b"AXS!" + struct.pack(">HHI", 0x0100, 1, 0) + b"IPTC"
    trailer += struct.pack(">II", len(records), at + 24) + records
    trailer += b"AXS!" + struct.pack(">II", at, 0)
    edit(tmp_path / "in.jpg", head + trailer)
    assert tags_of(tmp_path / "in.jpg")["IPTC2:Caption-Abstract"] == "abcd"
    assert tags_of(tmp_path / "out.jpg")["IPTC2:Caption-Abstract"] == "abcd"
    assert complaints_of(tmp_path / "out.jpg") <= complaints_of(tmp_path / "in.jpg")


def test_what_stands_behind_a_picture_stands_there_once(tmp_path: Path) -> None:
    """Also behind one that no edit touches."""
    rest = b"a film" * 1000
    path = tmp_path / "in.jpg"
    path.write_bytes(jpeg_with(rest=rest))
    photo = read_photo(path)
    for clear in (True, False):
        write_photo(_with_note(photo, np.full((4, 4, 4), 255 * (not clear), np.uint8)), path)
        data = path.read_bytes()
        assert data.endswith(rest) and data.count(b"a film") == 1000


@pytest.mark.parametrize("base", ["file", "exif", "note"])
def test_a_preview_behind_the_picture_is_found_again(tmp_path: Path, base: str) -> None:
    """Olympus and Canon put one there, which their notes count from different starts."""
    filler = jpeg.JpegSegment(jpeg.COMMENT, bytes(65000))
    preview = picture(OLD, 160, 120)
    note_at, rest = 60, b"\xff\x1f" + preview

    def exif_of(number: int) -> bytes:
        block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 34665, 4, 1, 26, 0)
        block += struct.pack("<HHHIII", 1, 37500, 7, 16, note_at, 0)
        return block.ljust(note_at, b"\0") + b"OLYMP\0\1\0" + struct.pack("<II", number, 7)

    def file_of(number: int) -> bytes:
        segments = jpeg.JpegSegment(jpeg.APP1, jpeg.EXIF + exif_of(number)), filler, filler
        return jpeg_with(*segments, rest=rest)

    start = {"file": 0, "exif": 12, "note": 12 + note_at}[base]
    data = file_of(len(file_of(0)) - len(preview) - start)
    out = edit(tmp_path / "in.jpg", data)
    assert len(out) != len(data)
    block = out.index(b"OLYMP")
    (number,) = struct.unpack_from("<I", out, block + 8)
    base_now = {"file": 0, "exif": block - note_at, "note": block}[base]
    grey, size = grey_of(out[number + base_now :])
    assert grey == pytest.approx(NEW, abs=10) and size == (160, 120)


def test_large_previews_show_the_edit_and_gain_maps_stay(tmp_path: Path) -> None:
    """By the index of a camera's file: the first copy is a preview, the second none."""
    images = [Image.open(io.BytesIO(picture(OLD, *size))) for size in (SIZE, (160, 120), SIZE)]
    with io.BytesIO() as buffer:
        images[0].save(buffer, "MPO", save_all=True, append_images=images[1:])
        data = buffer.getvalue()
    second = data.index(b"MPF\0") + 4 + 50 + 16  # the entry of the second picture
    data = data[:second] + struct.pack("<I", 0x010001) + data[second + 4 :]
    out = edit(tmp_path / "in.jpg", data + bytes(5000))
    with Image.open(io.BytesIO(out)) as image:
        greys = []
        for number in range(3):
            image.seek(number)
            greys.append(int(np.median(np.asarray(image.convert("L")))))
    assert greys == [pytest.approx(g, abs=10) for g in (NEW, NEW, OLD)]


@pytest.mark.parametrize(
    ("mark", "rest", "name"),
    [
        (b"", b"\0\0\0\x18ftypmp42" + bytes(5000), "a film"),
        (b' hdrgm:Version="1.0"', picture(9, 90, 60) + bytes(5000), "a gain map"),
        (b' GDepth:Format="RangeInverse"', b"", "a depth map"),
        (b"", bytes(5000), "further pictures"),
        (b"", b"notes of a program", None),
    ],
)
def test_what_is_shown_beside_the_photo_is_named(
    tmp_path: Path, mark: bytes, rest: bytes, name: str | None
) -> None:
    path = tmp_path / "in.jpg"
    path.write_bytes(jpeg_with(jpeg.JpegSegment(jpeg.APP1, jpeg.XMP + b"<x" + mark), rest=rest))
    photo = read_photo(path)
    same, other = notes(photo, tmp_path / "o.jpg") or "", losses(photo, tmp_path / "o.png")
    assert (f"also holds {name}, unchanged" in same) == (name is not None)
    assert (other is not None and name is not None and name in other) == (name is not None)


def test_blocks_of_several_segments(tmp_path: Path) -> None:
    """EXIF and Photoshop's resources that go on in a second segment, with a thumbnail there."""
    exif = exif_with(picture(OLD, 160, 120), tight=False)
    thumbnail = struct.pack(">6I2H", 1, 64, 48, 192, 9216, 0, 24, 1) + picture(OLD, 64, 48)
    resources = b"8BIM" + struct.pack(">HHI", 1036, 0, len(thumbnail)) + thumbnail
    segments = [
        jpeg.JpegSegment(marker, head + part)
        for marker, head, data in (
            (jpeg.APP1, jpeg.EXIF, exif), (jpeg.APP13, jpeg.PHOTOSHOP, resources)
        )
        for part in (data[:300], data[300:])
    ]  # fmt: skip
    found, _ = jpeg.segments_of(edit(tmp_path / "in.jpg", jpeg_with(*segments)))
    new = jpeg.exif_of(found)
    assert new is not None and len(new) == len(exif) and new.endswith(b"maker's note")
    assert grey_of(new[new.index(b"\xff\xd8\xff") :])[0] == pytest.approx(NEW, abs=10)
    new = jpeg.resources_of(found)
    assert grey_of(new[new.index(b"\xff\xd8\xff") :])[0] == pytest.approx(NEW, abs=10)


def test_a_second_packet_stays(tmp_path: Path) -> None:
    """Some programs write one beside the old one; the note joins the first."""
    packets = [xmp_parts.with_texts(None, [("Title", name)]) or b"" for name in ("one", "two")]
    blocks = [jpeg.JpegSegment(jpeg.APP1, jpeg.XMP + packet) for packet in packets]
    (tmp_path / "in.jpg").write_bytes(jpeg_with(*blocks))
    through(tmp_path / "in.jpg", tmp_path / "out.jpg")
    segments, _ = jpeg.segments_of((tmp_path / "out.jpg").read_bytes())
    found = [s.data for s in segments if s.data.startswith(jpeg.XMP)]
    assert len(found) == 2 and found[1] == blocks[1].data
    assert b"DigitalSourceType" in found[0] and b"one" in found[0]


def test_previews_in_maker_notes_show_the_edit(tmp_path: Path) -> None:
    """Of the photo's own shape; what else is there stays."""
    preview, other = picture(OLD, 320, 240), picture(OLD, 100, 300)
    exif = exif_with(picture(OLD, 160, 120)) + preview + other
    out = edit(tmp_path / "in.jpg", jpeg_with(jpeg.JpegSegment(jpeg.APP1, jpeg.EXIF + exif)))
    new = jpeg.exif_of(jpeg.segments_of(out)[0])
    assert new is not None and new.endswith(other) and len(new) >= len(exif)
    at = len(exif) - len(preview) - len(other)
    grey, size = grey_of(new[at:])
    assert grey == pytest.approx(NEW, abs=10) and size == (320, 240)


@needs_exiftool
@pytest.mark.parametrize("left", [0, 300, 3000])
def test_a_thumbnail_shrinks_until_jpeg_holds_it(tmp_path: Path, left: int) -> None:
    """Noise, of which a new one needs more than there is."""
    exif = exif_with(picture(OLD, 160, 120, 1))
    exif += bytes(jpeg.ROOM - len(jpeg.EXIF) - left - len(exif))
    path = tmp_path / "in.jpg"
    path.write_bytes(jpeg_with(jpeg.JpegSegment(jpeg.APP1, jpeg.EXIF + exif)))
    noise = np.random.default_rng(1).integers(0, 90, (*SIZE[::-1], 4)).astype(np.uint8)
    noise[..., 3] = 255
    write_photo(read_photo(path).with_layer(Spot(0, 0, noise)), tmp_path / "out.jpg")
    block = read_photo(tmp_path / "out.jpg").metadata.exif
    assert block is not None and len(block) <= jpeg.ROOM - len(jpeg.EXIF)
    grey, size = grey_of(binary(tmp_path / "out.jpg", "-ThumbnailImage"))
    assert grey < 100 and size[0] * 3 == size[1] * 4


@pytest.mark.parametrize("grey", [False, True])
def test_a_thumbnail_without_compression_shows_the_edit(tmp_path: Path, grey: bool) -> None:
    """Kodak's and Sony's first cameras."""
    w, h, start = 16, 12, 200
    tags = (
        (256, 4, 1, w), (257, 4, 1, h), (258, 3, 3, 180), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, start), (277, 3, 1, 3), (279, 4, 1, 3 * w * h),
    )  # fmt: skip
    second = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 274, 3, 1, 1, 40)
    block = (block.ljust(40, b"\0") + second + bytes(4)).ljust(180, b"\0") + b"\x08\0" * 3
    block = block.ljust(start, b"\0") + bytes([OLD]) * 3 * w * h
    photo = Photo(np.full((90, 120, 3), OLD, np.uint8), grey=grey, metadata=Metadata(exif=block))
    write_photo(painted(photo), tmp_path / "x.png")
    exif = read_photo(tmp_path / "x.png").metadata.exif
    assert exif is not None and len(exif) == len(block)
    assert np.abs(np.frombuffer(exif[start:], np.uint8).astype(int) - NEW).max() < 5


def test_a_thumbnail_of_another_kind_is_named(tmp_path: Path) -> None:
    second = struct.pack("<HHHII", 1, 273, 4, 1, 60) + bytes(4)
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 274, 3, 1, 1, 40)
    block = (block.ljust(40, b"\0") + second).ljust(70, b"\0")
    path = tmp_path / "in.jpg"
    path.write_bytes(jpeg_with(jpeg.JpegSegment(jpeg.APP1, jpeg.EXIF + block)))
    assert "its thumbnail" in (losses(read_photo(path), tmp_path / "o.jpg") or "")


def test_a_second_directory_without_a_picture_stays(tmp_path: Path) -> None:
    """Some programs take a thumbnail out and leave what describes it."""
    second = struct.pack("<HHHII", 1, 296, 3, 1, 2) + bytes(4)
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 274, 3, 1, 1, 40)
    block = block.ljust(40, b"\0") + second
    path = tmp_path / "in.jpg"
    out = edit(path, jpeg_with(jpeg.JpegSegment(jpeg.APP1, jpeg.EXIF + block)))
    assert jpeg.exif_of(jpeg.segments_of(out)[0]) == block
    assert "thumbnail" not in (losses(read_photo(path), tmp_path / "o.jpg") or "")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_an_interlaced_png_stays_that(tmp_path: Path, dtype: Any, channels: int) -> None:
    values = values_of(dtype, channels)
    tool = png.header_of(bytes(imagecodecs.png_encode(np.squeeze(values))))
    (tmp_path / "in.png").write_bytes(coded(values, interlaced=True))
    photo = through(tmp_path / "in.png", tmp_path / "out.png")
    after = (tmp_path / "out.png").read_bytes()
    assert png.header_of(after) == tool._replace(interlaced=True)
    back = np.asarray(imagecodecs.png_decode(after)).reshape(values.shape)
    assert np.array_equal(back[outside(photo)], values[outside(photo)])


@needs_exiftool
@pytest.mark.parametrize(
    ("mode", "bits", "background", "seen"),
    [("P", 8, 1, "0 0 255"), ("L", 1, 1, "255"), ("P", 2, 1, "0 0 255")],
)
def test_a_background_survives_its_palette(
    tmp_path: Path, mode: str, bits: int, background: int, seen: str
) -> None:
    image = Image.new(mode if mode == "P" else "1", (60, 40), 0)
    if mode == "P":
        image.putpalette([255, 0, 0, 0, 0, 255, 9, 9, 9])
    image.save(tmp_path / "plain.png", bits=bits)
    chunks = png.chunks_of((tmp_path / "plain.png").read_bytes())
    value = bytes((background,)) if mode == "P" else bytes((0, background))
    at = next(i for i, c in enumerate(chunks) if c.kind == b"IDAT")
    deep = png.PngChunk(b"sBIT", b"\5\5\5" if mode == "P" else b"\1")
    chunks[at:at] = [png.PngChunk(b"bKGD", value)]
    chunks[1:1] = [deep]
    (tmp_path / "in.png").write_bytes(png.packed(chunks[:-1]))
    through(tmp_path / "in.png", tmp_path / "out.png")
    found = tags_of(tmp_path / "out.png")
    assert str(found["PNG:BackgroundColor"]) == seen
    assert complaints_of(tmp_path / "out.png") <= complaints_of(tmp_path / "in.png")
    after = {c.kind: c.data for c in png.chunks_of((tmp_path / "out.png").read_bytes())}
    assert after[b"sBIT"] == deep.data


@needs_exiftool
def test_a_tiff_that_is_stored_anew_is_of_tiffs_own_kinds(tmp_path: Path) -> None:
    image = Image.fromarray(values_of(np.uint8, 3)).quantize(16)
    image.save(tmp_path / "in.tif", compression="packbits")
    through(tmp_path / "in.tif", tmp_path / "out.tif")
    assert complaints_of(tmp_path / "out.tif") <= complaints_of(tmp_path / "in.tif")
    tifffile.imwrite(tmp_path / "in.tif", values_of(np.uint8, 3), compression="packbits")
    through(tmp_path / "in.tif", tmp_path / "out.tif")
    assert tags_of(tmp_path / "out.tif")["IFD0:Compression"] == 32773


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_lossless_avif_stays_lossless(tmp_path: Path, bits: int, lossless: bool) -> None:
    dtype = np.uint8 if bits == 8 else np.uint16
    values = np.random.default_rng(2).integers(0, 2**bits, (36, 48, 3)).astype(dtype)
    level = 100 if lossless else 90
    path, out = tmp_path / "in.avif", tmp_path / "out.avif"
    path.write_bytes(imagecodecs.avif_encode(values, level, speed=9, bitspersample=bits))
    photo = through(path, out)
    back = np.asarray(imagecodecs.avif_decode(out.read_bytes()))
    assert np.array_equal(back[outside(photo)], values[outside(photo)]) == lossless
    assert ("stores all pixels anew" in (losses(photo, out) or "")) != lossless


@needs_exiftool
def test_what_jpeg_2000_says_goes_into_other_files(tmp_path: Path) -> None:
    blocks = (
        (b"JpgTiffExif->JP2", exif_with(picture(OLD, 160, 120))),
        (bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"), b"\x1c\x02\x78\0\x04abcd"),
    )
    with io.BytesIO() as buffer:
        Image.fromarray(SMOOTH).save(buffer, "JPEG2000")
        data = buffer.getvalue()
    for name, body in blocks:
        data += struct.pack(">I4s", 24 + len(body), b"uuid") + name + body
    (tmp_path / "in.jp2").write_bytes(data)
    for suffix in (".jpg", ".tif", ".png"):
        through(tmp_path / "in.jp2", tmp_path / f"out{suffix}")
        found = tags_of(tmp_path / f"out{suffix}")
        assert found["IPTC:Caption-Abstract"] == "abcd" and "IFD0:MakerNoteUnknownText" in found
