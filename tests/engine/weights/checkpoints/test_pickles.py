"""Pickles are opened without running anything; classes of configurations become inert."""

import collections
import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.weights.checkpoints import pickles


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> dict[str, type]:
    """Classes named as in Lightning's checkpoints, as they were where those were made."""
    names = {
        "DictConfig": "omegaconf.dictconfig",
        "ListConfig": "omegaconf.listconfig",
        "ContainerMetadata": "omegaconf.base",
        "AnyNode": "omegaconf.nodes",
        "ModelCheckpoint": "pytorch_lightning.callbacks.model_checkpoint",
        "Stranger": "omegaconf.strangers",
    }
    made: dict[str, type] = {}
    for name, module_name in names.items():
        made[name] = type(name, (), {"__module__": module_name})
        module = types.ModuleType(module_name)
        setattr(module, name, made[name])
        monkeypatch.setitem(sys.modules, module_name, module)
        package = module_name.partition(".")[0]
        monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
    return made


def configured(foreign: dict[str, type], content: object) -> object:
    """An object of a configuration: with metadata, with a parent that has it as its child."""
    node, meta = foreign["AnyNode"](), foreign["ContainerMetadata"]()
    config = foreign["DictConfig"]()
    config.__dict__.update({"_content": {"kind": node}, "_metadata": meta})
    node.__dict__.update({"_parent": config, "_val": content})
    meta.__dict__.update({"object_type": dict, "ref_type": collections.defaultdict(list)})
    return config


def lightning(foreign: dict[str, type], state: dict[str, torch.Tensor], **more: object) -> Any:
    """A checkpoint as Lightning 1.2 writes it."""
    written: dict[str, Any] = {
        "epoch": 3,
        "global_step": 900,
        "pytorch-lightning_version": "1.2.9",
        "state_dict": collections.OrderedDict(state),
        "callbacks": {foreign["ModelCheckpoint"]: {"best_model_score": torch.ones(())}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{}]}],
        "lr_schedulers": [],
        "hparams_name": "config",
        "hyper_parameters": configured(foreign, "DiffIRS2"),
        "hparams_type": foreign["DictConfig"],
        **more,
    }
    return written


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_of_lightning_is_read(
    zipped: bool, foreign: dict[str, type], tmp_path: Path
) -> None:
    path = tmp_path / "last.ckpt"
    state = {"generator.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save(lightning(foreign, state), path, _use_new_zipfile_serialization=zipped)
    loaded: Any = pickles.load(path)
    assert torch.equal(loaded["state_dict"]["generator.weight"], state["generator.weight"])
    assert type(loaded["hyper_parameters"]) is pickles.Inert
    assert vars(loaded["hyper_parameters"]) == {}


def test_a_class_that_is_not_on_the_list_is_named(foreign: dict[str, type], tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(lightning(foreign, {}, extra=foreign["Stranger"]()), path)
    with pytest.raises(UnreadableCheckpoint, match=r"`omegaconf\.strangers\.Stranger`.*last\.ckpt"):
        pickles.load(path)


class Calls:
    """Unpickled by plain pickle, it would call something."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[object, ...]:
        return self.reduced


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (eval, "eval"),
        (getattr, "getattr"),
        (exec, "exec"),
        (open, "io.open"),
        (__import__, "__import__"),
    ],
)
def test_functions_are_named_and_not_called(function: object, named: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"params": Calls(function, "nothing good")}, path)
    with pytest.raises(UnreadableCheckpoint, match=f"`{named}`"):
        pickles.load(path)


def test_what_is_allowed_ends_with_the_call(foreign: dict[str, type], tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(lightning(foreign, {}), path)
    pickles.load(path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)


def test_a_script_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("net/constants.pkl", pickle.dumps((), protocol=2))
        archive.writestr("net/version", "3")
    with pytest.raises(pickles.NoCheckpoint):
        pickles.load(path)
