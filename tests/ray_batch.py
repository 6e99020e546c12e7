"""A batch on a real Ray cluster of five nodes on this computer, of which two are killed meanwhile.

    python ray_batch.py SRC DST

A process of its own: Ray's processes, threads and warnings stay out of the tests'.
"""

import contextlib
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import batches
from ray.cluster_utils import Cluster

from pixelmend_engine.batch import manifest

KILLED_AT = (0.2, 0.5)  # shares of the pictures


def main() -> None:
    """Kills two nodes on which pictures are restored, one after the other."""
    source, target = map(Path, sys.argv[1:])
    pictures = sum(1 for _ in source.rglob("*.png"))
    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes: list[Any] = [cluster.add_node(num_cpus=1) for _ in range(4)]
    ended = threading.Event()

    def kill() -> None:
        for share in KILLED_AT:
            while len(done := _done(target)) < share * pictures or not done[-1]:
                if ended.is_set():
                    return
                time.sleep(0.02)
            (busy,) = [node for node in nodes if f"({node.node_id[:8]})" in done[-1]]
            nodes.remove(busy)
            cluster.remove_node(busy, allow_graceful=False)  # SIGKILL, to all of its processes
            sys.stdout.write("killed a node\n")
            sys.stdout.flush()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        code = batches.run(
            source, target, ray=cluster.address, workers=2, retries=0, stall_timeout_s=3.0
        )
    finally:
        ended.set()
        killer.join()
        cluster.shutdown()
    sys.exit(code)


def _done(target: Path) -> list[str]:
    # Which workers restored pictures, the last one last.
    place = target / manifest.FOLDER / manifest.NAME
    if not place.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as database:
        try:
            rows = database.execute(
                "SELECT worker FROM pictures WHERE state = 'done' ORDER BY finished_at"
            ).fetchall()
        except sqlite3.OperationalError:  # it is being made
            return []
    return [row[0] for row in rows]


if __name__ == "__main__":
    main()
