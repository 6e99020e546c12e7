"""Translations: catalogs as people write them (`.po`), and as gettext reads them (`.mo`).

They are compiled where a plug-in is installed, so that no compiler is needed to build Pixelmend.
"""

import ast
import struct
from collections.abc import Iterator
from pathlib import Path

from pixelmend.errors import BadRequest

FOLDER = Path(__file__).parent / "locale"
MAGIC = 0x950412DE
HEADER = struct.Struct("<7I")  # magic, revision, count, two tables, and no hash table
ENTRY = struct.Struct("<2I")  # length, offset


def languages() -> list[str]:
    """Lists what Pixelmend is translated into."""
    return sorted(path.stem for path in FOLDER.glob("*.po"))


def read(language: str) -> dict[str, str]:
    """Reads a catalog: each text, and what it is in that language.

    Plural forms are joined by NUL, as `.mo` files have them.

    Raises:
        BadRequest: A line is none that a catalog has.
    """
    texts: dict[str, str] = {}
    for entry in _entries((FOLDER / f"{language}.po").read_text(encoding="utf-8")):
        text = entry["msgid"]
        if "msgid_plural" in entry:
            text += "\0" + entry["msgid_plural"]
        forms = [entry[key] for key in sorted(entry) if key.startswith("msgstr")]
        if all(forms):
            texts[text] = "\0".join(forms)
    return texts


def _entries(lines: str) -> Iterator[dict[str, str]]:
    entry: dict[str, str] = {}
    key = ""
    for number, line in enumerate(lines.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        word, _, quoted = line.rpartition(" ") if line[0] == '"' else line.partition(" ")
        if line[0] == '"':
            word, quoted = "", line
        if word == "msgid" and entry:
            yield entry
            entry = {}
        key = word or key
        try:
            entry[key] = entry.get(key, "") + ast.literal_eval(quoted)
        except (SyntaxError, ValueError, TypeError) as error:
            raise BadRequest(f"Line {number} of a catalog is wrong", hint="Mend it") from error
    if entry:
        yield entry


def compile_mo(texts: dict[str, str]) -> bytes:
    """Writes a catalog as gettext reads it: two tables of places, sorted, and the texts."""
    pairs = sorted((text.encode(), translated.encode()) for text, translated in texts.items())
    tables: list[bytes] = []
    data = b""
    start = HEADER.size + 2 * len(pairs) * ENTRY.size
    for column in (0, 1):
        for pair in pairs:
            tables.append(ENTRY.pack(len(pair[column]), start + len(data)))
            data += pair[column] + b"\0"
    first, second = HEADER.size, HEADER.size + len(pairs) * ENTRY.size
    return HEADER.pack(MAGIC, 0, len(pairs), first, second, 0, start) + b"".join(tables) + data


def write(folder: Path, domain: str) -> None:
    """Writes every catalog to where gettext looks for it."""
    for language in languages():
        target = folder / language / "LC_MESSAGES" / f"{domain}.mo"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compile_mo(read(language)))
