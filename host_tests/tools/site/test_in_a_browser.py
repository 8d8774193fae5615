# SPDX-License-Identifier: MIT
"""The site in Chromium, opened as a folder of files: diagrams are drawn, the search finds, nobody else is asked."""

import pytest

from host_tests.gateway.page.browser.conftest import driver  # noqa: F401  # a fixture
from host_tests.gateway.scripted import LONG
from tools.project.site import __main__ as program

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
