"""A file comes back whole: what it says, its channels and its pages, read by other programs."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from file_tools import NOTE, complaints_of, needs_exiftool, needs_vips, tags_of
from photo_files import DATA, edited, outside, png_with, through, values_of
from PIL import Image

from backend.photos.containers import jpeg, png
from backend.photos.containers.xmp import with_source_type
from backend.photos.files import notes, read_photo, write_photo
from backend.photos.metadata import Metadata
from backend.photos.photo import Photo

WHOLE = sorted(p.name for p in DATA.iterdir() if p.suffix != ".md")


@needs_exiftool
@pytest.mark.parametrize("name", WHOLE)
def test_what_a_file_says_is_kept(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    photo = through(DATA / name, out)
    before, after = tags_of(DATA / name), tags_of(out)
    assert after.pop(NOTE).endswith("compositeWithTrainedAlgorithmicMedia")
    assert after == before
    assert complaints_of(out) <= complaints_of(DATA / name)
    same = outside(photo)
    if out.suffix != ".jpg":
        assert np.array_equal(read_photo(out).pixels[same], photo.pixels[same])


# About EXIF that stands in a file of another kind than the camera's.
COMPLAINTS_OF_KIND = {
    "[minor] ExifIFD tag 0x9101 ComponentsConfiguration is not allowed in TIFF",
    "Invalid value for IFD0 tag 0x0103 Compression",  # deflate, which is younger than TIFF 6.0
    "Missing required TIFF GPS tag 0x001b GPSProcessingMethod",
    "Missing required JPEG IFD0 tag 0x0213 YCbCrPositioning",
    "Missing required JPEG ExifIFD tag 0xa002 ExifImageWidth",
    "Missing required JPEG ExifIFD tag 0xa003 ExifImageHeight",
}


@needs_exiftool
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("name", ["metadata.jpg", "metadata.png", "metadata_8bit.tif"])
def test_other_kinds_of_files_say_it_their_way(tmp_path: Path, name: str, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    photo = through(DATA / name, out)
    before, after = tags_of(DATA / name), tags_of(out)
    groups = ["ExifIFD:", "GPS:", "XMP"] + ["IPTC:"] * (suffix != ".webp")
    for key, value in before.items():
        if key.startswith(tuple(groups)):
            assert after[key] == value, key
    for key in ("IFD0:Make", "IFD0:Artist", "IFD0:Copyright"):
        assert after[key] == before[key]
    if suffix != Path(name).suffix:  # then it is turned upright
        assert after.get("IFD0:Orientation", 1) == 1
    assert (photo.width, photo.height) == (36, 48)
    assert ("IPTC" in (notes(photo, out) or "")) == (suffix == ".webp")
    assert complaints_of(out) <= complaints_of(DATA / name) | COMPLAINTS_OF_KIND


def note_of(packet: bytes | None) -> int:
    return (packet or b"").count(b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia")


@pytest.mark.parametrize(
    "property_",
    [
        "",
        ' e:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"',
        "<e:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
        "</e:DigitalSourceType>",
    ],
    ids=["none", "attribute", "element"],
)
def test_the_note_joins_the_packet(property_: str) -> None:
    inner = property_ if property_.startswith("<") else ""
    packet = (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description '
        'r:about="uuid:1&amp;2" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'xmlns:odd="urn:odd" odd:Own="\u00e9"{"" if inner else property_}>{inner}</r:Description>'
        "</r:RDF></x:xmpmeta>" + " " * 200 + '<?xpacket end="w"?>'
    ).encode()
    text = with_source_type(packet, "compositeWithTrainedAlgorithmicMedia")
    assert text is not None and note_of(text) == 1 and b"digitalCapture" not in text
    assert 'odd:Own="\u00e9"'.encode() in text and text.count(b'"uuid:1&amp;2"') == 2
    again = with_source_type(text, "trainedAlgorithmicMedia")
    assert again is not None and b"digitalsourcetype/trainedAlgorithmicMedia" in again
    assert note_of(again) == 0


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-be"])
def test_packets_in_other_encodings(coding: str) -> None:
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    for inner in (f"<rdf:RDF {rdf}/>", f'<rdf:RDF {rdf}><rdf:Description rdf:about=""/></rdf:RDF>'):
        packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{inner}</x:xmpmeta>'.encode(coding)
        text = with_source_type(packet, "compositeWithTrainedAlgorithmicMedia")
        assert text is not None and note_of(text) == 1
        root = ElementTree.fromstring(text)
        assert [child.tag.rpartition("}")[2] for child in root] == ["RDF"]
        assert root[0][-1].get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")


def test_damaged_packets_stay_as_they_are() -> None:
    for packet in (b"<x:xmpmeta", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a/>"):
        assert with_source_type(packet, "trainedAlgorithmicMedia") is None


LAYOUTS: list[dict[str, Any]] = [
    {"compression": None}, {"compression": "lzw", "predictor": 2}, {"compression": "zlib"},
    {"compression": "zlib", "predictor": 2, "byteorder": ">"}, {"compression": "zstd"},
    {"compression": "lzma"}, {"compression": "zlib", "predictor": True, "tile": (16, 32)},
    {"compression": "zlib", "planarconfig": "separate"}, {"compression": None, "bigtiff": True},
    {"compression": "packbits"}, {"compression": "lzw", "byteorder": ">", "bigtiff": True},
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("layout", range(len(LAYOUTS)))
def test_tiffs_are_patched_however_they_are_stored(tmp_path: Path, dtype: Any, layout: int) -> None:
    options = {"rowsperstrip": 7, **LAYOUTS[layout]}
    if "tile" in options:
        del options["rowsperstrip"]
    if dtype is np.float32 and options.get("predictor") == 2:
        options["predictor"] = 3
    values = values_of(dtype, 3)
    stored = np.moveaxis(values, -1, 0) if "planarconfig" in options else values
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="rgb", metadata=None, **options)
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        page = file.pages.first
        pixels = page.asarray()
        order = file.byteorder
    pixels = np.moveaxis(pixels, 0, -1) if "planarconfig" in options else pixels
    same = outside(photo)
    assert np.array_equal(pixels[same], values[same]) and order == options.get("byteorder", "<")
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    assert np.allclose(pixels[~same] / white, 0.25, atol=0.003)
    assert pixels.dtype == dtype


@needs_vips
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_vips_sees_the_same(tmp_path: Path, dtype: Any) -> None:
    values = values_of(dtype, 3)
    options: dict[str, Any] = {"compression": "lzw", "predictor": True, "rowsperstrip": 5}
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb", **options)
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    subprocess.run(
        ["vips", "rawsave", tmp_path / "out.tif", tmp_path / "raw"], check=True, timeout=60
    )
    pixels = np.fromfile(tmp_path / "raw", dtype).reshape(values.shape)
    same = outside(photo)
    assert np.array_equal(pixels[same], values[same])
    assert not np.array_equal(pixels[~same], values[~same])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_premultiplied_alpha_stays_so(tmp_path: Path, dtype: Any) -> None:
    values = values_of(dtype, 4)
    values[12:24, 16:32, 3] = values[..., 3].max()
    values[13, 17, 3] = values[13, 17, 3] / 2
    values[..., :3] = np.minimum(values[..., :3], values[..., 3:])
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb", extrasamples=["assocalpha"])
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        pixels, extra = file.pages.first.asarray(), file.pages.first.extrasamples
    same = outside(photo)
    assert tuple(map(int, extra)) == (1,) and np.array_equal(pixels[same], values[same])
    assert np.array_equal(pixels[..., 3], values[..., 3])
    half = pixels[13, 17, :3] / pixels[13, 17, 3].astype(np.float64)
    assert np.allclose(half, 0.25, atol=0.01)
    if dtype is not np.float32:  # a PNG's colours are not multiplied
        write_photo(photo, tmp_path / "out.png")
        back = read_photo(tmp_path / "out.png").pixels.astype(np.float64)
        again = back[..., :3] * back[..., 3:] / np.iinfo(dtype).max
        assert np.abs(again - values[..., :3]).max() <= 1


def test_saved_selections_and_spot_colors_stay(tmp_path: Path) -> None:
    """Two kinds: behind an alpha channel, and without one; it is no transparency then."""
    for extra, alpha in ((["unassalpha", "unspecified"], True), (["unspecified"] * 2, False)):
        values = values_of(np.uint16, 5)
        tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb", extrasamples=extra)
        photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
        assert photo.has_alpha == alpha
        with tifffile.TiffFile(tmp_path / "out.tif") as file:
            pixels, kinds = file.pages.first.asarray(), file.pages.first.extrasamples
        assert tuple(map(int, kinds)) == ((2, 0) if alpha else (0, 0))
        assert np.array_equal(pixels[..., 3:], values[..., 3:])
        assert np.array_equal(pixels[outside(photo)], values[outside(photo)])
        assert "further channel" in (notes(photo, tmp_path / "x.png") or "")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_with_alpha_stays_that(tmp_path: Path, dtype: Any) -> None:
    import imagecodecs

    values = values_of(dtype, 2)
    (tmp_path / "in.png").write_bytes(imagecodecs.png_encode(values))
    photo = through(tmp_path / "in.png", tmp_path / "out.png")
    data = (tmp_path / "out.png").read_bytes()
    assert png.header_of(data).colour_type == png.GREY_ALPHA
    pixels = imagecodecs.png_decode(data)
    assert pixels.dtype == dtype
    assert np.array_equal(pixels[outside(photo)], values[outside(photo)])
    tifffile.imwrite(
        tmp_path / "in.tif", values, photometric="minisblack", extrasamples=["unassalpha"]
    )
    through(tmp_path / "in.tif", tmp_path / "out.tif")
    pixels = tifffile.imread(tmp_path / "out.tif")
    assert pixels.shape == values.shape
    assert np.array_equal(pixels[outside(photo)], values[outside(photo)])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_color_stays_one(tmp_path: Path, dtype: Any, channels: int) -> None:
    """Also where the edit paints in that very colour: what it paints is not transparent."""
    import imagecodecs

    values = values_of(dtype, channels)
    key = values[2, 3].copy()
    clear = (values == key).all(axis=2)
    data = imagecodecs.png_encode(values[..., 0] if channels == 1 else values)
    chunks = [png.PngChunk(b"tRNS", key.astype(">u2").tobytes())]
    (tmp_path / "in.png").write_bytes(png.with_chunks(data, chunks, same_kind=True))
    photo = read_photo(tmp_path / "in.png")
    assert np.array_equal(photo.pixels[..., 3] == 0, clear)
    photo.pixels[20, 20, :3] = key
    write_photo(edited(photo), tmp_path / "out.png")
    data = (tmp_path / "out.png").read_bytes()
    assert png.one(png.chunks_of(data), b"tRNS") == chunks[0].data
    assert png.header_of(data).colour_type == (png.GREY if channels == 1 else png.RGB)
    back = read_photo(tmp_path / "out.png").pixels
    assert np.array_equal(back[..., 3], photo.pixels[..., 3])


COLORS = {
    "gamma": png.PngChunk(b"gAMA", struct.pack(">I", 100000)),
    "primaries": png.PngChunk(
        b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    ),
    "pq": png.PngChunk(b"cICP", bytes((9, 16, 0, 1))),
    "hlg": png.PngChunk(b"cICP", bytes((9, 18, 0, 1))),
    "own": png.PngChunk(b"faCe", b"what nobody knows"),
    "time": png.PngChunk(b"tIME", struct.pack(">HBBBBB", 2024, 5, 1, 10, 11, 12)),
}


@pytest.mark.parametrize("name", COLORS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_chunks_are_kept(tmp_path: Path, name: str, dtype: Any) -> None:
    photo = through(png_with(tmp_path, [COLORS[name]], dtype), tmp_path / "out.png")
    found = png.chunks_of((tmp_path / "out.png").read_bytes())
    assert png.one(found, COLORS[name].kind) == COLORS[name].data
    back = read_photo(tmp_path / "out.png").pixels
    assert np.array_equal(back[outside(photo)], photo.pixels[outside(photo)])


@pytest.mark.parametrize("name", ["pq", "hlg", "gamma"])
def test_what_is_not_srgb_is_edited_as_a_screen_shows_it(tmp_path: Path, name: str) -> None:
    photo = read_photo(png_with(tmp_path, [COLORS[name]], np.uint16))
    assert photo.transfer is not None
    said = notes(photo, tmp_path / "out.png") or ""
    assert ("HDR" in said) == (name != "gamma")
    shown = photo.cut()
    assert shown.dtype == np.float32
    back = photo.transfer.from_srgb(shown[..., :3]) * 65535
    assert np.abs(back - photo.pixels).max() < 40  # of 65535
    white = photo.transfer.from_srgb(np.ones(1, np.float32))[0]
    assert white == pytest.approx({"pq": 0.58, "hlg": 0.75, "gamma": 1}[name], abs=0.002)  # BT.2408
    if name == "gamma":
        changed = edited(photo, 0.5)
        assert np.abs(changed.pixels[20, 20] / 65535 - 0.214).max() < 0.001  # sRGB's curve


def test_the_photo_is_edited_not_its_thumbnail(tmp_path: Path) -> None:
    small, large = values_of(np.uint8, 3)[::2, ::2], values_of(np.uint16, 3)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        file.write(small, photometric="rgb", subfiletype=1)
        file.write(large, photometric="rgb")
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    assert (photo.width, photo.height, photo.depth) == (48, 36, 16)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert np.array_equal(file.pages[0].asarray(), small)
        pixels = file.pages[1].asarray()
    assert np.array_equal(pixels[outside(photo)], large[outside(photo)])
    assert not np.array_equal(pixels, large)


def test_a_photo_below_its_thumbnail(tmp_path: Path) -> None:
    small, large = values_of(np.uint8, 3)[::2, ::2], values_of(np.uint16, 3)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        file.write(small, photometric="rgb", subfiletype=1, subifds=1)
        file.write(large, photometric="rgb")
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        below = file.pages[0].pages[0]
        assert np.array_equal(file.pages[0].asarray(), small)
        assert np.array_equal(below.asarray()[outside(photo)], large[outside(photo)])
        assert not np.array_equal(below.asarray(), large)


def test_pages_are_kept_and_named(tmp_path: Path) -> None:
    pages = [values_of(np.uint16, 3) for _ in range(3)]
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        for page in pages:
            file.write(page, photometric="rgb", compression="zlib")
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert len(file.pages) == 3
        assert [np.array_equal(p.asarray(), v) for p, v in zip(file.pages, pages, strict=True)] == [
            False, True, True,
        ]  # fmt: skip
    assert "3 pages" in (notes(photo, tmp_path / "out.tif") or "")
    assert "2 further pages" in (notes(photo, tmp_path / "out.png") or "")


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_frames_are_kept(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(values_of(np.uint8, 3)) for _ in range(3)]
    path = tmp_path / f"in{suffix}"
    more: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=120, **more)
    photo = through(path, tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
        for number, frame in enumerate(frames):
            image.seek(number)
            image.load()
            assert image.info["duration"] == 120
            if number:
                assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(frame))
    assert "3 frames" in (notes(photo, tmp_path / f"out{suffix}") or "")


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_is_edited_at_16_bits(tmp_path: Path, bits: int) -> None:
    import imagecodecs

    top = 2**bits - 1
    values = np.tile(np.linspace(0, top, 64).astype(np.uint16)[:, None], (32, 1, 3))
    data = imagecodecs.avif_encode(values, level=100, bitspersample=bits, pixelformat="444")
    (tmp_path / "x.avif").write_bytes(data)
    photo = read_photo(tmp_path / "x.avif")
    assert photo.depth == 16
    assert np.abs(photo.pixels / 65535 - values / top).max() < 3 / top
    assert len(np.unique(photo.pixels[..., 1])) > 60


def test_a_12_bit_tiff_fills_16_bits(tmp_path: Path) -> None:
    """Rows of two pixels in three bytes, as scanners write them."""
    packed = bytes((0xFF, 0xF8, 0x00)) * 24 * 36
    head = struct.pack("<2sHI", b"II", 42, 8)
    numbers = {256: 48, 257: 36, 258: 12, 259: 1, 262: 1, 273: 150, 277: 1, 278: 36}
    numbers[279] = len(packed)
    entries = b"".join(struct.pack("<HHII", c, 4, 1, v) for c, v in sorted(numbers.items()))
    body = head + struct.pack("<H", len(numbers)) + entries + bytes(4)
    (tmp_path / "x.tif").write_bytes(body.ljust(150, b"\0") + packed)
    photo = read_photo(tmp_path / "x.tif")
    assert photo.pixels[0, 0, 0] == 65535 and photo.pixels[0, 1, 0] == round(0x800 * 65535 / 4095)


def test_pictures_behind_a_jpeg_stay_in_reach(tmp_path: Path) -> None:
    """A phone's gain map and its film: the index follows the first, the second is a trailer."""
    pictures = [Image.fromarray(values_of(np.uint8, 3)) for _ in range(3)]
    pictures[0].save(
        tmp_path / "in.jpg", "MPO", save_all=True, append_images=pictures[1:], quality=30
    )
    with open(tmp_path / "in.jpg", "ab") as file:
        file.write(b"a film, or a program's notes")
    through(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert len((tmp_path / "in.jpg").read_bytes()) != len((tmp_path / "out.jpg").read_bytes())
    assert (tmp_path / "out.jpg").read_bytes().endswith(b"a film, or a program's notes")
    with Image.open(tmp_path / "in.jpg") as old, Image.open(tmp_path / "out.jpg") as new:
        assert new.n_frames == old.n_frames == 3  # type: ignore[attr-defined]
        for number in (1, 2):
            old.seek(number)
            new.seek(number)
            assert np.array_equal(np.asarray(new), np.asarray(old))


def test_cmyk_is_said(tmp_path: Path) -> None:
    picture = Image.fromarray(values_of(np.uint8, 4), "CMYK")
    for name in ("x.jpg", "x.tif"):
        picture.save(tmp_path / name)
        photo = through(tmp_path / name, tmp_path / f"out-{name}")
        assert "CMYK" in (notes(photo, tmp_path / name) or "")
        with Image.open(tmp_path / f"out-{name}") as image:
            assert image.mode == "RGB"
            assert np.asarray(image)[20, 20].tolist() == [64, 64, 64]


def test_exif_that_jpeg_cannot_hold_is_named_before_the_work(tmp_path: Path) -> None:
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 37500, 7, 90000, 26) + bytes(4 + 90000)
    photo = Photo(values_of(np.uint8, 3), metadata=Metadata(exif=block))
    assert "EXIF (90 kB" in (notes(photo, tmp_path / "x.jpg") or "")
    write_photo(photo, tmp_path / "x.jpg")
    assert b"Exif" not in (tmp_path / "x.jpg").read_bytes()
    for name in ("x.png", "x.webp", "x.tif"):
        assert notes(photo, tmp_path / name) is None
        write_photo(photo, tmp_path / name)
        assert len((tmp_path / name).read_bytes()) > 90000


def test_maker_notes_stay_where_they_are_counted_from(tmp_path: Path) -> None:
    """Their places count from the beginning of the block: not a byte before them may move."""
    note = b"Maker\0" + bytes(np.random.default_rng(5).integers(0, 255, 300, np.uint8))
    inner = struct.pack("<HHHII", 1, 37500, 7, len(note), 60) + bytes(4)
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 34665, 4, 1, 30) + bytes(4)
    block = (block.ljust(30, b"\0") + inner).ljust(60, b"\0") + note
    photo = Photo(values_of(np.uint8, 3), metadata=Metadata(exif=block))
    write_photo(photo, tmp_path / "x.tif")
    assert (tmp_path / "x.tif").read_bytes()[60 : 60 + len(note)] == note
    write_photo(photo, tmp_path / "x.jpg")
    segments, _ = jpeg.segments_of((tmp_path / "x.jpg").read_bytes())
    assert next(s.data[6:] for s in segments if s.data.startswith(b"Exif")) == block
