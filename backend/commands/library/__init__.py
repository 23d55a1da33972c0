"""`editgan library`: the edit library on the command line. Needs no torch."""
