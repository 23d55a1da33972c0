"""XMP packets (ISO 16684-1): the note that a model changed the picture joins what is there.

The packet's text stays as it is but for that one property: programs write into it what only they
understand, with prefixes of their own.
"""

from __future__ import annotations

import re
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from protocol import provenance

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CODINGS = {
    "utf-32-le": (b"\xff\xfe\0\0", b"<\0\0\0"),
    "utf-32-be": (b"\0\0\xfe\xff", b"\0\0\0<"),
    "utf-16-le": (b"\xff\xfe", b"<\0"),
    "utf-16-be": (b"\xfe\xff", b"\0<"),
}
_PROPERTY = f"{provenance.NAMESPACE} DigitalSourceType"


def with_source_type(packet: bytes | None, source_type: provenance.SourceType) -> bytes | None:
    """The packet, saying how the picture was made; None where it is damaged and cannot say it.

    Without a packet: a new one.
    """
    if not packet:
        return provenance.xmp(source_type)
    try:
        text = _as_utf8(packet)
        found = _Places(text)
    except (expat.ExpatError, LookupError, ValueError):
        return None
    if found.end is None:
        return None
    new = _description(found, source_type)
    end = found.end
    for start, stop in reversed(found.old):
        text = text[:start] + text[stop:]
        end -= stop - start if stop <= found.end else 0
    return _put_in(text, found, end, new)


def inserted(packet: bytes, descriptions: bytes) -> bytes:
    """The packet with further descriptions. Raises ExpatError, LookupError, ValueError for damage.

    These declare their own namespaces, as the packet may use any prefix.
    """
    text = _as_utf8(packet)
    found = _Places(text)
    if found.end is None:
        raise ValueError("a packet without RDF")
    return _put_in(text, found, found.end, descriptions)


def _put_in(text: bytes, found: _Places, end: int, new: bytes) -> bytes:
    """`new` before the RDF's end."""
    if not found.empty:
        return text[:end] + new + text[end:]
    return text[: end - 2] + b">" + new + b"</" + found.name + b">" + text[end:]


class _Places:
    """Where in a packet the property is, and where its RDF ends, as byte offsets.

    old: ranges that say it already, in order. end: where the RDF's end tag begins; behind its only
    tag where it is `empty`. name: of its tags. about: what the packet is about.
    """

    def __init__(self, text: bytes) -> None:
        self.old: list[tuple[int, int]] = []
        self.end: int | None = None
        self.empty, self.name = False, b"rdf:RDF"
        self.about = ""
        self._text, self._open = text, 0
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._stop
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.Parse(text, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self._parser.CurrentByteIndex
        if name == _PROPERTY:
            self._open = at
        if name == f"{_RDF} RDF" and (tag_name := re.match(rb"<([^\s/>]+)", self._text[at:])):
            self.name = tag_name[1]
        if name == f"{_RDF} Description":
            about = attributes.get(f"{_RDF} about", attributes.get("about", ""))  # old ones: bare
            self.about = self.about or about
            if _PROPERTY in attributes:
                tag = self._text[at : self._text.index(b">", at)]
                found = re.search(rb"\s+[\w.-]+:DigitalSourceType\s*=\s*(\"[^\"]*\"|'[^']*')", tag)
                if found:
                    self.old.append((at + found.start(), at + found.end()))

    def _stop(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        if name == _PROPERTY:
            self.old.append((self._open, self._text.index(b">", at) + 1))
        if name == f"{_RDF} RDF":
            self.end = at
            self.empty = not self._text.startswith(b"</" + self.name, at)

    def _refuse(self, *_: object) -> None:
        raise ValueError("a packet has no document type")


def _description(found: _Places, source_type: provenance.SourceType) -> bytes:
    """A description of its own, with the prefix that the packet uses for RDF."""
    prefix = found.name.decode().rpartition(":")[0]
    rdf = f"{prefix}:" if prefix else "rdf:"
    return (
        f'<{rdf}Description xmlns:{rdf[:-1]}="{_RDF}" {rdf}about={quoteattr(found.about)}'
        f' xmlns:Iptc4xmpExt="{provenance.NAMESPACE}"'
        f' Iptc4xmpExt:DigitalSourceType="{provenance.term(source_type)}"/>\n'
    ).encode()


def _as_utf8(packet: bytes) -> bytes:
    """Packets may be in UTF-16 or 32, which their first bytes tell, a mark or a bracket."""
    for coding, heads in _CODINGS.items():
        if packet.startswith(heads):
            text = packet[: len(packet) & ~3 if "32" in coding else len(packet) & ~1]
            return text.decode(coding).strip("\0\ufeff").encode()
    return packet.rstrip(b"\0").removeprefix(b"\xef\xbb\xbf")
