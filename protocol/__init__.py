"""What the plug-in and the backend say to each other.

Standard library + msgpack + pyzmq; no numpy, so that it loads in GIMP's own Python.
Imports neither side.
"""

PROTOCOL_NAME = "editgan"
PROTOCOL_VERSION = 4
