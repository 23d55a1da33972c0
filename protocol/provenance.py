"""What edited pictures say about how they were made.

IPTC Photo Metadata Standard, "Digital Source Type", a term of
http://cv.iptc.org/newscodes/digitalsourcetype/.
"""

from __future__ import annotations

from typing import Literal

SourceType = Literal["compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia"]
NAMESPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{namespace}"
   Iptc4xmpExt:DigitalSourceType="{term}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def term(source_type: SourceType) -> str:
    """The property's value."""
    return _SCHEME + source_type


def xmp(source_type: SourceType) -> bytes:
    """An XMP packet that says it: a photo with parts from a trained model, or all from one."""
    return _PACKET.format(namespace=NAMESPACE, term=term(source_type)).encode("utf-8")
