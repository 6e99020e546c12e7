"""What a plug-in knows of the engine, changed for a while. Runs in the editors' own Pythons."""

import contextlib
import json


@contextlib.contextmanager
def changed(path, **settings):
    """Changes a plug-in's settings until the end of `with`."""
    with open(path, encoding="utf-8") as file:
        sound = file.read()
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**json.loads(sound), **settings}, file)
    try:
        yield
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(sound)
