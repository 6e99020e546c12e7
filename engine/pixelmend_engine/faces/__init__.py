"""Faces: found, aligned, restored one by one, put back, and compared with what they were."""
