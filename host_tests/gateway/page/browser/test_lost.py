# SPDX-License-Identifier: MIT
"""A gateway that is killed and comes back, that has too many pages, that wants a token; and ten thousand devices."""

import asyncio

import pytest

from host_tests.gateway.apart import scene as apart
from host_tests.gateway.page.browser.page import Page
from host_tests.gateway.page.browser.scene import Scene
from host_tests.gateway.scripted import LONG, Process, Ue
from tools.page.live import STREAMS as PLACES
from tools.page.live import frame
from tools.wire.identity import Peer

SENSOR, WEATHER = "ue:sensor-1@example.org", "as:weather@example.org"
MANY = 10_000


# ---- lost ------------------------------------------------------------------------------------------------------------


class Apart(Scene):
    """A gateway as a program of its own."""

    def __init__(self, folder):
        super().__init__()
        self._folder = folder

    def begin(self):
        self.g = Process(self._folder)
        self.do(self.g.start())
        self.g._command += ["--http", "127.0.0.1:%d" % self.g.http_port]  # where the page will look for it

    def __exit__(self, *exception):
        if self.g._process.returncode is None:
            self.do(self.g.kill())
        super().__exit__(*exception)


def test_a_gateway_that_is_killed_and_comes_back(driver, tmp_path):
    with Apart(tmp_path) as scene:
        page = Page(driver)
        page.begin(scene.url, "#/devices")
        page.see("#link", "live")
        scene.device()
        page.see("td", SENSOR)
        scene.do(scene.g.kill())
        page.see("#lost[role=alert]", "The gateway does not answer")
        page.see("#link", "not connected")
        assert page.text("td") == SENSOR  # what was seen stays
        scene.do(scene.g.start())
        page.see("#link", "live")
        page.see_no("#lost")
        # It is another run, with numbers of its own; what comes now is seen as before.
        scene.device("ue:sensor-2@example.org")
        page.see("td", "ue:sensor-2@example.org")
        page.end()


def test_a_page_that_is_opened_while_nobody_answers_begins_by_itself(driver, tmp_path):
    with Apart(tmp_path) as scene:
        page = Page(driver)
        page.begin(scene.url, "#/devices")
        scene.do(scene.g.kill())
        page.see("#lost")
        page.click("nav a", "Overview")
        page.see(".fault", "The gateway does not answer")
        page.click("#lost button", "Try now")
        page.see("#lost")
        scene.do(scene.g.start())
        page.see("#link", "live")
        page.see_no(".fault")
        page.see("[data-count=registered] dd", "0")
        page.end()


def streams(scene):
    return scene.g.http.pages.live._streams


def test_a_stream_that_ends_goes_on_where_it_was(page, scene):
    """By the number of the last event that was heard: what came meanwhile is told, and nothing is loaded anew."""
    page.see("#link", "live")
    scene.device("ue:sensor-0@example.org")
    page.see("#events li", "registered ue:sensor-0")
    asked(page)

    def ends():
        for stream in streams(scene):
            stream.end()

    scene.call(ends)
    scene.device()
    page.see("#events li", "registered " + SENSOR)
    page.see("[data-count=registered] dd", "2")
    told = page.texts("#events li")
    assert len(told) == len(set(told))
    assert set(asked(page)) <= {"/api/overview"}  # whether it is the same run


def test_what_was_missed_is_asked_for_anew(page, scene):
    """As where a page was too far behind, and is told so."""
    page.go("#/devices", ".sheet", "No device is known")
    page.see("#link", "live")

    def miss():
        ours = streams(scene)[:]
        streams(scene).clear()
        with scene.g.store.transaction():
            scene.g.store.add_device(SENSOR)
        for stream in ours:
            stream.put([frame("reload", {"cause": "too far behind"})], 0)

    scene.call(miss)
    page.see("td", SENSOR)
    page.see("#link", "live")


def test_a_page_that_nobody_looks_at_follows_nothing(page, scene):
    hide = (
        "Object.defineProperty(document, 'hidden', { value: arguments[0], configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.see("#link", "live")
    left = asyncio.run_coroutine_threadsafe(no_streams(scene), scene.loop)
    page.js(hide, True)
    left.result(LONG)
    scene.device()
    page.js(hide, False)
    page.see("#events li", "registered " + SENSOR)
    page.see("[data-count=registered] dd", "1")


async def no_streams(scene):
    """Waits until nobody follows."""
    live = scene.g.http.pages.live
    gone = asyncio.Event()
    leave = live.leave

    def left(stream):
        leave(stream)
        gone.set()

    live.leave = left
    while streams(scene):
        gone.clear()
        await gone.wait()


def test_one_page_too_many_says_so_and_waits(driver, scene):
    others = [scene.call(scene.g.http.pages.live.begin, None, lambda: None) for _ in range(PLACES)]
    page = Page(driver)
    page.begin(scene.url)
    page.see("#lost", "close another page")
    page.see("[data-count=registered] dd", "0")
    scene.call(scene.g.http.pages.live.leave, others[0])
    page.click("#lost button", "Try now")
    page.see("#link", "live")
    page.see_no("#lost")
    assert all("503" in line for line in page.told())
    page.end()


# ---- a gateway of another server -------------------------------------------------------------------------------------


class OfAnother(Scene):
    def begin(self):
        server = self.there(apart.server())
        self.g = self.there(apart.gateway(server.coap_port))


def test_a_gateway_of_another_server_says_what_it_is(driver):
    with OfAnother() as scene:
        page = Page(driver)
        page.begin(scene.url)
        page.see("dd", "gateway of another server")
        page.see("#link", "live")
        page.click("nav a", "Send")
        page.see(".empty", "sends nothing of its own")
        page.see_no("#send")
        page.click("nav a", "Devices")
        page.see(".sheet", "No device is known")
        assert page.told() == []
        page.end()


# ---- a token ---------------------------------------------------------------------------------------------------------


def test_who_reads_from_elsewhere_shows_a_token(driver, scene):
    def from_elsewhere():
        callers = scene.g.http._callers
        callers.caller = lambda request, public, caller=callers.caller: caller(request, False)
        with scene.g.store.transaction():
            return scene.g.store.add_token(WEATHER)[0]

    token = scene.call(from_elsewhere)
    page = Page(driver)
    page.begin(scene.url, seen="dialog[open]")
    page.type("#token-text", "nobody's")
    page.click("#token button")
    page.see("dialog[open] p", "does not know this token")
    page.type("#token-text", token)
    page.click("#token button")
    page.see("#link", "live")
    page.see("[data-count=registered] dd", "0")
    scene.device()
    page.see("[data-count=registered] dd", "1")
    page.driver.refresh()
    page.see("#link", "live")
    assert page.js("return Object.values(localStorage)") == []
    assert all("401" in line for line in page.told())
    page.end()


# ---- many ------------------------------------------------------------------------------------------------------------


def fill(store, now):
    with store.transaction():
        for number in range(MANY):
            ue = "ue:meter-%05d@example.org" % number
            store.register(ue, Peer("192.0.2.%d" % (number % 250), 5683), now, now + 3600, 2048, None)
            if number % 10 == 0:
                store.end_registration(ue)


def counted(scene):
    """The questions for a page of devices, from now on."""
    devices, asked = scene.g.view.devices, []
    page = devices.page

    def counting(*arguments, **named):
        asked.append(arguments)
        return page(*arguments, **named)

    devices.page = counting
    return asked


def asked(page):
    """Paths that the page has asked of the interface since the last time."""
    paths = page.js(
        "const all = performance.getEntriesByType('resource').map((e) => new URL(e.name).pathname);"
        " performance.clearResourceTimings(); return all.filter((p) => p.startsWith('/api/'))"
    )
    return sorted(paths)


def test_ten_thousand_devices(driver, scene):
    scene.call(fill, scene.g.store, scene.g.clock())
    page = Page(driver)
    page.begin(scene.url, "#/devices")
    page.see("header p", "10,000 devices")
    assert page.count("tbody tr") == 50
    page.see(".pages", "Page 1 of 200")
    asked = counted(scene)
    page.click(".pages button", "Next")
    page.see("td", "ue:meter-00050@example.org")
    assert len(asked) == 1
    page.type("#search", "meter-0777")
    page.see("header p", "10 devices with “meter-0777”")
    assert "q=meter-0777" in page.js("return location.hash")
    page.click("[data-state-pick=away]")
    page.see("header p", "1 device with")
    page.driver.refresh()
    page.see("header p", "1 device with")
    assert page.texts("td.id") == ["ue:meter-07770@example.org"]
    page.type("#search", "nothing")
    page.see(".sheet", "No device is called “nothing”")
    page.click("button", "Show all devices")
    page.see("header p", "10,000 devices")
    # What changes of a device on show changes in place; of others nothing is asked.
    page.see("#link", "live")
    asked.clear()
    other, shown = (scene.there(Ue(scene.g, "ue:meter-%05d@example.org" % number)) for number in (9001, 3))
    scene.do(other.register())
    scene.do(shown.register())
    page.see("tr.fresh td", "ue:meter-00003@example.org")
    assert asked == []
    page.end()


# ---- the stream ------------------------------------------------------------------------------------------------------

# As the WHATWG's HTML standard, 9.2.6, has streams read; what each of them gives: (kind, data, id).
STREAMS = (
    ("data: a\n\n", [["message", "a", None]]),
    ("event: device\ndata: {}\nid: 7\n\n", [["device", "{}", "7"]]),
    ("data: first\ndata: second\n\n", [["message", "first\nsecond", None]]),
    (": a comment\n\ndata:none\n\n", [["message", "none", None]]),
    ("data\n\ndata\ndata\n\ndata:", [["message", "", None], ["message", "\n", None]]),
    ("id: 1\nevent: e\n\ndata: x\n\n", [["message", "x", "1"]]),
    ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", [["message", each, None] for each in "abc"]),
)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_stream_is_read_however_it_is_cut(page, size):
    script = """
    const [text, size, done] = arguments;
    import("/static/server.js").then(({ reader }) => {
      const heard = [];
      const feed = reader(({ kind, data, id }) => heard.push([kind, data, id]));
      for (let at = 0; at < text.length; at += size) feed(text.slice(at, at + size));
      done(heard);
    });
    """
    for text, events in STREAMS:
        assert page.driver.execute_async_script(script, text, size) == events, text
