"""Which files are weights, by their names."""

from pathlib import Path

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
DIFFUSERS = ("text_encoder", "unet", "vae")  # folders of a model in the layout of diffusers


def files_in(folder: Path) -> tuple[Path, ...]:
    """Lists the weight files of a folder, by name; none where there is no such folder."""
    if not folder.is_dir():
        return ()
    # Names with a dot in front are what macOS leaves on foreign disks, not weights.
    files = (path for path in folder.iterdir() if path.name[0] != ".")
    return tuple(sorted(path for path in files if path.suffix in SUFFIXES))
