"""How pictures are cut for DiffBIR: by what each part takes, and what there is."""

import math
from dataclasses import replace

import pytest

from pixelmend_engine.models.diffbir.memory_plan import (
    MOST_AT_ONCE,
    SHARE,
    TILED,
    Work,
    at_once,
    host_bytes,
    plan,
)

GB = 10**9
HALF = {  # bytes of the published networks, the diffusion networks in half precision
    "unet": 1_750_000_000,
    "control": 740_000_000,
    "autoencoder": 335_000_000,
    "text_encoder": 1_360_000_000,
    "swinir": 64_000_000,
}
PHOTO = Work(  # 12 megapixels
    cleaner="swinir",
    cleaner_pixels=(3000, 4000),
    pixels=(3000, 4000),
    weights=HALF,
    steers=False,
    half=True,
)
SMALL = replace(PHOTO, cleaner_pixels=(512, 512), pixels=(512, 512))


def test_twelve_megapixels_run_in_eight_gigabytes() -> None:
    made = plan(PHOTO, 8 * GB, 64 * GB, None)
    assert all(needed <= SHARE * 8 * GB for needed in made.needs.values())
    assert all(getattr(made, phase) is not None for phase in TILED)


def test_where_all_parts_have_room_they_stay() -> None:
    assert plan(SMALL, 24 * GB, 64 * GB, None).keeps
    assert plan(SMALL, None, None, None).keeps


def test_on_a_small_card_parts_come_and_go() -> None:
    made = plan(SMALL, 5 * GB, 64 * GB, None)
    assert not made.keeps
    assert made.peak <= SHARE * 5 * GB < sum(HALF.values())


def test_less_memory_means_smaller_tiles() -> None:
    sides = [plan(PHOTO, memory * GB, 64 * GB, None).decode or 0 for memory in (8, 12, 24)]
    assert sides[0] < sides[1] < sides[2]


def test_tiles_that_have_no_place_to_wait_take_their_norms_from_a_copy() -> None:
    assert not plan(PHOTO, 8 * GB, 64 * GB, None).copies
    assert plan(PHOTO, 8 * GB, 8 * GB, None).copies


def test_guidance_towards_the_source_takes_more() -> None:
    steered = plan(replace(PHOTO, steers=True), 24 * GB, 64 * GB, None)
    assert (steered.diffuse or 0) < (plan(PHOTO, 24 * GB, 64 * GB, None).diffuse or 4000)


def test_the_users_own_tile_is_taken() -> None:
    made = plan(PHOTO, 8 * GB, 64 * GB, 300)
    assert (made.clean, made.encode, made.diffuse, made.decode) == (320, 320, 512, 320)


def test_guidance_lends_what_it_keeps_where_the_card_is_small() -> None:
    steered = replace(SMALL, steers=True)
    large, small = (plan(steered, memory * GB, 64 * GB, None) for memory in (24, 8))
    assert not large.lends
    assert small.lends
    assert small.diffuse is None
    assert small.peak <= SHARE * 8 * GB
    assert (
        large.needs["diffuse"] - plan(SMALL, 24 * GB, 64 * GB, None).needs["diffuse"]
        > HALF["autoencoder"]
    )  # which guidance needs on the card as well


def test_on_a_cpu_what_waits_is_not_counted_twice() -> None:
    # Of 24 GB, decoding in tiles may take 19; what waits beside it, half of what is left.
    alone = replace(
        PHOTO, half=False, shared=True, pixels=(1500, 2200), cleaner_pixels=(1500, 2200)
    )
    made = plan(alone, 24 * GB, 24 * GB, None)
    assert made.decode is not None
    assert made.copies
    assert not plan(replace(alone, shared=False), 24 * GB, 24 * GB, None).copies


def test_nothing_free_to_wait_in_is_not_no_limit() -> None:
    assert plan(PHOTO, 8 * GB, 0, None).copies
    assert not plan(PHOTO, 8 * GB, None, None).copies


def test_pictures_themselves_take_memory_too() -> None:
    photo = host_bytes(PHOTO)
    assert photo == pytest.approx(2.6e9, rel=0.05)
    assert host_bytes(replace(PHOTO, cleaner="bsrnet")) > 2 * photo
    assert host_bytes(replace(PHOTO, pictures=2)) == 2 * photo


FACE = SMALL  # which has the size of one


@pytest.mark.parametrize("steers", [False, True])
@pytest.mark.parametrize("memory", [4, 5, 6, 8, 10, 12, 16, 24, 80])
def test_thirty_faces_take_no_more_than_there_is(memory: int, steers: bool) -> None:
    face = replace(FACE, steers=steers)
    count = at_once(face, memory * GB, 64 * GB, None)
    batches = [min(count, 30 - start) for start in range(0, 30, count)]
    assert sum(batches) == 30
    alone = plan(face, memory * GB, 64 * GB, None)
    for pictures in batches:
        batch = replace(face, pictures=pictures)
        made = plan(batch, memory * GB, 64 * GB, None)
        # A face alone may take more than its share, where the smallest tiles do not fit.
        assert made.peak <= max(SHARE * memory * GB, alone.peak)
        # How a face is cut does not depend on how many go with it: neither does the result.
        assert replace(made, needs={}) == replace(alone, needs={})


def test_more_memory_means_fewer_batches() -> None:
    counts = [at_once(FACE, memory * GB, 64 * GB, None) for memory in (6, 8, 10, 12, 24, 80)]
    assert counts == [5, 2, 4, 6, 8, 8]  # with the least, parts come and go: more room for faces
    assert [math.ceil(30 / count) for count in counts] == [6, 15, 8, 5, 4, 4]
    assert at_once(FACE, None, None, None) == MOST_AT_ONCE


def test_parts_that_come_and_go_do_so_for_several_faces_at_once() -> None:
    count = at_once(FACE, 5 * GB, 64 * GB, None)
    made = plan(replace(FACE, pictures=count), 5 * GB, 64 * GB, None)
    assert count > 1
    assert not made.keeps
    assert made.whole


def test_each_picture_of_a_batch_is_counted() -> None:
    one, two, four = (
        plan(replace(FACE, pictures=count), 80 * GB, 64 * GB, None).needs for count in (1, 2, 4)
    )
    for phase in TILED:
        assert two[phase] > one[phase]
        assert four[phase] - one[phase] == pytest.approx(3 * (two[phase] - one[phase]), abs=4)
    assert four["describe"] == one["describe"]  # they share their texts


def test_what_is_cut_goes_alone() -> None:
    assert at_once(PHOTO, 12 * GB, 64 * GB, None) == 1
    assert at_once(FACE, 80 * GB, 64 * GB, 320) == 1  # as the user wants it
    assert at_once(FACE, 80 * GB, 64 * GB, 0) == MOST_AT_ONCE
