"""Image files and colors: which format, what it can hold, metadata. No torch."""
