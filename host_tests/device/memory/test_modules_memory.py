# SPDX-License-Identifier: MIT
"""Modules that are loaded on first use where memory ends: the next import loads them, and nothing crashes."""

import sys

from coap.compat import drop_half_modules, unload
from starving import each

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
