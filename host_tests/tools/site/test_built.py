# SPDX-License-Identifier: MIT
"""The documentation as a site: each page says there what it says in the repository, and nothing asks a foreign host.

In Chromium, too, opened as a folder of files: diagrams are drawn, the search finds.
"""

import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

from host_tests.gateway.page.browser.conftest import driver  # noqa: F401  # a fixture
from host_tests.gateway.scripted import LONG
from tools.errors import UsageError
from tools.project.site import __main__ as program
from tools.project.site import hooks, places

ROOT = places.ROOT
# What a page consists of, for whoever reads it: this many of each, whatever made HTML of it.
PARTS = ("h1", "h2", "h3", "h4", "li", "table", "tr", "pre", "blockquote", "img")
# Where a browser goes by itself. A link is followed by the reader only.
LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "src"),
    ("use", "href"),
}
# Addresses in scripts of the theme that none of our pages has it ask: we name no repository.
UNASKED = {"https://api.github.com/repos/", "https://api.github.com/users/"}


# Resolves with the addresses of these elements, or their number, once there are so many on show.
_SEEN = """
const [css, many, done] = arguments;
const seen = () => [...document.querySelectorAll(css)].filter((each) => each.offsetHeight);
const enough = () => seen().length >= many && (done(seen().map((each) => each.href ?? "")), true);
if (!enough()) {
  const watch = new MutationObserver(() => enough() && watch.disconnect());
  watch.observe(document, { subtree: true, childList: true, attributes: true });
}
"""
NOBODY = "http://127.0.0.1:9/"
ASKED = "return performance.getEntriesByType('resource').map(each => each.name)"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    program.make(folder)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """{path: Page} of all HTML, read once."""
    return {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}


class Page(HTMLParser):
    """What a page has between the navigation and the foot, what it loads, where its links lead, its anchors."""

    def __init__(self, text):
        super().__init__()
        self.parts, self.loaded, self.links, self.anchors, self.words = Counter(), [], [], set(), []
        self._within = "<article" not in text
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self._within = self._within or tag == "article"
        if self._within:
            self.parts[tag] += 1
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        for name, value in attributes:
            if (tag, name) in LOADED:
                self.loaded.append(value)
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])

    def handle_endtag(self, tag):
        self._within = self._within and tag != "article"


def sources():
    """{page in the site: text} of all Markdown that is in it."""
    found = {page: text for page, (_, text) in places.pages().items() if page.endswith(".md")}
    docs = ROOT / "docs"
    return found | {str(path.relative_to(docs)): path.read_text() for path in docs.rglob("*.md")}


def html(site, page):
    """The file that a page of Markdown became: a README is the index of its folder."""
    return site / re.sub(r"README$", "index", page.removesuffix(".md")).__add__(".html")


def test_each_page_has_the_parts_that_it_has_in_the_repository(site, pages):
    """By another reader of Markdown, that of CommonMark and GitHub's tables: lists, tables and blocks of code are such
    for both."""
    reader = MarkdownIt("commonmark").enable("table")
    different = []
    for page, text in sources().items():
        wanted = Page(reader.render(text)).parts
        found = pages[html(site, page)].parts
        different += [
            f"{page}: {part}: {wanted[part]} in the repository, {found[part]} in the site"
            for part in PARTS
            if wanted[part] != found[part]
        ]
    assert not different, "\n".join(different)


def test_no_page_asks_a_foreign_host(pages):
    assert len(pages) > 50
    for path, page in pages.items():
        assert page.loaded
        for address in page.loaded:
            parts = urlsplit(address)
            assert not parts.netloc, f"{path.name} loads {address}"
            if parts.scheme != "data" and path.name != "404.html":
                assert (path.parent / unquote(parts.path)).exists(), f"{path.name} loads {address}"


def test_no_style_and_no_script_of_a_page_asks_a_foreign_host(site):
    for path in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", path.read_text()), path.name
    named = set()
    for path in site.glob("assets/javascripts/*.js"):
        code = re.sub(r"/\*!.*?\*/", "", path.read_text(), flags=re.S)  # whose it is, and its licence
        named |= set(re.findall(r"https?://[\w./@-]+", code))
    assert {each for each in named if not each.startswith("http://www.w3.org/")} == UNASKED


def test_each_link_within_the_site_leads_to_a_page_and_a_section(site, pages):
    """As a browser follows it, from a folder of files."""
    followed = 0
    for path, page in pages.items():
        for link in page.links if path.name != "404.html" else ():
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.relative_to(site)}: {link}"
            if parts.fragment and parts.fragment != "__skip" and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors, f"{path.relative_to(site)}: {link}"
            followed += 1
    assert followed > 1000


def test_a_page_is_found_by_the_search_without_a_server(site):
    """The index is a script: a browser reads none from a folder of files in another way."""
    index = (site / "search/search_index.js").read_text()
    for page in sources():
        assert f'"location":"{quote(str(html(site, page).relative_to(site)))}"' in index


def test_a_diagram_has_its_script_and_no_other_page_has(site):
    drawn = [path for path in site.rglob("*.html") if '<pre class="mermaid">' in path.read_text()]
    loading = [path for path in site.rglob("*.html") if "mermaid.js" in path.read_text()]
    assert drawn and drawn == loading


def test_the_heads_of_arrows_have_the_colour_of_the_arrows(site):
    """By the name that the markers have in this mermaid."""
    (bundle,) = site.glob("assets/javascripts/bundle.*.js")
    old, new = hooks.HEADS
    assert new in bundle.read_text() and old not in bundle.read_text()
    assert "barbEnd-margin" in (site / hooks.MERMAID).read_text()


def test_it_draws_and_finds_without_a_network(driver, site):  # noqa: F811
    driver.set_script_timeout(LONG)
    driver.get((site / "states.html").as_uri())
    diagrams = (program.ROOT / "docs/states.md").read_text().count("```mermaid")
    assert len(driver.execute_async_script(_SEEN, "div.mermaid", diagrams)) == diagrams > 4
    # The largest is not squeezed into the page, and the page is no wider for it.
    assert driver.execute_script("return document.querySelector('div.mermaid').offsetWidth > innerWidth")
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    asked = driver.execute_script(ASKED)
    driver.get((site / "index.html").as_uri() + "?q=slipmux")
    found = driver.execute_async_script(_SEEN, ".md-search-result__item a", 5)
    assert [each for each in found if "/serial.html" in each]
    assert asked + driver.execute_script(ASKED) == []
    assert [each for each in driver.get_log("browser") if each["level"] == "SEVERE"] == []
    # One that is not there is listed all the same; files are not.
    driver.execute_async_script(f"fetch('{NOBODY}', {{mode: 'no-cors'}}).catch(arguments[0])")
    assert driver.execute_script(ASKED) == [NOBODY]


def test_a_link_that_leads_nowhere_is_told(tmp_path, monkeypatch, caplog):
    read = places._text
    faults = "\n[gone](docs/never-there.md) [gone](docs/coap.md#never-a-section)\n"
    monkeypatch.setattr(places, "_text", lambda path: read(path) + (faults if path == "README.md" else ""))
    with pytest.raises(UsageError, match="lines above"):
        program.make(tmp_path)
    assert "never-there" in caplog.text and "never-a-section" in caplog.text


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("README.md", "index.md"),
        ("docs/coap.md", "coap.md"),
        ("docs/decisions/oscore.md", "decisions/oscore.md"),
        ("boards/rp2040/README.md", "boards/rp2040.md"),
        ("SECURITY.md", "reporting.md"),
        ("examples", "files/examples/index.md"),
        ("examples/sensor.py", "files/examples/sensor.py.md"),
        ("docs/wiring-rp2040.svg", "wiring-rp2040.svg"),
    ],
)
def test_where_a_file_has_its_page(path, page):
    assert places.place(path) == page


@pytest.mark.parametrize(
    ("origin", "text", "moved"),
    [
        ("README.md", "[a](docs/coap.md#to-have-it)", "[a](coap.md#to-have-it)"),
        ("README.md", "[docs/faq.md](docs/faq.md) says", "[Questions](faq.md) says"),
        ("docs/health.md", "[faq.md](faq.md#is-it-encrypted)", "[Questions](faq.md#is-it-encrypted)"),
        ("README.md", "![a](docs/wiring-rp2040.svg)", "![a](wiring-rp2040.svg)"),
        ("docs/health.md", "[a](../boards/esp32/README.md#resets)", "[a](boards/esp32.md#resets)"),
        ("docs/decisions/oscore.md", "[a](../../README.md)", "[a](../index.md)"),
        ("boards/esp32/README.md", "[a](../rv32/README.md)", "[a](rv32.md)"),
        (
            "docs/coap.md",
            "[a](https://example.org/x.md) [b](#to-have-it)",
            "[a](https://example.org/x.md) [b](#to-have-it)",
        ),
    ],
)
def test_a_link_leads_to_the_page_of_what_it_led_to(origin, text, moved):
    assert places.moved(origin, text) == moved
