# SPDX-License-Identifier: MIT
"""Counters that devices tell a gateway: who may, what is refused and in which words, what is kept; and real devices
that tell theirs, in the clear, protected, to a gateway apart from its server, and to one that knows nothing of it."""

import random
import re
from pathlib import Path

import pytest

from host_tests.gateway.apart import scene as apart
from host_tests.gateway.devices import UE, config, device, run
from host_tests.gateway.page.asked import Bare, Page
from host_tests.gateway.scripted import gateway
from tools.demo.processes import Device
from tools.gateway import keys as key_files
from tools.gateway.keys import new_section
from tools.server import counters
from tools.server.counters import AT_ONCE, DEVICES, Counters
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.store import Store
from tools.wire.answers import Refusal, Request
from tools.wire.identity import Peer

HERE, THERE = Peer("192.0.2.1", 4000), Peer("192.0.2.2", 4000)
A = "ue:a@example.org"


class Bench:
    """A server with one registered device, and what it told."""

    def __init__(self):
        self.store = Store(":memory:")
        self.told = []
        emit = lambda event, **fields: self.told.append((event, fields))  # noqa: E731
        self.server = Server(self.store, Settings(open=True), emit)
        with self.store.transaction():
            self.store.register(A, HERE, 0, 10**6, None, {})
        self.now = 100.0

    def say(self, payload, peer=HERE, **more):
        """The Answer to one that comes ten seconds after the one before."""
        self.now += counters.SECONDS
        fields = {"code": "POST", "path": ("counters",), "content_format": 50} | more
        with self.store.transaction():
            return self.server.count(peer, Request(payload=payload, **fields), self.now)


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.store.close()


def test_the_last_ones_and_those_before_are_kept(bench):
    assert bench.server.counters.of(A) is None
    assert bench.say(b'{"boots":1,"coap_sent":7}').code == "2.04"
    assert bench.server.counters.of(A) == {
        "time": 110.0,
        "counters": {"boots": 1, "coap_sent": 7},
        "earlier": None,
    }
    assert bench.say(b"{}").code == "2.04"
    assert bench.say(b'{"boots":9007199254740992}', content_format=None).code == "2.04"  # 2^53
    assert bench.server.counters.of(A) == {
        "time": 130.0,
        "counters": {"boots": 2**53},
        "earlier": {"time": 120.0, "counters": {}},
    }


def of(members):
    """A body with so many counters."""
    return b"{" + b",".join(b'"%c%c":1' % (97 + n // 26, 97 + n % 26) for n in range(members)) + b"}"


LONG = b'{"a":1' + b" " * 506 + b"}"
REFUSED = [
    (b"", "not JSON"),
    (b"[]", "object"),
    (b'{"a":1', "not JSON"),
    (b'{"a":\xff}', "not JSON"),
    (b'{"a":1,"a":2}', "twice"),
    (b'{"a":-1}', "a: not an integer from 0 to"),
    (b'{"a":9007199254740993}', "a: not an integer"),
    (b'{"a":1.0}', "a: not an integer"),
    (b'{"a":1e3}', "a: not an integer"),
    (b'{"a":true}', "a: not an integer"),
    (b'{"a":"1"}', "a: not an integer"),
    (b'{"a":null}', "a: not an integer"),
    (b'{"a":[1]}', "a: not an integer"),
    (b'{"A":1}', "1 to 32 of a to z and _"),
    (b'{"":1}', "1 to 32"),
    (b'{"a b":1}', "1 to 32"),
    (b'{"\\u0000":1}', "1 to 32"),
    (b'{"' + b"a" * 33 + b'":1}', "1 to 32"),
    (of(41), "more than 40"),
]


@pytest.mark.parametrize("payload, words", REFUSED)
def test_what_is_none_is_refused_in_words_and_changes_nothing(bench, payload, words):
    bench.say(b'{"boots":1}')
    before = bench.server.counters.of(A)
    answer = bench.say(payload)
    assert answer.code == "4.00" and words in answer.diagnostic, answer
    event, fields = bench.told[-1]
    assert (event, fields["kind"], fields["code"], fields["reason"]) == (
        "refused",
        "counters",
        "4.00",
        answer.diagnostic,
    )
    assert bench.server.refusals == {"4.00": 1}
    assert bench.server.counters.of(A) == before


def test_the_largest_that_is_taken(bench):
    assert bench.say(of(40)).code == "2.04"
    assert len(LONG) == 513
    assert bench.say(LONG[:6] + LONG[7:]).code == "2.04"
    answer = bench.say(LONG)
    assert (answer.code, answer.size1) == ("4.13", 512)


def test_what_is_decided_once_more_since_its_commit_failed_was_not_told_before(bench):
    bench.say(b'{"boots":1}')
    request = Request("POST", ("counters",), payload=b'{"boots":2}')
    with pytest.raises(OSError), bench.store.transaction():
        assert bench.server.count(HERE, request, bench.now + 1).code == "2.04"
        raise OSError
    assert bench.server.counters.of(A)["counters"] == {"boots": 1}
    with bench.store.transaction():
        assert bench.server.count(HERE, request, bench.now + 1).code == "2.04"
    assert bench.server.counters.of(A)["earlier"]["counters"] == {"boots": 1}


def test_who_observes_them_is_not_asked_for_again(bench):
    """RFC 7641 section 2: what Observe extends is GET."""
    assert bench.say(b"{}", observe=0).observable is False


def test_who_and_how_and_how_often(bench):
    good = b'{"boots":1}'
    assert bench.say(good, peer=THERE).code == "4.01"
    assert bench.say(good, code="GET").code == "4.05"
    assert bench.say(good, content_format=0).code == "4.15"
    bench.now += 100
    codes = []
    for _ in range(AT_ONCE + 2):
        bench.now -= counters.SECONDS  # all in one moment
        codes.append(bench.say(good).code)
    assert codes == ["2.04"] * AT_ONCE + ["4.29"] * 2
    answer = bench.say(good)
    assert answer.code == "2.04"
    with bench.store.transaction():
        bench.store.end_registration(A)
    assert bench.say(good).code == "4.01"


def test_nothing_that_a_device_says_is_an_error_of_the_gateway(bench):
    rng = random.Random(1)
    pieces = [
        b'"a":1',
        b'"a":',
        b"{",
        b"}",
        b",",
        b'"',
        b"[",
        b"\\u",
        b"1e999",
        b"-0",
        b"NaN",
        b"\x00",
        b"\xc3",
        b" ",
    ]
    taken = 0
    for _ in range(3000):
        body = b"{" * rng.randrange(2) + b"".join(rng.choices(pieces, k=rng.randrange(8))) + b"}"
        code = bench.say(body).code
        assert code in ("2.04", "4.00"), (code, body)
        taken += code == "2.04"
        kept = bench.server.counters.of(A)
        for name, value in kept["counters"].items() if kept else ():
            assert name == "a" and value in (0, 1)
    assert 0 < taken < 3000


def test_of_the_devices_that_told_longest_ago_nothing_is_kept():
    kept = Counters({})
    for number in range(DEVICES + 1):
        kept.take({"ue:%d" % number}, Request("POST", ("counters",), payload=b"{}"), number)
    assert kept.of("ue:0") is None
    assert kept.of("ue:1")["time"] == 1


def test_a_clock_that_is_set_sets_their_times():
    kept = Counters({})
    for now in (100, 200):
        kept.take({A}, Request("POST", ("counters",), payload=b"{}"), now)
    kept.clock_set(1000)
    assert (kept.of(A)["time"], kept.of(A)["earlier"]["time"]) == (1200, 1100)
    for _ in range(2):
        kept.take({A}, Request("POST", ("counters",), payload=b"{}"), 1200)
    with pytest.raises(Refusal):
        kept.take({A}, Request("POST", ("counters",), payload=b"{}"), 1200)


# ---- over the wire ---------------------------------------------------------------------------------------------------


def post(mid, payload):
    """RFC 7252 section 3: CON, a token of 1 octet; POST; Uri-Path "counters"; Content-Format 50."""
    return bytes([0x41, 0x02, 0, mid, 7, 0xB8]) + b"counters" + b"\x11\x32\xff" + payload


def test_the_page_shows_them_as_they_come():
    async def play():
        async with gateway() as g, Page(g) as page:
            board = Bare(g, UE)
            try:
                board.say(post(1, b'{"boots":1}'))
                assert (await board.read()).code.dotted == "4.01"
                await board.register()
                assert (await page.device(UE))["reported"] is None
                async with page.live() as live:
                    board.say(post(2, b'{"boots":1}'))
                    assert (await board.read()).code.dotted == "2.04"
                    async for kind, data, _ in live:
                        if kind == "device" and data["reportedAt"] is not None:
                            break
                device = await page.device(UE)
                assert device["reported"] == {
                    "time": data["reportedAt"],
                    "counters": {"boots": 1},
                    "earlier": None,
                }
                board.say(post(3, b'{"boots":"1"}'))
                assert (await board.read()).code.dotted == "4.00"
                assert (
                    "counters: 4.00 boots: not an integer" in (await page.device(UE))["refusals"][0]["text"]
                )
            finally:
                board.close()

    run(play())


def test_a_gateway_apart_keeps_them_itself():
    async def play():
        async with apart.server() as upper:
            async with apart.gateway(upper.coap_port) as lower, Page(lower) as page:
                await lower.journal.wait("upstream-registered")
                board = Bare(lower, UE)
                try:
                    board.say(post(1, b'{"boots":1}'))
                    assert (await board.read()).code.dotted == "4.01"
                    await board.register()
                    board.say(post(2, b'{"boots":1}'))
                    assert (await board.read()).code.dotted == "2.04"
                    board.say(post(3, b'{"boots":'))
                    assert (await board.read()).code.dotted == "4.00"
                    assert (await page.device(UE))["reported"]["counters"] == {"boots": 1}
                    async with Page(upper) as above:
                        assert (await above.device(UE))["reported"] is None
                finally:
                    board.close()

    run(play())


ROOT = Path(__file__).parents[3]
# The names that the page has words for, and those that the documentation has a sentence for.
WORDS = set(re.findall(r'^  (\w+): "', (ROOT / "tools/page/static/words.js").read_text(), re.M))
SECTION = (
    (ROOT / "docs/application.md")
    .read_text()
    .partition("### Counters for the gateway")[2]
    .partition("\n## ")[0]
)
SENTENCES = set(re.findall(r"^\| `(\w+)` \|", SECTION, re.M))
TELLS = {"counters": {"interval": 60}}


async def own(program, folder, **more):
    """What a real device tells this program of itself."""
    async with Page(program) as page, page.live(after=0) as live:
        async with device(folder, "echo.py", program.coap_port, **TELLS, **more):
            async for kind, data, _ in live:
                if kind == "device" and data["ue"] == UE and data["reportedAt"] is not None:
                    return (await page.device(UE))["reported"]["counters"]


def check(told):
    assert told["boots"] == 1 and told["coap_sent"] >= 1 and told["heap_free"] > 10_000, told
    assert all(0 < value <= 2**53 for value in told.values())
    assert set(told) <= WORDS


def test_a_device_tells_its_own(tmp_path):
    async def play():
        async with gateway() as g:
            check(await own(g, tmp_path))

    run(play(), 60)


def test_a_device_with_keys_tells_its_own_protected(tmp_path):
    async def play():
        key, section = new_section(set()), new_section({b"\x00"})
        async with apart.server(key=key) as upper:
            key_files.add(upper.store, UE, key_files.of_section("", section), "")
            check(await own(upper, tmp_path, security=section))
            assert upper.coap.refusals["not protected"] == 0

    run(play(), 60)


def test_a_device_tells_its_gateway_not_the_server_behind_that(tmp_path):
    async def play():
        key, section = new_section(set()), new_section({b"\x00"})
        async with apart.server(key=key, ues=(UE,)) as upper:
            async with apart.gateway(upper.coap_port, key=key, devices={UE: section}) as lower:
                await upper.journal.wait("registered", ue=apart.GATEWAY)
                check(await own(lower, tmp_path, security=section))
                assert upper.counters.of(UE) is None

    run(play(), 60)


def test_a_gateway_that_knows_nothing_of_it_says_so_and_serves_the_device(tmp_path, monkeypatch):
    monkeypatch.setattr(counters, "PATH", "elsewhere")  # then it is aiocoap that answers

    async def play():
        async with gateway() as g:
            async with device(tmp_path, "echo.py", g.coap_port, **TELLS) as board:
                await board.lines.until(lambda line: "takes no counters: 4.04" in line, "a word of it")
                assert g.journal.find("registered", ue=UE)

    run(play(), 60)


STATS = """
import asyncio, json, sys
from device import start

async def main():
    client = await start()
    loaded = "device.counters" in sys.modules
    print(">", json.dumps({"step": "counted", "stats": client.stats, "loaded": loaded}))
    await client.receive()

asyncio.run(main())
"""


def test_one_without_it_tells_nothing_and_loads_nothing(tmp_path):
    async def play():
        async with gateway() as g:
            (tmp_path / "app.py").write_text(STATS)
            board = Device(tmp_path / "device", tmp_path / "app.py")
            board.configure(config(g.coap_port))
            async with board:
                told = await board.tells("counted")
                await g.journal.wait("registered", ue=UE)
            assert told["loaded"] is False
            assert g.counters.of(UE) is None
            # each that a device has on this link, 0 or not, is told in words
            assert set(told["stats"]) - {"reset_cause"} <= WORDS

    run(play(), 60)


def test_the_page_has_words_for_each_counter_and_the_documentation_a_sentence():
    assert WORDS == SENTENCES
    assert len(WORDS) > 50
