"""`pixelmend models`: which models there are, and their weights, from and to everywhere."""

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from pixelmend.errors import (
    BadRequest,
    PixelmendError,
    UnreadableCheckpoint,
    WeightsMissing,
    WeightsNotReadable,
)
from pixelmend_cli import settings
from pixelmend_cli.download_bar import DownloadBar
from pixelmend_cli.terminal import print_error, print_json, print_line, print_path
from pixelmend_engine.catalog import registry, weight_files
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.catalog.weight_files import PROOF_WORDS, WeightFile, catalog, megabytes
from pixelmend_engine.weights import store
from pixelmend_engine.weights.download.network_settings import EXPLICIT_PULL
from pixelmend_engine.weights.records import Records

# What is imported within a command brings requests, or torch; `models list` needs neither.
if TYPE_CHECKING:
    from pixelmend_engine.weights.installer import Installer

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
ids_argument = click.argument("ids", nargs=-1, metavar="ID...")


@click.group()
def models() -> None:
    """Shows the models, and looks after their weights."""


@models.command("list")
@click.option("--files", is_flag=True, help="List the weight files instead.")
@json_option
def list_models(files: bool, as_json: bool) -> None:
    """Lists every model that can run, best first for each task.

    With --files, every published weight file that Pixelmend knows: also those of models that it
    can't run yet. The proof says how a download is known to be the published file. pinned: by
    its SHA-256, which Pixelmend knows. stated: by the SHA-256 that its source states. structure: by
    every name and shape in it, and later downloads by being like the first.
    """
    folder = _settings().models_dir
    if files:
        rows = [_file_row(file, folder) for file in catalog().files]
        columns = ("id", "size", "weights", "proof", "license")
    else:
        rows = [_model_row(spec, folder) for spec in registry.MODELS]
        columns = ("id", "task", "weights", "size", "proof", "license")
    if as_json:
        print_json(rows, indent=2)
    else:
        _table(rows, columns)


@models.command()
@click.argument("name", metavar="ID")
@json_option
def info(name: str, as_json: bool) -> None:
    """Tells what is known of a model, or of a weight file."""
    folder = _settings().models_dir
    specs = [spec for spec in registry.MODELS if spec.id == name]
    facts = _model_row(specs[0], folder) if specs else {}
    facts |= {"files": [_file_row(file, folder) for file in _files((name,))]}
    if as_json:
        print_json(facts, indent=2)
        return
    for row in [facts, *facts["files"]]:
        for key, value in row.items():
            if key == "files" or value in (None, [], ""):
                continue
            texts = cast("list[str]", value) if isinstance(value, list) else [str(value)]
            print_line(f"{key}: {', '.join(texts)}")
        print_line()


@models.command()
@ids_argument
@click.option("--task", metavar="TASK", help="Every model of this task that can run.")
@click.option("--all", "everything", is_flag=True, help="Every weight file that a model needs.")
@click.option("--keep-original", is_flag=True, help="Keep the published file beside the weights.")
@click.option("--offline", is_flag=True, help="Download nothing; fail where something is missing.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def pull(
    ids: tuple[str, ...],
    task: str | None,
    everything: bool,
    keep_original: bool,
    offline: bool,
    quiet: bool,
) -> int:
    """Downloads the weights of models, or weight files, by their ids.

    A download that was cut off goes on where it stopped. One that fails does not stop the others;
    the exit code is that of the first error.
    """
    from pixelmend_engine.weights.first_use import announcing

    installer = _installer(offline=offline)
    codes: list[int] = []
    with DownloadBar(quiet=quiet, watched=sys.stderr.isatty()) as bar:
        for file in _files(ids, task=task, everything=everything):
            report = announcing(file, installer.network, bar.report)
            try:
                installer.pull(file, EXPLICIT_PULL, report, keep_original=keep_original)
            except PixelmendError as error:
                print_error(error)
                codes.append(error.exit_code)
                continue
            if not quiet:
                print_line(f"`{file.id}` is installed", err=True)
    return codes[0] if codes else 0


@models.command()
@ids_argument
@json_option
def verify(ids: tuple[str, ...], as_json: bool) -> int:
    """Checks installed weights, all of them or some: is every byte as it was installed?"""
    installer = _installer()
    selection = _one_by_one(ids) if ids else catalog().files
    results: dict[str, PixelmendError | None] = {}
    here: list[WeightFile] = []
    for file in selection:
        try:
            store.check_readable(file.id, installer.models_dir)
        except WeightsNotReadable as error:
            results[file.id] = error
            here.append(file)
            continue
        if _is_installed(file, installer.models_dir):
            here.append(file)
            results[file.id] = _damage(installer, file)
    if ids and (absent := next((file for file in selection if file not in here), None)) is not None:
        raise WeightsMissing(
            f"The weights `{absent.id}` are not on this computer",
            hint=f"`pixelmend models pull {absent.id}` downloads them",
        )
    if as_json:
        rows = [
            {"id": name, "sound": not wrong, "problem": wrong.message if wrong else None}
            for name, wrong in results.items()
        ]
        print_json(rows, indent=2)
    else:
        for name, wrong in results.items():
            print_line(f"!!  {name}: {wrong.message}" if wrong else f"ok  {name}")
            if wrong:
                print_line(f"      {wrong.hint}")
    return next((wrong.exit_code for wrong in results.values() if wrong), 0)


def _damage(installer: "Installer", file: WeightFile) -> PixelmendError | None:
    wrong = installer.verify(file)
    if wrong is None:
        return None
    return UnreadableCheckpoint(
        wrong, hint=f"`pixelmend models remove {file.id}`, then pull or import it again"
    )


@models.command()
@ids_argument
@click.option("--forget", is_flag=True, help="Forget the hash that later downloads are held to.")
def remove(ids: tuple[str, ...], forget: bool) -> None:
    """Removes installed weights, and what has come of a download."""
    installer = _installer()
    if not ids:
        raise BadRequest("No model was named", hint="`pixelmend models list` shows them")
    for file in _one_by_one(ids):
        there = installer.remove(file, forget=forget)
        print_line(f"`{file.id}` {'was removed' if there else 'was not here'}", err=True)


@models.command("import")
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE|DIR")
@click.option("--as", "name", metavar="ID", help="What it is, where its content fits several.")
def import_(path: Path, name: str | None) -> None:
    """Installs weights that you have: your own downloads, or what `export` wrote.

    Published files are recognized by what is in them: a checkpoint, a zip archive, a folder. The
    file itself is left as it is.
    """
    from pixelmend_engine.weights import bundles

    installer = _installer()
    if bundles.is_bundle(path):
        for file in bundles.read(installer, catalog(), path):
            print_line(f"Imported `{file.id}` from {path.name}", err=True)
        return
    from pixelmend_engine.weights import imports

    selection = None if name is None else catalog().find(name)
    imports.import_path(
        installer, catalog(), path, selection, lambda text: print_line(text, err=True)
    )


@models.command()
@ids_argument
@click.option("--all", "everything", is_flag=True, help="All that is installed.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Write this file.",
)
def export(ids: tuple[str, ...], everything: bool, output: Path) -> None:
    """Writes installed weights into one file, for `import` on a machine without a network."""
    from pixelmend_engine.weights import bundles

    installer = _installer()
    folder = installer.models_dir
    ours = [
        file
        for file in catalog().files
        if store.path_of(file.id, folder) in store.installed(file.id, folder)
    ]
    files = ours if everything else _files(ids)
    if not files:
        raise BadRequest("Nothing was named that could be exported", hint="Name an ID, or --all")
    bundles.write(installer, files, output)
    print_path(output)


@models.command()
@click.argument("name", required=False, metavar="[ID]")
def path(name: str | None) -> None:
    """Prints the folder of the weights, or the files of one model."""
    folder = _settings().models_dir
    if name is None:
        print_path(folder)
        return

    for file in _files((name,)):
        paths = store.installed(file.id, folder)
        if not paths:
            store.check_readable(file.id, folder)
            raise WeightsMissing(
                f"The weights `{file.id}` are not on this computer ({file.size})",
                hint=f"`pixelmend models pull {name}` downloads them",
            )
        for place in paths:
            print_path(place)


def _settings() -> settings.Settings:
    return settings.resolve(os.environ)


def _installer(*, offline: bool = False) -> "Installer":
    from pixelmend_engine.weights.installer import Installer

    config = _settings()
    network = dataclasses.replace(config.network, offline=offline or config.network.offline)
    return Installer(config.models_dir, network)


def _files(
    ids: Sequence[str], *, task: str | None = None, everything: bool = False
) -> list[WeightFile]:
    if not ids and task is None and not everything:
        raise BadRequest(
            "No model was named", hint="Name an ID of `pixelmend models list`, or --all"
        )
    folder, names = _settings().models_dir, list(ids)
    if task is not None:
        of_task = [spec.id for spec in registry.MODELS if task in spec.tasks]
        if not of_task:
            tasks = sorted({task for spec in registry.MODELS for task in spec.tasks})
            raise BadRequest(f"There is no task `{task}`", hint=f"There are {', '.join(tasks)}")
        names += of_task
    published = (file for file in catalog().files if everything and file.models)
    files = list(store.in_use(published, folder))
    for name in names:
        bundled = any(spec.id == name and spec.bundled for spec in registry.MODELS)
        of_model = store.in_use(catalog().of_model(name), folder)
        files += of_model or (() if bundled else (catalog().find(name),))
    return list({file.id: file for file in files}.values())


def _one_by_one(ids: Sequence[str]) -> list[WeightFile]:
    # Some files are named as the models that need them, and others beside; here the file is meant.

    by_id = {file.id: file for file in catalog().files}
    files: list[WeightFile] = []
    for name in ids:
        files += [by_id[name]] if name in by_id else _files((name,))
    return files


def _is_installed(file: WeightFile, folder: Path) -> bool:
    return bool(store.installed(file.id, folder))


def _model_row(spec: ModelSpec, folder: Path) -> dict[str, Any]:
    files = weight_files.needed(spec)
    words = dict.fromkeys(PROOF_WORDS[file.verification] for file in files)
    return {
        "id": spec.id,
        "task": " ".join(spec.tasks),
        "title": spec.title,
        "weights": store.state(spec, folder),
        "size": megabytes(spec.bundled.size_bytes)
        if spec.bundled
        else " + ".join(file.size for file in files),
        "size_bytes": weight_files.size_bytes(spec),
        "proof": ", ".join(words) if files else PROOF_WORDS["pinned_hash"],
        "license": spec.license,
        "source": spec.source,
        "files": [file.id for file in files],
    }


def _file_row(file: WeightFile, folder: Path) -> dict[str, Any]:
    record = Records(folder).get(file.id)
    return {
        "id": file.id,
        "name": file.name,
        "weights": "installed" if _is_installed(file, folder) else "missing",
        "size": file.size,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256 or record.sha256,
        "proof": PROOF_WORDS[file.verification],
        "proved": record.verification and PROOF_WORDS[record.verification],
        "came from": record.source,
        "license": file.license,
        "license_url": file.license_url,
        "models": list(file.models),
        "addresses": [source.page for source in file.sources],
    }


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    head = {column: column for column in columns}
    widths = [max(len(str(row[column])) for row in [*rows, head]) for column in columns]
    for row in [head, *rows]:
        cells = (str(row[c]).ljust(width) for c, width in zip(columns, widths, strict=True))
        print_line("  ".join(cells).rstrip())
