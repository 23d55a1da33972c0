"""How a subject moves from a picture to its edited version, without ever folding."""
