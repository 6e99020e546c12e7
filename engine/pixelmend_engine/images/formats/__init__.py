"""One module for each kind of image file: `read` gives a `ImageFile`, `write` takes one."""
