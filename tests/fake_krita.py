"""Krita's own module, as far as what reads and writes documents uses it: layers of RGBA, 8 bits.

Documents know their layers, layers know their pixels where they were put; nothing is drawn.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

SRGB = "sRGB-elle-V2-srgbtrc.icc"
_numbers = itertools.count()


class Place:
    """A point or a rectangle of Qt's."""

    def __init__(self, x: int, y: int, width: int = 0, height: int = 0) -> None:
        self.sides = (x, y, width, height)

    def x(self) -> int:
        return self.sides[0]

    def y(self) -> int:
        return self.sides[1]

    def width(self) -> int:
        return self.sides[2]

    def height(self) -> int:
        return self.sides[3]


class Id:
    """What a layer is known by."""

    def __init__(self) -> None:
        self.number = next(_numbers)

    def toString(self) -> str:  # noqa: N802 - Krita's name
        return str(self.number)


class Colors:
    """What layers and documents say of theirs."""

    def colorModel(self) -> str:  # noqa: N802 - Krita's name
        return "RGBA"

    def colorDepth(self) -> str:  # noqa: N802 - Krita's name
        return "U8"

    def colorProfile(self) -> str:  # noqa: N802 - Krita's name
        return SRGB


class Node(Colors):
    """A layer, a mask, or the root of them."""

    def __init__(
        self, name: str, kind: str = "paintlayer", place: tuple[int, int] = (0, 0)
    ) -> None:
        self._name, self._kind, self.place = name, kind, place
        self.pixels = np.zeros((0, 0, 4), np.uint8)
        self.children: list[Node] = []
        self.parent: Node | None = None
        self.seen_through = 255
        self._id = Id()

    def name(self) -> str:
        return self._name

    def type(self) -> str:
        return self._kind

    def uniqueId(self) -> Id:  # noqa: N802 - Krita's name
        return self._id

    def parentNode(self) -> Node | None:  # noqa: N802 - Krita's name
        return self.parent

    def addChildNode(self, child: Node, above: Node | None) -> bool:  # noqa: N802 - Krita's name
        place = len(self.children) if above is None else self.children.index(above) + 1
        self.children.insert(place, child)
        child.parent = self
        return True

    def bounds(self) -> Place:
        height, width, _ = self.pixels.shape
        return Place(*self.place, width, height)

    def position(self) -> Place:
        return Place(*self.place)

    def move(self, x: int, y: int) -> None:
        self.place = (x, y)

    def opacity(self) -> int:
        return self.seen_through

    def setOpacity(self, opacity: int) -> None:  # noqa: N802 - Krita's name
        self.seen_through = opacity

    def blendingMode(self) -> str:  # noqa: N802 - Krita's name
        return "normal"

    def setBlendingMode(self, mode: str) -> None:  # noqa: N802 - Krita's name
        assert mode == self.blendingMode()

    def inheritAlpha(self) -> bool:  # noqa: N802 - Krita's name
        return False

    def setInheritAlpha(self, inherits: bool) -> None:  # noqa: N802 - Krita's name
        assert not inherits

    def colorLabel(self) -> int:  # noqa: N802 - Krita's name
        return 0

    def setColorLabel(self, label: int) -> None:  # noqa: N802 - Krita's name
        assert label == 0

    def alphaLocked(self) -> bool:  # noqa: N802 - Krita's name
        return False

    def setAlphaLocked(self, locked: bool) -> None:  # noqa: N802 - Krita's name
        assert not locked

    def layerStyleToAsl(self) -> str:  # noqa: N802 - Krita's name
        return ""

    def duplicate(self) -> Node:
        copy = Node(self._name, self._kind, self.place)
        copy.pixels, copy.seen_through = self.pixels.copy(), self.seen_through
        copy.children = [one.duplicate() for one in self.children]
        return copy

    def remove(self) -> bool:
        assert self.parent is not None
        self.parent.children.remove(self)
        return True

    def projectionPixelData(self, x: int, y: int, width: int, height: int) -> bytes:  # noqa: N802
        seen = np.zeros((height, width, 4), np.uint8)
        for row, column in np.ndindex(height, width):
            from_top, from_left = y + row - self.place[1], x + column - self.place[0]
            inside = 0 <= from_top < self.pixels.shape[0] and 0 <= from_left < self.pixels.shape[1]
            if inside:
                seen[row, column] = self.pixels[from_top, from_left]
        return seen.tobytes()

    def setPixelData(self, data: Any, x: int, y: int, width: int, height: int) -> bool:  # noqa: N802
        part = np.frombuffer(bytes(data), np.uint8).reshape(height, width, 4)
        if not self.pixels.size:
            self.place = (x, y)
            self.pixels = part.copy()
        else:  # strips, one below the other
            assert (x, y) == (self.place[0], self.place[1] + self.pixels.shape[0])
            self.pixels = np.concatenate([self.pixels, part])
        return True


class Selection:
    """A rectangle, all of it selected."""

    def __init__(self, x: int = 0, y: int = 0, width: int = 0, height: int = 0) -> None:
        self.place = Place(x, y, width, height)

    def x(self) -> int:
        return self.place.x()

    def y(self) -> int:
        return self.place.y()

    def width(self) -> int:
        return self.place.width()

    def height(self) -> int:
        return self.place.height()

    def duplicate(self) -> Selection:
        return Selection(*self.place.sides)

    def pixelData(self, x: int, y: int, width: int, height: int) -> bytes:  # noqa: N802
        rows = np.arange(y, y + height)[:, None]
        columns = np.arange(x, x + width)[None]
        inside = (rows >= self.y()) & (rows < self.y() + self.height())
        inside = inside & (columns >= self.x()) & (columns < self.x() + self.width())
        return (inside * np.uint8(255)).astype(np.uint8).tobytes()


class Document(Colors):
    """A picture with its layers."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.root = Node("root", "grouplayer")
        self.active: Node | None = None
        self.selected: Selection | None = None

    @property
    def layer(self) -> Node:
        """The lowest layer."""
        return self.root.children[0]

    def name(self) -> str:
        return "picture"

    def width(self) -> int:
        return self.size[0]

    def height(self) -> int:
        return self.size[1]

    def resolution(self) -> float:
        return 72.0

    def rootNode(self) -> Node:  # noqa: N802 - Krita's name
        return self.root

    def activeNode(self) -> Node | None:  # noqa: N802 - Krita's name
        return self.active

    def setActiveNode(self, node: Node) -> None:  # noqa: N802 - Krita's name
        self.active = node

    def selection(self) -> Selection | None:
        return self.selected

    def nodeByUniqueID(self, wanted: Id) -> Node | None:  # noqa: N802 - Krita's name
        found = (one for one in self.root.children if one.uniqueId().number == wanted.number)
        return next(found, None)

    def createNode(self, name: str, kind: str) -> Node:  # noqa: N802 - Krita's name
        return Node(name, kind)

    def waitForDone(self) -> None:  # noqa: N802 - Krita's name
        """Nothing is ever under way."""

    def setBatchmode(self, _quiet: bool) -> None:  # noqa: N802 - Krita's name
        """It asks nothing in any case."""

    def setModified(self, _modified: bool) -> None:  # noqa: N802 - Krita's name
        """It asks nothing in any case."""

    def close(self) -> bool:
        return True


class Signal:
    """One that nobody emits."""

    def connect(self, _call: Any) -> None:
        """Takes what would be called."""


class Notifier:
    """Says when Krita ends, which it does not."""

    applicationClosing = Signal()  # noqa: N815 - Krita's name

    def setActive(self, _active: bool) -> None:  # noqa: N802 - Krita's name
        """It has nothing to say."""


class Krita:
    """The application."""

    _only: Krita | None = None

    def __init__(self) -> None:
        self.opened: list[Document] = []
        self.settings: dict[tuple[str, str], str] = {}

    @classmethod
    def instance(cls) -> Krita:
        cls._only = cls._only or cls()
        return cls._only

    def version(self) -> str:
        return "0.0.0"

    def notifier(self) -> Notifier:
        return Notifier()

    def createDocument(self, width: int, height: int, *_facts: Any) -> Document:  # noqa: N802
        return Document(width, height)  # which no window shows

    def documents(self) -> list[Document]:
        return self.opened

    def activeDocument(self) -> Document | None:  # noqa: N802 - Krita's name
        return self.opened[-1] if self.opened else None

    def readSetting(self, group: str, name: str, default: str) -> str:  # noqa: N802 - Krita's name
        return self.settings.get((group, name), default)

    def writeSetting(self, group: str, name: str, value: str) -> None:  # noqa: N802 - Krita's name
        self.settings[group, name] = value

    def addExtension(self, _extension: Any) -> None:  # noqa: N802 - Krita's name
        """There are no menus."""

    def addDockWidgetFactory(self, _factory: Any) -> None:  # noqa: N802 - Krita's name
        """There are no windows."""


class Extension:
    """What adds actions."""

    def __init__(self, _parent: Any) -> None:
        """There are no menus."""


class DockWidget:
    """What lies at the side of a window."""


class DockWidgetFactoryBase:
    """Knows where that may be."""

    DockRight = 1


class DockWidgetFactory:
    """Makes it."""

    def __init__(self, *_facts: Any) -> None:
        """There are no windows."""


class InfoObject:
    """How a file is to be written."""
