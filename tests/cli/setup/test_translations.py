"""The translations are complete, and compiled as gettext reads them."""

import ast
import gettext
import io
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmend.presentation import messages
from pixelmend_cli.setup import translations
from pixelmend_engine.catalog import options, registry, tasks

ROOT = Path(__file__).parents[3]
CODE = [
    *(ROOT / "plugin" / "pixelmend").rglob("*.py"),
    *(ROOT / "gimp" / "pixelmend-restore").glob("*.py"),
    *(ROOT / "krita" / "pixelmend_krita").glob("*.py"),
]
LANGUAGES = ("de", "zh_CN")


def texts() -> set[str]:
    """Lists what users of an editor are shown, from the code and the engine's descriptions."""
    texts = {*tasks.TITLES.values(), *tasks.RESULTS.values(), *tasks.DESCRIPTIONS.values()}
    for task in tasks.TITLES:
        for option in options.of_task(task).values():
            texts |= {option["title"], option["description"]}
    for path in CODE:
        texts |= set(_marked(ast.parse(path.read_text(encoding="utf-8"))))
    return texts


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        constants = [one.value for one in node.args if isinstance(one, ast.Constant)]
        words = [one for one in constants if isinstance(one, str)]
        if called in ("_", "translate"):
            yield from words
        elif called == "dngettext":
            yield "\0".join(words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_nothing_else(language: str) -> None:
    assert set(translations.read(language)) - {""} == texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_placeholders_and_mnemonics(language: str) -> None:
    for text, translated in translations.read(language).items():
        if text:
            assert _fields(translated.split("\0")[0]) == _fields(text.split("\0")[0]), text
            assert ("&" in translated) == ("&" in text), text
            assert ("_" in translated) == ("_" in text), text


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages_are_those_of_the_folder() -> None:
    assert tuple(translations.languages()) == LANGUAGES


def test_gettext_reads_what_is_compiled() -> None:
    texts = translations.read("de")
    compiled = gettext.GNUTranslations(io.BytesIO(translations.compile_mo(texts)))
    assert compiled.gettext("Restoring") == texts["Restoring"] != "Restoring"
    one = "Waiting for {count} picture before this one"
    many = "Waiting for {count} pictures before this one"
    forms = texts[f"{one}\0{many}"].split("\0")
    assert [compiled.ngettext(one, many, count) for count in (1, 2)] == forms


def test_phrases_are_translated_once_a_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translations.write(tmp_path, messages.DOMAIN)
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    messages.bind(tmp_path)
    assert messages.translate("Deblur") == translations.read("zh_CN")["Deblur"]
    messages.bind(tmp_path / "none")
    assert messages.translate("Deblur") == "Deblur"


def test_models_keep_their_names() -> None:
    titles = {spec.title for spec in registry.MODELS}
    assert titles.isdisjoint(texts())
