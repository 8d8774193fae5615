# SPDX-License-Identifier: MIT
"""What somebody does on the page, beside a gateway that runs: devices come, messages go, and it is seen at once."""

import asyncio
import re

from selenium.webdriver.common.keys import Keys

from host_tests.gateway.page.asked import sent_update, update_goes_on
from host_tests.gateway.page.browser.page import PHONE
from host_tests.gateway.scripted import LONG

SENSOR, WEATHER = "ue:sensor-1@example.org", "as:weather@example.org"


def message_address(origin, msg_id):
    return "#/message/%s/%s" % (origin.replace(":", "%3A").replace("@", "%40"), msg_id)


async def answers(device):
    """Takes a message, and reports it."""
    body = await device.next("MSG")
    assert await device.report(body) == "2.04"
    return body


def test_who_has_no_device_yet_is_told_what_to_do(page):
    assert "msgin5g provision" in page.text("section", "No device yet")
    page.see("#link", "live")
    page.click("nav a", "Devices")
    page.see("main .sheet", "No device is known here yet")
    page.click("nav a", "Set aside")
    page.see("main .empty", "Nothing is set aside")


def test_a_device_that_registers_appears(page, scene):
    page.see("[data-count=registered] dd", "0")
    scene.device()
    page.see("[data-count=registered] dd", "1")
    page.see("#events li", "registered " + SENSOR)
    page.see_no("section", "No device yet")
    page.click("[data-count=registered] a")
    page.see("td", SENSOR)
    page.see("td .state", "registered")
    scene.device("ue:sensor-2@example.org")
    page.see("td", "ue:sensor-2@example.org")


def test_who_else_there_is_is_told_when_somebody_asks(page, scene):
    server = scene.server()
    page.click("summary", "Application Servers")
    page.see("details li", "%s: %s" % (WEATHER, server.target))
    page.see("details .empty", "Nobody is subscribed")


def test_the_life_of_a_message_of_a_device(page, scene):
    device = scene.device()
    server = scene.server()
    page.go("#/device/" + SENSOR, "h1", SENSOR)
    page.see(".empty", "No message of it is kept")
    msg_id = scene.do(device.send(WEATHER, "21.5", "AS"))
    body = scene.do(server.next())
    assert body["payload"] == "21.5"
    page.see("tr .state", "delivered")
    page.click("tr[data-message] a")
    page.see("h1", "Message")
    page.see("#message-state", "delivered")
    page.see("dd", msg_id)
    page.see("svg.life .who", "Device")
    page.see("svg.life .who", "Application Server")
    arrows = page.values("svg.life g[data-what]", "data-what")
    assert arrows[0] == "MSG" and len(arrows) >= 2
    page.click("summary")
    words = page.text(".steps")
    assert SENSOR in words and WEATHER in words and page.count(".steps li") == len(arrows)
    # What it carries is not asked for before somebody asks.
    assert page.js(
        "return performance.getEntriesByType('resource').every((e) => !e.name.endsWith('/payload'))"
    )
    page.click("#show-payload")
    assert page.text("#payload") == "21.5"
    page.click("#as-hex")
    assert page.text("#payload", "32 31 2e 35").endswith("21.5")


def test_why_a_message_failed_is_said_and_what_to_do(page, scene):
    device = scene.device()
    msg_id = scene.do(device.send("as:nobody@example.org", "21.5", "AS"))
    page.go(message_address(SENSOR, msg_id), "#message-state")
    page.see("#message-state", "failed: unknown recipient")
    page.see("#message-why", "msgin5g as listen")


def test_of_many_messages_the_last_ten_are_shown_first(page, scene):
    device = scene.device()
    scene.server()
    for number in range(12):
        scene.do(device.send(WEATHER, str(number), "AS"))
    page.go("#/device/" + SENSOR, "#all-messages", "Show all 12")
    assert page.count("tr[data-message]") == 10
    page.click("#all-messages")
    page.see_no("#all-messages")
    assert page.count("tr[data-message]") == 12


def test_two_devices_have_a_lifeline_each(page, scene):
    device, other = scene.device(), scene.device("ue:sensor-2@example.org")
    answer = asyncio.run_coroutine_threadsafe(answers(other), scene.loop)
    msg_id = scene.do(device.send(other.name, "21.5", isDelivStatReq=True))
    assert answer.result(LONG)["payload"] == "21.5"
    scene.do(device.next("IMDN"))
    page.go(message_address(SENSOR, msg_id), "svg.life")
    page.see("#message-state", "report: success")
    assert page.texts("svg.life .who", count=3) == ["Device", "Gateway, server", "Device"]
    page.click("summary")
    reports = page.texts(".steps li", "IMDN", count=2)
    assert "%s to Gateway, server, IMDN" % other.name in reports[0]
    assert "Gateway, server to %s, IMDN" % SENSOR in reports[1]


def test_a_message_that_waits_is_delivered_while_one_looks(page, scene):
    device, server = scene.device(), scene.server()
    assert scene.do(device.code(device.own("DEREG"))) == "2.04"
    message = server.message(SENSOR, "on", stoAndFwInd=True)
    status, _ = scene.do(server.deliver(message))
    assert status == 200
    page.go(message_address(WEATHER, message["msgId"]), "#message-state", "waits for the recipient")
    page.see("svg.life .what", "store")
    scene.do(device.register())
    page.see("#message-state", "delivered")
    page.see("svg.life .who", "Device")


def test_what_is_sent_here_is_seen_to_arrive_and_reported(page, scene):
    device = scene.device()
    page.go("#/send", "#send")
    page.type("#to", SENSOR)
    page.type("#text", "window open")
    answer = asyncio.run_coroutine_threadsafe(answers(device), scene.loop)
    page.click("#send")
    page.see("#sent", "delivered, report: success")
    page.see("svg.life g[data-what=IMDN]")
    assert answer.result(LONG)["payload"] == "window open"


def test_octets_are_sent_as_hex(page, scene):
    device = scene.device()
    page.go("#/device/" + SENSOR, "#send")
    page.js("document.getElementById('encoding').value = 'hex'")
    page.type("#text", "00 ff 0")
    page.click("#send")
    page.see("#sent", "Hex is pairs of the digits")
    page.type("#text", "00 ff 0A")
    page.click("#report")
    page.click("#send")
    page.see("#sent", "delivered")
    body = scene.do(device.next("MSG"))
    assert body["payload"]


def test_numbers_are_drawn_when_somebody_asks(page, scene):
    device = scene.device()
    scene.server()
    for value in ("20", "21.5", "door open", "1e999", "-3e1"):
        scene.do(device.send(WEATHER, value, "AS"))
    page.go("#/device/" + SENSOR, "tr[data-message]")
    page.click("#numbers")
    said = page.values("svg.plot", "aria-label")[0]
    assert "lowest -30, highest 21.5, last -30" in said.replace("−", "-")
    assert page.count("svg.plot .point") == 3
    scene.do(device.send(WEATHER, "22", "AS"))
    page.see("p", "4 numbers in 6 messages")
    assert page.count("svg.plot .point") == 4
    # Drawn anew for another width, its texts keep their size; and a long number has its room.
    scene.do(device.send(WEATHER, "1234567.25", "AS"))
    page.see("svg.plot text", "1,234,567")
    page.size(*PHONE)
    page.see(
        "svg.plot[width='%d']"
        % page.js("return document.querySelector('#numbers').parentElement.clientWidth - 32")
    )
    first = "return document.querySelector('svg.plot text').getBoundingClientRect()"
    assert page.js(first)["left"] >= 0 and page.js(first)["height"] >= 13


def test_a_refusal_is_told_in_words(page, scene):
    device = scene.device()
    code = scene.do(device.code(device.msg(WEATHER, "x", "AS", msgId="no UUID")))
    assert code.startswith("4.")
    page.go("#/device/" + SENSOR, "#refusals li", code)
    # Also where it is copied, or read aloud, the time is a word of its own.
    (text,) = page.js("return [...document.querySelectorAll('#refusals li')].map((e) => e.textContent)")
    assert re.match(r"\d\d:\d\d:\d\d MSG", text)


def test_of_what_is_not_known_nothing_is_shown(page):
    page.go("#/device/ue:nobody@example.org", ".fault", "There is nothing of this here")
    assert (
        page.count("main section")
        and page.js("return document.querySelector('main section').checkVisibility()") is False
    )
    page.go("#/devices")
    page.see("main .sheet", "No device is known here yet")
    assert len(page.told()) == 1  # 404


def test_what_a_device_counts_itself_is_told_in_words_with_what_is_new(page, scene):
    device = scene.device()

    def tell(**counters):
        assert scene.do(device.code(counters, path="counters")) == "2.04"

    page.go("#/device/" + SENSOR, "h2", "How it is")
    page.see_no("h2", "Counted by the device")
    tell(boots=1, coap_sent=1200, heap_free=180000, odd_one=3)
    assert row(page, "coap_sent") == "Datagrams sent 1,200"
    assert row(page, "odd_one") == "odd_one 3"  # of a firmware of another version
    tell(boots=1, coap_sent=1210, heap_free=179000, failed=1)
    assert row(page, "coap_sent", "+10") == "Datagrams sent 1,210 +10"
    assert row(page, "failed") == "Messages that failed 1 +1"
    assert row(page, "heap_free").endswith(" 179,000 −1,000")
    tell(boots=2, coap_sent=3)
    page.see("p", "it has started anew in between")
    assert row(page, "coap_sent") == "Datagrams sent 3"
    assert row(page, "boots") == "Starts of the board 2 +1"


def row(page, name, words=""):
    """What the page says of a device's counter."""
    return " ".join(page.text("tr[data-counter=%s]" % name, words).split())


def test_an_update_goes_on_while_one_looks(page, scene):
    page.key("u")
    page.see("main .empty", "msgin5g update send")
    ues = ["ue:sensor-%02d@example.org" % number for number in range(1, 61)]
    job = scene.call(sent_update, scene.g, ues)

    def goes_on(ue, state, **more):
        scene.call(lambda: update_goes_on(scene.g, job, ue, state, **more))

    goes_on(ues[0], "offered")
    page.see("td", "1 offered, of 60 devices")
    goes_on(ues[1], "confirmed")
    page.see("td", "1 offered, 1 confirmed, of 60 devices")
    page.click("td a", "garden 1.4")
    page.see("h1", "garden 1.4")
    page.see("dd", "application, number 1796000000")
    page.see("#views a[aria-current]", "Updates")
    assert page.count("tr[data-ue]") == 50
    goes_on(ues[0], "loading", have=5120)
    page.see("tr[data-ue='%s'] .state" % ues[0], "loading 25 %")
    goes_on(ues[2], "rolled-back", cause="start: 3 starts failed: <b>app.py:7</b>")
    page.see("tr[data-ue='%s'] td" % ues[2], "start: 3 starts failed: <b>app.py:7</b>")
    page.click("button", "rolled back 1")
    page.see_no("tr[data-ue='%s']" % ues[0])
    assert page.count("tr[data-ue]") == 1
    goes_on(ues[59], "rolled-back", cause="registration: not registered within 600 s")
    page.see("tr[data-ue='%s'] td" % ues[59], "not registered within 600 s")
    page.click("button", "all 60")
    page.click("nav button", "Next")
    page.see("nav span", "Page 2 of 2")
    page.see_no("tr[data-ue='%s']" % ues[0])
    assert page.count("tr[data-ue]") == 10
    scene.call(scene.g.store.set_update_state, job, "done")
    goes_on(ues[58], "confirmed")
    page.see("dd .state[data-tone='']", "done")  # not all have it
    # What is on show has an address, which can be sent to a colleague.
    assert page.js("return location.hash") == "#/update/1?page=2"
    page.click("nav a", "Updates")
    page.go("#/update/7", ".fault", "There is nothing of this here")
    assert len(page.told()) == 1  # 404


def test_what_was_set_aside_is_said_and_why(page, scene):
    device, other = scene.device(), scene.device("ue:sensor-2@example.org")

    push = scene.g.coap.push

    async def raises(peer, body, ue):
        if body.get("payload") == "odd":
            raise KeyError("a library's own")
        return await push(peer, body, ue)

    scene.g.coap.push = raises
    page.go("#/quarantine", ".empty")
    msg_id = scene.do(device.send(other.name, "odd"))
    page.see("td", SENSOR)
    page.see("td", other.name)
    page.see("td", "a library's own")
    page.see("code", "msgin5g gateway quarantine retry ID")
    page.click("nav a", "Overview")
    page.see(".notes li", "1 message set aside")
    page.see(".bad dd", "1")
    page.go(message_address(SENSOR, msg_id), "#message-state")
    page.see("#message-state", "set aside")


def test_the_keys_lead_everywhere_and_can_be_turned_off(page):
    page.key("d")
    page.see("h1", "Devices")
    page.key("/")
    page.driver.switch_to.active_element.send_keys("sd")
    assert page.js("return document.getElementById('search').value") == "sd"
    page.key(Keys.TAB, "s")
    page.see("h1", "Send")
    page.driver.back()
    page.see("h1", "Devices")
    assert page.js("return document.getElementById('search').value") == "sd"
    page.driver.refresh()
    page.see("h1", "Devices")
    page.js("document.activeElement.blur()")
    page.key("?")
    page.click("#keys-on")
    page.click("dialog button", "Close")
    page.key("o")
    page.key("s")
    assert page.text("h1") == "Devices"


def test_who_comes_by_tab_sees_where(page):
    seen = []
    for _ in range(9):
        element = page.tab()
        style = page.js(
            "const s = getComputedStyle(arguments[0]); return [s.outlineStyle, s.outlineWidth]", element
        )
        assert style == ["solid", "2px"]
        seen.append(element.get_attribute("aria-label") or element.text)
    assert seen[0] == "Skip to the content" and "Devices" in seen and "Keyboard shortcuts" in seen


def test_the_skip_link_leads_past_the_bar(page):
    page.tab().send_keys(Keys.ENTER)
    assert page.driver.switch_to.active_element.tag_name == "main"
    assert page.text("h1") == "Overview"


def test_colours_are_kept(page):
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.js(ground)
    page.scheme("dark")
    dark = page.js(ground)
    assert dark != light
    page.click("#theme")
    assert page.js(ground) == light
    page.driver.refresh()
    page.see("h1")
    assert page.js(ground) == light
    page.click("#theme")
    page.scheme("light")
    assert page.js(ground) == dark
    assert page.values("#theme", "aria-label")[0] == "Colours: dark"
