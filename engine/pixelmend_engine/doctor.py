"""What Pixelmend needs on this computer, looked at one by one."""

import importlib.util
import platform
import sys
from pathlib import Path

import PIL
import torch

from pixelmend import __version__
from pixelmend.finding import Finding
from pixelmend_engine.catalog import registry
from pixelmend_engine.inference import memory
from pixelmend_engine.weights import store


def examine(models_dir: Path) -> list[Finding]:
    """Looks at the program, the devices, the memory and the weights."""
    return [
        Finding("pixelmend", __version__),
        Finding("python", f"{platform.python_version()} at {sys.executable}"),
        Finding("libraries", f"torch {torch.__version__}, Pillow {PIL.__version__}"),
        Finding("processor", f"{platform.machine()}, {torch.get_num_threads()} threads"),
        _panel(),
        *_gpus(),
        Finding("memory", _memory()),
        *_bundled(),
        Finding("models folder", _models(models_dir)),
    ]


def _panel() -> Finding:
    # No fault: who passes Pixelmend on may leave it out.
    found = importlib.util.find_spec("PyQt6") is not None
    return Finding(
        "panel", "PyQt6" if found else "none without PyQt6; GIMP shows its own bar alone"
    )


def _gpus() -> list[Finding]:
    if not torch.cuda.is_available():
        # No fault: everything runs on the CPU, only slower.
        build = torch.version.cuda or "a build without CUDA"
        return [Finding("gpu", f"none that torch ({build}) can use; the CPU computes")]
    return [
        Finding(
            f"gpu cuda:{index}",
            f"{torch.cuda.get_device_name(index)}, "
            f"{_gigabytes(torch.cuda.mem_get_info(index)[0])} free",
        )
        for index in range(torch.cuda.device_count())
    ]


def _memory() -> str:
    granted = memory.granted()
    return (
        f"{_gigabytes(granted.free_bytes)} free "
        f"of {_gigabytes(granted.total_bytes)} that {granted.grantor} grants"
    )


def _bundled() -> list[Finding]:
    findings: list[Finding] = []
    for spec in registry.MODELS:
        if spec.bundled is None:
            continue
        path = store.bundled_file(spec.bundled.name)
        sound = path.is_file() and store.sha256(path) == spec.bundled.sha256
        hint = None if sound else "Install Pixelmend again"
        findings.append(Finding(f"weights of {spec.id}", "sound" if sound else "damaged", hint))
    return findings


def _models(models_dir: Path) -> str:
    installed = [
        spec.id for spec in registry.MODELS if store.state(spec, models_dir) == "installed"
    ]
    return f"{models_dir} ({', '.join(installed) or 'nothing installed'})"


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
