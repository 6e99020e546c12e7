"""Google Drive's pages, read by a program: the virus warning, the quota, the list of a folder."""

import contextlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

FILE = re.compile(r"/file/d/([\w-]{10,})")
FOLDER = re.compile(r"/folders/([\w-]{10,})")
FORM = "download-form"


@dataclass(frozen=True)
class Entry:
    """A file or folder in a folder."""

    id: str
    name: str
    is_folder: bool


@dataclass
class _Page(HTMLParser):
    """What these pages are made of: a title, a form with hidden fields, links with their text."""

    title: str = ""
    form: str | None = None
    fields: dict[str, str] = field(default_factory=dict[str, str])
    links: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes note of forms, their fields, and links."""
        attributes = {name: value or "" for name, value in attrs}
        if tag in ("title", "a"):
            self.inside = tag
        if tag == "a":
            self.links.append((attributes.get("href", ""), ""))
        elif tag == "div" and "flip-entry-title" in attributes.get("class", "") and self.links:
            # The name alone, without the words for the icon before it.
            self.inside = tag
            self.links[-1] = (self.links[-1][0], "")
        elif tag == "form" and attributes.get("id") == FORM:
            self.form = attributes.get("action", "")
        elif tag == "input" and self.form is not None and "name" in attributes:
            self.fields[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Takes note of where texts end."""
        if tag == self.inside:
            self.inside = ""

    def handle_data(self, data: str) -> None:
        """Collects texts."""
        if self.inside == "title":
            self.title += data
        elif self.inside:
            href, text = self.links[-1]
            self.links[-1] = (href, text + data)


def _parse(text: str) -> _Page:
    page = _Page()
    with contextlib.suppress(AssertionError):  # what the parser raises over `<![`
        page.feed(text)
    return page


def confirmed_url(text: str, url: str) -> str | None:
    """Returns the address behind the warning that a file is too large to scan; None: no warning."""
    page = _parse(text)
    if page.form is None:
        return None
    try:
        address = urljoin(url, page.form)
    except ValueError:  # the form leads nowhere
        return None
    return f"{address}?{urlencode(page.fields)}"


def why_no_file(text: str) -> str:
    """Says in words why Drive sent a page instead of a file."""
    title = _parse(text).title
    if "quota" in title.lower() or "Too many users have viewed" in text:
        return "Google Drive lets nobody have the file for now: too many did today (quota)"
    if "sign in" in title.lower() or "sign-in" in title.lower():
        return "Google Drive asks for a login: the file is not shared any more"
    return f"Google Drive sends a page instead of the file (`{title.strip()[:60] or 'no title'}`)"


def entries(text: str) -> list[Entry]:
    """Lists a folder from the page that shows it embedded in another."""
    listed: list[Entry] = []
    for href, name in _parse(text).links:
        for pattern, is_folder in ((FILE, False), (FOLDER, True)):
            if match := pattern.search(href):
                listed.append(Entry(match[1], name.strip(), is_folder))
    return listed
