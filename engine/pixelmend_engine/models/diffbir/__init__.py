"""DiffBIR: its pipeline, and how it fits into memory and time."""
