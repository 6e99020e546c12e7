"""The numbers of each training, and where they come from."""
