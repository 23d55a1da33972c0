"""What is in the image: pixels, layers, what parasites remember, undo."""
