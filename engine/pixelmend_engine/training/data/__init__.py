"""Photographs that models learn from."""
