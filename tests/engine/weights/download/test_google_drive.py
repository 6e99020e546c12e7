"""Google Drive's pages are read for what they say."""

from hypothesis import given
from hypothesis import strategies as st

from pixelmend_engine.weights.download import google_drive
from pixelmend_engine.weights.download.google_drive import Entry

FOLDER = """<html><head><title>Real-world SR</title></head><body>
<div class="flip-entry" id="entry-1"><div class="flip-entry-info">
<a href="https://drive.google.com/file/d/1y8cnsoifY1z06r5/view?usp=drive_web" target="_blank">
<div class="flip-entry-icon">Binary</div>
<div class="flip-entry-title">RealworldSR-DiffIRS2-GANx2.pth</div></a></div>
<div class="flip-entry-last-modified"><div>8/31/23</div></div></div>
<a href="https://drive.google.com/drive/folders/1H4DU-9fB15fSz"> V2 &amp; more </a>
<a href="https://policies.google.com/terms">Terms</a></body></html>"""


def test_a_folder_is_listed() -> None:
    assert google_drive.entries(FOLDER) == [
        Entry("1y8cnsoifY1z06r5", "RealworldSR-DiffIRS2-GANx2.pth", is_folder=False),
        Entry("1H4DU-9fB15fSz", "V2 & more", is_folder=True),
    ]


def test_a_form_is_filled_in_as_it_is() -> None:
    form = (
        '<form id="download-form" action="https://drive.usercontent.google.com/download">'
        '<input name="id" value="a b"><input name="uuid" value="1-2"></form>'
    )
    url = "https://drive.google.com/uc"
    expected = "https://drive.usercontent.google.com/download?id=a+b&uuid=1-2"
    assert google_drive.confirmed_url(form, url) == expected
    assert google_drive.confirmed_url('<form id="search"></form>', url) is None


@given(text=st.text(max_size=300))
def test_no_page_breaks_the_reader(text: str) -> None:
    assert google_drive.confirmed_url(text, "https://drive.google.com") is None
    assert google_drive.why_no_file(text)
    assert google_drive.entries(text) == []
