"""Which device computes, in which precision, and how much memory it has left."""

import contextlib
import ctypes
import os
import re
import sys
from typing import Literal

import psutil
import torch

from pixelmend.errors import DeviceUnavailable
from pixelmend_engine.inference import memory

Precision = Literal["auto", "fp32", "bf16", "fp16"]

BF16_CAPABILITY = (8, 0)  # the first CUDA generation (Ampere) that computes in bfloat16
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h
GPU_NUMBER = re.compile("[0-9]{1,4}")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def use_huge_pages() -> None:
    """Lets torch take its large blocks in huge pages, on Linux. Before the first tensor is made.

    A megapixel on two CPU cores takes 6 s instead of 10: most of the difference is the kernel's
    time for mapping small pages, again for every layer.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def keep_memory() -> None:
    """Lets the C library keep what torch frees for the next tensors, on Linux; `give_back` undoes.

    For training on a CPU, where each step takes and frees the same gigabytes: 16 crops of 128
    pixels take 3.1 s instead of 5.7, and a tenth more memory. A picture restored whole gains
    nothing by it; in tiles it takes less time and far more memory (docs/performance.md).
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
            library = ctypes.CDLL("libc.so.6")
            library.mallopt(_M_MMAP_MAX, 0)
            library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def choose_device(name: str) -> torch.device:
    """Turns `auto`, `cpu`, `cuda` or `cuda:N` into a device that is there.

    Raises:
        DeviceUnavailable: It is not, or the name is none of these.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda:0" if count else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, colon, number = name.partition(":")
    if kind != "cuda" or (colon and not GPU_NUMBER.fullmatch(number)):
        raise DeviceUnavailable(
            f"There is no device named `{name}`", hint="Use auto, cpu, cuda or cuda:N"
        )
    if not count:
        raise DeviceUnavailable(
            "No CUDA GPU can be used on this computer",
            hint="Use --device cpu, or see `pixelmend doctor` for what was found",
        )
    if int(number or 0) >= count:
        raise DeviceUnavailable(
            f"There is no GPU `{name}`: this computer has {count}, counted from 0",
            hint="Use --device auto, or see `pixelmend doctor` for what was found",
        )
    return torch.device("cuda", int(number or 0))


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Picks what the large networks compute in: by default float32 on a CPU, half on a GPU."""
    if precision != "auto":
        return DTYPES[precision]
    if device.type == "cpu":
        return torch.float32
    capable = torch.cuda.get_device_capability(device) >= BF16_CAPABILITY
    return torch.bfloat16 if capable else torch.float16


def free_bytes(device: torch.device) -> int:
    """Returns how much memory could still be taken on the device."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        reserved = torch.cuda.memory_reserved(device)
        free = min(free, int(total * memory.share().gpu_fraction) - reserved)
        # What the allocator holds without using it can be taken again.
        return max(0, free) + reserved - torch.cuda.memory_allocated(device)
    return memory.granted().free_bytes


def peak_bytes(device: torch.device) -> int:
    """Returns the most memory that this process has held on the device so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource  # absent on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def is_out_of_memory(error: BaseException) -> bool:
    """Says whether torch failed for want of memory; on a CPU only its message tells."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(words in str(error) for words in ("can't allocate memory", "not enough memory"))


def give_back(device: torch.device) -> None:
    """Returns memory that is held only for the next tensors to the device's other users."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL("libc.so.6").malloc_trim(0)
