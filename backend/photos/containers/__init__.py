"""Files taken apart into their blocks, and put together again around new pixels.

A photo that goes back into a file of its own kind takes the blocks of the file it came from, byte
for byte: what no library understands is kept as well as what all do.
"""
