"""One picture in its own depth, color and size; and the session that keeps a model."""
