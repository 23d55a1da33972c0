"""Relatives of the cases that lost something: other layouts, places, programs of the same kind."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from file_tools import complaints_of, needs_exiftool, tags_of
from numpy.typing import NDArray
from photo_files import DATA, edited, outside, png_with, through, values_of
from PIL import Image, ImageOps

from backend.errors import BadImage
from backend.photos.containers import jpeg, png, webp
from backend.photos.containers.primaries import BY_CODE, profile
from backend.photos.files import losses, notes, read_photo, write_photo
from backend.photos.metadata import Metadata
from backend.photos.photo import Photo

from .test_other_kinds import large_packet

EXIF = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x013B, 2, 5, 26) + bytes(4) + b"Jane\0"


def raw_profile(name: str, data: bytes) -> png.PngChunk:
    """As ImageMagick wrote metadata before PNG had chunks for them."""
    text = f"\n{name}\n{len(data):8d}\n{data.hex()}\n".encode()
    return png.PngChunk(b"zTXt", f"Raw profile type {name}\0\0".encode() + zlib.compress(text))


def packed_xmp() -> png.PngChunk:
    """As libvips writes it: in a compressed text of the older kind."""
    return png.PngChunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(large_packet(9)))


def png_of(
    values: NDArray[Any], *chunks: png.PngChunk, last: tuple[png.PngChunk, ...] = ()
) -> bytes:
    own = png.chunks_of(bytes(imagecodecs.png_encode(values)))
    every = [own[0], *chunks, *(c for c in own if c.kind == b"IDAT"), *last, own[-1]]
    return png.SIGNATURE + b"".join(chunk.packed() for chunk in every)


@needs_exiftool
@pytest.mark.parametrize("where", ["first", "last"])
@pytest.mark.parametrize("kind", ["zTXt", "raw xmp", "raw exif", "raw APP1", "eXIf"])
def test_metadata_in_older_places(tmp_path: Path, kind: str, where: str) -> None:
    """They are neither doubled, nor lost on the way to another kind of file."""
    chunk = {
        "zTXt": packed_xmp(),
        "raw xmp": raw_profile("xmp", large_packet(9)),
        "raw exif": raw_profile("exif", b"Exif\0\0" + EXIF),
        "raw APP1": raw_profile("APP1", b"Exif\0\0" + EXIF),
        "eXIf": png.PngChunk(b"eXIf", EXIF),
    }[kind]
    first, last = ((chunk,), ()) if where == "first" else ((), (chunk,))
    data = png_of(values_of(np.uint16, 3), *first, last=last)
    (tmp_path / "in.png").write_bytes(data)
    photo = through(tmp_path / "in.png", tmp_path / "out.png")
    wanted = "XMP-xmp:Rating" if "xmp" in kind or kind == "zTXt" else "IFD0:Artist"
    before, after = tags_of(tmp_path / "in.png"), tags_of(tmp_path / "out.png")
    assert after[wanted] == before[wanted]
    assert complaints_of(tmp_path / "out.png") <= complaints_of(tmp_path / "in.png")
    assert losses(photo, tmp_path / "x.tif") is None
    write_photo(edited(photo), tmp_path / "out.tif")
    assert tags_of(tmp_path / "out.tif")[wanted] == before[wanted]


def few_bits(bits: int, *chunks: png.PngChunk) -> bytes:
    """A grey PNG of 1, 2 or 4 bits, all values in turn."""
    values = np.arange(36 * 48, dtype=np.uint8).reshape(36, 48) % 2**bits
    spread = np.unpackbits(values[..., None], axis=2)[..., 8 - bits :]
    rows = np.packbits(spread.reshape(36, -1), axis=1)
    head = png.PngChunk(b"IHDR", struct.pack(">IIBBBBB", 48, 36, bits, png.GREY, 0, 0, 0))
    body = png.PngChunk(b"IDAT", zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes()))
    every = [head, *chunks, body, png.PngChunk(b"IEND", b"")]
    return png.SIGNATURE + b"".join(chunk.packed() for chunk in every)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_transparent_grey_of_few_bits_stays_clear(tmp_path: Path, bits: int) -> None:
    key = png.PngChunk(b"tRNS", struct.pack(">H", 1))
    (tmp_path / "in.png").write_bytes(few_bits(bits, key))
    photo = through(tmp_path / "in.png", tmp_path / "out.png")
    back = read_photo(tmp_path / "out.png")
    assert (photo.pixels[..., 3] == 0).mean() == pytest.approx(2.0**-bits, abs=0.01)
    assert np.array_equal(back.pixels[outside(photo)], photo.pixels[outside(photo)])
    assert np.array_equal(back.pixels[..., 3], photo.pixels[..., 3])


def test_what_cannot_be_converted_is_called_what_it_is(tmp_path: Path) -> None:
    """CMYK with a channel more: it is a picture, though none that can be edited."""
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, values_of(np.uint8, 5), photometric="separated", extrasamples=[2])
    with pytest.raises(BadImage, match="neither RGB nor greyscale; convert it to RGB"):
        read_photo(path)


TIFFS: list[dict[str, Any]] = [
    {"byteorder": order, "bigtiff": big, **layout}
    for order in "<>"
    for big in (False, True)
    for layout in (
        {"tile": (16, 16), "compression": "deflate", "predictor": True},
        {"planarconfig": "separate", "compression": "lzw", "predictor": True, "rowsperstrip": 5},
        {"planarconfig": "separate", "tile": (16, 16), "compression": "zstd"},
    )
]  # fmt: skip


@needs_exiftool
@pytest.mark.parametrize("dtype", ["u2", "f2", "f4", "f8"])
@pytest.mark.parametrize("number", range(len(TIFFS)))
def test_tiffs_of_every_layout(tmp_path: Path, number: int, dtype: str) -> None:
    """With four channels, turned, and tags of other programs (maps, GDAL)."""
    options = {**TIFFS[number]}
    if dtype != "u2" and options.pop("predictor", None):
        options["predictor"] = 3
    values = values_of(np.float32, 4)
    values = (values * 65535 if dtype == "u2" else values).astype(dtype)
    tags = [
        (274, 3, 1, 6, True),
        (33550, 12, 3, (1.0, 1.0, 0.0), True),
        (42112, 2, 0, "<a/>", True),
    ]
    stored = np.moveaxis(values, -1, 0) if "planarconfig" in options else values
    tifffile.imwrite(
        tmp_path / "in.tif", stored, photometric="rgb", extrasamples=["unassalpha"],
        metadata=None, extratags=tags, **options,
    )  # fmt: skip
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    assert (photo.width, photo.height) == (36, 48)
    pixels = tifffile.imread(tmp_path / "out.tif")
    pixels = np.moveaxis(pixels, 0, -1) if pixels.shape[0] == 4 else pixels
    same = np.rot90(outside(photo))
    assert pixels.dtype == values.dtype and np.array_equal(pixels[same], values[same])
    before, after = tags_of(tmp_path / "in.tif"), tags_of(tmp_path / "out.tif")
    for name in ("IFD0:Orientation", "IFD0:PixelScale", "IFD0:GDALMetadata", "IFD0:ExtraSamples"):
        assert after[name] == before[name]


JPEGS: dict[str, dict[str, Any]] = {
    "progressive": {"progressive": True}, "restarts": {"restart_marker_blocks": 2},
    "subsampled": {"subsampling": 2}, "rgb": {"keep_rgb": True},
}  # fmt: skip


def segment(marker: int, data: bytes) -> bytes:
    return jpeg.JpegSegment(marker, data).packed()


@needs_exiftool
@pytest.mark.parametrize("name", JPEGS)
def test_jpegs_of_other_programs(tmp_path: Path, name: str) -> None:
    """Fill bytes, odd orders, comments that are no UTF-8, blocks of Adobe, Kodak and C2PA."""
    path = tmp_path / "in.jpg"
    Image.fromarray(values_of(np.uint8, 3)).save(path, quality=95, **JPEGS[name])
    data = path.read_bytes()
    blocks = [
        segment(jpeg.APP1, jpeg.XMP + large_packet(9)), segment(jpeg.APP1, jpeg.EXIF + EXIF),
        segment(jpeg.COMMENT, b"caf\xe9"), segment(jpeg.COMMENT, b"another"),
        segment(jpeg.APP2, b"FPXR\0\0\1abc"), segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x3c\0\0"),
        segment(0xEB, b"JP\0\1\0\0\0\1"), segment(0xE3, b"Meta\0x"),
    ]  # fmt: skip
    path.write_bytes(data[:2] + b"\xff\xff" + b"".join(blocks) + data[2:] + b"a trailer")
    photo = through(path, tmp_path / "out.jpg")
    after = (tmp_path / "out.jpg").read_bytes()
    assert all(block in after for block in blocks[1:]) and after.endswith(b"a trailer")
    found = tags_of(tmp_path / "out.jpg")
    assert found["IFD0:Artist"] == "Jane" and found["XMP-xmp:Rating"] == 4
    assert complaints_of(tmp_path / "out.jpg") <= complaints_of(path)
    back = read_photo(tmp_path / "out.jpg").pixels[outside(photo)].astype(int)
    assert np.abs(back - photo.pixels[outside(photo)]).mean() < 8  # of noise


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_every_orientation_in_every_kind(tmp_path: Path, suffix: str, turned: int) -> None:
    """Edited upright and written back as it lay, the tag with it; in another kind it is upright."""
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    exif = Image.Exif()
    exif[0x0112] = turned
    values = np.full((36, 48, 3), 60, np.uint8)
    values[:12, :16] = 200  # a corner that says which way is up
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(values).save(path, exif=exif, **options)
    photo = through(path, out)
    with Image.open(path) as before, Image.open(out) as after:
        assert after.size == before.size and after.getexif()[0x0112] == turned
        upright = np.asarray(ImageOps.exif_transpose(before)).astype(int)
        again = np.asarray(ImageOps.exif_transpose(after)).astype(int)
    assert np.abs(photo.pixels - upright).max() <= (3 if suffix == ".jpg" else 0)
    same = outside(photo)
    assert np.abs(again - upright)[same].max() <= (20 if suffix == ".jpg" else 0)
    write_photo(edited(photo), tmp_path / "other.png")
    with Image.open(tmp_path / "other.png") as other:
        assert ImageOps.exif_transpose(other).size == (photo.width, photo.height)
        assert other.getexif().get(0x0112, 1) == (turned if suffix == ".png" else 1)


@needs_exiftool
@pytest.mark.parametrize("lossless", [True, False])
def test_webp_with_everything(tmp_path: Path, lossless: bool) -> None:
    """Alpha, a profile, EXIF with JPEG's prefix, XMP, and a chunk of a program's own."""
    path, out = tmp_path / "in.webp", tmp_path / "out.webp"
    Image.fromarray(values_of(np.uint8, 4)).save(path, lossless=lossless, exact=True)
    own = webp.WebpChunk(b"abcd", b"odd")
    chunks = webp.with_one([own], b"EXIF", jpeg.EXIF + EXIF)
    chunks = webp.with_one(chunks, b"XMP ", large_packet(9))
    chunks = webp.with_one(chunks, b"ICCP", profile(BY_CODE[12], None))
    path.write_bytes(webp.with_chunks(path.read_bytes(), chunks, (48, 36), alpha=True))
    photo = through(path, out)
    found, tags = webp.chunks_of(out.read_bytes()), tags_of(out)
    assert webp.one(found, b"abcd") == b"odd" and webp.one(found, b"ICCP") == photo.profile
    assert tags["IFD0:Artist"] == "Jane" and tags["XMP-xmp:Rating"] == 4
    assert complaints_of(out) <= complaints_of(path)
    back = read_photo(out)
    assert np.array_equal(back.pixels[outside(photo)], photo.pixels[outside(photo)])


@needs_exiftool
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_iptc_keeps_its_characters(tmp_path: Path, suffix: str) -> None:
    """The records say in which characters they are (1:90); Latin-1 without that stays as it is."""
    for mark, text in (
        (b"\x1c\x01\x5a\0\x03\x1b%G", "Gr\u00fc\u00dfe \u65e5".encode()),
        (b"", b"Gr\xfc"),
    ):
        records = mark + b"\x1c\x02\x78" + struct.pack(">H", len(text)) + text
        photo = Photo(values_of(np.uint8, 3), metadata=Metadata(iptc=records))
        write_photo(photo, tmp_path / f"in{suffix}")
        through(tmp_path / f"in{suffix}", tmp_path / f"out{suffix}")
        for path in (tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"):
            found = (read_photo(path).metadata.iptc or b"").rstrip(b"\0")  # TIFF pads
            assert found == records
        caption = tags_of(tmp_path / f"out{suffix}")["IPTC:Caption-Abstract"]
        assert caption == (text.decode() if mark else "Gr\u00fc")


def animation(path: Path, *, first: bool) -> list[png.PngChunk]:
    """Write a PNG with a frame behind its picture, which is the `first` of them or none."""
    frames = [Image.fromarray(values_of(np.uint8, 3)) for _ in range(2)]
    frames[0].save(path, save_all=True, append_images=frames[1:], default_image=not first)
    return png.chunks_of(path.read_bytes())


@pytest.mark.parametrize("first", [True, False])
def test_frames_behind_a_picture_are_counted(tmp_path: Path, first: bool) -> None:
    """Also where the picture is none of them."""
    animation(tmp_path / "in.png", first=first)
    photo = through(tmp_path / "in.png", tmp_path / "out.png")
    assert "2 frames: the first" in (notes(photo, tmp_path / "out.png") or "")
    assert "1 further page" in (losses(photo, tmp_path / "x.tif") or "")
    with Image.open(tmp_path / "out.png") as image:
        assert image.n_frames == 2  # type: ignore[attr-defined]


def test_an_animation_that_is_damaged_leaves_its_picture(tmp_path: Path) -> None:
    """One that claims to have no frames, as libpng refuses to read."""
    chunks = animation(tmp_path / "in.png", first=True)
    seen = read_photo(tmp_path / "in.png").pixels
    odd = [c._replace(data=bytes(8)) if c.kind == b"acTL" else c for c in chunks]
    (tmp_path / "in.png").write_bytes(png.packed(odd[:-1]))
    assert np.array_equal(read_photo(tmp_path / "in.png").pixels, seen)


def test_a_directory_that_two_ways_lead_to_is_one(tmp_path: Path) -> None:
    """libtiff's writers let those below a picture follow each other, too; and some go in circles,
    which takes nothing from the first picture."""
    values = values_of(np.uint8, 3)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        file.write(values, photometric="rgb", subifds=2, metadata=None)
        for step in (2, 4):
            file.write(values[::step, ::step], photometric="rgb", subfiletype=1, metadata=None)
    data = bytearray((tmp_path / "in.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "in.tif") as file:
        page = file.pages.first
        below = [one.offset for one in page.pages]
    for start, target in ((below[0], below[1]), (page.offset, page.offset)):
        (count,) = struct.unpack_from("<H", data, start)
        struct.pack_into("<I", data, start + 2 + 12 * count, target)
        (tmp_path / "in.tif").write_bytes(data)
        photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
        assert photo.source is not None and photo.source.pages == 0
        assert np.array_equal(read_photo(tmp_path / "out.tif").pixels[0], values[0])


TORN = b"\0\0" + zlib.compress(bytes(1000))[:-9] + b"torn"


@pytest.mark.parametrize(
    "chunk",
    [
        png.PngChunk(b"iCCP", b"x" + TORN),
        png.PngChunk(b"zTXt", b"Title" + TORN), png.PngChunk(b"zTXt", b"Title"),
        png.PngChunk(b"zTXt", b"Raw profile type exif" + TORN),
        png.PngChunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0" + TORN),
        png.PngChunk(b"iTXt", b"XML:com.adobe.xmp\0"), png.PngChunk(b"iTXt", b"Title\0\1"),
    ],
)  # fmt: skip
def test_damage_beside_a_picture_leaves_it_readable(tmp_path: Path, chunk: png.PngChunk) -> None:
    """In the file that is written it is as it was, but for a packet, which the note replaces."""
    photo = through(png_with(tmp_path, [chunk]), tmp_path / "out.png")
    through(tmp_path / "in.png", tmp_path / "out.tif")
    chunks = png.chunks_of((tmp_path / "out.png").read_bytes())
    assert (chunk in chunks) != chunk.data.startswith(b"XML")
    assert photo.profile is None and photo.metadata.exif is None


@pytest.mark.parametrize("code", [700, 33723, 34675])
def test_a_value_outside_a_tiff_leaves_its_picture_readable(tmp_path: Path, code: int) -> None:
    values = values_of(np.uint8, 3)
    more = [(code, "B", 40, bytes(40), True)]
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb", extratags=more)
    data = bytearray((tmp_path / "in.tif").read_bytes())
    at = data.index(struct.pack("<HHI", code, 1, 40)) + 8
    struct.pack_into("<I", data, at, 1 << 30)
    (tmp_path / "in.tif").write_bytes(data)
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    same = outside(photo)
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif")[same], values[same])


def test_a_jpeg_of_arithmetic_coding_is_read(tmp_path: Path) -> None:
    """A ramp of colours that jpegtran has coded so; what is written every program reads."""
    rows, columns = np.mgrid[:36, :48]
    ramp = np.dstack([40 + 4 * columns, 30 + 5 * rows, 220 - 3 * columns - rows])
    path, out = DATA.parent / "arithmetic.jpg", tmp_path / "out.jpg"
    photo = through(path, out)
    assert np.abs(photo.pixels.astype(int) - ramp).max() < 9
    assert "arithmetic coding becomes" in (notes(photo, out) or "")
    with Image.open(out) as image:
        back = np.asarray(image).astype(int)
    same = outside(photo)
    same[8:32, 8:40] = False  # blocks that the edit shares
    assert np.abs(back - ramp)[same].max() < 9


@pytest.mark.parametrize(
    ("marker", "bits", "words"),
    [(0xC1, 12, "a 12-bit JPEG"), (0xC3, 8, "a lossless JPEG"), (0xF7, 16, "a lossless JPEG")],
)
def test_jpegs_that_few_programs_read_are_called_so(
    tmp_path: Path, marker: int, bits: int, words: str
) -> None:
    Image.fromarray(values_of(np.uint8, 3)).save(tmp_path / "x.jpg")
    data = (tmp_path / "x.jpg").read_bytes()
    at = data.index(b"\xff\xc0")
    head = bytes((0xFF, marker)) + data[at + 2 : at + 4] + bytes((bits,))
    (tmp_path / "x.jpg").write_bytes(data[:at] + head + data[at + 5 :])
    with pytest.raises(BadImage, match=f"is {words}, which few programs read; convert it"):
        read_photo(tmp_path / "x.jpg")


def test_bytes_between_a_jpegs_segments_are_passed_over(tmp_path: Path) -> None:
    """As libjpeg does."""
    Image.fromarray(values_of(np.uint8, 3)).save(tmp_path / "in.jpg", comment=b"a word")
    seen = read_photo(tmp_path / "in.jpg").pixels
    data = (tmp_path / "in.jpg").read_bytes()
    at = data.index(b"\xff\xdb")
    (tmp_path / "in.jpg").write_bytes(data[:at] + b"hello\xff\0" + data[at:])
    photo = through(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert np.array_equal(photo.pixels, seen) and photo.metadata.comment == "a word"
    assert b"a word" in (tmp_path / "out.jpg").read_bytes()
