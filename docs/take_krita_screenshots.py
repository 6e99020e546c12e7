"""Takes the pictures of docs/krita.md, from Krita itself.

    python docs/take_krita_screenshots.py

Needs what tests/hosts needs (`make hosts-root`).
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "hosts"))

import editor  # noqa: E402 - lies beside the tests of hosts
from engines import SlowEngine  # noqa: E402
from machine import INSIDE, Machine  # noqa: E402

IMAGES = Path(__file__).parent / "images"
PICTURE = ROOT / "examples" / "astronaut_shaken.png"
THEMES = {"dark": "Krita dark", "light": "Krita bright"}
SCENES = (  # theme, scene, and which of its pictures are kept under which names
    ("dark", "work", {"docker": "docker", "work": "work"}),
    ("light", "work", {"work": "work_light"}),
    ("light", "result", {"result": "result"}),
)


def main() -> None:
    """Plays the scenes in their themes, and keeps what was seen."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        user = Machine(home, home)
        editor.install(user)
        with SlowEngine(home / "slow", step_seconds=0.05, steps=400) as slow:
            for theme, scene, kept in SCENES:
                folder = home / f"{theme}_{scene}"
                folder.mkdir()
                shutil.copyfile(PICTURE, folder / "picture.png")
                (folder / "slow.json").write_text(json.dumps(slow.settings), encoding="utf-8")
                settings = home / editor.SETTINGS
                text = settings.read_text(encoding="utf-8").split("\n[theme]")[0]
                settings.write_text(f"{text}\n[theme]\nTheme={THEMES[theme]}\n", encoding="utf-8")
                only = {"PIXELMEND_ONLY": scene}
                told = editor.play(user, folder, INSIDE / "krita_pictures.py", only)
                assert told.pop("raised") == [], told
                assert "raised" not in told[scene], told
                for picture, name in kept.items():
                    keep(folder / f"{picture}.png", name)
        user.pixelmend("engine", "stop")


def keep(file: Path, name: str) -> None:
    """Saves what was seen."""
    with Image.open(file) as image:
        image.convert("RGB").save(IMAGES / f"krita_{name}.webp", quality=90, method=6)


if __name__ == "__main__":
    main()
