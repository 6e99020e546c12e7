"""Finding, starting and asking the engine."""
