"""Tokenizer and text encoder compute what the published code computes.

Tolerance: float32 sums in another order, as measured beside the golden vectors.
"""

import json
from typing import Any

import pytest
import torch
from golden import recipe
from golden.recipe import HERE, Golden, filled
from golden.vectors import assert_near, manifest

from pixelmend_engine.catalog.sizes import TextEncoderSizes
from pixelmend_engine.nn.stable_diffusion.text_encoder import TextEncoder
from pixelmend_engine.nn.stable_diffusion.tokenizer import tokenize

TOLERANCE = 2e-5
CASES: list[dict[str, Any]] = json.loads((HERE / "tokenizer.json").read_text())["cases"]


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = TextEncoder(TextEncoderSizes())
    prefix = "cond_stage_model.model."
    assert {f"{prefix}{key}": list(t.shape) for key, t in network.state_dict().items()} == {
        key: shape for key, shape in manifest("diffbir-sd21-ldm").items() if key.startswith(prefix)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["text"][:24]))
def test_tokens(case: dict[str, Any]) -> None:
    ids = tokenize(case["text"])
    assert ids == case["ids"] + [0] * (77 - case["length"])


def test_embeddings() -> None:
    golden = Golden("text-encoder")
    network = filled(TextEncoder(recipe.TEXT), "cond_stage_model.model.")
    ids = torch.tensor([tokenize(text) for text in golden.facts["strings"]])
    assert torch.equal(ids, golden["ids"])
    assert_near(network(ids), golden["embeddings"], TOLERANCE)
