#!/usr/bin/env python3
"""Filters > Restore: one entry for each task of the engine, and *Restore Again*.

GIMP starts this file anew for each call. What it can do stands in `tasks.json`, so that GIMP's own
start never starts an engine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, List, Set

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import layers
import provenance
from display import Display
from gi.repository import Gimp, GLib, GObject
from layer_host import LayerHost, NewLayer, SameLayer
from upscaled_layer import UpscaledLayer

from pixelmend.errors import BadRequest, PixelmendError, UnsupportedImage
from pixelmend.host import host
from pixelmend.paths import resolve
from pixelmend.presentation import forms, messages, task_cache
from pixelmend.presentation.messages import translate

FOLDER = Path(__file__).resolve().parent
PREFIX = "plug-in-pixelmend-"
AGAIN = PREFIX + "again"
SHOWN = GObject.ParamFlags.READWRITE
DIALOG_MNEMONICS = "rslcoe"  # the letters of the dialog's own buttons, and of ours
WITHOUT_USER = Gimp.RunMode.NONINTERACTIVE


class Restore(Gimp.PlugIn):
    """The plug-in as GIMP asks for it."""

    def do_set_i18n(self, _name: str) -> Any:
        return True, messages.DOMAIN, None

    def do_query_procedures(self) -> List[str]:
        tasks = task_cache.read(FOLDER)
        return [PREFIX + task["id"] for task in tasks] + ([AGAIN] if tasks else [])

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        if name == AGAIN:
            return make_again()
        tasks = task_cache.read(FOLDER)
        return make(next(task for task in tasks if PREFIX + task["id"] == name), tasks)


def make(task: Any, tasks: List[Any]) -> Gimp.Procedure:
    """Makes the procedure of a task, one of those that the menu has."""
    name = PREFIX + task["id"]
    procedure = Gimp.ImageProcedure.new(plug_in(), name, Gimp.PDBProcType.PLUGIN, run, None)
    # What *Search and Run a Command* looks through; `tasks.json` of release 0.1 has no description.
    how = translate("Restores photographs with diffusion models, on your own computer")
    in_menu(procedure, label_of(task, tasks), translate(task.get("description", how)), how)
    used = set(DIALOG_MNEMONICS)
    for field in all_fields(task):
        add_argument(procedure, field, with_mnemonic(field.title, used))
    if upscales(task):
        about = translate("The image that has the result")
        procedure.add_image_return_value("result", about, about, False, SHOWN)
    return procedure


def label_of(task: Any, tasks: List[Any]) -> str:
    """Names a task in the menu, with a letter that no other entry there has."""
    again = translate("Restore _Again...")
    used = {again[again.index("_") + 1].lower()}
    labels = {one["id"]: with_mnemonic(translate(one["title"]), used) for one in tasks}
    return labels[task["id"]] + "..."


def upscales(task: Any) -> bool:
    """Tells whether a task's results are larger than what they come from."""
    return forms.placement(task) is not None


def all_fields(task: Any) -> List[forms.Field]:
    """Lists what a dialog asks for: the engine's options, and where the result goes."""
    place, fields = forms.placement(task), forms.fields(task)
    return fields if place is None else [fields[0], fields[1], place, *fields[2:]]


def make_again() -> Gimp.Procedure:
    """Makes the procedure that does a layer again."""
    procedure = Gimp.ImageProcedure.new(plug_in(), AGAIN, Gimp.PDBProcType.PLUGIN, run_again, None)
    blurb = translate("Restores the original of a restored layer once more, with other options")
    in_menu(procedure, translate("Restore _Again..."), blurb, blurb)
    blurb_of_options = translate("Options that differ, as JSON")
    procedure.add_string_argument("options", blurb_of_options, blurb_of_options, "{}", SHOWN)
    return procedure


def plug_in() -> Gimp.PlugIn:
    return Gimp.get_plug_in()


def in_menu(procedure: Gimp.Procedure, label: str, blurb: str, text: str) -> None:
    one, several = Gimp.ProcedureSensitivityMask.DRAWABLE, Gimp.ProcedureSensitivityMask.DRAWABLES
    procedure.set_image_types("RGB*, GRAY*")
    procedure.set_sensitivity_mask(one | several)
    procedure.set_menu_label(label)
    procedure.add_menu_path("<Image>/Filters/" + translate("Restore"))
    procedure.set_documentation(blurb, text, None)
    procedure.set_attribution("Pixelmend", "Pixelmend", "2026")


def with_mnemonic(title: str, used: Set[str]) -> str:
    """Marks the letter that a field or an entry is reached by: the first that no other has."""
    for place, letter in enumerate(title.lower()):
        if letter.isascii() and letter.isalpha() and letter not in used:
            used.add(letter)
            return f"{title[:place]}_{title[place:]}"
    return title


def add_argument(procedure: Gimp.Procedure, field: forms.Field, label: str) -> None:
    """Adds what a field asks for to a procedure's arguments."""
    about = (field.name, label, field.help)
    if field.kind == "choice":
        choice = Gimp.Choice.new()
        for number, (value, caption) in enumerate(field.choices):
            choice.add(value, number, caption, "")
        procedure.add_choice_argument(*about, choice, field.default, SHOWN)
    elif field.kind == "number":
        procedure.add_double_argument(*about, field.minimum, field.maximum, field.default, SHOWN)
    elif field.kind == "boolean":
        procedure.add_boolean_argument(*about, field.default, SHOWN)
    elif field.kind == "integer":
        limits = (int(field.minimum), int(field.maximum))
        procedure.add_int_argument(*about, *limits, field.default, SHOWN)
    else:
        procedure.add_string_argument(*about, field.default, SHOWN)


def run(
    procedure: Gimp.Procedure, mode: Any, image: Gimp.Image, drawables: Any, config: Any, _: Any
) -> Gimp.ValueArray:
    """Restores each of the layers that are selected."""

    def work() -> Gimp.ValueArray:
        check_drawables(image, drawables)
        selected = [layers.layer_of(drawable) for drawable in drawables]
        name = procedure.get_name()
        task = next(task for task in task_cache.read(FOLDER) if PREFIX + task["id"] == name)
        if mode == Gimp.RunMode.INTERACTIVE and not ask(procedure, config, task):
            return answer(procedure, Gimp.PDBStatusType.CANCEL)
        options = options_of(config, task)
        engine = host.read_install(FOLDER)
        display = Display(engine, translate(task["title"]), panel=has_user(mode))
        if upscales(task):
            in_place = config.get_property("place") == forms.HERE
            hosts: List[LayerHost] = [
                UpscaledLayer(layer, task, options, display, in_place=in_place)
                for layer in selected
            ]
        else:
            hosts = [NewLayer(layer, task, options, display) for layer in selected]
        return restore(procedure, engine, image, hosts, display)

    return guarded(procedure, work)


def run_again(
    procedure: Gimp.Procedure, mode: Any, image: Gimp.Image, drawables: Any, config: Any, _: Any
) -> Gimp.ValueArray:
    """Does a restored layer again."""

    def work() -> Gimp.ValueArray:
        if len(drawables) != 1:
            raise UnsupportedImage(
                "Only one layer can be done again at a time", hint="Select a single layer"
            )
        check_drawables(image, drawables)
        layer = layers.layer_of(drawables[0])
        made_by = provenance.read(layer)
        task = next((task for task in task_cache.read(FOLDER) if task["id"] == made_by.task), None)
        if task is None:
            raise UnsupportedImage(
                f"The engine can't do `{made_by.task}` any more",
                hint="Install the version of Pixelmend that made this layer",
            )
        options = {**made_by.options, **provenance.parse_changes(config.get_property("options"))}
        if mode == Gimp.RunMode.INTERACTIVE:
            first = Gimp.get_pdb().lookup_procedure(PREFIX + made_by.task)
            values = first.create_config()
            for field in fields_of(values, task):
                values.set_property(field.name, forms.initial_value(field, options))
            if not ask(first, values, task):
                return answer(procedure, Gimp.PDBStatusType.CANCEL)
            options = options_of(values, task)
        engine = host.read_install(FOLDER)
        display = Display(engine, translate(task["title"]), panel=has_user(mode))
        again = SameLayer(layer, task, options, display, made_by)
        return restore(procedure, engine, image, [again], display)

    return guarded(procedure, work)


def has_user(mode: Any) -> bool:
    """Tells whether somebody sees a window: scripts may ask for the last values, too."""
    return mode != WITHOUT_USER and Gimp.default_display() is not None


def check_drawables(image: Gimp.Image, drawables: Any) -> None:
    """Refuses what a script may ask for, and the menu can't.

    Raises:
        BadRequest: There is no layer, or one of another image.
    """
    if not drawables:
        raise BadRequest("No layer was named", hint="Put layers of the image into `drawables`")
    if any(drawable.get_image() != image for drawable in drawables):
        raise BadRequest(
            "A layer belongs to another image", hint="Call the procedure once for each image"
        )


def ask(procedure: Gimp.Procedure, config: Any, task: Any) -> bool:
    """Shows the dialog; returns whether the user wants it done."""
    gi.require_version("GimpUi", "3.0")
    from gi.repository import GimpUi  # late: needs a screen

    GimpUi.init(procedure.get_name())
    dialog = GimpUi.ProcedureDialog.new(procedure, config, translate(task["title"]))
    dialog.set_ok_label(translate("R_estore"))
    fields = fields_of(config, task)
    for field in fields:
        if field.kind == "number":
            dialog.get_scale_entry(field.name, 1.0)  # a slider, as in GIMP's own filters
    dialog.fill([field.name for field in fields if not field.advanced])
    advanced = [field.name for field in fields if field.advanced]
    if advanced:
        dialog.fill_box("advanced", advanced)
        dialog.get_label("details", translate("Details"), False, False)
        dialog.fill_expander("expander", "details", False, "advanced")
        dialog.fill(["expander"])
    confirmed = dialog.run()
    dialog.destroy()
    return confirmed


def fields_of(config: Any, task: Any) -> List[forms.Field]:
    """Lists the fields that GIMP knows: new ones of the engine it knows from its next start on."""
    known = {one.name for one in config.list_properties()}
    return [field for field in all_fields(task) if field.name in known]


def options_of(config: Any, task: Any) -> Any:
    values = {field.name: config.get_property(field.name) for field in fields_of(config, task)}
    return forms.options(task, values)


def restore(
    procedure: Gimp.Procedure,
    engine: host.PluginInstall,
    image: Gimp.Image,
    hosts: List[LayerHost],
    display: Display,
) -> Gimp.ValueArray:
    """Restores all, and only then touches the image, in one undo step."""
    task, options = hosts[0].task, hosts[0].options
    display.show_model(forms.model_of(task, options.get("model")))
    for number, one in enumerate(hosts, start=1):
        display.next_layer(number, len(hosts))
        outcome = host.restore(one, engine, task["id"], options, "GIMP")
        if outcome == host.CANCELED:
            display.cancel()
            return answer(procedure, Gimp.PDBStatusType.CANCEL)
        if outcome == host.FAILED:
            text = host.details(
                display.error, engine, f"gimp: {Gimp.version()}", task["id"], options
            )
            in_panel = display.show_error(display.error, text)
            return failed(procedure, display.error, in_panel=in_panel)
    if any(one.canceled() for one in hosts):  # as when the image was closed a moment ago
        display.cancel()
        return answer(procedure, Gimp.PDBStatusType.CANCEL)
    image_with_results = hosts[0].insert_all(image, hosts)
    if image_with_results != image and display.has_panel:
        Gimp.Display.new(image_with_results)
    Gimp.displays_flush()
    hosts[-1].compare()
    display.finish()
    values = answer(procedure, Gimp.PDBStatusType.SUCCESS)
    if upscales(task):
        values.remove(1)
        values.insert(1, GObject.Value(Gimp.Image, image_with_results))
    return values


def guarded(procedure: Gimp.Procedure, work: Callable[[], Gimp.ValueArray]) -> Gimp.ValueArray:
    """Turns every error into an answer: of an exception GIMP would show nothing."""
    plug_in().set_pdb_error_handler(Gimp.PDBErrorHandler.PLUGIN)
    try:
        return work()
    except PixelmendError as error:
        return failed(procedure, error)
    except Exception as error:  # noqa: BLE001 - a door
        return failed(procedure, host.unexpected_error(error, resolve()))


def failed(
    procedure: Gimp.Procedure, error: PixelmendError, *, in_panel: bool = False
) -> Gimp.ValueArray:
    """Answers with an error; GIMP shows it, unless the panel does."""
    text = None if in_panel else GLib.Error(f"{error.message}.\n\n{error.hint}.")
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, text)


def answer(procedure: Gimp.Procedure, status: Any) -> Gimp.ValueArray:
    return procedure.new_return_values(status, None)


if __name__ == "__main__":
    messages.bind(FOLDER / "locale")
    Gimp.main(Restore.__gtype__, sys.argv)
