# SPDX-License-Identifier: MIT
"""The page as somebody uses it: sees words, clicks, types. It waits for what is to be seen, and never for a time."""

import contextlib

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from host_tests.gateway.scripted import LONG

DESKTOP, PHONE = (1200, 900), (360, 780)
TRIES = 5

# Resolves with the first element on show that fits, as soon as there is one.
_SEE = """
const [css, words, gone, done] = arguments;
const is = (each) => each.checkVisibility() && each.textContent.includes(words);
const find = () => [...document.querySelectorAll(css)].find(is);
const fits = () => (gone ? !find() && document.body : find());
if (fits()) return done(fits());
const watch = new MutationObserver(() => {
  if (!fits()) return;
  watch.disconnect();
  done(fits());
});
watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""


class Page:
    def __init__(self, driver):
        self.driver = driver
        self.url = None

    def begin(self, url, hash_="#/", seen="h1"):
        """Opens it anew, as for the first time: nothing is kept of another test."""
        self.driver.set_script_timeout(LONG)
        self.size(*DESKTOP)
        self.scheme("light")
        self.url = url
        self.told()
        origin = {"origin": url.rstrip("/"), "storageTypes": "all"}
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", origin)
        self.driver.get(url + hash_)
        self.see(seen)

    def end(self):
        self.driver.get("about:blank")

    def told(self):
        """What the console of the page said."""
        return [each["message"] for each in self.driver.get_log("browser") if each["level"] != "DEBUG"]

    # ---- as it is looked at ------------------------------------------------------------------------------------------

    def size(self, width, height):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def scheme(self, scheme, motion="no-preference"):
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    # ---- what is seen and done ---------------------------------------------------------------------------------------

    def go(self, hash_, seen="h1", words=""):
        self.js("location.hash = arguments[0]", hash_)
        return self.see(seen, words)

    def see(self, css, words=""):
        """The first element on show that fits, with these words in it; waits for it."""
        return self._wait(css, words, False)

    def see_no(self, css, words=""):
        """Waits until none is on show."""
        self._wait(css, words, True)

    def _wait(self, css, words, gone):
        try:
            return self.driver.execute_async_script(_SEE, css, words, gone)
        except TimeoutException:
            raise AssertionError(
                "%s %r is %s; the page says:\n%s"
                % (css, words, "still there" if gone else "nowhere", self.text("body"))
            ) from None

    def click(self, css, words=""):
        """Clicks it, where it is by then: what is live is made anew now and then."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(StaleElementReferenceException):
                return self.see(css, words).click()
        return self.see(css, words).click()

    def type(self, css, text):
        field = self.see(css)
        field.clear()
        field.send_keys(text)

    def key(self, *keys):
        """Keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab(self):
        """The element that has the focus after one more Tab."""
        self.key(Keys.TAB)
        return self.driver.switch_to.active_element

    def text(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css).text

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)
