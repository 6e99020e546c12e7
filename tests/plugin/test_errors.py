"""The tree of errors: each has its own code, and is drawn where a reader looks."""

import pytest

from pixelmend import errors
from pixelmend.errors import PixelmendError


def tree(root: type[PixelmendError] = PixelmendError) -> list[type[PixelmendError]]:
    """Lists a class of errors and all below it."""
    return [root, *(leaf for branch in root.__subclasses__() for leaf in tree(branch))]


def test_codes_are_unique() -> None:
    codes = [error.code for error in tree()]
    assert len(set(codes)) == len(codes) > 10


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.code)
def test_every_error_is_drawn_and_described(error: type[PixelmendError]) -> None:
    drawn = [line.split() for line in (errors.__doc__ or "").splitlines()]
    line = next(words for words in drawn if error.__name__ in words)
    assert error.code in line
    assert line[-1] == str(error.exit_code)
    assert error.__doc__
    assert 400 <= error.status <= 599
    assert 1 <= error.exit_code <= 130


def test_what_happened_and_what_to_do_are_kept_apart() -> None:
    error = errors.BadImage("It is no image", hint="Choose another")
    assert (error.message, error.hint, str(error)) == (
        "It is no image",
        "Choose another",
        "It is no image",
    )
