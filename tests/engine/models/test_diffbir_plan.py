"""How pictures are cut for DiffBIR: by what each part takes, and what there is."""

from dataclasses import replace

from pixelmend_engine.models.diffbir_plan import SHARE, TILED, Work, plan

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
