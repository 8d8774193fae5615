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

# Resolves with what is asked of the elements on show that fit, as soon as there are so many; of 0, once there is none.
# All of it is of one moment: what is live is made anew now and then, and an element that was found is gone by then.
_SEE = """
const [css, words, count, what, done] = arguments;
const is = (each) => each.checkVisibility() && each.textContent.includes(words);
const asked = {
  place: (each, place) => place,
  element: (each, place) => (place ? null : each),
  text: (each) => (each.innerText ?? each.textContent).trim(),
};
const of = asked[what] ?? ((each) => each.getAttribute(what));
const look = () => {
  const found = [...document.querySelectorAll(css)].filter(is);
  const fits = count ? found.length >= count : !found.length && document.body;
  if (fits) done(found.map(of));
  return fits;
};
if (look()) return;
const watch = new MutationObserver(() => {
  if (look()) watch.disconnect();
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
        self.see(seen, words)

    def see(self, css, words=""):
        """Waits for an element on show that fits, with these words in it."""
        self._wait(css, words, 1, "place")

    def see_no(self, css, words=""):
        """Waits until none is on show."""
        self._wait(css, words, 0, "place")

    def text(self, css, words=""):
        """What the first element on show says that fits; waits for it."""
        return self.texts(css, words)[0]

    def texts(self, css, words="", count=1):
        """What each element on show says that fits, at one moment; waits until there are so many."""
        return self._wait(css, words, count, "text")

    def values(self, css, name, count=1):
        """The attribute of this name of each element on show, at one moment; waits until there are so many."""
        return self._wait(css, "", count, name)

    def _wait(self, css, words, count, what):
        try:
            return self.driver.execute_async_script(_SEE, css, words, count, what)
        except TimeoutException:
            raise AssertionError(
                "%s %r is %s; the page says:\n%s"
                % (
                    css,
                    words,
                    "nowhere" if count else "still there",
                    self.js("return document.body.innerText"),
                )
            ) from None

    def click(self, css, words=""):
        """Clicks it, where it is by then: what is live is made anew now and then."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(StaleElementReferenceException):
                return self._element(css, words).click()
        return self._element(css, words).click()

    def _element(self, css, words=""):
        return self._wait(css, words, 1, "element")[0]

    def type(self, css, text):
        field = self._element(css)
        field.clear()
        field.send_keys(text)

    def key(self, *keys):
        """Keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab(self):
        """The element that has the focus after one more Tab."""
        self.key(Keys.TAB)
        return self.driver.switch_to.active_element

    def count(self, css):
        """How many elements there are, on show or not."""
        return len(self.driver.find_elements(By.CSS_SELECTOR, css))

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)
