"""Measuring a bundle and its presets on photos that nothing was trained on: `editgan evaluate`."""
