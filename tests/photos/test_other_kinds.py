"""What a photo says, in a file of another kind: colours, texts, large packets; odd files kept."""

from __future__ import annotations

import io
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from file_tools import NOTE, complaints_of, needs_exiftool, needs_vips, tags_of
from numpy.typing import NDArray
from photo_files import DATA, Spot, edited, outside, png_with, through, values_of
from PIL import Image, ImageOps

from backend.errors import BadImage
from backend.photos.containers import avif, jpeg, png, xmp_parts
from backend.photos.containers.exif import PREFIX, upright
from backend.photos.containers.primaries import BY_CODE, SRGB, profile
from backend.photos.files import check_output, losses, notes, read_photo, write_photo
from backend.photos.metadata import Metadata
from backend.photos.photo import Photo

OTHERS = (".jpg", ".tif", ".webp", ".avif")
_PLACES = 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000
P3 = png.PngChunk(b"cHRM", struct.pack(">8I", *_PLACES))


@needs_exiftool
@pytest.mark.parametrize("suffix", OTHERS)
def test_primaries_become_a_profile(tmp_path: Path, suffix: str) -> None:
    photo = through(png_with(tmp_path, [P3]), tmp_path / f"out{suffix}")
    assert "light" not in (notes(photo, tmp_path / f"out{suffix}") or "")
    tags = tags_of(tmp_path / f"out{suffix}")
    red = [float(v) for v in str(tags["ICC_Profile:RedMatrixColumn"]).split()]
    assert red == pytest.approx([0.51512, 0.2412, -0.00105], abs=2e-4)  # as Apple's Display P3


@needs_vips
@pytest.mark.parametrize(
    ("chunks", "value", "shown"),
    [
        ([png.PngChunk(b"gAMA", struct.pack(">I", 100000))], 55, 128),  # linear light
        ([png.PngChunk(b"gAMA", struct.pack(">I", 55556))], 105, 124),  # 1.8, of old Macintoshes
        ([png.PngChunk(b"cICP", bytes((1, 8, 0, 1)))], 55, 128),
    ],
)
def test_a_tone_curve_becomes_a_profile(
    tmp_path: Path, chunks: list[png.PngChunk], value: int, shown: int
) -> None:
    """libvips, by the profile, shows the grey that was meant."""
    data = imagecodecs.png_encode(np.full((36, 48, 3), value, np.uint8))
    (tmp_path / "in.png").write_bytes(png.with_chunks(data, chunks, same_kind=True))
    write_photo(read_photo(tmp_path / "in.png"), tmp_path / "out.tif")
    words = ["vips", "icc_transform", tmp_path / "out.tif", tmp_path / "seen.png", "srgb"]
    subprocess.run(words, check=True, timeout=60)
    seen = read_photo(tmp_path / "seen.png").to_u8()
    assert abs(int(seen[0, 0, 1]) - shown) <= 2


def test_primaries_that_enclose_nothing_are_no_profile(tmp_path: Path) -> None:
    for numbers in ([1] * 8, [0] * 8, [2**31] * 8, [31270, 32900, *[30000] * 6]):
        chunk = png.PngChunk(b"cHRM", struct.pack(">8I", *numbers))
        assert png.colours_of([chunk]) is None
    assert png.colours_of([P3, png.PngChunk(b"sRGB", b"\0")]) is None
    for primaries in (SRGB, *BY_CODE.values()):
        with io.BytesIO(profile(primaries, None)) as file:
            from PIL import ImageCms

            ImageCms.ImageCmsProfile(file)


TEXTS = {
    "Title": "Gr\u00fc\u00dfe <1> & 2", "Author": "Jane", "Copyright": "\u00a9 Jane",
    "Software": "Camera", "Own": "only PNG has it",
}  # fmt: skip


def text_chunks() -> list[png.PngChunk]:
    return [
        png.PngChunk(b"iTXt", k.encode() + bytes(5) + text.encode()) for k, text in TEXTS.items()
    ]


@needs_exiftool
@pytest.mark.parametrize("suffix", OTHERS)
def test_texts_become_properties(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    photo = through(png_with(tmp_path, text_chunks()), out)
    tags = tags_of(out)
    assert tags["XMP-dc:Title"] == TEXTS["Title"] and tags["XMP-dc:Creator"] == "Jane"
    assert tags["XMP-dc:Rights"] == TEXTS["Copyright"] and tags["XMP-xmp:CreatorTool"] == "Camera"
    said = notes(photo, out) or ""
    assert "PNG's texts (Own)" in said and "Title" not in said


def test_texts_do_not_replace_what_a_packet_says() -> None:
    packet = xmp_parts.with_texts(None, [("Title", "first"), ("Title", "second")])
    assert packet is not None and packet.count(b"first") == 1 and b"second" not in packet
    assert xmp_parts.with_texts(packet, [("Title", "third")]) == packet
    assert xmp_parts.with_texts(b"<damaged", [("Title", "x")]) == b"<damaged"
    assert xmp_parts.with_texts(None, [("Own", "x"), ("Author", "")]) is None


def large_packet(size: int, padding: int = 0) -> bytes:
    text = "".join(chr(97 + i % 26) for i in range(size))
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/'
        f'xap/1.0/" xmp:Rating="4"><dc:source>{text}</dc:source></rdf:Description></rdf:RDF>'
        f'</x:xmpmeta>{" " * padding}<?xpacket end="w"?>'
    ).encode()


@needs_exiftool
@pytest.mark.parametrize("size", [100, 70_000, 200_000])
def test_a_large_packet_goes_through_jpeg_and_back(tmp_path: Path, size: int) -> None:
    photo = Photo(values_of(np.uint8, 3), metadata=Metadata(xmp=large_packet(size)))
    assert "XMP" not in (notes(photo, tmp_path / "x.jpg") or "")
    write_photo(edited(photo), tmp_path / "x.jpg")
    last = "x.jpg"
    for name in ("y.jpg", "z.png", "z.webp", "z.tif", "again.jpg"):
        through(tmp_path / last, tmp_path / name)
        tags = tags_of(tmp_path / name)
        assert len(tags["XMP-dc:Source"]) == size and tags["XMP-xmp:Rating"] == 4
        assert tags[NOTE].endswith("compositeWithTrainedAlgorithmicMedia")
        assert ("XMP-xmpNote:HasExtendedXMP" in tags) == (size > 65_000 and name.endswith("jpg"))
        last = name
    assert complaints_of(tmp_path / "again.jpg") == set()


def test_padding_gives_way_before_a_packet_is_split() -> None:
    main, extension, _ = xmp_parts.split(large_packet(60_000, padding=8000), 65_504)
    assert not extension and b'Rating="4"' in main
    main, extension, digest = xmp_parts.split(large_packet(66_000), 65_504)
    assert extension and digest.encode() in main


def test_an_extension_that_is_damaged_leaves_the_main_part() -> None:
    main = large_packet(10)
    for extension in (b"<x", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a/>", b""):
        assert xmp_parts.joined(main, extension) == main
    head = jpeg.EXTENSION + b"0" * 32
    gap = [jpeg.JpegSegment(jpeg.APP1, head + struct.pack(">II", 9, at) + b"abc") for at in (0, 6)]
    assert jpeg.extension_of(gap) is None


@needs_exiftool
@pytest.mark.parametrize("name", ["metadata.jpg", "metadata.png", "metadata_8bit.tif"])
def test_avif_says_it_too(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.avif"
    photo = through(DATA / name, out)
    before, after = tags_of(DATA / name), tags_of(out)
    for key, value in before.items():
        if key.startswith(("ExifIFD:", "GPS:", "XMP", "IFD0:Make", "IFD0:Artist", "ICC_Profile:")):
            assert after[key] == value, key
    assert "IPTC" in (notes(photo, out) or "") and "anew" in (notes(photo, out) or "")
    back = read_photo(out)
    assert back.pixels.shape == photo.pixels.shape  # upright
    same = outside(photo)
    assert np.abs(back.pixels[same].astype(int) - photo.pixels[same]).mean() < 3
    through(out, tmp_path / "again.avif")
    assert complaints_of(tmp_path / "again.avif") <= complaints_of(out)


def test_avif_keeps_transparency_and_refuses_depth(tmp_path: Path) -> None:
    values = np.full((36, 48, 4), 128, np.uint8)
    values[:18, :, 3] = 0
    write_photo(Photo(values), tmp_path / "x.avif")
    assert (
        np.abs(read_photo(tmp_path / "x.avif").pixels[..., 3].astype(int) - values[..., 3]).max()
        < 3
    )
    for dtype in (np.uint16, np.float32):
        with pytest.raises(BadImage, match="avif file cannot hold"):
            check_output(tmp_path / "x.avif", Photo(values_of(dtype, 3)))


def deep_avif(values: NDArray[np.uint16], bits: int, **codes: int) -> bytes:
    """A file of whole numbers of 10 or 12 bits, without a loss."""
    return bytes(
        imagecodecs.avif_encode(values, 100, bitspersample=bits, pixelformat="444", **codes)
    )


@needs_exiftool
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_keeps_its_depth(tmp_path: Path, bits: int, channels: int) -> None:
    """Also what it says; and in a TIFF every value, at 16 bits."""
    values = (np.linspace(0, 1, 36 * 48 * channels) * (2**bits - 1)).astype(np.uint16)
    values = values.reshape(36, 48, channels)
    with Image.open(DATA / "metadata.jpg") as image:
        exif, xmp, icc = (image.info.get(name) for name in ("exif", "xmp", "icc_profile"))
    exif = upright(exif.removeprefix(PREFIX))
    light = [avif.Box(b"clli", b"\x03\xe8\x01\x90")]
    plain = deep_avif(values if channels > 1 else values[..., 0], bits)
    (tmp_path / "in.avif").write_bytes(avif.with_blocks(plain, exif, xmp, icc, light))
    photo = through(tmp_path / "in.avif", tmp_path / "out.avif")
    before, after = tags_of(tmp_path / "in.avif"), tags_of(tmp_path / "out.avif")
    assert after.pop(NOTE).endswith("compositeWithTrainedAlgorithmicMedia")
    assert after == before
    assert {"ExifIFD", "GPS", "XMP-xmp"} <= {key.partition(":")[0] for key in after}
    assert str(after["QuickTime:ImagePixelDepth"]).split()[0] == str(bits)
    assert complaints_of(tmp_path / "out.avif") <= complaints_of(tmp_path / "in.avif")
    assert light[0].packed() in (tmp_path / "out.avif").read_bytes()
    back = read_photo(tmp_path / "out.avif")
    same = outside(photo)
    assert np.abs(back.pixels[same].astype(int) - photo.pixels[same]).mean() < 300
    assert np.abs(back.pixels[13:23, 17:31, :3].astype(int) - 65535 / 4).mean() < 600
    write_photo(photo, tmp_path / "out.tif")
    deep = tifffile.imread(tmp_path / "out.tif").reshape(values.shape)
    assert np.array_equal(deep, np.round(values * (65535 / (2**bits - 1))))


@pytest.mark.parametrize(("code", "kind"), [(16, "pq"), (18, "hlg")])
def test_hdr_avif_stays_hdr(tmp_path: Path, code: int, kind: str) -> None:
    values = np.full((36, 48, 3), 500, np.uint16)
    data = deep_avif(values, 10, primaries=9, transfer=code, matrix=9)
    (tmp_path / "in.avif").write_bytes(data)
    photo = through(tmp_path / "in.avif", tmp_path / "out.avif")
    assert photo.transfer and photo.transfer.kind == kind
    back = avif.coding_of((tmp_path / "out.avif").read_bytes())
    assert (back.bits, back.primaries, back.transfer) == (10, 9, code)
    assert np.abs(read_photo(tmp_path / "out.avif").pixels[0, 0].astype(int) - 32032).max() < 700


@pytest.mark.parametrize("turned", range(1, 9))
def test_avif_of_every_orientation(tmp_path: Path, turned: int) -> None:
    values = np.zeros((36, 48, 3), np.uint8)
    values[:10, :10] = 255
    exif = Image.Exif()
    exif[0x0112] = turned
    Image.fromarray(values).save(tmp_path / "in.avif", exif=exif, quality=100)
    with Image.open(tmp_path / "in.avif") as image:
        seen = np.asarray(ImageOps.exif_transpose(image))
    photo = read_photo(tmp_path / "in.avif")
    assert np.abs(photo.pixels.astype(int) - seen).max() < 8
    write_photo(photo, tmp_path / "out.avif")
    with Image.open(tmp_path / "out.avif") as image:
        again = np.asarray(ImageOps.exif_transpose(image))
    assert np.abs(again.astype(int) - seen).max() < 40 and photo.height == seen.shape[0]


def test_a_gain_map_is_named(tmp_path: Path) -> None:
    """A second item of the kind that ISO 21496-1 names."""
    plain = deep_avif(np.full((36, 48, 3), 500, np.uint16), 10)
    data = avif.with_blocks(plain, None, b"<x/>", None).replace(b"mime\0app", b"tmap\0app")
    (tmp_path / "in.avif").write_bytes(data)
    for name in ("x.avif", "x.tif"):
        assert "gain" in (losses(read_photo(tmp_path / "in.avif"), tmp_path / name) or "")


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_colours_of_print_at_16_bits_are_refused(tmp_path: Path, kind: str) -> None:
    """CMYK and Lab of 8 bits are edited in RGB and said; deeper ones would lose their depth."""
    path = tmp_path / "x.tif"
    for photometric, channels in (("separated", 4), ("cielab", 3)):
        tifffile.imwrite(path, values_of(np.uint16, channels), photometric=photometric)
        with pytest.raises(BadImage, match="neither RGB nor greyscale"):
            read_photo(path)


def test_lab_is_said(tmp_path: Path) -> None:
    Image.fromarray(values_of(np.uint8, 3), "LAB").save(tmp_path / "x.tif")
    photo = through(tmp_path / "x.tif", tmp_path / "out.tif")
    assert "Lab" in (notes(photo, tmp_path / "out.tif") or "")
    with Image.open(tmp_path / "out.tif") as image:
        assert image.mode == "RGB" and np.asarray(image)[20, 20].tolist() == [64, 64, 64]


@needs_exiftool
def test_below_a_thumbnail_the_note_goes_to_the_head(tmp_path: Path) -> None:
    small, large = values_of(np.uint8, 3)[::2, ::2], values_of(np.uint8, 3)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        more = [(700, "B", 0, large_packet(20), True)]
        file.write(small, photometric="rgb", subfiletype=1, subifds=1, extratags=more)
        file.write(large, photometric="rgb")
    through(tmp_path / "in.tif", tmp_path / "out.tif")
    tags = tags_of(tmp_path / "out.tif")
    assert tags["XMP-xmp:Rating"] == 4 and tags[NOTE].endswith("TrainedAlgorithmicMedia")
    assert complaints_of(tmp_path / "out.tif") <= complaints_of(tmp_path / "in.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file2:
        assert np.array_equal(file2.pages[0].asarray(), small)
        assert len(file2.pages[0].pages[0].asarray()) == 36


def test_webp_in_tiff_is_patched(tmp_path: Path) -> None:
    values = values_of(np.uint8, 3)
    tifffile.imwrite(
        tmp_path / "in.tif", values, photometric="rgb", compression="webp", rowsperstrip=6
    )
    old = tifffile.imread(tmp_path / "in.tif")
    photo = through(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        page = file.pages.first
        assert int(page.compression) == 50001 and page.rowsperstrip == 6
        pixels = page.asarray()
    assert np.array_equal(pixels[outside(photo)], old[outside(photo)])
    assert np.abs(pixels[~outside(photo)].astype(int) - 64).max() <= 1


@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize("linear", [False, True])
def test_a_layer_that_shows_what_is_there_changes_nothing(
    premultiplied: bool, linear: bool
) -> None:
    """Mixing would round: a float photo then differs where nothing was edited."""
    from backend.photos.transfer import Transfer

    values = values_of(np.float32, 4) * np.float32(3 if linear else 1)
    values[..., 3] = 0.7
    photo = Photo(
        values, premultiplied=premultiplied, transfer=Transfer("gamma") if linear else None
    )
    layer = photo.cut().copy()
    layer[..., 3] = np.linspace(0, 1, 36)[:, None]
    again = photo.with_layer(Spot(0, 0, layer))
    assert np.array_equal(again.pixels, values) and not again.edited
    layer[20, 20, 0] += 0.25
    changed = photo.with_layer(Spot(0, 0, layer))
    assert changed.edited and int((changed.pixels != values).any(axis=2).sum()) == 1


def test_chunks_that_lie_are_refused(tmp_path: Path) -> None:
    """A text that unpacks without an end; a profile that is none."""
    bomb = png.PngChunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(100 << 20)))
    with pytest.raises(BadImage):
        read_photo(png_with(tmp_path, [bomb]))
    odd = png.PngChunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))
    photo: Any = read_photo(png_with(tmp_path, [odd]))
    assert photo.profile == b"no profile"
