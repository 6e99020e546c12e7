"""The command that installs the plug-ins."""

import os
from pathlib import Path

import click

from pixelmend_cli.terminal import print_line, print_path

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("editor", type=click.Choice(["gimp", "krita"]), default="gimp", required=False)
@click.option("--remove", is_flag=True, help="Take the plug-in out again.")
@click.option(
    "--zip",
    "archive",
    type=FILE,
    help="Krita: write a file for Tools > Scripts > Import Python Plugin from File, and install"
    " nothing.",
)
def setup(editor: str, remove: bool, archive: Path | None) -> None:
    """Installs the plug-in into every GIMP 3, or every Krita, of this user, or updates it.

    GIMP shows it under Filters > Restore from its next start on; Krita has a docker, Pixelmend.
    Close Krita before.
    """
    from pixelmend_cli import settings
    from pixelmend_cli.setup import gimp, krita
    from pixelmend_cli.setup.install import Computer
    from pixelmend_engine.catalog import tasks
    from pixelmend_engine.weights import store

    if archive is not None and (editor != "krita" or remove):
        raise click.UsageError("--zip goes with `setup krita` alone")
    computer = Computer(environ=os.environ)
    if remove:
        removed = (
            gimp.remove_plugin(computer) if editor == "gimp" else krita.remove_plugin(computer)
        )
        for folder in removed:
            print_line(f"Removed {folder}")
        return
    user_settings = settings.resolve(os.environ)
    launch = settings.launch_of(user_settings)
    if editor == "krita":
        krita.record_install(user_settings.paths, launch)
    if archive is not None:
        krita.write_zip(archive, list(tasks.describe(store.states(archive.parent / "no models"))))
        print_path(archive)
        return
    descriptions: list[object] = list(tasks.describe(store.states(user_settings.models_dir)))
    if editor == "gimp":
        folders = gimp.install_plugin(computer, user_settings.paths, launch, descriptions)
        next_step = "Start GIMP anew: the plug-in is under Filters > Restore"
    else:
        folders = krita.install_plugin(computer, user_settings.paths, launch, descriptions)
        next_step = "Start Krita anew: Tools > Scripts > Show the Pixelmend docker"
    for folder in folders:
        print_line(f"Installed {folder}")
    print_line(next_step, err=True)
