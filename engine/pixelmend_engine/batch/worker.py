"""`python -m pixelmend_engine.batch.worker`: restores what comes in, a line of JSON each.

The first line is the job; each one after it a lease, which is answered by a line with what became
of it. In between it says every few seconds which of its pictures get no further. When the other
end closes, because the head was killed, the process ends at once, whatever it has in hand: results
are whole or not there.
"""

import dataclasses
import io
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from pixelmend.printable import PrintableFormatter
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.picture_restorer import PictureRestorer, Runs, sessions_of
from pixelmend_engine.batch.pool import IN_HAND
from pixelmend_engine.batch.records import Lease
from pixelmend_engine.batch.stall_watch import StallWatch
from pixelmend_engine.inference import memory

Sessions = Callable[[BatchJob], Sequence[Runs]]


def main(sessions: Sessions = sessions_of) -> None:
    """Works until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the head's to hear
    form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for library in ("PIL", "tifffile", "urllib3"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what they say, we say
    # What libraries print must not be taken for answers.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    os.dup2(2, 1)
    serve(cast("io.BufferedReader", sys.stdin.buffer), answers, sessions)
    os._exit(0)  # nobody waits for what is in hand


def serve(
    leases: io.BufferedIOBase, answers: io.TextIOBase, sessions: Sessions
) -> ThreadPoolExecutor:
    """Answers each line of `leases` in `answers`; returns the threads that may still be at it."""
    job = BatchJob.from_json(leases.readline().decode())
    _use_threads(job.threads)
    memory.limit_to(memory.Share(job.memory_bytes, job.gpu_fraction))
    writing = threading.Lock()

    def answer(value: object) -> None:
        with writing:
            answers.write(f"{json.dumps(value)}\n")
            answers.flush()

    watch = StallWatch(job.stall_timeout_s)

    def beat() -> None:
        while True:
            # Also when there are none: who sends nothing any more hangs as a whole.
            answer({"stalled": watch.stalled()})
            time.sleep(watch.check_s)

    threading.Thread(target=beat, daemon=True).start()
    restorer = PictureRestorer(job, sessions(job), lambda note: answer({"note": note}), watch)

    def work(line: bytes) -> None:
        outcome = restorer.restore(Lease(**json.loads(line)))
        answer(dataclasses.asdict(outcome))

    threads = ThreadPoolExecutor(IN_HAND)
    for line in leases:
        threads.submit(work, line)
    return threads


def _use_threads(count: int) -> None:
    if count:
        os.environ["OMP_NUM_THREADS"] = str(count)  # read when torch is imported


if __name__ == "__main__":
    main()
