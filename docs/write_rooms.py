"""Draws who imports whom, room by room, into ARCHITECTURE.md.

    python docs/write_rooms.py

A room is a folder, or a module, right below a package. A test calls `render` and compares, so that
the drawing is true after each change; arrows that lead back are an error.
"""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

PAGE = Path(__file__).parent.parent / "ARCHITECTURE.md"
BEGIN = "<!-- Written by `make docs`: -->\n"
END = "<!-- Until here. -->\n"
PACKAGES = ("pixelmend_cli", "pixelmend_engine", "pixelmend")
DOOR, BEHIND_IT = "pixelmend.__main__", "pixelmend_cli.entry"  # `python -m pixelmend` may lead back

Imports = dict[str, set[str]]  # of each module, or room, what it imports


def render(page: str) -> str:
    """Returns the page with the drawing of now between its markers."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{draw(between_rooms(imports()))}{END}{after}"


def imports() -> Imports:
    """Lists what each module imports of our own."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    graph.remove_import(importer=DOOR, imported=BEHIND_IT)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def between_rooms(modules: Imports) -> Imports:
    """Joins the modules of a room; an `__init__` that holds a version and no imports is none."""
    rooms = {_room(name): set[str]() for name in modules}
    for name, imported in modules.items():
        rooms[_room(name)] |= {_room(other) for other in imported} - {_room(name)}
    versions = {room for room in rooms if room.endswith(".__init__") and not rooms[room]}
    return {room: rooms[room] - versions for room in rooms.keys() - versions}


def draw(rooms: Imports) -> str:
    """Returns a flowchart in Mermaid's language.

    Left out are arrows that a way over other rooms says already, and those between rooms of
    different packages, for which one arrow between the packages stands.

    Raises:
        ValueError: An arrow leads back: between rooms, or between packages.
    """
    packages = {package: set[str]() for package in PACKAGES}
    for room, imported in rooms.items():
        packages[_package(room)] |= {_package(other) for other in imported} - {_package(room)}
    order = _downwards(rooms)
    lines = ["flowchart TD"]
    for package in _downwards(packages):
        inside = [room for room in order if _package(room) == package]
        lines.append(f"    subgraph {package}")
        lines += [f'        {_id(room)}["{_label(room)}"]' for room in inside]
        lines += [
            f"        {_id(room)} --> {_id(other)}"
            for room in inside
            for other in _nearest(rooms, room)
            if other in inside
        ]
        lines.append("    end")
    for package in packages:
        lines += [f"    {package} --> {other}" for other in _nearest(packages, package)]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def _downwards(imported: Imports) -> list[str]:
    """Sorts from those that nobody imports to those that import nobody."""
    try:
        ranks = TopologicalSorter(imported)
        ranks.prepare()
    except CycleError as error:
        raise ValueError(f"an arrow leads back: {' -> '.join(reversed(error.args[1]))}") from error
    order: list[str] = []
    while ranks.is_active():
        rank = sorted(ranks.get_ready(), reverse=True)
        order += rank
        ranks.done(*rank)
    return order[::-1]


def _nearest(imported: Imports, name: str) -> list[str]:
    """Lists what is imported, but for what one of these imports as well, itself or by others."""
    below = {further for other in imported[name] for further in _reached(imported, other)}
    return sorted(imported[name] - below)


def _reached(imported: Imports, name: str) -> set[str]:
    return imported[name].union(*(_reached(imported, other) for other in imported[name]))


def _room(module: str) -> str:
    package, *inside = module.split(".")
    return f"{package}.{inside[0] if inside else '__init__'}"


def _package(room: str) -> str:
    return room.partition(".")[0]


def _id(room: str) -> str:
    return room.replace(".", "_")


def _label(room: str) -> str:
    # Mermaid takes two underscores for bold type.
    return room.partition(".")[2].replace("__", "#95;#95;")


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
