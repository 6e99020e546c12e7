"""How pictures are cut for DiffBIR: by what each part takes, and what there is."""

import math
from dataclasses import replace

import pytest

from pixelmend_engine.models.diffbir import memory_plan
from pixelmend_engine.models.diffbir.memory_plan import (
    DEVICE_SHARE,
    MAX_BATCH_SIZE,
    TILED,
    Workload,
    host_bytes,
    max_batch_size,
    plan_for,
)
from pixelmend_engine.nn.stable_diffusion import tiled_autoencoder

GB = 10**9
HALF = {  # bytes of the published networks, the diffusion networks in half precision
    "unet": 1_750_000_000,
    "control": 740_000_000,
    "autoencoder": 335_000_000,
    "text_encoder": 1_360_000_000,
    "swinir": 64_000_000,
}
PHOTO = Workload(  # 12 megapixels
    restoration_module="swinir",
    module_input_size=(3000, 4000),
    size=(3000, 4000),
    weight_bytes=HALF,
    guided=False,
    half_precision=True,
)
SMALL = replace(PHOTO, module_input_size=(512, 512), size=(512, 512))


def test_twelve_megapixels_run_in_eight_gigabytes() -> None:
    plan = plan_for(PHOTO, 8 * GB, 64 * GB, None)
    assert all(needed <= DEVICE_SHARE * 8 * GB for needed in plan.needed_bytes.values())
    assert all(getattr(plan, phase) is not None for phase in TILED)


def test_networks_that_all_have_room_are_resident() -> None:
    assert plan_for(SMALL, 24 * GB, 64 * GB, None).all_resident
    assert plan_for(SMALL, None, None, None).all_resident


def test_on_a_small_card_networks_are_offloaded() -> None:
    plan = plan_for(SMALL, 5 * GB, 64 * GB, None)
    assert not plan.all_resident
    assert plan.peak_bytes <= DEVICE_SHARE * 5 * GB < sum(HALF.values())


def test_less_memory_means_smaller_tiles() -> None:
    sides = [plan_for(PHOTO, memory * GB, 64 * GB, None).decode or 0 for memory in (8, 12, 24)]
    assert sides[0] < sides[1] < sides[2]


def test_tiles_that_have_no_place_to_wait_take_their_norms_from_a_thumbnail() -> None:
    assert not plan_for(PHOTO, 8 * GB, 64 * GB, None).norms_from_thumbnail
    assert plan_for(PHOTO, 8 * GB, 8 * GB, None).norms_from_thumbnail


def test_guidance_towards_the_source_takes_more() -> None:
    guided = plan_for(replace(PHOTO, guided=True), 24 * GB, 64 * GB, None)
    assert (guided.diffuse or 0) < (plan_for(PHOTO, 24 * GB, 64 * GB, None).diffuse or 4000)


def test_the_users_own_tile_is_taken() -> None:
    plan = plan_for(PHOTO, 8 * GB, 64 * GB, 300)
    assert (plan.remove_degradation, plan.encode, plan.diffuse, plan.decode) == (320, 320, 512, 320)


def test_guidance_keeps_its_activations_on_the_host_where_the_card_is_small() -> None:
    guided = replace(SMALL, guided=True)
    large, small = (plan_for(guided, memory * GB, 64 * GB, None) for memory in (24, 8))
    assert not large.activations_on_host
    assert small.activations_on_host
    assert small.diffuse is None
    assert small.peak_bytes <= DEVICE_SHARE * 8 * GB
    assert (
        large.needed_bytes["diffuse"]
        - plan_for(SMALL, 24 * GB, 64 * GB, None).needed_bytes["diffuse"]
        > HALF["autoencoder"]
    )  # which guidance needs on the card as well


def test_on_a_cpu_what_waits_is_not_counted_twice() -> None:
    # Of 24 GB, decoding in tiles may take 19; what waits beside it, half of what is left.
    alone = replace(
        PHOTO,
        half_precision=False,
        host_is_device=True,
        size=(1500, 2200),
        module_input_size=(1500, 2200),
    )
    plan = plan_for(alone, 24 * GB, 24 * GB, None)
    assert plan.decode is not None
    assert plan.norms_from_thumbnail
    assert not plan_for(
        replace(alone, host_is_device=False), 24 * GB, 24 * GB, None
    ).norms_from_thumbnail


def test_nothing_free_to_wait_in_is_not_no_limit() -> None:
    assert plan_for(PHOTO, 8 * GB, 0, None).norms_from_thumbnail
    assert not plan_for(PHOTO, 8 * GB, None, None).norms_from_thumbnail


def test_pictures_themselves_take_memory_too() -> None:
    photo = host_bytes(PHOTO)
    assert photo == pytest.approx(2.6e9, rel=0.05)
    assert host_bytes(replace(PHOTO, restoration_module="bsrnet")) > 2 * photo
    assert host_bytes(replace(PHOTO, batch_size=2)) == 2 * photo


FACE = SMALL  # which has the size of one


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("memory", [4, 5, 6, 8, 10, 12, 16, 24, 80])
def test_thirty_faces_take_no_more_than_there_is(memory: int, guided: bool) -> None:
    face = replace(FACE, guided=guided)
    count = max_batch_size(face, memory * GB, 64 * GB, None)
    batches = [min(count, 30 - start) for start in range(0, 30, count)]
    assert sum(batches) == 30
    alone = plan_for(face, memory * GB, 64 * GB, None)
    for pictures in batches:
        batch = replace(face, batch_size=pictures)
        plan = plan_for(batch, memory * GB, 64 * GB, None)
        # A face alone may take more than its share, where the smallest tiles do not fit.
        assert plan.peak_bytes <= max(DEVICE_SHARE * memory * GB, alone.peak_bytes)
        # How a face is cut does not depend on how many go with it: neither does the result.
        assert replace(plan, needed_bytes={}) == replace(alone, needed_bytes={})


def test_more_memory_means_fewer_batches() -> None:
    counts = [max_batch_size(FACE, memory * GB, 64 * GB, None) for memory in (6, 8, 10, 12, 24, 80)]
    assert counts == [
        5,
        2,
        4,
        6,
        8,
        8,
    ]  # with the least, networks are offloaded: more room
    assert [math.ceil(30 / count) for count in counts] == [6, 15, 8, 5, 4, 4]
    assert max_batch_size(FACE, None, None, None) == MAX_BATCH_SIZE


def test_networks_are_offloaded_for_several_faces_at_once() -> None:
    count = max_batch_size(FACE, 5 * GB, 64 * GB, None)
    plan = plan_for(replace(FACE, batch_size=count), 5 * GB, 64 * GB, None)
    assert count > 1
    assert not plan.all_resident
    assert plan.whole


def test_each_picture_of_a_batch_is_counted() -> None:
    one, two, four = (
        plan_for(replace(FACE, batch_size=count), 80 * GB, 64 * GB, None).needed_bytes
        for count in (1, 2, 4)
    )
    for phase in TILED:
        assert two[phase] > one[phase]
        assert four[phase] - one[phase] == pytest.approx(3 * (two[phase] - one[phase]), abs=4)
    assert four["encode_text"] == one["encode_text"]  # they share their texts


def test_what_is_cut_goes_alone() -> None:
    assert max_batch_size(PHOTO, 12 * GB, 64 * GB, None) == 1
    assert max_batch_size(FACE, 80 * GB, 64 * GB, 320) == 1  # as the user wants it
    assert max_batch_size(FACE, 80 * GB, 64 * GB, 0) == MAX_BATCH_SIZE


def test_the_plan_and_the_tiles_have_the_same_pad() -> None:
    # The plan counts in pixels, and does without torch; the tiles are places of the latent.
    assert memory_plan.DECODER_PAD == 8 * tiled_autoencoder.DECODER_PAD
