"""XMP packets that are put together: of JPEG's two parts, and of texts that other files hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from xml.etree import ElementTree
from xml.parsers import expat
from xml.sax.saxutils import escape

from backend.photos.containers.xmp import inserted
from protocol import provenance

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
}
# PNG's keywords (specification, 11.3.3.1) as XMP's properties, and how these hold a text.
_KEYWORDS = {
    "Title": ("dc:title", "Alt"), "Author": ("dc:creator", "Seq"),
    "Description": ("dc:description", "Alt"), "Copyright": ("dc:rights", "Alt"),
    "Source": ("dc:source", ""), "Software": ("xmp:CreatorTool", ""),
}  # fmt: skip
KNOWN = frozenset(_KEYWORDS)
_EXTENDED = re.compile(
    rb"\s+xmpNote:HasExtendedXMP\s*=\s*[\"'][^\"']*[\"']"
    rb"|<xmpNote:HasExtendedXMP[^>]*>[^<]*</xmpNote:HasExtendedXMP>"
)
_PADDING = re.compile(rb"\s+(?=<\?xpacket end)")
_SOURCE_TYPE = re.compile(rb"digitalsourcetype/(\w+)")
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def joined(main: bytes, extension: bytes) -> bytes:
    """Both parts of a packet as one (XMP specification part 3, 1.1.3.1); `main` where one of them
    is damaged.
    """
    try:
        rdf = ElementTree.fromstring(inserted(extension, b""))  # noqa: S314 - has no entities now
        rdf = rdf if rdf.tag == f"{{{_RDF}}}RDF" else rdf[0]
        parts = "".join(ElementTree.tostring(child, "unicode") for child in rdf)
        return inserted(_EXTENDED.sub(b"", main), parts.encode())
    except (expat.ExpatError, ElementTree.ParseError, LookupError, ValueError):
        return main


def split(packet: bytes, room: int) -> tuple[bytes, bytes, str]:
    """A packet as JPEG holds it in segments of `room` bytes: the main part, the extension (empty
    where it is not needed) and the extension's digest, which the main part names.
    """
    if len(packet) > room:
        packet = _PADDING.sub(b"", packet)
    if len(packet) <= room:
        return packet, b"", ""
    digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper()
    said = _property("xmpNote:HasExtendedXMP", "", digest)
    if found := _SOURCE_TYPE.search(packet):
        said += (
            f'<e:DigitalSourceType xmlns:e="{provenance.NAMESPACE}">'
            f"http://cv.iptc.org/newscodes/digitalsourcetype/{found[1].decode()}"
            "</e:DigitalSourceType>"
        )
    return inserted(_EMPTY.encode(), _described(said)), packet, digest


def with_texts(packet: bytes | None, texts: Sequence[tuple[str, str]]) -> bytes | None:
    """The packet with PNG's texts that have a property in XMP and are not in it yet."""
    said = ""
    for keyword, text in texts:
        name, kind = _KEYWORDS.get(keyword, ("", ""))
        if name and text and name.encode() not in (packet or b"") and f"<{name} " not in said:
            said += _property(name, kind, text)
    if not said:
        return packet
    try:
        return inserted(packet or _EMPTY.encode(), _described(said))
    except (expat.ExpatError, LookupError, ValueError):
        return packet


def _property(name: str, kind: str, text: str) -> str:
    text = escape(re.sub(r"[\0-\x08\x0b\x0c\x0e-\x1f]", "", text))
    if kind:
        language = ' xml:lang="x-default"' if kind == "Alt" else ""
        text = f"<r:{kind}><r:li{language}>{text}</r:li></r:{kind}>"
    prefix = name.partition(":")[0]
    return f'<{name} xmlns:{prefix}="{_NAMESPACES[prefix]}">{text}</{name}>'


def _described(properties: str) -> bytes:
    return f'<r:Description xmlns:r="{_RDF}" r:about="">{properties}</r:Description>\n'.encode()
