"""One module for each kind of image file: `read` gives a `Photo`, `write` takes one."""
