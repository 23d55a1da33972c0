"""Images and geometry: find, align and crop a subject; draw its parts; put the result back."""
