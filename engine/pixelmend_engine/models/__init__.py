"""A file for each model family, or a folder where it is more; how they are loaded."""
