"""`python -m pixelmend_engine`: starts the engine, unless one is running."""

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from pixelmend import data_folder
from pixelmend.errors import PixelmendError, to_json
from pixelmend.paths import Paths
from pixelmend.printable import PrintableFormatter
from pixelmend_engine.server.log_rate import LogRate


def main() -> None:
    """Runs the engine until it ends, and the process with it."""
    parser = argparse.ArgumentParser(prog="pixelmend_engine", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the user's data directory")
    parser.add_argument("--models", type=Path, required=True, help="the folder of models")
    parser.add_argument("--release-after", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--exit-after", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--foreground", action="store_true", help="log to stderr, too")
    arguments = parser.parse_args()
    paths = Paths(arguments.home)
    os.umask(0o077)  # whatever the engine writes, but the models, is the user's alone
    try:
        _run(paths, arguments)
    except PixelmendError as error:
        # For whoever started us: the last line of what we say.
        plain = f"{error.message}\n  {error.hint}"
        sys.stderr.write(f"{plain if arguments.foreground else json.dumps(to_json(error))}\n")
        sys.exit(error.exit_code)
    logging.shutdown()
    # A step that does not end, in a thread that nothing can stop, must not hold the process up.
    os._exit(0)


def _run(paths: Paths, arguments: argparse.Namespace) -> None:
    with data_folder.as_unavailable(paths):
        data_folder.make(paths)
        _log_to_file(paths, foreground=arguments.foreground)

    # Imported late: the arguments and the log do not need them.
    from pixelmend_engine.server.process import Lifetime, Service, alone
    from pixelmend_engine.server.worker import Worker
    from pixelmend_engine.weights.download import network_settings

    with alone(paths) as only:
        if not only:
            logging.getLogger(__name__).info("another engine is running: nothing to do")
            return
        lifetime = Lifetime(
            release_after_s=arguments.release_after, exit_after_s=arguments.exit_after
        )
        worker = Worker(network_settings.resolve(os.environ))
        service = Service(paths, worker, arguments.models, lifetime)
        asyncio.run(service.live())


def _log_to_file(paths: Paths, *, foreground: bool) -> None:
    handlers: list[logging.Handler] = [data_folder.LogFile(paths.log)]
    if foreground:
        handlers.append(logging.StreamHandler(sys.stderr))
    form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # what it tells of, we tell
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # it tells of each start and end
    for handler in handlers:
        handler.setFormatter(PrintableFormatter(form))
        handler.addFilter(LogRate())
    logging.basicConfig(level=logging.INFO, handlers=handlers)


if __name__ == "__main__":
    main()
