# SPDX-License-Identifier: MIT
"""One browser for all tests of a file, and a gateway for each."""

import os

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from host_tests.gateway.page.browser.page import Page
from host_tests.gateway.page.browser.scene import Scene
from tools.programs import browser

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # it has no right of its own to a sandbox where it is unpacked; it sees our page alone
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=SpareRendererForSitePerProcess",  # a process that no test needs
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en-GB",
)


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    found = browser.there()
    if found is None:
        pytest.skip("there is no Chromium. %s. Then: make peers" % browser.ADVICE)
    options = webdriver.ChromeOptions()
    options.binary_location = found.program
    for argument in (*ARGUMENTS, "--user-data-dir=%s" % tmp_path_factory.mktemp("browser")):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    environment = browser.environment(found) | {"TZ": "UTC", "LANG": "C.UTF-8"}
    environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
    # Nothing goes through a proxy: it is this machine that is asked.
    options.add_argument("--no-proxy-server")
    service = Service(found.driver, env=environment, log_output=os.devnull)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def scene():
    with Scene() as scene:
        yield scene


@pytest.fixture
def page(driver, scene):
    """The page of the scene's gateway, on the overview. What its console says that nobody expects fails the test."""
    page = Page(driver)
    page.begin(scene.url)
    yield page
    told = page.told()
    page.end()
    assert told == []
