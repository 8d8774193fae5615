# SPDX-License-Identifier: MIT
"""Modules that are loaded on first use where memory ends: the next import loads them, and nothing crashes."""

import sys

from coap.compat import drop_half_modules, quick, unload
from common import equal
from starving import each

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython, whose places stay as they are
    heap_lock = heap_unlock = bool

MODULE = "coap.uri.link_format"


class Import:
    def __init__(self):
        unload(MODULE)

    def run(self):
        from coap.uri.link_format import links

        self.links = links


def test_it_is_loaded_the_next_time():
    def check(subject, raised):
        drop_half_modules()
        if raised:
            assert sys.modules.get(MODULE, 1) is not None
        subject.run()
        assert list(subject.links(b"</a>")) == [(b"/a", {})]
        return not raised

    assert each(Import, lambda subject: subject.run(), check)


def test_what_is_there_stays():
    names = sorted(sys.modules)
    drop_half_modules()
    assert sorted(sys.modules) == names


def test_the_places_of_modules_are_put_back_without_memory():
    before = list(sys.path)
    error = MemoryError()

    def load():
        heap_lock()
        raise error

    try:
        quick(load)
    except MemoryError:
        pass
    finally:
        heap_unlock()
    equal(list(sys.path), before)
