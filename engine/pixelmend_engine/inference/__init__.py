"""One tensor through one model: devices, memory, tiles."""
