"""What is in which of DiffBIR's files: each holds one network or several, by published names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.models.diffbir import stable_diffusion_layouts
from pixelmend_engine.nn.swinir import SwinIR
from pixelmend_engine.weights.checkpoints.reading import StateDict

FACE_FILE_MARK = "face"  # in the name of the one of two equal networks that is for faces
CONTROL, RESTORATION_MODULE = "control_model.", "preprocess_model."  # prefixes in the files of 2023
OURS = ("control.", "swinir.", "swinir_face.")  # prefixes in what `pixelmend train` leaves behind


@dataclass(frozen=True)
class NetworkTensors:
    """One network's tensors in a file."""

    name: str
    tensors: StateDict
    fallback: bool  # whether one in a file of its own is meant instead, where there is one


def sorted_by_network(
    config: DiffBIRConfig, files: Mapping[str, StateDict]
) -> dict[str, StateDict]:
    """Sorts the tensors of a checkpoint's files by network.

    Files are recognized by their keys; of two restoration modules that differ in their numbers
    alone, the one for faces has `face` in its name. A restoration module in a file of its own is
    taken before one in a file of 2023, which holds all networks: the authors give v1's general
    pictures both. Files of networks that are not part of this family are left out.

    Raises:
        UnreadableCheckpoint: A file holds a network that another file holds as well.
    """
    networks: dict[str, StateDict] = {}
    fallbacks: dict[str, StateDict] = {}
    for file, state in files.items():
        for network in _networks(config, file, state):
            same_kind = fallbacks if network.fallback else networks
            if network.name in same_kind:
                raise UnreadableCheckpoint(
                    f"One of the weight files holds a second {network.name}: `{file}`",
                    hint="Leave only the files of one DiffBIR model in the folder",
                )
            same_kind[network.name] = network.tensors
    return fallbacks | networks


def _networks(config: DiffBIRConfig, file: str, state: StateDict) -> Iterator[NetworkTensors]:
    parts = stable_diffusion_layouts.networks(state, config.unet, config.autoencoder)
    for name, tensors in parts.items():
        trimmed = tensors
        if name == "text_encoder":
            trimmed = stable_diffusion_layouts.without_last_layers(tensors, config.text.layers)
        yield NetworkTensors(name, trimmed, fallback=False)
    for prefix in ("", CONTROL, RESTORATION_MODULE, *OURS):
        part = {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)}
        fallback = prefix == RESTORATION_MODULE
        if "zero_convs.0.0.weight" in part:
            yield NetworkTensors("control", part, fallback)
        elif "conv_up3.weight" in part:
            name = "swinir_face" if FACE_FILE_MARK in f"{file} {prefix}" else "swinir"
            kept = {k: t for k, t in part.items() if not k.endswith(SwinIR.BUFFERS)}
            yield NetworkTensors(name, kept, fallback)
        elif "RRDB_trunk.0.RDB1.conv1.weight" in part:
            yield NetworkTensors("bsrnet", part, fallback)
        elif "m_head.0.weight" in part:
            yield NetworkTensors("scunet", part, fallback)
