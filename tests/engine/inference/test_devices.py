"""Devices that are there are found; the others are refused with what to do."""

import platform
import subprocess
import sys

import pytest
import torch

from pixelmend.errors import DeviceUnavailable
from pixelmend_engine.inference import devices, memory

CPU = torch.device("cpu")
HAS_GPU = torch.cuda.is_available()


def test_the_cpu_is_always_there() -> None:
    assert devices.choose_device("cpu") == CPU


@pytest.mark.skipif(HAS_GPU, reason="this computer has a GPU")
def test_auto_takes_the_cpu_where_there_is_no_gpu() -> None:
    assert devices.choose_device("auto") == CPU


@pytest.mark.skipif(HAS_GPU, reason="this computer has a GPU")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:3"])
def test_cuda_where_there_is_none_is_refused(name: str) -> None:
    with pytest.raises(DeviceUnavailable, match="No CUDA GPU") as refused:
        devices.choose_device(name)
    assert "--device cpu" in refused.value.hint


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="this computer has no GPU")
def test_a_gpu_beyond_the_last_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match="counted from 0"):
        devices.choose_device("cuda:99")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cpu:1", "tpu", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(DeviceUnavailable, match="no device named"):
        devices.choose_device(name)


def test_precision_is_full_on_a_cpu_unless_asked() -> None:
    assert devices.choose_dtype("auto", CPU) == torch.float32
    assert devices.choose_dtype("bf16", CPU) == torch.bfloat16
    assert devices.choose_dtype("fp16", CPU) == torch.float16


def test_memory_is_told_in_bytes() -> None:
    assert devices.free_bytes(CPU) > 2**20
    block = torch.ones(2**26)
    assert devices.peak_bytes(CPU) > block.nbytes


def test_want_of_memory_is_recognized() -> None:
    with pytest.raises(RuntimeError) as failed:
        torch.empty(2**55)
    assert devices.is_out_of_memory(failed.value)
    assert devices.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert devices.is_out_of_memory(MemoryError())
    assert not devices.is_out_of_memory(RuntimeError("shapes differ"))


KEEPING = """
import psutil, sys, torch
from pixelmend_engine.inference import devices, memory

def megabytes():
    return psutil.Process().memory_info().rss / 2**20

if sys.argv[1:] == ["keep"]:
    devices.keep_memory()
torch.zeros(1)
before = megabytes()
torch.ones(2**26)  # 256 MB, freed at once
print(megabytes() - before)
devices.give_back(torch.device("cpu"))
print(megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_memory_is_kept_for_training_until_it_is_given_back() -> None:
    def held(*options: str) -> list[float]:
        command = [sys.executable, "-c", KEEPING, *options]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [float(line) for line in output.split()]

    # Half of it, either way: the process itself grows a little.
    assert held()[0] < 128
    kept, given_back = held("keep")
    assert kept > 128 > given_back


def test_a_share_of_a_gpu_is_what_is_free_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"mem_get_info": (70, 100), "memory_reserved": 20, "memory_allocated": 15}
    for name, figure in figures.items():

        def answer(device: torch.device, figure: object = figure) -> object:
            return figure

        monkeypatch.setattr(torch.cuda, name, answer)
    assert devices.free_bytes(torch.device("cuda")) == 75
    monkeypatch.setattr(memory, "_share", memory.Share(gpu_fraction=0.25))
    assert devices.free_bytes(torch.device("cuda")) == 10  # 5 of the share, 5 that it holds
