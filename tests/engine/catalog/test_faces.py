"""What is said where the files that find faces are not here."""

import pytest

from pixelmend.errors import DownloadFailed, WeightsMissing, WrongFile
from pixelmend_engine.catalog import faces


@pytest.mark.parametrize("kind", [WeightsMissing, DownloadFailed])
def test_the_message_names_what_is_missing_and_no_file(
    kind: type[WeightsMissing] | type[DownloadFailed],
) -> None:
    error = faces.not_to_be_had(kind("The weights `parsenet` are not here", hint="Get them"))
    assert type(error) is kind
    assert error.message == "What finds faces is not on this computer, and can't be fetched now"
    assert error.hint.startswith("Get them. Or mark the face")


def test_what_is_wrong_with_a_file_is_said_of_that_file() -> None:
    error = faces.not_to_be_had(WrongFile("`parsenet` is another file", hint="Try again"))
    assert error.message == "`parsenet` is another file"
