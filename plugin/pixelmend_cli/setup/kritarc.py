"""Krita's settings file: one line of it says whether a plug-in is used."""

import contextlib
import re
from pathlib import Path

from pixelmend.atomic import move_into_place

GROUP = "python"


def enabled(file: Path, plug_in: str) -> bool:
    """Tells whether Krita uses a plug-in."""
    return _value(_lines(file), GROUP, _key(plug_in)) == "true"


def enable(file: Path, plug_in: str) -> None:
    """Has Krita use a plug-in from its next start on; everything else stays as it is."""
    lines = _without(_lines(file), GROUP, _key(plug_in))
    entry = f"{_key(plug_in)}=true"
    header = f"[{GROUP}]"
    if header in lines:
        lines.insert(lines.index(header) + 1, entry)
    else:
        if lines and lines[-1]:
            lines.append("")
        lines += [header, entry]
    _write(file, lines)


def disable(file: Path, plug_in: str) -> None:
    """Takes that back; a file that says nothing of the plug-in is not touched."""
    lines = _lines(file)
    remaining = _without(lines, GROUP, _key(plug_in))
    if remaining != lines:
        _write(file, remaining)


def resource_folder(file: Path) -> Path | None:
    """Returns where the user wants Krita's resources to be; None if that was not changed."""
    folder = _value(_lines(file), "", "ResourceDirectory")
    return Path(folder) if folder and Path(folder).is_absolute() else None


def _key(plug_in: str) -> str:
    return f"enable_{plug_in}"


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _value(lines: list[str], group: str, key: str) -> str | None:
    return next((value for at, name, value in _entries(lines) if (at, name) == (group, key)), None)


def _entries(lines: list[str]) -> list[tuple[str, str, str]]:
    # Each line as group, key and value; what is none has an empty key. Lines before the first
    # header are of no group.
    entries: list[tuple[str, str, str]] = []
    group = ""
    for line in lines:
        header = re.fullmatch(r"\[(.*)\]", line)
        group = header[1] if header else group
        key, _, value = ("", "", "") if header else line.partition("=")
        entries.append((group, key.strip(), value.strip()))
    return entries


def _without(lines: list[str], group: str, key: str) -> list[str]:
    entries = _entries(lines)
    return [
        line
        for line, (at, name, _) in zip(lines, entries, strict=True)
        if (at, name) != (group, key)
    ]


def _write(file: Path, lines: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.pixelmend")
    text = "\n".join(lines) + "\n"
    temporary.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    with contextlib.suppress(FileNotFoundError):
        temporary.chmod(file.stat().st_mode & 0o777)
    # Not over a link: some keep their settings elsewhere.
    move_into_place(temporary, file.resolve())
