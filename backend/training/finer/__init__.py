"""One more resolution for a finished generator, everything below left as it is."""
