"""Stable Diffusion's networks, as DiffBIR uses them."""
