"""The catalog of files is sound, and says of each what is needed to trust it."""

import pytest

from pixelmend.errors import UnknownModel
from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.weight_files import (
    SHA256,
    DriveFolder,
    HubFile,
    WeightFile,
    catalog,
    manifest,
    megabytes,
)

FILES = catalog().files
# As the design has them; those of the registry among them can run.
MODELS = (
    *("hi-diff-gopro", "hi-diff-realblur-j", "hi-diff-realblur-r"),
    *("diffir-deblur", "diffir-inpaint-faces", "diffir-inpaint-places"),
    *("diffir-inpaint-places-big", "diffir-srgan-x4", "diffir-realsr-x4-psnr"),
    *("diffir-realsr-x4", "diffir-realsr-x2", "diffir-realsr-x1"),
    *("diffir-realsr-x4-v2", "diffir-realsr-x2-v2", "diffir-realsr-x1-v2"),
    *("diffbir-v1-face", "diffbir-v1-general", "diffbir-v2", "diffbir-v2.1"),
)


def test_ids_are_unique_and_every_published_model_has_its_files() -> None:
    assert len({file.id for file in FILES}) == len(FILES)
    assert {model for file in FILES for model in file.models} == set(MODELS)


def test_every_model_that_can_run_is_bundled_or_has_files() -> None:
    for spec in registry.MODELS:
        assert (spec.bundled is None) == bool(catalog().of_model(spec.id))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.id)
def test_facts_of_a_file_are_whole(file: WeightFile) -> None:
    assert file.sources
    assert all(source.page.startswith("https://") for source in file.sources)
    assert len(set(file.sources)) == len(file.sources)
    assert file.license
    assert file.license_url.startswith("https://")
    assert file.sha256 is None or SHA256.fullmatch(file.sha256)
    numbers = 0
    for name in file.parts.values():
        for shape in manifest(name).values():
            count = 1
            for side in shape:
                count *= side
            numbers += count
    # Four bytes a number, or two; DiffIR's files name one encoder twice, up to 6 % of them.
    width = 2 if "fp16" in file.name else 4
    assert file.about_bytes == pytest.approx(width * numbers, rel=0.06)
    if file.size_bytes is not None:
        assert file.about_bytes <= file.size_bytes


def test_kinds_of_proof() -> None:
    verifications = {file.id: file.verification for file in FILES}
    assert verifications["hi-diff-gopro"] == "structure"
    assert verifications["diffbir-v2-1"] == "source_hash"
    assert verifications["sd21-base"] == "pinned_hash"


def test_kinds_of_sources() -> None:
    folder = catalog()["diffir-inpainting-celeba"].sources[0]
    assert isinstance(folder, DriveFolder)
    assert folder.paths == ("DiffIRS2-celeba/models/last.ckpt",)
    assert catalog()["diffbir-v2"].sources[0] == HubFile("lxq007/DiffBIR-v2", "main", "v2.pth")
    pages = [source.page for file in FILES for source in file.sources]
    assert not [page for page in pages if "huggingface.co/stabilityai" in page]  # withdrawn


def test_the_nearest_file_is_suggested() -> None:
    with pytest.raises(UnknownModel, match="no model or weight file `sd21`") as refused:
        catalog().find("sd21")
    assert "Did you mean `sd21-base`?" in refused.value.hint


@pytest.mark.parametrize(
    ("size", "words"), [(999, "1 kB"), (5_789_002, "6 MB"), (5_214_604_494, "5.2 GB")]
)
def test_sizes_are_written_as_people_read_them(size: int, words: str) -> None:
    assert megabytes(size) == words
