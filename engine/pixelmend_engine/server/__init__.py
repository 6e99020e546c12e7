"""The engine's process: routes, who may ask, queue, room for what waits."""
