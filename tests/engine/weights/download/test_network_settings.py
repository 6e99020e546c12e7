"""The network's settings come from the variables that other programs obey, too."""

import base64
from pathlib import Path

import pytest

from pixelmend.errors import BadRequest
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


def test_the_login_in_an_address_is_kept_apart() -> None:
    network = network_settings.resolve(
        {
            "PIXELMEND_MIRROR": "https://ann:s%40cret%2F@weights.example:8443/all/",
            "HF_ENDPOINT": "https://bob:hidden@hub.example",
        }
    )
    assert network.mirror == "https://weights.example:8443/all"
    assert network.mirror_login == f"Basic {base64.b64encode(b'ann:s@cret/').decode()}"
    assert network.hub == "https://hub.example"
    assert network.hub_login == f"Basic {base64.b64encode(b'bob:hidden').decode()}"
    assert "Basic" not in repr(network)


@pytest.mark.parametrize(
    "address",
    [
        "https://ann:se/cret@weights.example",
        "https://ann:12#cret@weights.example",
        "https://ann:12?cret@weights.example",
        "https://ann:12/cret@weights.example",
        "ann:cret@weights.example",
        "https://weights.example:cret/",
        "https://[cret/",
        "https://",
    ],
)
@pytest.mark.parametrize("name", ["PIXELMEND_MIRROR", "HF_ENDPOINT"])
def test_an_address_that_is_none_is_refused_and_not_repeated(name: str, address: str) -> None:
    with pytest.raises(BadRequest, match=name) as raised:
        network_settings.resolve({name: address})
    assert "cret" not in raised.value.message + raised.value.hint
    assert raised.value.__cause__ is None


def test_a_mirror_of_the_users_own() -> None:
    assert network_settings.resolve({}).mirror is None
    network = network_settings.resolve({"PIXELMEND_MIRROR": "https://weights.example/all/"})
    assert network.mirror == "https://weights.example/all"
