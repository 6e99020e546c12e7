"""The command that installs the plug-ins."""

import os

import click


@click.command()
@click.argument("editor", type=click.Choice(["gimp"]), default="gimp", required=False)
@click.option("--remove", is_flag=True, help="Take the plug-in out again.")
def setup(editor: str, remove: bool) -> None:  # noqa: ARG001 - GIMP is the only one so far
    """Installs the plug-in into every GIMP 3 of this user, or updates it.

    GIMP shows it under Filters > Restore from its next start on.
    """
    from pixelmend import install, settings
    from pixelmend.install import Computer
    from pixelmend_engine import tasks

    computer = Computer(environ=os.environ)
    if remove:
        for folder in install.remove(computer):
            click.echo(f"Removed {folder}")
        return
    found = settings.resolve(os.environ)
    described: list[object] = list(tasks.describe(found.models_dir))
    for folder in install.install(computer, found.paths, settings.launch_of(found), described):
        click.echo(f"Installed {folder}")
    click.echo("Start GIMP anew: the plug-in is under Filters > Restore", err=True)
