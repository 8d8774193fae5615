# SPDX-License-Identifier: MIT
"""How the page looks to whom: on a desk and on a phone, light and dark, read aloud; and what a device wrote stays text.

Rules and findings of accessibility are those of axe-core (WCAG 2.2).
"""

import os
from pathlib import Path

import pytest

from host_tests.gateway.page.asked import sent_update, update_goes_on
from host_tests.gateway.page.browser.page import DESKTOP, PHONE
from host_tests.gateway.page.browser.test_flows import SENSOR, WEATHER, message_address
from tools.programs import browser

DOCS = Path(__file__).resolve().parents[4] / "docs"
PICTURES = "MSGIN5G_PICTURES"  # set: the pictures of docs/ are made anew
AXE = """
const done = arguments[0];
axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((found) =>
  done(found.violations.filter((each) => ["serious", "critical"].includes(each.impact)).map((each) =>
    each.id + ": " + each.nodes.map((node) => node.html + " " + node.failureSummary).join("; "))));
"""
COUNTED = (
    {"boots": 3, "coap_sent": 1017, "coap_retransmitted": 1},
    {"boots": 3, "coap_sent": 1026, "coap_retransmitted": 2},
)
READINGS = ("20.9", "21.3", "21.8", "22.4", "22.1", "21.6", "21.2", "21.5")


def filled(scene):
    """A house of some devices, and what they have sent; the msgId of a message whose life is worth a look."""
    weather = scene.server()
    sensor = scene.device()
    for number in (2, 3, 4):
        scene.device("ue:sensor-%d@example.org" % number)
    display = scene.device("ue:display@example.org")
    assert scene.do(display.code(display.own("DEREG"))) == "2.04"

    def provision():
        with scene.g.store.transaction():
            scene.g.store.add_device("ue:sensor-5@example.org")

    scene.call(provision)
    job = scene.call(sent_update, scene.g, [SENSOR, "ue:sensor-2@example.org", "ue:display@example.org"])
    scene.call(update_goes_on, scene.g, job, SENSOR, "confirmed")
    cause = "start: 3 starts failed: ValueError at app.py:7"
    scene.call(update_goes_on, scene.g, job, "ue:sensor-2@example.org", "rolled-back", cause)
    for reading in READINGS:
        scene.do(sensor.send(WEATHER, reading, "AS"))
    scene.do(sensor.send("ue:display@example.org", "21.5 °C", sfFlag=True))
    scene.do(sensor.code(sensor.msg(WEATHER, "x", "AS", msgId="7")))
    for counted in COUNTED:
        assert scene.do(sensor.code(counted, path="counters")) == "2.04"
    weather.status = [503, 204]
    pieces = sensor.segments(WEATHER, ["a" * 900, "b" * 900, "c" * 90], "AS", isDelivStatReq=True)
    for piece in pieces:
        assert scene.do(sensor.code(piece)) == "2.04"
    msg_id = pieces[0]["msgId"]
    scene.do(scene.g.journal.wait("delivered", msgId=msg_id))
    report = {
        "oriAddr": {"addrType": "AS", "addr": WEATHER},
        "destAddr": {"addrType": "UE", "addr": SENSOR},
        "msgId": msg_id,
        "delivSt": "REPT_DELY_SUCCESS",
    }
    assert scene.do(weather.call("/msgs-msgdelivery/v1/deliver-report", report))[0] == 200
    assert scene.do(sensor.next("IMDN"))["msgId"] == msg_id
    return msg_id


@pytest.fixture
def addresses(page, scene):
    msg_id = filled(scene)
    return {
        "overview": ("#/", "[data-count=registered] dd"),
        "devices": ("#/devices", "td .state"),
        "device": ("#/device/" + SENSOR, "tr[data-message]"),
        "message": (message_address(SENSOR, msg_id), "svg.life [data-what=IMDN]"),
        "updates": ("#/updates", "td .state"),
        "update": ("#/update/1", "td .state"),
        "send": ("#/send", "#send"),
        "quarantine": ("#/quarantine", "main .empty"),
    }


def test_what_would_shut_somebody_out_is_found(page):
    page.js(browser.axe().read_text())
    page.js("document.querySelector('main').append(document.createElement('button'))")
    (found,) = page.driver.execute_async_script(AXE)
    assert found.startswith("button-name")


def test_nobody_is_shut_out(page, addresses):
    script = browser.axe().read_text()
    page.js(script)
    found = []
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark"), (DESKTOP, "dark"), (PHONE, "light")):
        page.size(*size)
        page.scheme(scheme, "reduce")
        for name, (hash_, seen) in addresses.items():
            page.go(hash_, seen)
            if name == "message":
                page.js("document.querySelector('details').open = true")
            found += [
                "%s %s %s: %s" % (name, size, scheme, each) for each in page.driver.execute_async_script(AXE)
            ]
    page.key("?")
    page.see("dialog[open]")
    found += page.driver.execute_async_script(AXE)
    assert found == []


def test_what_was_sent_again_and_what_in_segments_is_marked(page, addresses):
    page.go(*addresses["message"])
    page.see("svg.life .again .what", "MSG ×2")
    dashed = "return getComputedStyle(document.querySelector('.life .again .arrow')).strokeDasharray"
    assert page.js(dashed) != "none"
    page.see("svg.life .more", "3 of 3 segments")
    bars = [page.values("svg.life ." + name, "width") for name in ("trough", "part")]
    assert bars[0] == bars[1] != []
    page.click("summary")
    page.see(".steps li", "sent 2 times")
    # It is drawn anew for another width, and fits it.
    page.size(*PHONE)
    page.see("svg.life .who", "AS")
    assert int(page.values("svg.life", "width")[0]) < PHONE[0]


def test_a_phone_never_scrolls_sideways(page, addresses, scene):
    scene.device("ue:" + "long-" * 40 + "@example.org")
    for width in (320, 360, 768, 1200):
        page.size(width, 780)
        for hash_, seen in addresses.values():
            page.go(hash_, seen)
            assert page.js("return document.documentElement.scrollWidth") <= width, hash_


def test_a_link_is_seen_to_be_one_without_its_colour(page, addresses):
    """WCAG 2.2, 1.4.1; the name of the whole, the views and the figures of the overview are known by their place."""
    for hash_, seen in addresses.values():
        page.go(hash_, seen)
        plain = page.js(
            "return [...document.querySelectorAll('main a')].filter((e) => !e.closest('.tiles') && "
            "getComputedStyle(e).textDecorationLine !== 'underline').map((e) => e.outerHTML)"
        )
        assert plain == []


def test_what_one_points_at_on_a_phone_is_large_enough(page, addresses):
    """WCAG 2.2, 2.5.8: 24 by 24 CSS pixels, but for links in a sentence or a list of text."""
    page.size(*PHONE)
    for hash_, seen in addresses.values():
        page.go(hash_, seen)
        small = page.js(
            "return [...document.querySelectorAll('button, select, input:not([type=checkbox]), nav a')]"
            ".filter((e) => e.checkVisibility() && !e.closest('dialog'))"
            ".map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])"
            ".filter(([_, r]) => r.width < 24 || r.height < 24).map(([html]) => html)"
        )
        assert small == []


def test_who_wants_no_motion_has_none(page, scene):
    moves = "return getComputedStyle(document.querySelector('#events li')).animationName"
    scene.device()
    page.see("#events li.fresh")
    assert page.js(moves) == "fresh"
    page.scheme("light", "reduce")
    assert page.js(moves) == "none"


def test_a_change_is_told_to_who_listens(page, addresses):
    page.go("#/send")
    for hash_, seen in addresses.values():
        page.go(hash_, seen)
        assert page.count("main h1") == 1
        assert page.driver.switch_to.active_element.tag_name == "h1"
        assert page.count("[role=status]")


HOSTILE = (
    '<img src=x onerror="window.hit=1">',
    "<script>window.hit=1</script>",
    "'\"></svg><svg onload=window.hit=1>",
    "javascript:window.hit=1",
    "{{7*7}}${7*7}%s&lt;b&gt;",
    "\u202egnp.exe",
)


def test_what_a_device_wrote_stays_text(page, scene):
    """Names, payloads, msgIds and reasons: none of it becomes an element, runs, or leads elsewhere."""
    device = scene.device("ue:<img/src=x/onerror=window.hit=1>@example.org")
    scene.server("as:<svg/onload=window.hit=1>@example.org")
    sent = []
    for text in HOSTILE:
        sent.append(scene.do(device.send("as:<svg/onload=window.hit=1>@example.org", text, "AS")))
        scene.do(device.code(device.msg("as:x@example.org", "x", "AS", msgId=text)))
    for hash_, seen in (("#/", "#events li"), ("#/devices", "td a")):
        page.go(hash_, seen, "<img/src=x")
    page.click("td a")
    page.see("h1", device.name)
    page.see("tr[data-message]")
    page.click("#numbers")
    page.see("p", "No number in")
    for text, msg_id in zip(HOSTILE, sent, strict=True):
        page.js(
            "location.hash = '#/message/' + [...arguments].map(encodeURIComponent).join('/')",
            device.name,
            msg_id,
        )
        page.see("dd", msg_id)
        page.click("#show-payload")
        page.see("#payload")
        assert page.js("return document.getElementById('payload').textContent") == text
        page.see("svg.life")
    page.js("location.hash = '#/device/' + encodeURIComponent(arguments[0])", HOSTILE[0])
    page.see(".fault", "There is nothing of this here")
    assert page.js("return window.hit ?? null") is None
    assert page.count("main img, main script, main iframe, a:not([href^='#'])") == 0
    assert len(page.told()) == 1  # of the device that is not there: 404


def test_nothing_of_another_host_and_nothing_inline_is_allowed(page):
    """By the policy itself: what a page might be made to do is refused by the browser."""
    refused = page.driver.execute_async_script(
        """
        const done = arguments[0], refused = [];
        document.addEventListener("securitypolicyviolation", (event) => {
          refused.push(event.effectiveDirective);
          if (refused.length === 4) done(refused.sort());
        });
        document.body.append(Object.assign(document.createElement("script"), { textContent: "window.hit = 1" }));
        const styled = document.createElement("p");
        styled.setAttribute("style", "color: red");
        document.body.append(styled);
        document.body.append(Object.assign(document.createElement("img"), { src: "http://192.0.2.1/x.png" }));
        fetch("http://192.0.2.1/").catch(() => {});
        """
    )
    assert refused == ["connect-src", "img-src", "script-src-elem", "style-src-attr"]
    assert page.js("return window.hit ?? null") is None
    page.told()


# ---- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(
    PICTURES not in os.environ, reason="the pictures of docs/ are made where %s is set" % PICTURES
)
def test_the_pictures_of_the_documentation(page, addresses, scene):
    for name, size, scheme, view in (
        ("light", (1200, 860), "light", "message"),
        ("dark", (1200, 890), "dark", "device"),
        ("phone", PHONE, "light", "overview"),
    ):
        page.size(*size)
        page.scheme(scheme, "reduce")
        page.go(*addresses[view])
        if view == "device":
            page.click("#numbers")
            page.see("svg.plot")
        page.js("document.activeElement.blur(); window.scrollTo(0, 0)")
        path = DOCS / ("page-%s.png" % name)
        assert page.driver.save_screenshot(str(path))
        assert path.stat().st_size <= 150 * 1024
