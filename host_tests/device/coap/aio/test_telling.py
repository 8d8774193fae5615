# SPDX-License-Identifier: MIT
"""What is told of exceptions: each once a minute, whatever a peer asks for, and that it came again."""

import coap
from coap.aio import Site, errors
from coap.aio.site import telling
from common import equal
from site_scene import request_for, site_handled


class Console:
    """Puts a clock and a console in the place of the true ones."""

    def __init__(self):
        self.now = 0
        self.told = []

    def __enter__(self):
        self._real = telling.now, errors.tell
        telling.now = lambda: self.now
        errors.tell = lambda error: self.told.append((self.now, type(error)))
        return self

    def __exit__(self, *error):
        telling.now, errors.tell = self._real


def failing(patterns):
    site = Site()
    site.errors = [ValueError]

    def handler(request, **captured):
        raise site.errors[0]("x")

    for pattern in patterns:
        site.get(pattern)(handler)
    return site


def ask(site, path):
    equal(site_handled(site, request_for(coap.GET, path)), [("5.00", None, b"")])


def test_once_a_minute():
    site = failing(["/a"])
    with Console() as console:
        for console.now in range(0, 180000, 10000):
            ask(site, "/a")
        equal(console.told, [(0, ValueError), (60000, ValueError), (120000, ValueError)])
    equal(site.stats["failed"], 18)


def test_whatever_a_peer_puts_into_the_path():
    site = failing(["/a/<name>", "/b/<int:n>"])
    with Console() as console:
        for n in range(20):
            ask(site, "/a/%d" % n)
            ask(site, "/b/%d" % n)
        equal(len(console.told), 2)


def test_another_exception_is_another_one():
    site = failing(["/a"])
    with Console() as console:
        for site.errors[0] in (ValueError, KeyError, ValueError, KeyError):
            ask(site, "/a")
        equal(console.told, [(0, ValueError), (0, KeyError)])


def test_no_more_than_eight_in_a_minute():
    site = failing(["/%d" % n for n in range(12)])
    with Console() as console:
        for console.now in (0, 1000, 59000, 60000):
            for n in range(12):
                ask(site, "/%d" % n)
        equal([tick for tick, _ in console.told], [0] * 8 + [60000] * 8)


def test_after_days_in_which_the_tick_wraps():
    site = failing(["/a"])
    with Console() as console:
        ask(site, "/a")
        console.now = (1 << 29) - 1000  # just before the period of ticks has passed
        ask(site, "/a")
        equal(len(console.told), 2)
