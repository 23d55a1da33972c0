"""The persistent process that owns the device: EditGAN itself and everything around it."""
