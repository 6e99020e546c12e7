"""Jobs, from the submission to the result, and every way that they end before."""

import concurrent.futures
import itertools
import json
import sys
import time
from pathlib import Path

import pytest
from protocol.conftest import HANG_S, Running, Start, picture, wait_until

from pixelmend.errors import BadRequest, Canceled, NotFound, PixelmendError, UnknownModel
from pixelmend.wire import Event, Raster


def story(engine: Running, job_id: str) -> list[Event]:
    """Follows a job to its end."""
    return list(engine.client.follow(job_id))


def test_a_picture_goes_there_and_back_with_events_between(start: Start) -> None:
    engine = start(steps=3, step_seconds=0.1)
    events: list[Event] = []
    result, facts = engine.client.restore(picture(), "deblur", {"seed": 5}, events.append)
    assert bytes(result.data) == picture().data
    assert facts == {"seed": 5}
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    phases = [phase for phase, _ in itertools.groupby(event.phase for event in events)]
    assert phases == ["queued", "load", "run", "done"]
    running = [(event.done, event.total) for event in events if event.phase == "run"]
    assert running == [(0, 3), (1, 3), (2, 3), (3, 3)]
    left = [event.seconds_left for event in events if event.done]
    assert left[0] is not None  # how much depends on what else this computer does
    assert left[0] >= 0
    assert left[-1] == 0


def test_what_will_take_long_is_told_before_it_begins(start: Start) -> None:
    engine = start(minutes=3)
    events: list[Event] = []
    engine.client.restore(picture(), "deblur", {}, events.append)
    running = [event.message for event in events if event.phase == "run"]
    assert running[0] == "This takes about 3 minutes"
    assert not any(running[1:])


def test_a_fetched_job_is_forgotten(start: Start) -> None:
    engine = start()
    engine.client.restore(picture(), "deblur", {})
    wait_until(lambda: engine.client.jobs() == [])


def test_first_come_is_first_served_and_the_position_is_told(start: Start) -> None:
    engine = start(steps=20, step_seconds=0.02)
    ids = [engine.client.submit(picture(), "deblur", {}) for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        streams = [pool.submit(story, engine, id_) for id_ in ids]
        done = [
            ids[streams.index(f)] for f in concurrent.futures.as_completed(streams, timeout=HANG_S)
        ]
        stories = [stream.result() for stream in streams]
    assert done == ids
    positions = [[e.position for e in story if e.phase == "queued"] for story in stories]
    assert positions[1][0] in (1, 2)
    assert positions[2] == sorted(positions[2], reverse=True)
    assert positions[2][-1] == 1
    assert all(story[-1].phase == "done" for story in stories)


def test_many_clients_at_once_get_each_their_own(start: Start) -> None:
    engine = start(steps=1)

    def restore(number: int) -> bool:
        raster = picture(8 + number, 11, value=number)
        result, facts = engine.client.restore(raster, "deblur", {"seed": 100 + number})
        same = bytes(result.data) == raster.data and result.width == raster.width
        return same and facts == {"seed": 100 + number}

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert all(pool.map(restore, range(50), timeout=60))


def test_a_large_picture_comes_back_to_the_byte(start: Start) -> None:
    data = bytes(range(256)) * (4 * 4000)
    raster = Raster(1000, 1024, "U8", "RGBA", data)
    result, _ = start().client.restore(raster, "deblur", {})
    assert bytes(result.data) == data


def test_a_job_that_waits_is_canceled_at_once(start: Start) -> None:
    engine = start(steps=10_000, step_seconds=0.05)
    first, second = (engine.client.submit(picture(), "deblur", {}) for _ in range(2))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        stories = [pool.submit(story, engine, id_) for id_ in (first, second)]
        engine.wait_for(["run", "queued"])
        engine.client.cancel(second)
        assert stories[1].result(timeout=HANG_S)[-1].phase == "canceled"
        assert engine.phases() == ["run", "canceled"]
        engine.client.cancel(first)
        assert stories[0].result(timeout=HANG_S)[-1].phase == "canceled"


@pytest.mark.parametrize("phase", ["queued", "load", "run"])
def test_a_cancel_in_any_phase_frees_the_engine(phase: str, start: Start) -> None:
    engine = start(steps=100, step_seconds=0.05)

    def stop(event: Event) -> None:
        if event.phase == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.client.restore(picture(), "deblur", {}, stop)
    wait_until(lambda: engine.phases() in (["canceled"], []))
    wait_until(lambda: not engine.client.health()["busy"])


def test_a_cancel_after_the_end_drops_the_result(start: Start) -> None:
    engine = start()
    job_id = engine.client.submit(picture(), "deblur", {})
    assert list(engine.client.follow(job_id))[-1].phase == "done"
    engine.client.cancel(job_id)
    with pytest.raises(NotFound):
        engine.client.fetch(job_id)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_result_that_nobody_wants_gives_its_room_back(start: Start) -> None:
    engine = start(spool_share=0)  # everything goes to disk, in files without a name

    def open_files() -> list[str]:
        folder = Path(f"/proc/{engine.process.pid}/fd")
        targets = [str(link.readlink()) for link in folder.iterdir() if link.is_symlink()]
        return [target for target in targets if target.startswith(str(engine.paths.spool))]

    job_id = engine.client.submit(picture(), "deblur", {})
    assert list(engine.client.follow(job_id))[-1].phase == "done"
    assert open_files()
    engine.client.cancel(job_id)
    wait_until(lambda: not open_files())


def test_a_fetch_that_breaks_off_can_be_tried_again(start: Start) -> None:
    engine = start()
    large = picture(2000, 2000)
    job_id = engine.client.submit(large, "deblur", {})
    assert list(engine.client.follow(job_id))[-1].phase == "done"
    with engine.ask("HEAD", f"/v1/jobs/{job_id}/result") as response:
        assert response.status == 404
    with engine.ask("GET", f"/v1/jobs/{job_id}/result") as response:
        assert len(response.read(1000)) == 1000
    time.sleep(0.3)
    assert bytes(engine.client.fetch(job_id)[0].data) == large.data
    wait_until(lambda: engine.client.jobs() == [])


def test_a_cancel_during_the_last_step_leaves_no_result(start: Start) -> None:
    engine = start(steps=1, step_seconds=1.0, silent_end=1)
    job_id = engine.client.submit(picture(), "deblur", {})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        told = pool.submit(story, engine, job_id)
        engine.wait_for(["run"])
        engine.client.cancel(job_id)
        assert told.result(timeout=HANG_S)[-1].phase == "canceled"
    with pytest.raises(NotFound):
        engine.client.fetch(job_id)


def test_canceled_by_another_client_is_told_to_the_first(start: Start) -> None:
    engine = start(steps=100, step_seconds=0.05)

    def cancel(event: Event) -> None:
        if event.done == 1:
            engine.client.cancel(engine.client.jobs()[0]["id"])

    with pytest.raises(Canceled):
        engine.client.restore(picture(), "deblur", {}, cancel)


def test_a_job_that_nobody_follows_is_canceled(start: Start) -> None:
    engine = start(steps=1000, step_seconds=0.02)
    engine.client.submit(picture(), "deblur", {})
    wait_until(lambda: engine.phases() == ["canceled"])


def test_a_broken_stream_that_stays_broken_cancels_the_job(start: Start) -> None:
    engine = start(steps=1000, step_seconds=0.02)
    stream = engine.client.follow(engine.client.submit(picture(), "deblur", {}))
    assert next(stream).phase == "queued"
    broken = time.monotonic()
    stream.close()
    wait_until(lambda: engine.phases() == ["canceled"])
    assert time.monotonic() - broken > 1.5


def test_a_stream_opened_again_goes_on_where_it_broke(start: Start) -> None:
    engine = start(steps=40, step_seconds=0.05)
    job_id = engine.client.submit(picture(), "deblur", {})
    stream = engine.client.follow(job_id)
    before = [next(stream) for _ in range(5)]
    stream.close()
    time.sleep(0.5)
    after = raw_events(engine, job_id, last=before[-1].id)
    ids = [event.id for event in before] + after
    assert ids == list(range(1, len(ids) + 1))
    assert engine.phases() == ["done"]


def raw_events(engine: Running, job_id: str, last: int) -> list[int]:
    """Follows a job by hand, from an event on; returns the ids."""
    with engine.ask("GET", f"/v1/jobs/{job_id}/events", {"Last-Event-ID": str(last)}) as response:
        lines = response.read().decode().splitlines()
    return [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]


def test_a_silent_job_is_heard_every_quarter_of_a_second(start: Start) -> None:
    engine = start(steps=1, step_seconds=1.5)
    job_id = engine.client.submit(picture(), "deblur", {})
    with engine.ask("GET", f"/v1/jobs/{job_id}/events") as response:
        lines = response.read().decode().splitlines()
    # In a second and a half; a machine that is busy with other tests takes longer over both.
    assert lines.count(":") >= 5


def test_a_failure_that_nobody_expected_ends_the_job_alone(start: Start) -> None:
    engine = start()
    with pytest.raises(PixelmendError) as failed:
        engine.client.restore(picture(), "deblur", {"seed": 13})
    assert failed.value.code == "internal"
    assert "engine logs" in failed.value.hint
    assert engine.client.restore(picture(), "deblur", {"seed": 1})[1] == {"seed": 1}


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("sharpen", {}, "no task `sharpen`"),
        ("deblur", {"seed": -1}, "seed"),
        ("deblur", {"tile": 100}, "tile"),
        ("deblur", {"strength": 1.5}, "strength"),
        ("deblur", {"strength": float("nan")}, "JSON"),
        ("deblur", {"weights": "/etc"}, "weights"),
        ("deblur", {"precision": "fp8"}, "precision"),
    ],
)
def test_wrong_options_are_refused_at_once(
    task: str, options: dict[str, object], message: str, start: Start
) -> None:
    engine = start()
    with pytest.raises(BadRequest, match=message):
        engine.client.submit(picture(), task, options)
    assert engine.client.jobs() == []


def test_an_unknown_model_is_refused_at_once(start: Start) -> None:
    engine = start()
    with pytest.raises(UnknownModel, match="no model `hi-diff`"):
        engine.client.submit(picture(), "deblur", {"model": "hi-diff"})
    assert engine.client.jobs() == []


def test_an_idle_engine_gives_memory_back_and_then_ends(start: Start) -> None:
    engine = start(release_after=0.3, exit_after=2.0)
    engine.client.restore(picture(), "deblur", {})
    assert engine.process.wait(timeout=HANG_S) == 0
    assert (engine.paths.home / "released").exists()
    assert not engine.paths.state.exists()


def test_memory_that_can_not_be_given_back_does_not_end_the_queue(start: Start) -> None:
    engine = start(release_after=0.1, release_fails=1)
    engine.client.restore(picture(), "deblur", {})
    wait_until((engine.paths.home / "released").exists)
    assert engine.client.restore(picture(), "deblur", {"seed": 3})[1] == {"seed": 3}


def test_an_engine_that_is_asked_or_holds_a_result_is_not_idle(start: Start) -> None:
    engine = start(exit_after=1.5)
    job_id = engine.client.submit(picture(), "deblur", {})
    assert list(engine.client.follow(job_id))[-1].phase == "done"
    time.sleep(2.5)  # nothing but a result that waits
    engine.client.fetch(job_id)
    for _ in range(5):
        time.sleep(0.5)
        engine.client.health()
    assert engine.process.poll() is None


def test_an_engine_that_works_is_not_idle(start: Start) -> None:
    engine = start(exit_after=0.5, steps=30, step_seconds=0.1)
    assert engine.client.restore(picture(), "deblur", {"seed": 2})[1] == {"seed": 2}


@pytest.mark.parametrize("last", ["\xb2", "-1", "1.5", "", "9" * 5000])
def test_an_id_that_is_no_number_is_told_as_that(start: Start, last: str) -> None:
    engine = start(steps=2, step_seconds=0.1)
    job_id = engine.client.submit(picture(), "deblur", {})
    with engine.ask("GET", f"/v1/jobs/{job_id}/events", {"Last-Event-ID": last}) as response:
        told = json.loads(response.read())["error"]
    assert (response.status, told["code"]) == (400, "bad-request")
    assert "Last-Event-ID" in told["message"]
