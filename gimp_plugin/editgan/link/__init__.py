"""The line to the backend: connecting, starting it, asking, and the words for what it says."""
