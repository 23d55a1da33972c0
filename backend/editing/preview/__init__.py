"""Small pictures of edits: of stacks for sliders and thumbnails, of an optimisation as it goes."""
