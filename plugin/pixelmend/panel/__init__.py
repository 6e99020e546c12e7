"""The panel: how far a job is, a way to end it, and what came of it. Runs on PyQt6 and PyQt5."""
