"""A batch on a real Ray cluster of several nodes on this computer.

    python ray_batch.py killed SRC DST          of four nodes two are killed meanwhile
    python ray_batch.py full SRC DST DISK       one of two nodes keeps temporary files on this disk
    python ray_batch.py weights SRC DST MODELS  two nodes, each with a folder of its own in MODELS

A process of its own: Ray's processes, threads and warnings stay out of the tests'.
"""

import contextlib
import os
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import batches
from ray.cluster_utils import Cluster

from pixelmend_cli import batch_run, settings
from pixelmend_engine.batch import manifest

KILLED_AT = (0.2, 0.5)  # shares of the pictures
WEIGHTS_STEP: dict[str, Any] = {"task": "deblur", "model": "hi-diff-realblur-r", "device": "cpu"}


def main() -> None:
    """See above."""
    how, source, target = sys.argv[1:4]
    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        match how:
            case "killed":
                code = _with_nodes_killed(cluster, Path(source), Path(target))
            case "full":
                cluster.add_node(num_cpus=1)
                cluster.add_node(num_cpus=1, env_vars={"TMPDIR": sys.argv[4]})
                code = batches.run(source, target, ray=cluster.address, workers=2, quiet=False)
            case _:
                for name, cores in (("first", 2), ("second", 1)):  # as many workers
                    models = str(Path(sys.argv[4], name))
                    cluster.add_node(num_cpus=cores, env_vars={"PIXELMEND_MODELS": models})
                options = batches.options(source, target, ray=cluster.address, workers=3)
                code = batch_run.run(options, [WEIGHTS_STEP], settings.resolve(os.environ))
    finally:
        cluster.shutdown()
    sys.exit(code)


def _with_nodes_killed(cluster: Any, source: Path, target: Path) -> int:
    """Kills two nodes on which pictures are restored, one after the other."""
    pictures = sum(1 for _ in source.rglob("*.png"))
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
        return batches.run(
            source, target, ray=cluster.address, workers=2, retries=0, stall_timeout_s=3.0
        )
    finally:
        ended.set()
        killer.join()


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
