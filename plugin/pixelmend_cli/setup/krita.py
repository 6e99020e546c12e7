"""Putting the docker into Krita's folders, and taking it out; or into a file for its importer."""

import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from pixelmend import data_folder
from pixelmend.atomic import atomic_write
from pixelmend.client.launch import Launch
from pixelmend.errors import EditorMissing, OutputFailed
from pixelmend.host.host import PluginInstall
from pixelmend.paths import Paths, resolve
from pixelmend_cli.setup import install, kritarc
from pixelmend_cli.setup.install import Computer

NAME = "pixelmend_krita"  # of the module, and of the files beside it
ENTRY = "__init__.py"
PROGRAMS = ("krita",)


@dataclass(frozen=True)
class Place:
    """Where one Krita keeps what is the user's own."""

    resources: Path
    settings: Path | None  # None: nobody knows where

    @property
    def module(self) -> Path:
        """The plug-in's folder."""
        return self.resources / "pykrita" / NAME

    @property
    def beside(self) -> list[Path]:
        """Its files elsewhere: what registers it, and its actions."""
        desktop = self.resources / "pykrita" / f"{NAME}.desktop"
        return [desktop, self.resources / "actions" / f"{NAME}.action"]


def known_places(computer: Computer) -> list[Place]:
    """Lists where Krita may keep its files, of every kind of package; the usual place first."""
    environ, home = computer.environ, computer.home
    if computer.platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        store = sorted((local / "Packages").glob("49800Krita_*/LocalCache/Roaming"))
        usual = Place(roaming / "krita", local / "kritarc")
        return [usual, *(Place(folder / "krita", None) for folder in store)]
    if computer.platform == "darwin":
        library = home / "Library"
        resources = library / "Application Support" / "krita"
        return [Place(resources, library / "Preferences" / "kritarc")]
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    flatpak = home / ".var" / "app" / "org.kde.krita"
    return [
        Place(data / "krita", config / "kritarc"),
        Place(flatpak / "data" / "krita", flatpak / "config" / "kritarc"),
    ]


def places(computer: Computer) -> list[Place]:
    """Lists the places of those that were started before."""
    existing: list[Place] = []
    for place in known_places(computer):
        moved_to = None if place.settings is None else kritarc.resource_folder(place.settings)
        if moved_to is not None:
            existing.append(Place(moved_to, place.settings))
        elif place.resources.is_dir() or (place.settings is not None and place.settings.is_file()):
            existing.append(place)
    return existing


def install_plugin(
    computer: Computer, paths: Paths, launch: Launch, tasks: list[object]
) -> list[Path]:
    """Installs the docker for every Krita of this user; returns where it is now.

    Raises:
        EditorMissing: There is no Krita, or its folder can't be written to.
    """
    targets = places(computer) or [_first_place(computer)]
    return [_install_into(place, paths, launch, tasks) for place in targets]


def _first_place(computer: Computer) -> Place:
    path = computer.environ.get("PATH")
    if not any(shutil.which(program, path=path) for program in PROGRAMS):
        raise EditorMissing(
            "No Krita was found on this computer",
            hint="Install it, start it once, and run `pixelmend setup krita` again",
        )
    return known_places(computer)[0]


def _install_into(place: Place, paths: Paths, launch: Launch, tasks: list[object]) -> Path:
    # What Krita registers a plug-in by comes last.
    with install.replace_folder(place.module, place.resources) as new_folder:
        _copy_plugin(new_folder, tasks)
        install.write_settings(new_folder, PluginInstall(place.module, ENTRY, paths, launch))
    desktop, actions = place.beside
    try:
        actions.parent.mkdir(parents=True, exist_ok=True)
        actions.write_text(_actions(tasks), encoding="utf-8")
        shutil.copyfile(_desktop(), desktop)
        if place.settings is not None:
            kritarc.enable(place.settings, NAME)
    except OSError as error:
        raise EditorMissing(
            f"The plug-in can't be written ({error.strerror}): `{error.filename}`",
            hint="Make the folder writable for you, and try again",
        ) from error
    return place.module


def _copy_plugin(folder: Path, tasks: list[object]) -> None:
    folder.mkdir(exist_ok=True)
    source = install.sources("krita", NAME)
    for file in [*source.glob("*.py"), source / "Manual.html"]:
        shutil.copyfile(file, folder / file.name)
    install.copy_shared(folder, tasks, panel=True)


def _desktop() -> Path:
    # In a wheel it lies within the folder; in a checkout beside it, as Krita wants it.
    folder = install.sources("krita", NAME)
    packaged = folder / f"{NAME}.desktop"
    return packaged if packaged.is_file() else folder.parent / packaged.name


def _actions(tasks: list[object]) -> str:
    # Krita's list of shortcuts has what stands here; the docker translates the texts.
    names = [("pixelmend_show", "Show the Pixelmend docker")]
    names.append(("pixelmend_restore", "Restore as chosen in the docker"))
    for task in tasks:
        assert isinstance(task, dict)
        fields: dict[str, str] = task  # pyright: ignore[reportUnknownVariableType]
        names.append((f"pixelmend_task_{fields['id']}", f"Pixelmend: {fields.get('title', '')}"))
    names.append(("pixelmend_cancel", "Cancel the restoration"))
    rows = "".join(
        f'    <Action name="{escape(name)}">\n'
        f"      <text>{escape(text)}</text>\n"
        "      <shortcut></shortcut>\n"
        "      <isCheckable>false</isCheckable>\n"
        "    </Action>\n"
        for name, text in names
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ActionCollection version="2" name="Scripts">\n'
        '  <Actions category="Scripts">\n'
        f"    <text>Pixelmend</text>\n{rows}"
        "  </Actions>\n</ActionCollection>\n"
    )


def write_zip(file: Path, tasks: list[object]) -> None:
    """Writes what *Tools > Scripts > Import Python Plugin from File* takes.

    It says nothing of this computer: the docker looks where `pixelmend setup` has written it.

    Raises:
        OutputFailed: It can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(
            f"The folder can't be made ({error.strerror}): `{file.parent}`",
            hint="Name a folder that you may write to",
        ) from error
    with tempfile.TemporaryDirectory() as name, atomic_write(file, overwrite=True) as temporary:
        folder = Path(name)
        _copy_plugin(folder / NAME, tasks)
        shutil.copyfile(_desktop(), folder / f"{NAME}.desktop")
        (folder / f"{NAME}.action").write_text(_actions(tasks), encoding="utf-8")
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))


def record_install(paths: Paths, launch: Launch) -> None:
    """Writes where the engine is to where a docker looks that came in a file."""
    for folder in dict.fromkeys((paths.home, resolve().home)):
        data_folder.make(Paths(folder))
        install.write_settings(folder, PluginInstall(paths.home, ENTRY, paths, launch))


def installed(computer: Computer) -> list[Place]:
    """Lists the places where the docker is installed."""
    return [place for place in places(computer) if place.module.is_dir()]


def remove_plugin(computer: Computer) -> list[Path]:
    """Takes the docker out of every Krita; returns where it was.

    Raises:
        EditorMissing: A folder can't be removed.
    """
    plugins = installed(computer)
    for place in plugins:
        for path in (*place.beside, place.module):
            if path.exists():
                install.remove(path)
        if place.settings is not None:
            kritarc.disable(place.settings, NAME)
    return [place.module for place in plugins]
