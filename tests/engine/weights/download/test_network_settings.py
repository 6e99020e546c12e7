"""The network's settings come from the variables that other programs obey, too."""

from pathlib import Path

import pytest

from pixelmend_engine.weights.download import network_settings


@pytest.mark.parametrize(
    ("environ", "offline"),
    [
        ({}, False),
        ({"PIXELMEND_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "TRUE"}, True),
        ({"PIXELMEND_OFFLINE": "0", "HF_HUB_OFFLINE": ""}, False),
    ],
)
def test_offline(environ: dict[str, str], offline: bool) -> None:
    assert network_settings.resolve(environ).offline is offline


def test_the_hub_has_an_address_and_a_token(tmp_path: Path) -> None:
    nobody = {"HF_HOME": str(tmp_path)}
    assert network_settings.resolve(nobody).hub == "https://huggingface.co"
    assert network_settings.resolve(nobody).hub_token is None
    elsewhere = {**nobody, "HF_ENDPOINT": "https://hub.example/", "HF_TOKEN": "given"}
    assert network_settings.resolve(elsewhere).hub == "https://hub.example"
    assert network_settings.resolve(elsewhere).hub_token == "given"
    with_line_end = {**nobody, "HF_TOKEN": "given\r\n"}
    assert network_settings.resolve(with_line_end).hub_token == "given"
    (tmp_path / "token").write_text("of the file\n")
    assert network_settings.resolve(nobody).hub_token == "of the file"


def test_a_mirror_of_the_users_own() -> None:
    assert network_settings.resolve({}).mirror is None
    found = network_settings.resolve({"PIXELMEND_MIRROR": "https://weights.example/all/"})
    assert found.mirror == "https://weights.example/all"
