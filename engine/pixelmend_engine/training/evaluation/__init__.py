"""How good a model is: figures, baselines, sheets."""
