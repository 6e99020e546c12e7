"""`pixelmend models`, called as a user calls it, with a source of weights on this computer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import CommandRunner
from mirror import Mirror, Response
from published import pickled, tensors, zipped
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - PathLike

NETWORKS = ("net_g", "net_le_dm", "net_d")


@pytest.fixture(scope="module")
def published() -> bytes:
    """HI-Diff for RealBlur, as the authors publish it: an archive of three checkpoints, 97 MB."""
    return zipped(
        {
            f"HI_Diff_RealBlur_J/{name}.pth": pickled(
                {"params": tensors(f"hi-diff-realblur-{name}")}
            )
            for name in NETWORKS
        }
    )


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models of the test's own."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PIXELMEND_MODELS", str(folder))
    return folder


@pytest.fixture
def online(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """The source, which is asked first, and answers before anybody else is asked."""
    monkeypatch.delenv("PIXELMEND_OFFLINE")
    monkeypatch.setenv("PIXELMEND_MIRROR", mirror.url)
    return mirror


def weights_of(pixelmend: CommandRunner, model: str) -> str:
    """What `list` says of a model's weights."""
    rows = json.loads(pixelmend("models", "list", "--json").stdout)
    return next(row["weights"] for row in rows if row["id"] == model)


def test_models_and_files_are_listed(pixelmend: CommandRunner, models: Path) -> None:
    rows = json.loads(pixelmend("models", "list", "--json").stdout)
    assert {row["id"]: row["weights"] for row in rows}["hi-diff-compact"] == "bundled"
    assert rows[0]["files"] == ["hi-diff-gopro"]
    head, first, *_ = pixelmend("models", "list").stdout.splitlines()
    assert head.split() == ["id", "task", "weights", "size", "proof", "license"]
    assert first.split()[:6] == ["hi-diff-gopro", "deblur", "missing", "~114", "MB", "structure"]
    files = json.loads(pixelmend("models", "list", "--files", "--json").stdout)
    proofs = {file["id"]: file["proof"] for file in files}
    assert proofs["diffbir-v2-1"] == "stated"
    assert proofs["sd21-base"] == "pinned"
    assert not models.exists()


def test_info_tells_all(pixelmend: CommandRunner, models: Path) -> None:
    text = pixelmend("models", "info", "hi-diff-gopro").stdout
    assert "https://drive.google.com/file/d/1cx0vCV5Z5fklnbqonZQad37vt4armEbT/view" in text
    assert "proof: structure" in text
    facts = json.loads(pixelmend("models", "info", "diffbir-v2.1", "--json").stdout)
    assert "retinaface-resnet50" in [file["id"] for file in facts["files"]]
    assert pixelmend("models", "info", "hi-dif-gopro").code == 2


def test_a_models_life(
    pixelmend: CommandRunner,
    online: Mirror,
    published: bytes,
    models: Path,
    tmp_path: Path,
    photo: Path,
) -> None:
    """Pulled, listed, verified, used, exported, removed, imported in two ways."""
    online.at("/hi-diff-realblur-j", Response(body=published))
    pulled = pixelmend("models", "pull", "hi-diff-realblur-j")
    assert (pulled.code, pulled.stdout) == (0, "")
    first, last = pulled.stderr.splitlines()
    assert first.startswith("Downloading `hi-diff-realblur-j` (~97 MB) from ")
    assert last == "`hi-diff-realblur-j` is installed"
    assert weights_of(pixelmend, "hi-diff-realblur-j") == "installed"
    place = Path(pixelmend("models", "path", "hi-diff-realblur-j").stdout.strip())
    assert place == models / "hi-diff-realblur-j" / "hi-diff-realblur-j.safetensors"
    tensors_on_disk = load_file(place)
    for key, tensor in tensors("hi-diff-realblur-net_d").items():
        assert torch.equal(tensors_on_disk[f"net_d.{key}"], tensor)
    assert pixelmend("models", "verify").stdout == "ok  hi-diff-realblur-j\n"

    options = ["-n", "hi-diff-realblur-j", "--in-process", "--offline", "--device", "cpu"]
    used = pixelmend("deblur", photo, *options, "--json")
    assert (used.code, json.loads(used.stdout)["model"]) == (0, "hi-diff-realblur-j")

    bundle = tmp_path / "weights.zip"
    assert pixelmend("models", "export", "--all", "-o", bundle).stdout == f"{bundle}\n"
    assert pixelmend("models", "remove", "hi-diff-realblur-j").code == 0
    assert weights_of(pixelmend, "hi-diff-realblur-j") == "missing"
    assert pixelmend("models", "import", bundle).code == 0
    assert pixelmend("models", "verify", "--json").code == 0

    place.write_bytes(place.read_bytes()[:-8])
    damaged = pixelmend("models", "verify")
    assert damaged.code == 4
    assert "does not have the bytes" in damaged.stdout

    (tmp_path / "HI_Diff_RealBlur_J.zip").write_bytes(published)
    assert pixelmend("models", "remove", "hi-diff-realblur-j").code == 0
    imported = pixelmend("models", "import", tmp_path / "HI_Diff_RealBlur_J.zip")
    assert imported.stderr == "Imported `hi-diff-realblur-j` from HI_Diff_RealBlur_J.zip\n"
    assert pixelmend("models", "verify", "hi-diff-realblur-j").code == 0


def test_what_is_wrong_is_said_and_the_others_go_on(
    pixelmend: CommandRunner, online: Mirror, models: Path
) -> None:
    for name in ("bsrnet", "parsenet"):
        online.at(f"/{name}", Response(body=b"not the file"))
    result = pixelmend("models", "pull", "bsrnet", "hi-diff-compact", "--offline")
    assert result.code == 4
    assert "`bsrnet` are not on this computer, and Pixelmend is offline" in result.stderr
    assert online.requests == []


def test_what_is_not_here_is_not_called_sound(pixelmend: CommandRunner, models: Path) -> None:
    result = pixelmend("models", "verify", "diffir-deblur-s2")
    assert result.code == 4
    assert "not on this computer" in result.stderr


def test_nothing_named_and_unknown_names(pixelmend: CommandRunner, models: Path) -> None:
    assert pixelmend("models", "pull").code == 2
    assert pixelmend("models", "remove").code == 2
    assert pixelmend("models", "pull", "--task", "sharpen").code == 2
    assert pixelmend("models", "export", "-o", "x.zip").code == 2
    unknown = pixelmend("models", "pull", "hi-diff-gropo")
    assert "Did you mean `hi-diff-gopro`" in unknown.stderr
    assert pixelmend("models", "path", "hi-diff-gopro").code == 4
    assert pixelmend("models", "import", "nowhere").code == 2
    assert pixelmend("models", "import", ".", "--as", "diffbir-v9").code == 2
    assert pixelmend("models", "verify").stdout == ""
    assert pixelmend("models", "path").stdout == f"{models}\n"
    assert pixelmend("models", "remove", "hi-diff-gopro").stderr.endswith("was not here\n")


def test_a_page_of_a_captive_network_is_told_and_nothing_installed(
    pixelmend: CommandRunner, online: Mirror, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Response(body=b"<html>Accept our terms</html>", headers={"Content-Type": "text/html"})
    online.at("/diffbir-swinir-codeformer", page)
    online.at("/lxq007/DiffBIR-v2/resolve/main/codeformer_swinir.ckpt", page)
    monkeypatch.setenv("HF_ENDPOINT", online.url)
    result = pixelmend("models", "pull", "diffbir-swinir-codeformer", "-q")
    assert result.code == 4
    assert result.stdout == ""
    message, hint = result.stderr.splitlines()
    assert message.endswith("localhost sends a page instead of the file")
    assert len({request.path for request in online.requests}) == 2
    assert "pixelmend models import" in hint
    assert pixelmend("models", "verify").stdout == ""


@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--files"], ["info", "hi-diff-gopro"], ["path"], ["verify"]]
)
def test_what_needs_neither_torch_nor_the_network_imports_neither(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from pixelmend_cli.main import main\n"
        "try: main(['models', *sys.argv[1:]])\n"
        "finally: assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script, *arguments]
    subprocess.run(command, check=True, capture_output=True)
