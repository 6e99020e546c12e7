"""Has every widget show a stranger's words, on the binding that is named; prints what became of it.

python hostile.py BINDING
"""

import importlib
import json
import sys
from typing import Any

importlib.import_module(sys.argv[1])

from pixelmend.errors import PixelmendError
from pixelmend.panel.docker_panel import DockerPanel
from pixelmend.panel.history import Result
from pixelmend.panel.job_view import JobView
from pixelmend.qt import Qt, QtGui, QtWidgets
from pixelmend.wire import Event

WORDS = '<img src="//host/x"><b>cat</b>\x1b[31m\u202egpj'
SHOWN = '<img src="//host/x"><b>cat</b>\\x1b[31m\\u202egpj'
MODEL = {"id": "m", "title": WORDS, "weights": "missing", "license": WORDS, "source": WORDS}
OPTION = {"title": WORDS, "description": WORDS, "default": WORDS}
TASK = {
    "id": "t",
    "title": WORDS,
    "result": WORDS,
    "models": [MODEL],
    "options": {
        "properties": {
            "model": {**OPTION, "default": "m"},
            "kind": {**OPTION, "enum": [WORDS]},
            "text": {**OPTION, "type": "string"},
            "truth": {**OPTION, "type": "boolean", "default": False},
            "count": {**OPTION, "type": "integer", "default": 1},
            "share": {**OPTION, "type": "number", "default": 1.0},
        }
    },
}


def rendered(tip: str) -> str:
    """Returns what Qt makes of a tool tip: HTML where it looks like it."""
    document = QtGui.QTextDocument()
    document.setHtml(tip)
    return document.toPlainText()


def tips_of(widget: QtWidgets.QWidget) -> list[str]:
    """Lists the tool tips of a widget and of what it lists."""
    tips = [widget.toolTip()]
    if isinstance(widget, QtWidgets.QComboBox):
        roles = Qt.ItemDataRole.ToolTipRole
        tips += [widget.itemData(row, roles) for row in range(widget.count())]
    if isinstance(widget, QtWidgets.QListWidget):
        items = (widget.item(row) for row in range(widget.count()))
        tips += [item.toolTip() for item in items if item is not None]
    return [tip for tip in tips if tip]


application = QtWidgets.QApplication(sys.argv[:1])
image = QtGui.QImage(30, 20, QtGui.QImage.Format.Format_RGBA8888)
running, ended, failed = JobView(), JobView(), JobView()
running.show_event(Event(1, "download", 1, 2, message=WORDS))
running.show_event(Event(2, "run", 1, 2, message=WORDS))
running.show_event(Event(3, "unheard of", 1, 2, message=WORDS))
running.show_model({**MODEL, "folder": WORDS})
ended.show_result(WORDS, (WORDS,), image, image)
ended.show_notes([WORDS])
failed.show_error(PixelmendError(WORDS, hint=WORDS), WORDS)
dock = DockerPanel(lambda _: QtGui.QIcon(), WORDS)
dock.show_tasks([TASK], {})
dock.show_history([Result(1, WORDS, image, image, (WORDS,), details=WORDS)])
dock.show_work({**MODEL, "folder": WORDS})

everything = application.allWidgets()
labels = [widget for widget in everything if isinstance(widget, QtWidgets.QLabel)]
tips = [tip for widget in everything for tip in tips_of(widget)]
printed: dict[str, Any] = {
    "rich": [label.text() for label in labels if label.textFormat() != Qt.TextFormat.PlainText],
    "labels with the words": sum(SHOWN in label.text() for label in labels),
    "acting": [label.text() for label in labels if "\x1b" in label.text()],
    "tips with the words": sum(SHOWN in rendered(tip) for tip in tips),
    "tips that lost some": [tip for tip in tips if "host" in tip and SHOWN not in rendered(tip)],
    "details": failed.details.toPlainText(),
}
for name, value in printed.items():
    sys.stdout.write(f"{name}={json.dumps(value)}\n")
