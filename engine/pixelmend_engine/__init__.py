"""The engine: everything that needs torch, and the facts about the models."""
