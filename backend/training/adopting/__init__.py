"""From a generator to a model that opens photos: an encoder from its own samples, parts from a
model that knows them, presets. Used by `editgan adopt`."""
