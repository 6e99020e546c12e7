"""Shows the docker before, while and after it works, and keeps what is seen."""

import os
import subprocess

from krita_stage import application, docker, folder, slow, until
from pixelmend_krita.controller import controller

SEEN = ("KisLayerBox", "ToolBox", "pixelmendDocker")  # what others are hidden for


def keep(name):
    path = os.path.join(folder, f"{name}.png")
    subprocess.run(["import", "-window", "root", path], check=True)


def opened():
    """Opens the picture beside the docker, which gets the room of others."""
    window = application.activeWindow()
    window.qwindow().showMaximized()
    document = application.openDocument(os.path.join(folder, "picture.png"))
    window.addView(document)
    yield 2.0
    docker().setVisible(True)
    for one in window.dockers():
        if one.objectName() not in SEEN:
            one.setVisible(False)
    yield 1.5
    document.setActiveNode(document.rootNode().childNodes()[0])
    dock = docker().widget()
    dock.choices.form.more.setChecked(False)
    yield 1.0
    return dock


def work():
    dock = yield from opened()
    keep("docker")
    with slow():
        dock.run_button.click()
        yield from until(lambda: dock.view.progress_bar.value() >= 350)
    keep("work")
    dock.cancel_button.click()
    yield 1.0
    return {}


def result():
    dock = yield from opened()
    for strength in (0.5, 1.0):
        dock.choices.form.widgets["strength"].setValue(strength)
        dock.run_button.click()
        yield from until(lambda: not controller().working)
        if strength < 1.0:
            application.action("edit_undo").trigger()
        yield 1.0
    keep("result")
    return {}


SCENES = [work, result]
LAST = os.environ["PIXELMEND_ONLY"]
