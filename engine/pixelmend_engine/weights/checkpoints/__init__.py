"""Files of weights, opened; nothing in them is executed."""
