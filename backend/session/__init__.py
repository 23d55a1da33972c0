"""What the command line and the server both do with an opened photo.

Embedding or reusing an embedding, choosing the device, placing what the engine returns, saving and
finding edits. Knows neither sockets nor arguments.
"""
