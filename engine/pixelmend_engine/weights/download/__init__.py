"""Files of weights, fetched over https."""
