"""Opening pickled checkpoints without running anything that is in them.

torch's own restricted unpickler does the work (`weights_only=True`): it knows tensors, storages and
plain containers, and refuses every other name before anything is made of it. Checkpoints of
Lightning hold their configuration as well. For the classes in it, which are listed here by name, it
is given `Inert` instead, which takes whatever it is given and does nothing.
"""

import pickle
import re
import struct
import warnings
import zipfile
from pathlib import Path

import torch

from pixelmend.errors import UnreadableCheckpoint

GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
PLAIN_MAPPINGS = ("collections.defaultdict",)
INERT = (
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.object",
    "builtins.str",
    "builtins.tuple",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.nodes.AnyNode",
    "omegaconf.nodes.BooleanNode",
    "omegaconf.nodes.FloatNode",
    "omegaconf.nodes.IntegerNode",
    "omegaconf.nodes.StringNode",
    "pathlib.PosixPath",
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "typing.Any",
)


DAMAGED = (  # what torch's unpickler raises over bytes that are no checkpoint, besides its own
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,  # also of the archives that torch writes
    TypeError,
    ValueError,
    struct.error,
)


class NoCheckpoint(Exception):
    """Bytes were to be unpickled that are no checkpoint."""


class Inert:
    """Stands where a class of a configuration stood."""

    def __new__(cls, *_: object) -> "Inert":
        """Takes any arguments, and leaves them."""
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Takes any state, and leaves it."""


def load(path: Path) -> object:
    """Reads a pickled checkpoint; tensors stay on the disk until they are used, where they can.

    Raises:
        UnreadableCheckpoint: It names something that is neither a tensor nor on the list above.
        NoCheckpoint: Its bytes are none.
        OSError: It can't be read.
    """
    stand_ins = [(Inert, name) for name in INERT] + [(_mapping, name) for name in PLAIN_MAPPINGS]
    with warnings.catch_warnings(), torch.serialization.safe_globals(list(stand_ins)):
        warnings.simplefilter("ignore")  # of pickles that torch did not write; it reads or refuses
        try:
            mapped = zipfile.is_zipfile(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as error:
            if named := GLOBAL.search(str(error)):
                raise UnreadableCheckpoint(
                    f"The file names `{named[1]}`, which no weights need, and was not opened: "
                    f"`{path.name}`",
                    hint="Do not use it, unless you know where it is from; then save its tensors "
                    "as safetensors",
                ) from error
            raise NoCheckpoint(str(error)) from error
        except DAMAGED as error:
            raise NoCheckpoint(str(error)) from error


def _mapping(*_: object) -> dict[object, object]:
    return {}
