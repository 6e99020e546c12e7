"""The command that installs the plug-ins."""

import os
from pathlib import Path

import click

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
        done = gimp.remove(computer) if editor == "gimp" else krita.remove(computer)
        for folder in done:
            click.echo(f"Removed {folder}")
        return
    found = settings.resolve(os.environ)
    launch = settings.launch_of(found)
    if editor == "krita":
        krita.record(found.paths, launch)
    if archive is not None:
        krita.write_zip(archive, list(tasks.describe(store.states(archive.parent / "no models"))))
        click.echo(click.format_filename(archive))
        return
    described: list[object] = list(tasks.describe(store.states(found.models_dir)))
    if editor == "gimp":
        folders = gimp.put(computer, found.paths, launch, described)
        what = "Start GIMP anew: the plug-in is under Filters > Restore"
    else:
        folders = krita.put(computer, found.paths, launch, described)
        what = "Start Krita anew: Tools > Scripts > Show the Pixelmend docker"
    for folder in folders:
        click.echo(f"Installed {folder}")
    click.echo(what, err=True)
