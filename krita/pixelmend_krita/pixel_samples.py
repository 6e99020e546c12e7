"""Some pixels of a layer, taken when its job began, to see at the end what has become of it."""

from __future__ import annotations

import random
from typing import Callable, List, Tuple

from .pixelmend.host.selection import Area

COUNT = 200  # pixels; each is read by a call of its own
ALIKE = 0.6  # share of pixels from which on a picture counts as turned, though painted on

SAME, CHANGED, TURNED = "same", "changed", "turned"

Read = Callable[[int, int, int, int], object]
Place = Tuple[int, int]


class PixelSamples:
    """Pixels of an area, and where they lie in their layer."""

    def __init__(self, read: Read, area: Area, bounds: Area, position: Place) -> None:
        places = random.Random(0)  # scattered, so that no pattern of the picture fits them
        self._places: List[Place] = [
            (
                area.x + places.randrange(area.width),
                area.y + places.randrange(area.height),
            )
            for _ in range(COUNT)
        ]
        self._bounds = bounds
        self._position = position
        self._pixels = [_pixel(read, *place) for place in self._places]

    def compare(self, read: Read, bounds: Area, position: Place) -> str:
        """Tells what became of them, where the layer lies now: `SAME`, `CHANGED` or `TURNED`.

        Whoever mirrors or turns a layer or the whole picture does so with the layer's bounds, too.
        """
        across, down = position[0] - self._position[0], position[1] - self._position[1]
        moved = [(x + across, y + down) for x, y in self._places]
        share = self._share(read, moved)
        if share == 1.0:
            return SAME
        best = max(self._share(read, places) for places in self._turned_places(bounds))
        return TURNED if best > max(share, ALIKE) else CHANGED

    def _share(self, read: Read, places: List[Place]) -> float:
        pairs = zip(self._pixels, places)
        return sum(pixel == _pixel(read, *place) for pixel, place in pairs) / COUNT

    def _turned_places(self, now: Area) -> List[List[Place]]:
        then, turned = self._bounds, []
        for transposed in (False, True):
            for from_right in (False, True):
                for from_bottom in (False, True):
                    if not (transposed or from_right or from_bottom):
                        continue
                    places = []
                    for x, y in self._places:
                        left, top = x - then.x, y - then.y
                        if transposed:
                            left, top = top, left
                        places.append(
                            (
                                now.right - 1 - left if from_right else now.x + left,
                                now.bottom - 1 - top if from_bottom else now.y + top,
                            )
                        )
                    turned.append(places)
        return turned


def _pixel(read: Read, x: int, y: int) -> bytes:
    return bytes(read(x, y, 1, 1))  # type: ignore[call-overload]
