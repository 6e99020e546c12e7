"""Why *Filters > Restore* may be missing in GIMP, looked at one by one."""

import os
from pathlib import Path

from pixelmend.finding import Finding
from pixelmend_cli.setup import diagnosis, gimp
from pixelmend_cli.setup.install import Computer

AGAIN = "Run `pixelmend setup gimp`, and start GIMP anew"


def examine(computer: Computer) -> list[Finding]:
    """Looks at GIMP, its profiles and the plug-in in each."""
    version = gimp.version(computer)
    profiles = gimp.profiles(computer)
    findings = [Finding("gimp", version or "not on the path (which a bundle need not be)")]
    if version is not None and not version.startswith("3."):
        findings = [Finding("gimp", version, "Install GIMP 3; older ones can't load the plug-in")]
    if not profiles:
        where = ", ".join(map(str, gimp.folders(computer)))
        return [*findings, Finding("profiles", f"none in {where}", f"Start GIMP once. {AGAIN}")]
    for profile in profiles:
        findings += _profile(profile, computer)
    return findings


def _profile(profile: Path, computer: Computer) -> list[Finding]:
    folder = profile / "plug-ins" / gimp.NAME
    script = folder / gimp.SCRIPT
    findings = [Finding("profile", str(profile))]
    if not script.is_file():
        return [*findings, Finding("plug-in", f"missing: {folder}", AGAIN)]
    if computer.platform != "win32" and not os.access(script, os.X_OK):
        return [*findings, Finding("plug-in", f"not executable: {script}", AGAIN)]
    sound = [*diagnosis.plug_in(folder, AGAIN), *diagnosis.panel(folder)]
    return [*findings, *sound, _registered(profile, script)]


def _registered(profile: Path, script: Path) -> Finding:
    # What GIMP found at its last start; it asks again where a script is newer.
    try:
        registered_at = (profile / "pluginrc").stat().st_mtime
        text = (profile / "pluginrc").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Finding("registered", "not yet: GIMP was not started since")
    if gimp.SCRIPT in text:
        return Finding("registered", "yes")
    if registered_at < script.stat().st_mtime:
        return Finding("registered", "not yet: GIMP was not started since")
    return Finding(
        "registered",
        "no: GIMP passed over the plug-in",
        "Start GIMP from a terminal and look at what it says; does it have Python plug-ins?",
    )
