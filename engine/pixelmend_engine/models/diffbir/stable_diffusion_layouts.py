"""The two layouts that Stable Diffusion 2.1 is published in, brought to the names of its own code.

One file holds all networks behind prefixes (`model.diffusion_model.`, …); or a folder holds one
file for each, under the names of diffusers and transformers. The names on the left of
the tables are ours (and the first layout's), the names on the right are theirs.
"""

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from pixelmend_engine.catalog.sizes import AutoencoderSizes, UNetSizes
from pixelmend_engine.weights.checkpoints.reading import StateDict

PREFIXES = {  # of the single file
    "unet": "model.diffusion_model.",
    "autoencoder": "first_stage_model.",
    "text_encoder": "cond_stage_model.model.",
}
MARKS = {  # a name that each network has, and no other of the networks that we know
    "unet": "model.diffusion_model.input_blocks.0.0.weight",
    "autoencoder": "first_stage_model.quant_conv.weight",
    "text_encoder": "cond_stage_model.model.token_embedding.weight",
}
FOREIGN_MARKS = {
    "unet": "up_blocks.0.resnets.0.norm1.weight",
    "autoencoder": "decoder.up_blocks.0.resnets.0.norm1.weight",
    "text_encoder": "embeddings.token_embedding.weight",
}
TEXT_PREFIX = "text_model."  # of transformers 4

RESIDUAL = (  # parts of the U-Net's residual blocks
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
)
ATTENTION = (  # parts of the autoencoder's attention; 1x1 convolutions here, matrices there
    ("norm", "group_norm"),
    ("q", "to_q"),
    ("k", "to_k"),
    ("v", "to_v"),
    ("proj_out", "to_out.0"),
    ("q", "query"),  # and as they were called at first, in the published file in float32
    ("k", "key"),
    ("v", "value"),
    ("proj_out", "proj_attn"),
)
TEXT_BLOCK = (
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("attn.out_proj", "self_attn.out_proj"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
)


def networks(
    state: StateDict, unet: UNetSizes, autoencoder: AutoencoderSizes
) -> dict[str, StateDict]:
    """Returns the networks of Stable Diffusion that a file holds, in either layout, by name."""
    plain = {key.removeprefix(TEXT_PREFIX): value for key, value in state.items()}
    if FOREIGN_MARKS["text_encoder"] in plain:
        return {"text_encoder": _text(plain)}
    if FOREIGN_MARKS["unet"] in state:
        return {"unet": _renamed(state, _unet(unet))}
    if FOREIGN_MARKS["autoencoder"] in state:
        return {"autoencoder": _squared(_renamed(state, _autoencoder(autoencoder)))}
    return {
        name: {
            key.removeprefix(prefix): value
            for key, value in state.items()
            if key.startswith(prefix) and not _is_unused(name, key)
        }
        for name, prefix in PREFIXES.items()
        if MARKS[name] in state
    }


def _is_unused(name: str, key: str) -> bool:
    # The text encoder's projection and temperature are for comparing texts with pictures.
    return name == "text_encoder" and key.rpartition(".")[2] in ("text_projection", "logit_scale")


def without_last_layers(state: StateDict, layers: int) -> StateDict:
    """Leaves the text encoder's layers out that are never run."""
    numbered = re.compile(r"transformer\.resblocks\.(\d+)\.")
    return {
        key: value
        for key, value in state.items()
        if (match := numbered.match(key)) is None or int(match[1]) < layers
    }


def _renamed(state: StateDict, pairs: Mapping[str, str]) -> StateDict:
    # By the longest name that fits; what has none keeps its own, and loading will refuse it.
    renamed: StateDict = {}
    for key, value in state.items():
        stem = key
        while stem not in pairs and "." in stem:
            stem = stem.rpartition(".")[0]
        renamed[pairs.get(stem, stem) + key[len(stem) :]] = value
    return renamed


def _unet(sizes: UNetSizes) -> dict[str, str]:
    """Lists theirs to ours for the U-Net's modules."""
    pairs = {
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "conv_in": "input_blocks.0.0",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
        "mid_block.attentions.0": "middle_block.1",
    }

    def residual(theirs: str, ours: str) -> None:
        pairs.update({f"{theirs}.{b}": f"{ours}.{a}" for a, b in RESIDUAL})

    residual("mid_block.resnets.0", "middle_block.0")
    residual("mid_block.resnets.1", "middle_block.2")
    levels, blocks = len(sizes.multipliers), sizes.blocks
    for level in range(levels):
        for block in range(blocks):
            entry = f"input_blocks.{level * (blocks + 1) + block + 1}"
            residual(f"down_blocks.{level}.resnets.{block}", f"{entry}.0")
            pairs[f"down_blocks.{level}.attentions.{block}"] = f"{entry}.1"
        shrunk = f"input_blocks.{(level + 1) * (blocks + 1)}.0.op"
        pairs[f"down_blocks.{level}.downsamplers.0.conv"] = shrunk
        attends = levels - 1 - level < sizes.attending_levels  # counted from the coarsest here
        for block in range(blocks + 1):
            entry = f"output_blocks.{level * (blocks + 1) + block}"
            residual(f"up_blocks.{level}.resnets.{block}", f"{entry}.0")
            pairs[f"up_blocks.{level}.attentions.{block}"] = f"{entry}.1"
        last = f"output_blocks.{level * (blocks + 1) + blocks}"
        pairs[f"up_blocks.{level}.upsamplers.0.conv"] = f"{last}.{2 if attends else 1}.conv"
    return pairs


def _autoencoder(sizes: AutoencoderSizes) -> dict[str, str]:
    """Lists theirs to ours for the autoencoder's modules."""
    pairs: dict[str, str] = {}

    def residual(theirs: str, ours: str) -> None:
        pairs[theirs] = ours
        pairs[f"{theirs}.conv_shortcut"] = f"{ours}.nin_shortcut"

    last = len(sizes.multipliers) - 1
    for half, blocks in (("encoder", sizes.blocks), ("decoder", sizes.blocks + 1)):
        pairs[f"{half}.conv_norm_out"] = f"{half}.norm_out"
        for number in (0, 1):
            residual(f"{half}.mid_block.resnets.{number}", f"{half}.mid.block_{number + 1}")
        for ours, theirs in ATTENTION:
            pairs[f"{half}.mid_block.attentions.0.{theirs}"] = f"{half}.mid.attn_1.{ours}"
        for level in range(last + 1):
            down = half == "encoder"
            theirs = f"{half}.{'down' if down else 'up'}_blocks.{level}"
            ours = f"{half}.down.{level}" if down else f"{half}.up.{last - level}"
            for block in range(blocks):
                residual(f"{theirs}.resnets.{block}", f"{ours}.block.{block}")
            change = "down" if down else "up"
            pairs[f"{theirs}.{change}samplers.0.conv"] = f"{ours}.{change}sample.conv"
    return pairs


def _squared(state: StateDict) -> StateDict:
    # A matrix is a 1x1 convolution.
    return {
        key: value[..., None, None] if ".attn_1." in key and value.ndim == 2 else value
        for key, value in state.items()
    }


def _text(state: StateDict) -> StateDict:
    converted = dict(_text_layers(state))
    converted["token_embedding.weight"] = state["embeddings.token_embedding.weight"]
    converted["positional_embedding"] = state["embeddings.position_embedding.weight"]
    for part in ("weight", "bias"):
        converted[f"ln_final.{part}"] = state[f"final_layer_norm.{part}"]
    return converted


def _text_layers(state: StateDict) -> Iterator[tuple[str, Tensor]]:
    count = sum(key.endswith(".layer_norm1.weight") for key in state)
    for number in range(count):
        theirs, ours = f"encoder.layers.{number}", f"transformer.resblocks.{number}"
        for part in ("weight", "bias"):
            for a, b in TEXT_BLOCK:
                yield f"{ours}.{a}.{part}", state[f"{theirs}.{b}.{part}"]
            joined = [state[f"{theirs}.self_attn.{name}_proj.{part}"] for name in "qkv"]
            yield f"{ours}.attn.in_proj_{part}", torch.cat(joined)
