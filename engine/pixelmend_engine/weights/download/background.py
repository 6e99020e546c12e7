"""An iterator that runs in a thread of its own, so that who waits for it can leave at any time."""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

MAX_QUEUED = 64  # items that wait at most; what comes after them waits in the network
TICK_S = 0.1


class FirstItemTimeout(Exception):
    """The first item did not come in time."""


@dataclass(frozen=True)
class _Failed:
    error: BaseException


@dataclass(frozen=True)
class _Ended:
    pass


def iterate_in_thread(
    iterator: Iterator[Item], tick: Callable[[], None], first_within_s: float
) -> Generator[Item]:
    """Yields what the iterator yields; calls `tick` ten times a second, which may raise to leave.

    A thread that hangs, in a name server that does not answer for example, is left behind; it ends
    when what it waits for does. Whoever passes an iterator must not mind that.

    Raises:
        FirstItemTimeout: The first item did not come in time.
    """
    items: queue.Queue[Item | _Failed | _Ended] = queue.Queue(maxsize=MAX_QUEUED)
    left = threading.Event()

    def put(item: Item | _Failed | _Ended) -> bool:
        while not left.is_set():
            try:
                items.put(item, timeout=TICK_S)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in iterator:
                if not put(item):
                    return
            put(_Ended())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            put(_Failed(error))
        finally:
            if isinstance(iterator, Generator):
                iterator.close()  # here, where it ran: its connections are let go

    threading.Thread(target=work, name="download", daemon=True).start()
    deadline: float | None = time.monotonic() + first_within_s
    try:
        while True:
            tick()
            try:
                item = items.get(timeout=TICK_S)
            except queue.Empty:
                if deadline is not None and time.monotonic() > deadline:
                    raise FirstItemTimeout from None
                continue
            deadline = None
            if isinstance(item, _Ended):
                return
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        left.set()
