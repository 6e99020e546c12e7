"""A computer of an ordinary user, with GIMP and Krita: Debian's files around our environment.

Its user is not root, its processes see no others and end with the command that started them. Our
Python and this repository lie where they always do, and loopback is shared: the plug-in finds the
engine wherever that runs.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
ROOT = REPOSITORY / ".hosts-root" / "debian"
INSIDE = Path(__file__).parent / "inside"  # what runs in that computer, and in the editors
USER = "1000"
TIMEOUT_S = 600.0


def why_not() -> str | None:
    """Says why there can be no such computer here; None where there can."""
    if not all((ROOT / "usr" / "bin" / name).exists() for name in ("gimp-console", "krita")):
        return "no root file system with GIMP and Krita (`make hosts-root` builds it)"
    if shutil.which("bwrap") is None:
        return "no bwrap (Debian's package bubblewrap)"
    if Path(sys.base_prefix).is_relative_to("/usr"):
        return "this Python belongs to the system, and can't be shown to another"
    tried = subprocess.run(_enter([], {}, ["true"]), capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"bwrap can't: {tried.stderr.strip()}"


def _enter(shared: Sequence[Path], environ: Mapping[str, str], command: Sequence[str]) -> list[str]:
    inside = ["bwrap", "--unshare-user", "--uid", USER, "--gid", USER]
    inside += ["--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv"]
    for folder in ("usr", "etc", "var"):
        inside += ["--ro-bind", str(ROOT / folder), f"/{folder}"]
    for folder in ("bin", "lib", "lib64", "sbin"):
        inside += ["--symlink", f"usr/{folder}", f"/{folder}"]
    inside += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    for folder in {Path(sys.base_prefix), Path(sys.prefix), REPOSITORY}:
        inside += ["--ro-bind", str(folder), str(folder)]
    for folder in shared:
        inside += ["--bind", str(folder), str(folder)]
    for name, value in environ.items():
        inside += ["--setenv", name, value]
    return [*inside, *command]


@dataclass(frozen=True)
class Machine:
    """That computer, as one user sees it."""

    user: Path  # the user's home folder
    engine: Path  # where the engine's address is

    def enter(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> list[str]:
        """Returns the command that runs a command there."""
        known = {
            "HOME": str(self.user),
            "LANG": "C.UTF-8",
            "NO_AT_BRIDGE": "1",
            "PATH": "/usr/bin",
            "PIXELMEND_HOME": str(self.engine),
            "PIXELMEND_OFFLINE": "1",
            "XDG_RUNTIME_DIR": "/tmp",
        }
        return _enter([self.user, self.engine], {**known, **(environ or {})}, command)

    def run(
        self, *command: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            self.enter(command, environ),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def pixelmend(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line, as that user."""
        return self.run(sys.executable, "-m", "pixelmend", *arguments)

    def batch(
        self, code: str, profile: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Starts GIMP without a window, to run Python code in it."""
        command = ["gimp-console", "-id", "--batch-interpreter=python-fu-eval", "-b", code]
        own = {} if profile is None else {"GIMP3_DIRECTORY": str(profile)}
        return subprocess.Popen(
            self.enter([*command, "--quit"], {**own, **(environ or {})}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(
        self, script: str, profile: Path | None = None, **names: str
    ) -> subprocess.Popen[str]:
        """Starts a file of `inside/` in GIMP; it knows `names` as globals."""
        known = {"inside": str(INSIDE), **names}
        code = f"names = {known!r}; names.update(globals()); "
        return self.batch(f"{code}exec(open({str(INSIDE / script)!r}).read(), names)", profile)

    def play(self, script: str, profile: Path | None = None, **names: str) -> str:
        """Runs a file of `inside/` in GIMP; returns what it printed."""
        process = self.start(script, profile, **names)
        output, _ = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, output
        return output
