"""Model bundles: folders of safetensors and JSON that hold everything one domain needs."""

from backend.bundles.bundle import Bundle, Part, read_bundle
from backend.bundles.registry import find_bundle, list_bundles

__all__ = ["Bundle", "Part", "find_bundle", "list_bundles", "read_bundle"]
