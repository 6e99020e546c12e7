"""The help of a task shows first what most people want."""

import pytest
from click.testing import CliRunner

from pixelmend_cli.main import cli


@pytest.mark.parametrize("task", ["denoise", "restore", "upscale", "face"])
def test_common_options_come_first_and_a_models_own_last(task: str) -> None:
    text = CliRunner().invoke(cli, [task, "--help"]).stdout
    headings = ["\nOptions:", "\nHow it computes:", "\nFor scripts:", "\nOf diffbir-v2.1"]
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)
    common, computing, _, own = (
        text[start:end] for start, end in zip(places, [*places[1:], len(text)], strict=True)
    )
    assert "--output" in common
    assert "--strength" in common
    assert "--recursive" in common
    assert "--device" in computing
    for option in ("--sampler", "--negative-prompt", "--noise-aug"):
        assert option in own
        assert option not in common


def test_a_task_without_such_options_has_no_such_heading() -> None:
    text = CliRunner().invoke(cli, ["deblur", "--help"]).stdout
    assert "alone:" not in text
    assert "How it computes:" in text
