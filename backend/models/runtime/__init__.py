"""How the networks are computed fast on each device; what they compute stays the same."""
