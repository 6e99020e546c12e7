"""GIMP on a screen that nobody sees, with hands to click and eyes to look at it."""

import contextlib
import io
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
from engines import Running, wait_until
from machine import INSIDE, Machine
from PIL import Image

BUS = "org.gimp.GIMP.UI"


class Desktop(Running):
    """Runs from `with` to its end. Looks and clicks are commands of their own on the machine."""

    def __init__(self, machine: Machine, profile: Path, folder: Path, picture: Path) -> None:
        self._machine = machine
        self._folder = folder
        self._answers = 0
        folder.mkdir()
        command = ["sh", str(INSIDE / "desktop.sh"), str(folder), str(picture)]
        environ = {"GIMP3_DIRECTORY": str(profile)}
        self.process = subprocess.Popen(machine.enter(command, environ))
        wait_until(lambda: self._file("display").endswith("\n"))
        self._environ = {
            "DISPLAY": f":{self._file('display').strip()}",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'bus'}",
        }

    @property
    def log(self) -> str:
        """What GIMP and its plug-ins wrote to their terminal."""
        return self._file("gimp.log")

    def _file(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def do(self, *command: str) -> str:
        """Runs a command on that screen; returns what it prints."""
        return self._machine.run(*command, environ=self._environ).stdout

    def windows(self, name: str, kind: str = "name") -> list[str]:
        """Returns the windows whose title, or class, has this in it."""
        return self.do("xdotool", "search", "--onlyvisible", f"--{kind}", name).split()

    def wait_for(self, name: str, kind: str = "name") -> str:
        """Waits for a window; returns its id."""
        found: list[str] = []
        wait_until(lambda: found.extend(self.windows(name, kind)) or found)
        return found[0]

    def wait_for_panel(self) -> str:
        """Waits for the panel's window; returns its id."""
        return self.wait_for("pixelmend", "class")

    def wait_for_no_panel(self) -> None:
        """Waits until there is no panel."""
        wait_until(lambda: not self.windows("pixelmend", "class"))

    def keys(self, window: str, *keys: str) -> None:
        """Presses keys in a window, with time for it to answer."""
        self.do("xdotool", "windowactivate", "--sync", window)
        for key in keys:
            self.do("xdotool", "key", "--clearmodifiers", key)
            time.sleep(0.3)

    def click(self, window: str, x: int, y: int) -> None:
        """Clicks on a place in a window."""
        self.do("xdotool", "windowactivate", "--sync", window)
        self.do("xdotool", "mousemove", "--window", window, str(x), str(y), "click", "1")

    def size(self, window: str) -> tuple[int, int]:
        """Returns a window's width and height."""
        told = self.do("xdotool", "getwindowgeometry", "--shell", window)
        known = dict(line.split("=") for line in told.split())
        return int(known["WIDTH"]), int(known["HEIGHT"])

    def look(self, window: str = "root") -> Image.Image:
        """Takes a picture of a window, or of the whole screen."""
        command = self._machine.enter(["import", "-window", window, "png:-"], self._environ)
        data = subprocess.run(command, capture_output=True, check=True).stdout
        return Image.open(io.BytesIO(data)).convert("RGB")

    def processes(self, words: str) -> list[psutil.Process]:
        """Lists the processes there whose command line has this in it."""
        found: list[psutil.Process] = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if words in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def ask(self, expression: str) -> Any:
        """Evaluates Python within GIMP."""
        self._answers += 1
        answer = self._folder / f"answer{self._answers}.json"
        part = f"{answer}.part"
        code = (
            f"import json, os; json.dump({expression}, open({part!r}, 'w')); "
            f"os.replace({part!r}, {str(answer)!r})"
        )
        path = "/" + BUS.replace(".", "/")
        send = ["dbus-send", "--session", "--print-reply", f"--dest={BUS}", path]
        self.do(*send, f"{BUS}.BatchRun", "string:python-fu-eval", f"string:{code}")
        wait_until(answer.exists)
        return json.loads(answer.read_text(encoding="utf-8"))

    def layers(self) -> list[str]:
        """Returns the names of the layers of the first image, the topmost first."""
        return self.ask("[one.get_name() for one in Gimp.get_images()[0].get_layers()]")
