"""The engine's real process with a fake restoration: it waits, and gives the picture back.

python fake_engine.py --home DIR [--steps N] [--step-seconds S] [--spool-bytes N] ...
"""

import argparse
import asyncio
import dataclasses
import json
import logging
import os
import sys
import time
from pathlib import Path

import numpy as np

from pixelmend.paths import Paths
from pixelmend.wire import Bytes, Raster, encode
from pixelmend_engine.restoration.task_request import ProgressCallback
from pixelmend_engine.server import connections, process, routes
from pixelmend_engine.server.jobs import WorkItem
from pixelmend_engine.server.log_rate import LogRate
from pixelmend_engine.server.process import Lifetime, Service, alone

FAIL_SEED = 13  # the seed that makes it fail as nobody expected


class Echo:
    """Takes its time, step by step, and changes nothing."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options

    def run(self, item: WorkItem, progress: ProgressCallback) -> list[Bytes]:
        seed = item.request.options.get("seed")
        asked = json.dumps(dict(item.request.options))
        (self._options.home / "options.json").write_text(asked, encoding="utf-8")
        progress("load", 0, 0)
        if self._options.minutes:
            progress("run", 0, 0, f"This takes about {self._options.minutes} minutes")
        steps = self._options.steps
        for step in range(steps):
            progress("run", step, steps)
            if seed == FAIL_SEED:
                raise ZeroDivisionError("as nobody expected")
            time.sleep(self._options.step_seconds)
        if not self._options.silent_end:
            progress("run", steps, steps)
        said = {"seed": seed}
        if self._options.named:
            said["models"] = os.fsencode(item.models_dir).hex()
            said |= {"model": "echo", "title": "Echo", "version": "0"}
        raster = item.raster
        if getattr(item.request, "task", "") == "upscale":
            raster = _twice_as_large(raster)
            said["scale"] = 2
        return encode(dataclasses.replace(raster, mask=None), said)

    def release(self) -> None:
        (self._options.home / "released").touch()
        if self._options.release_fails:
            raise RuntimeError("as a GPU in a bad state would")


def _twice_as_large(raster: Raster) -> Raster:
    pixels = np.frombuffer(raster.data, np.uint8).reshape(raster.height, raster.width, -1)
    data = pixels.repeat(2, axis=0).repeat(2, axis=1).tobytes()
    return dataclasses.replace(raster, width=raster.width * 2, height=raster.height * 2, data=data)


def main() -> None:
    """Runs until it is told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--minutes", type=int, default=0)
    parser.add_argument("--step-seconds", type=float, default=0.0)
    parser.add_argument("--spool-share", type=float, default=process.SPOOL_SHARE)
    parser.add_argument("--standstill", type=float, default=10.0)
    parser.add_argument("--headers-within", type=float, default=10.0)
    parser.add_argument("--release-after", type=float, default=300.0)
    parser.add_argument("--exit-after", type=float, default=300.0)
    parser.add_argument("--log", type=Path)  # instead of stderr
    parser.add_argument("--silent-end", type=int, default=0)
    parser.add_argument("--release-fails", type=int, default=0)
    parser.add_argument("--named", type=int, default=0)  # results say which model it was
    parser.add_argument("--version", default=process.__version__)  # what it takes itself for
    options = parser.parse_args()
    process.__version__ = routes.__version__ = options.version
    process.SPOOL_SHARE = options.spool_share
    connections.HEADERS_WITHIN_S = options.headers_within
    process.routes.STANDSTILL_S = options.standstill
    handler = logging.FileHandler(options.log) if options.log else logging.StreamHandler(sys.stderr)
    handler.addFilter(LogRate())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    with alone(Paths(options.home)) as only:
        if not only:
            sys.exit(3)
        lifetime = Lifetime(release_after_s=options.release_after, exit_after_s=options.exit_after)
        echo = Echo(options)
        home = Paths(options.home)
        asyncio.run(Service(home, echo, home.models, lifetime).live())


if __name__ == "__main__":
    main()
