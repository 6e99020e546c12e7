"""Takes the pictures of docs/gimp.md, from GIMP itself.

    python docs/take_screenshots.py

Needs what tests/hosts needs (`make hosts-root`).
"""

import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "hosts"))

from desktop import Desktop  # noqa: E402 - lies beside the tests of hosts
from engines import SlowEngine, wait_until  # noqa: E402
from machine import Machine  # noqa: E402

IMAGES = Path(__file__).parent / "images"
PICTURE = ROOT / "examples" / "astronaut_shaken.png"
GIMPRC = """\
(check-updates no)
(show-welcome-dialog no)
(save-session-info no)
(config-version "3.0.4")
"""


def main() -> None:
    """Goes through a restoration, and looks at each step."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        user = Machine(home, home)
        profile = home / ".config" / "GIMP" / "3.0"
        profile.mkdir(parents=True)
        (profile / "gimprc").write_text(GIMPRC, encoding="utf-8")
        user.pixelmend("setup", "gimp")
        settings = profile / "plug-ins" / "pixelmend-restore" / "settings.json"
        real = settings.read_text(encoding="utf-8")
        with (
            SlowEngine(home / "engine", step_seconds=0.05, steps=900) as slow,
            Desktop(user, profile, home / "desktop", PICTURE) as gimp,
        ):
            window = gimp.wait_for("astronaut")
            wait_until(lambda: gimp.layers() == [PICTURE.name])
            gimp.keys(window, "alt+r", "Up", "Right")
            keep(gimp, "gimp_menu")
            gimp.keys(window, "d")
            dialog = gimp.wait_for("^Deblur$")
            time.sleep(1)
            keep(gimp, "gimp_dialog")
            settings.write_text(json.dumps(json.loads(real) | slow.settings), encoding="utf-8")
            gimp.keys(dialog, "Return")
            panel = gimp.wait_for_panel()
            slow.wait_for(["run"])
            time.sleep(12)
            keep(gimp, "gimp_panel")
            gimp.keys(panel, "Escape")
            gimp.wait_for_no_panel()
            settings.write_text(real, encoding="utf-8")
            gimp.keys(window, "alt+r", "Up", "Right", "Return")
            gimp.keys(gimp.wait_for("^Deblur$"), "Return")
            wait_until(lambda: len(gimp.layers()) > 1)
            time.sleep(2)
            keep(gimp, "gimp_result", height=800)
        user.pixelmend("engine", "stop")


def keep(gimp: Desktop, name: str, height: int = 704) -> None:
    """Saves what is to be seen of GIMP and the windows before it."""
    part = gimp.look().crop((0, 0, 912, height))
    part.save(IMAGES / f"{name}.webp", quality=90, method=6)


if __name__ == "__main__":
    main()
