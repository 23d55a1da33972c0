"""Making models: generator, encoder, segmentation branch, presets. Used by `editgan train`."""
