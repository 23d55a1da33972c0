"""Networks: StyleGAN2 generator, segmentation branch, encoder, perceptual and identity networks."""
