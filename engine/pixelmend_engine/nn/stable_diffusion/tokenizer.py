"""CLIP's tokenizer: a text to the numbers that the text encoder knows.

Source: Radford et al., CLIP, arXiv:2103.00020 (byte-pair encoding over bytes that are written as
printable characters). The vocabulary file beside it is OpenAI's, under the MIT license.
"""

import functools
import gzip
import html
import unicodedata
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise

import ftfy

TOKENS = 77  # of every text: cut, or filled up
START, END, PAD = 49406, 49407, 0
MERGES = 49152 - 256 - 2  # of the file, as published: the vocabulary less bytes and marks
SPECIAL = {"<start_of_text>": START, "<end_of_text>": END}
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def tokenize(text: str) -> list[int]:
    """Returns the 77 ids of a text; one that is too long loses its end."""
    ids = [START, *_ids(_cleaned(text)), END]
    if len(ids) > TOKENS:
        ids = [*ids[: TOKENS - 1], END]
    return ids + [PAD] * (TOKENS - len(ids))


def _cleaned(text: str) -> str:
    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split()).lower()


def _ids(text: str) -> Iterator[int]:
    characters, merges, ids = _vocabulary()
    for word in _words(text):
        if word in SPECIAL:
            yield SPECIAL[word]
            continue
        parts = [characters[byte] for byte in word.encode()]
        parts[-1] += "</w>"
        yield from (ids[part] for part in _merged(parts, merges))


def _words(text: str) -> Iterator[str]:
    # Marks, contractions, letters together, digits alone, and all else together.
    place = 0
    while place < len(text):
        fixed = next(
            (word for word in (*SPECIAL, *CONTRACTIONS) if text.startswith(word, place)), None
        )
        stop = place + len(fixed) if fixed else _word_end(text, place)
        if not text[place].isspace():
            yield text[place:stop]
        place = stop


def _word_end(text: str, start: int) -> int:
    kind = _kind(text[start])
    stop = start + 1
    while kind in "LP" and stop < len(text) and _kind(text[stop]) == kind:
        stop += 1
    return stop


def _kind(character: str) -> str:
    if character.isspace():
        return "S"
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "P"


def _merged(parts: list[str], merges: dict[tuple[str, str], int]) -> list[str]:
    # The pair that was learned first is joined wherever it stands, then the next.
    while len(parts) > 1:
        pairs = pairwise(parts)
        best = min(pairs, key=lambda pair: merges.get(pair, len(merges)))
        if best not in merges:
            break
        joined: list[str] = []
        for part in parts:
            if joined and (joined[-1], part) == best:
                joined[-1] += part
            else:
                joined.append(part)
        parts = joined
    return parts


@functools.cache
def _vocabulary() -> tuple[list[str], dict[tuple[str, str], int], dict[str, int]]:
    folder = resources.files("pixelmend_engine.nn") / "vocabulary"
    packed = (folder / "bpe_simple_vocab_16e6.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()[1 : MERGES + 1]
    pairs = [(first, second) for first, _, second in (line.partition(" ") for line in lines)]
    characters = _byte_characters()
    # The file's numbers begin with the printable bytes, in the order of their characters.
    single = sorted(characters, key=lambda character: (ord(character) >= 256, ord(character)))
    words = [*single, *(character + "</w>" for character in single), *(a + b for a, b in pairs)]
    merges = {pair: rank for rank, pair in enumerate(pairs)}
    return characters, merges, {word: number for number, word in enumerate(words)}


def _byte_characters() -> list[str]:
    # Each byte as a character: itself where it can be seen, else one from beyond Latin-1.
    printable = {
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(0xAE, 0x100),
    }
    other = [byte for byte in range(256) if byte not in printable]
    return [chr(byte if byte in printable else 256 + other.index(byte)) for byte in range(256)]
