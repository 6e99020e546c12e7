"""Why the docker may be missing in Krita, looked at one by one."""

import shutil

from pixelmend.finding import Finding
from pixelmend_cli.setup import diagnosis, krita, kritarc
from pixelmend_cli.setup.install import Computer
from pixelmend_cli.setup.krita import NAME, Place

AGAIN = "Close Krita, run `pixelmend setup krita`, and start Krita again"
SWITCH = "Settings > Configure Krita > Python Plugin Manager"


def examine(computer: Computer) -> list[Finding]:
    """Looks at Krita, its folders and the docker in each."""
    program = shutil.which("krita", path=computer.environ.get("PATH"))
    findings = [Finding("krita", program or "not on the path (which a bundle need not be)")]
    places = krita.places(computer)
    if not places:
        where = ", ".join(str(place.resources) for place in krita.known_places(computer))
        return [*findings, Finding("folders", f"none in {where}", f"Start Krita once. {AGAIN}")]
    for place in places:
        findings += _place(place)
    return findings


def _place(place: Place) -> list[Finding]:
    findings = [Finding("folder", str(place.resources))]
    files = [place.module / krita.ENTRY, *place.beside]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        return [*findings, Finding("plug-in", f"missing: {missing}", AGAIN)]
    return [*findings, *diagnosis.plug_in(place.module, AGAIN), _enabled(place)]


def _enabled(place: Place) -> Finding:
    if place.settings is None:
        return Finding("enabled", f"not known here; see {SWITCH}")
    if kritarc.enabled(place.settings, NAME):
        return Finding("enabled", f"yes, in {place.settings}")
    return Finding("enabled", f"no, says {place.settings}", f"Switch it on: {SWITCH}; or: {AGAIN}")
