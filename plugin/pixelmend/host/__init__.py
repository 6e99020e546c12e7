"""The way of a job in any editor."""
