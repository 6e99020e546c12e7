"""From a published file to tensors by name."""
