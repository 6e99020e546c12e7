"""The doctor looks at everything, and finds what is wrong."""

from pathlib import Path

import pytest

from pixelmend_engine.doctor import examine
from pixelmend_engine.weights import store


def test_a_sound_installation_has_no_hints(tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in examine(tmp_path)}
    assert all(finding.hint is None for finding in findings.values())
    assert findings["weights of hi-diff-compact"].value == "sound"
    assert "torch" in findings["libraries"].value
    assert any(name.startswith("gpu") for name in findings)
    assert findings["models folder"].value == f"{tmp_path} (nothing installed)"


def test_installed_models_are_named(tmp_path: Path) -> None:
    (tmp_path / "hi-diff-gopro").mkdir()
    (tmp_path / "hi-diff-gopro" / "net_g.pth").touch()
    findings = {finding.name: finding for finding in examine(tmp_path)}
    assert "hi-diff-gopro" in findings["models folder"].value


def test_damaged_weights_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"half of it")

    def bundled_file(_: str) -> Path:
        return damaged

    monkeypatch.setattr(store, "bundled_file", bundled_file)
    findings = {finding.name: finding for finding in examine(tmp_path)}
    assert findings["weights of hi-diff-compact"].value == "damaged"
    assert findings["weights of hi-diff-compact"].hint == "Install Pixelmend again"
