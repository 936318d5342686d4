"""The documentation site: it builds without a warning, stands on its own, and its links hold."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

import bayespool as bp

ROOT = Path(__file__).resolve().parents[1]


class Page(HTMLParser):
    """What a page refers to, what it fetches, its ids and its formulas."""

    def __init__(self, text):
        super().__init__()
        self.links, self.fetched, self.ids, self.formulas = [], [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("id"):
            self.ids.add(given["id"])
        if tag == "math":
            self.formulas += 1
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in ("index", "search", "next", "prev"):
            self.fetched.append(given["href"])
        if tag in ("script", "img", "iframe", "source", "object") and given.get("src"):
            self.fetched.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    made = re.search(r"-m sphinx (.*) -d \S+ docs \S+", (ROOT / "Makefile").read_text("utf-8"))
    command = [sys.executable, "-m", "sphinx", *made[1].split(), "-d", folder / "doctrees"]
    done = subprocess.run(
        [*command, "docs", folder / "html"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    found = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    # The evidence explorer is copied as it is; its own tests look into it.
    return {path: page for path, page in found.items() if "_downloads" not in path.parts}


def test_every_page_is_built(site):
    for source in (ROOT / "docs").rglob("*.md"):
        assert (site / source.relative_to(ROOT / "docs").with_suffix(".html")).is_file()


def test_every_link_and_anchor_of_the_site_holds(site, pages):
    lost = set()
    for path, page in pages.items():
        for address in [*page.links, *page.fetched]:
            parts = urlparse(address)
            if parts.scheme in ("http", "https"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            there = target.is_relative_to(site) and target.is_file()
            if not there or (anchor and target in pages and anchor not in pages[target].ids):
                lost.add((path.relative_to(site).as_posix(), address))
    assert lost == set()


def test_no_markup_is_left_over(pages):
    for path in pages:
        text = re.sub(r"<(script|pre|code)\b.*?</\1>", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert re.findall(r"\{[a-z-]+\}`|\]\([^)\s]+\)|```", re.sub(r"<[^>]+>", "", text)) == [], (
            path
        )


def test_a_page_fetches_nothing_from_elsewhere(site, pages):
    for path, page in pages.items():
        assert [a for a in page.fetched if urlparse(a).netloc] == [], path
    for style in site.rglob("*.css"):
        addresses = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)", style.read_text("utf-8"))
        assert [a for a in addresses if urlparse(a).netloc] == [], style


def test_equations_are_drawn_by_the_browser(site, pages):
    shown = pages[site / "statistics.html"]
    written = re.sub(r"^```.*?^```$", "", (ROOT / "docs/statistics.md").read_text("utf-8"),
                     flags=re.M | re.S)  # fmt: skip
    assert shown.formulas == len(re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", written, re.DOTALL))
    text = (site / "statistics.html").read_text(encoding="utf-8")
    left = re.findall(r"\\[a-zA-Z]+", "".join(re.findall(r"<math.*?</math>", text, re.DOTALL)))
    assert left == []


def test_every_public_name_has_its_place(site, pages):
    ids = pages[site / "api.html"].ids
    assert [name for name in bp.__all__ if f"bayespool.{name}" not in ids] == []


def test_texts_from_the_top_of_the_repository_are_pages(site):
    for page, words in {
        "architecture": "The one idea",
        "contributing": "What a change needs",
        "changelog": "semantic versioning",
    }.items():
        assert words in (site / f"{page}.html").read_text(encoding="utf-8")
