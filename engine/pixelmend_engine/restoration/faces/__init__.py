"""Faces: found, aligned, restored, put back, and compared with what they were."""
