"""The documents say what the code does, and the code keeps the rules of the house."""

import ast
import functools
import re
import sys
import tomllib
from pathlib import Path

import click
import pytest
import write_cli
import write_rooms

from pixelmend.wire import PHASES
from pixelmend_cli.main import cli
from pixelmend_cli.setup import install
from pixelmend_engine.catalog import options, tasks
from pixelmend_engine.catalog.registry import MODELS
from pixelmend_engine.server.routes import Server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PACKAGES = (
    ROOT / "plugin" / "pixelmend",
    ROOT / "plugin" / "pixelmend_cli",
    ROOT / "engine" / "pixelmend_engine",
)
CODE = [
    path
    for room in ("plugin", "engine", "gimp", "krita", "tests", "docs", "examples")
    for path in (ROOT / room).rglob("*.py")
]
HOST_MODULES = [
    *(ROOT / "plugin" / "pixelmend" / module for module in install.modules(panel=True)),
    *(ROOT / "gimp" / "pixelmend-restore").glob("*.py"),
    *(ROOT / "krita" / "pixelmend_krita").glob("*.py"),
]
# What plug-ins may import beside the standard library: their editor; in GIMP, which has no packages
# of plug-ins, our copied one and themselves. And Qt, in the one file that knows it.
HOSTS_OWN = {"gi", "pixelmend"} | {
    path.stem for path in (ROOT / "gimp" / "pixelmend-restore").glob("*.py")
}
QT = {"PyQt5", "PyQt6"}
COMMANDS = (
    "pip install -c constraints.txt . && pixelmend deblur ",
    'pip install -c constraints.txt -e ".[dev]" && pytest -n 2 --dist loadgroup\n',
)


def test_readme_has_the_two_commands_and_ci_runs_the_second() -> None:
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    assert all(command in blocks for command in COMMANDS)
    install, test = COMMANDS[1].strip().split(" && ")
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    editors = "pytest --slow tests/hosts"  # alone: beside other tests they miss keys
    assert steps[-3:] == [install, f"{test} --slow --ignore tests/hosts", editors]


def test_pictures_of_the_first_command_are_there() -> None:
    pictures = re.findall(r"examples/\w+\.png", re.findall(r"deblur (examples.*)", README)[0])
    assert len(pictures) == 2
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_model_table_is_the_catalog() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.-]+)` \| (\S+) \| (\w+(?:, \w+)*) \|", page, re.MULTILINE)
    assert rows == [(spec.id, spec.family, ", ".join(spec.tasks)) for spec in MODELS]


def test_file_map_names_what_is_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w/]+/)` \|", page, re.MULTILINE)
    assert all((ROOT / folder).is_dir() for folder in named)
    assert {folder.partition("/")[0] for folder in named} == {
        "plugin", "engine", "gimp", "krita", "tests", "docs", "examples",
    }  # fmt: skip


def test_code_map_names_every_room() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+) \|", architecture, re.MULTILINE)
    assert len(rows) <= 20
    named: set[str] = set()
    for row in rows:
        room, *inside = re.findall(r"`([\w/]+)`", row)
        named |= {room, *(f"{room}/{name}" for name in inside)}
    there = {
        path.parent.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for path in package.rglob("*.py")
    }
    assert {room for room in named if room.startswith("pixelmend")} == there


def test_drawing_of_rooms_is_the_one_of_now() -> None:
    page = write_rooms.PAGE.read_text(encoding="utf-8")
    assert page == write_rooms.render(page), "run `make docs`"


def test_no_drawing_has_an_arrow_back() -> None:
    rooms = write_rooms.between_rooms(write_rooms.imports())
    rooms["pixelmend_engine.catalog"].add("pixelmend_engine.models")
    with pytest.raises(ValueError, match=r"catalog -> pixelmend_engine\.models"):
        write_rooms.draw(rooms)
    packages = {"pixelmend.wire": {"pixelmend_engine.nn"}, "pixelmend_engine.nn": set[str]()}
    packages["pixelmend_engine.server"] = {"pixelmend.wire"}
    with pytest.raises(ValueError, match=r"pixelmend -> pixelmend_engine|engine -> pixelmend\b"):
        write_rooms.draw(packages)


def test_help_and_errors_are_those_of_the_code() -> None:
    assert write_cli.PAGE.read_text(encoding="utf-8") == write_cli.render(), "run `make docs`"


def test_every_option_says_what_it_does() -> None:
    options = [
        param
        for _, command in write_cli.commands(cli)
        for param in command.params
        if isinstance(param, click.Option)
    ]
    assert len(options) > 100
    assert [option.opts for option in options if not option.help] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documents_name_what_is_there(page: Path) -> None:
    """Paths of ours, classes, names in modules and with_underscores, wherever a page has them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    literals = set(re.findall(r"`([^`\n]+)`", text)) - NO_NAMES_OF_OURS
    assert [literal for literal in sorted(literals) if not _is_there(literal, page)] == []


NO_NAMES_OF_OURS = {
    "nn.Module",  # torch's
    "utils.py",  # which nobody is to write
    "face_full_v1",  # published once, and not in the catalog
    "general_full_v1",
    "motorcycle_left",  # scikit-image's
    "w_mse",  # DiffBIR's name of what `--fidelity` sets
    "engine/pixelmend_engine/catalog/FAMILY.py",  # which somebody will write
    "engine/pixelmend_engine/models/FAMILY.py",
}
DATA = ("json", "lock", "safetensors", "state")  # suffixes of files that the program writes


def _is_there(literal: str, page: Path) -> bool:
    """Looks up a literal that looks like a path or a name of ours; any other is taken as it is."""
    if re.fullmatch(r"[\w./-]+\.py|[\w-]+(/[\w-]+)*/?", literal):
        folders = {folder for path in CODE for folder in path.parent.relative_to(ROOT).parts}
        tail = f"/{literal.rstrip('/')}"
        return (
            not (literal.endswith(".py") or ("/" in literal and literal.split("/")[0] in folders))
            or any((folder / literal).exists() for folder in (ROOT, page.parent))
            or any(end.as_posix().endswith(tail) for path in CODE for end in (path, path.parent))
        )
    if re.fullmatch(r"\w+(\.\w+)+", literal) and not literal.endswith(DATA):
        *_, holder, name = literal.split(".")  # a module, a room, or a class
        files = [
            path
            for path in CODE
            if holder in (path.stem, path.parent.name)
            or (holder[0].isupper() and holder in _names(path))
        ]
        return not files or any(name in (path.stem, *_names(path)) for path in files)
    if re.fullmatch(r"[A-Z][a-z]+([A-Z]\w+)+", literal):
        return any(literal in _names(path) for path in CODE)
    if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", literal):
        return any(literal in _text(path) for path in CODE)
    return True


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def _names(path: Path) -> set[str]:
    """Lists what a module defines, also inside its classes."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(_text(path))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def test_every_module_has_its_test() -> None:
    """A module counts as proved by its own test, or by numbers of the published code."""
    golden = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "golden").glob("*.py")
    )
    untested: list[str] = []
    for package, room in zip(PACKAGES, ("plugin", "cli", "engine"), strict=True):
        for module in package.rglob("*.py"):
            path = module.relative_to(package)
            name = ".".join((package.name, *path.with_suffix("").parts))
            parent, _, leaf = name.rpartition(".")
            own = ROOT / "tests" / room / path.parent / f"test_{path.name}"
            proved = rf"from {re.escape(parent)} import .*\b{leaf}\b|from {re.escape(name)} import"
            if not (path.stem[:2] == "__" or own.is_file() or re.search(proved, golden)):
                untested.append(name)
    assert sorted(untested) == sorted(UNTESTED)


UNTESTED = {  # and why each needs no test of its own name
    "pixelmend.client.client": "by real processes, in tests/protocol",
    "pixelmend.client.launch": "by real processes, in tests/protocol",
    "pixelmend.finding": "a record",
    "pixelmend.panel.compare": "shown by tests/plugin/panel/offscreen.py",
    "pixelmend.panel.face_chooser": "shown by tests/plugin/panel/docked.py",
    "pixelmend.panel.face_picker": "shown by tests/plugin/panel/docked.py",
    "pixelmend.panel.flow_layout": "shown by tests/plugin/panel/docked.py",
    "pixelmend.panel.form_widget": "shown by tests/plugin/panel/docked.py",
    "pixelmend.panel.history": "shown by tests/plugin/panel/docked.py",
    "pixelmend_cli.training_run": "with commands/train",
    "pixelmend_engine.batch.pool": "records, and a protocol",
    "pixelmend_engine.batch.records": "records",
    "pixelmend_engine.catalog.spec": "records",
    "pixelmend_engine.diffusion.posterior_mean": "by tests/golden/test_schedule.py, through models",
    "pixelmend_engine.models.diffbir.classifier_free_guidance": "with models/diffbir/model",
    "pixelmend_engine.models.diffbir.offloading": "with models/diffbir/model",
    "pixelmend_engine.models.pipeline": "protocols alone",
    "pixelmend_engine.models.prior_guided": "with models/hidiff and models/diffir",
    "pixelmend_engine.nn.mlp_mixer": "in the networks that have it, by tests/golden",
    "pixelmend_engine.nn.mlp": "in the networks that have it, by tests/golden",
    "pixelmend_engine.nn.precision": "in the networks that have it, by tests/golden",
    "pixelmend_engine.restoration.model_choice": "with restoration/session",
    "pixelmend_engine.restoration.model_runner": "with restoration/session_faces",
    "pixelmend_engine.restoration.task_request": "records, with server/worker and tests/cli",
    "pixelmend_engine.server.authentication": "by real processes, in tests/protocol",
    "pixelmend_engine.server.connections": "by real processes, in tests/protocol",
    "pixelmend_engine.server.jobs": "by real processes, in tests/protocol",
    "pixelmend_engine.server.state_file": "by real processes, in tests/protocol",
    "pixelmend_engine.server.process": "by real processes, in tests/protocol",
    "pixelmend_engine.server.routes": "by real processes, in tests/protocol",
    "pixelmend_engine.training.batch": "records",
    "pixelmend_engine.training.degradations.degrade": "with each degradation",
    "pixelmend_engine.training.degradations.random_source": "with each degradation",
    "pixelmend_engine.training.frozen_networks": "with training/loop",
    "pixelmend_engine.training.initial_weights": "with training/loop",
    "pixelmend_engine.training.objectives.discriminator_trainer": "with training/loop",
    "pixelmend_engine.training.recipes.diffir": "with training/recipes/registry",
    "pixelmend_engine.training.recipes.hidiff": "with training/recipes/registry",
    "pixelmend_engine.training.stage_spec": "records",
    "pixelmend_engine.training.tensorboard_log": "with training/loop",
    "pixelmend_engine.training.validation": "with training/loop",
    "pixelmend_engine.weights.checkpoints.files": "with weights/store",
    "pixelmend_engine.weights.download.https": "over real connections, with `download`",
    "pixelmend_engine.weights.download.response": "with weights/download/download",
}


def test_no_file_is_two_nouns() -> None:
    assert len(CODE) > 400
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {path: length for path, length in lengths.items() if length > 500} == {}


def test_protocol_page_has_every_route_and_phase() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^### `(\w+) (\S+)`", page, re.MULTILINE))
    server = Server.__new__(Server)  # its routes do not depend on its parts
    assert described == {
        (method, route.path)
        for route in server.routes
        for method in (route.methods or set[str]()) - {"HEAD"}
    }
    assert re.findall(r"^\| `(\w+)` \| (?:no|yes)", page, re.MULTILINE) == list(PHASES)
    for name in {name for task in tasks.TITLES for name in options.of_task(task)}:
        assert f"| `{name}` |" in page


@pytest.mark.parametrize("path", HOST_MODULES, ids=lambda path: path.name)
def test_what_hosts_load_is_old_python_and_the_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if not node.level else []
        else:
            continue
        allowed = set(sys.stdlib_module_names)
        allowed |= HOSTS_OWN if path.is_relative_to(ROOT / "gimp") else set[str]()
        allowed |= {"krita"} if path.is_relative_to(ROOT / "krita") else set[str]()
        allowed |= QT if path.name == "qt.py" else set[str]()
        assert {name.partition(".")[0] for name in names} <= allowed


def requirements() -> set[str]:
    """Names what is needed to use Pixelmend and to work on it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    # An extra may ask for another one of our own.
    return {re.split(r"[<>=\[]", requirement)[0] for requirement in wanted} - {"pixelmend"}


def test_every_dependency_has_its_reason() -> None:
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    table = decisions.partition("| package | saves us |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ", maxsplit=1) for row in table.splitlines()]
    named = [
        re.sub(r" \((development|training|evaluation|cluster|raw)\)$", "", package)
        for package, _ in rows
    ]
    assert sorted(named) == sorted(requirements())
    reasons = [reason for _, reason in rows]
    assert len(set(reasons)) == len(reasons)


def test_decisions_are_dated_and_the_newest_is_last() -> None:
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.*)$", decisions, re.MULTILINE)[1:]  # behind that on dependencies
    dates = [title[-len("(2026-11-20)") :] for title in titles]
    assert all(re.fullmatch(r"\(\d{4}-\d\d-\d\d\)", date) for date in dates)
    assert dates == sorted(dates)


def test_constraints_pin_every_dependency() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert requirements() <= {line.partition("==")[0] for line in pins.splitlines()}


def pins(name: str) -> dict[str, str]:
    """Versions by package, of `constraints.txt` or of the lock."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text.lower().replace("_", "-"), re.MULTILINE))


def test_the_lock_has_the_tested_versions_and_a_hash_for_each() -> None:
    locked, tested = pins("requirements.lock"), pins("constraints.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split("[<>=]", requirement)[0] for requirement in project["dependencies"]}
    assert needed | {"hatchling"} <= locked.keys(), "run `make lock`"
    assert {name: tested.get(name, locked[name]) for name in locked} == locked, "run `make lock`"
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^[\w.-]+==.*(?:\n    .*)*", text, re.MULTILINE)
    assert len(entries) == len(locked)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text  # whose index it was is nobody's business


SOUND_FROM = {  # the first versions without holes that were known on 2026-11-30
    "filelock": (3, 20, 3),
    "pillow": (12, 3),
    "requests": (2, 32, 4),
    "starlette": (1, 0, 1),
    "urllib3": (2, 6, 3),
}


def test_lower_bounds_leave_out_versions_with_known_holes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = dict(requirement.split(">=") for requirement in project["dependencies"])
    for name, sound in SOUND_FROM.items():
        assert tuple(map(int, bounds[name].split("."))) >= sound, name
