"""The options of a task as widgets, made from its fields."""

from __future__ import annotations

from typing import Callable

from ..presentation.forms import AUTO, LARGEST_INT, Field, Value, applies_to
from ..presentation.messages import translate
from ..qt import Qt, QtWidgets, Signal
from .plain_text import PlainLabel, tool_tip

DECIMALS = 2
STEP = 0.05


class Form(QtWidgets.QWidget):
    """Has a widget for each field; those that most users never need are folded away."""

    changed = Signal()
    """Emitted when the user has chosen something else."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[Field] = []
        self.widgets: dict[str, QtWidgets.QWidget] = {}
        self._labels: dict[str, PlainLabel] = {}
        self._read: dict[str, Callable[[], Value]] = {}
        self.more = QtWidgets.QToolButton()
        self.more.setText(translate("&Details"))
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.toggled.connect(self._unfold)
        self._usual, self._advanced = QtWidgets.QWidget(), QtWidgets.QWidget()
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._usual, self.more, self._advanced):
            self._layout.addWidget(widget)
        self._unfold(self.more.isChecked())

    def _unfold(self, unfolded: bool) -> None:
        arrows = Qt.ArrowType
        self.more.setArrowType(arrows.DownArrow if unfolded else arrows.RightArrow)
        self._advanced.setVisible(unfolded)

    def set_fields(self, fields: list[Field], values: dict[str, Value]) -> None:
        """Shows these fields, with the values that were chosen before."""
        for old in (self._usual, self._advanced):
            self._layout.removeWidget(old)
            old.deleteLater()
        self.fields, self.widgets, self._labels, self._read = fields, {}, {}, {}
        self._usual = self._rows([field for field in fields if not field.advanced], values)
        self._advanced = self._rows([field for field in fields if field.advanced], values)
        self._layout.insertWidget(0, self._usual)
        self._layout.addWidget(self._advanced)
        self.more.setVisible(any(field.advanced for field in fields))
        self._unfold(self.more.isChecked())
        self._show_applicable()

    def _rows(self, fields: list[Field], values: dict[str, Value]) -> QtWidgets.QWidget:
        rows = QtWidgets.QWidget()
        layout = QtWidgets.QFormLayout(rows)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setRowWrapPolicy(QtWidgets.QFormLayout.RowWrapPolicy.WrapLongRows)
        layout.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in fields:
            widget = self._widget(field, values.get(field.name, field.default))
            widget.setToolTip(tool_tip(field.help))
            widget.setAccessibleName(field.title)
            widget.setAccessibleDescription(field.help)
            self.widgets[field.name] = widget
            if field.kind == "boolean":
                layout.addRow(widget)
            else:
                label = PlainLabel(field.title)
                label.setBuddy(widget)
                self._labels[field.name] = label
                layout.addRow(label, widget)
        return rows

    def _widget(self, field: Field, value: Value) -> QtWidgets.QWidget:
        if field.kind == "choice":
            return self._choice(field, str(value))
        if field.kind == "number":
            number = QtWidgets.QDoubleSpinBox()
            number.setDecimals(DECIMALS)
            number.setRange(field.minimum, field.maximum)
            number.setSingleStep(STEP)
            number.setValue(float(value))
            number.valueChanged.connect(self._emit_changed)
            self._read[field.name] = number.value
            return number
        if field.kind == "integer":
            whole = QtWidgets.QSpinBox()
            whole.setRange(int(field.minimum), int(min(field.maximum, LARGEST_INT)))
            whole.setValue(int(value))
            whole.valueChanged.connect(self._emit_changed)
            self._read[field.name] = whole.value
            return whole
        if field.kind == "boolean":
            box = QtWidgets.QCheckBox(field.title)
            box.setChecked(bool(value))
            box.toggled.connect(self._emit_changed)
            self._read[field.name] = box.isChecked
            return box
        line = QtWidgets.QLineEdit(str(value))
        line.textChanged.connect(self._emit_changed)
        self._read[field.name] = line.text
        return line

    def _choice(self, field: Field, value: str) -> QtWidgets.QComboBox:
        combo = narrow(QtWidgets.QComboBox())
        for text, label in field.choices:
            combo.addItem(label, text)
            tip = tool_tip(label)
            combo.setItemData(combo.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        combo.setCurrentIndex(max(0, combo.findData(value)))
        combo.currentIndexChanged.connect(self._emit_changed)
        self._read[field.name] = lambda: str(combo.currentData())
        return combo

    def _emit_changed(self, _: object) -> None:
        self._show_applicable()
        self.changed.emit()

    def _show_applicable(self) -> None:
        # Only what the chosen model takes.
        model = self.values().get("model", AUTO)
        for field in self.fields:
            visible = applies_to(model, field.models)
            for widget in (self.widgets[field.name], self._labels.get(field.name)):
                if widget is not None:
                    widget.setVisible(visible)

    def values(self) -> dict[str, Value]:
        """Returns what is chosen now."""
        return {name: read() for name, read in self._read.items()}


def narrow(combo: QtWidgets.QComboBox) -> QtWidgets.QComboBox:
    """Lets a list be narrower than its texts, which it cuts off then."""
    combo.setSizeAdjustPolicy(
        QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
    return combo
