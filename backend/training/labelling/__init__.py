"""Making label maps: drafts from face landmarks, outlines drawn by hand, sheets to look at them."""
