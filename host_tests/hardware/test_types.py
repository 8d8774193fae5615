# SPDX-License-Identifier: MIT
"""boards/*/board.py and the links against the type stubs of their ports, which were taken from real boards: a name that
MicroPython does not have there, an argument that it does not take.
"""

import pytest

from tools import typings


@pytest.mark.parametrize("board, version", typings.VERSIONS)
def test_what_boards_and_links_ask_for_is_there(board, version):
    assert typings.errors(board, version) == []


MISTAKES = {
    "esp32": (
        ("machine.reset_cause()", "machine.reset_reason()", 'no attribute "reset_reason"'),
        ("machine.WDT(timeout=", "machine.WDT(timeout_ms=", '"timeout_ms" for "WDT"'),
        ("machine.DEEPSLEEP_RESET", "machine.DEEP_SLEEP", 'no attribute "DEEP_SLEEP"'),
        ("machine.Pin.OUT", "machine.Pin.OUTPUT", 'no attribute "OUTPUT"'),
    ),
    "rp2040": (
        ("machine.unique_id()", "machine.unique()", 'no attribute "unique"'),
        ("machine.WDT_RESET", "machine.WDT_REST", 'no attribute "WDT_REST"'),
        ("machine.lightsleep(ms)", "machine.lightsleep(str(ms))", '"lightsleep"'),
    ),
}


@pytest.mark.parametrize("board", MISTAKES)
def test_a_mistake_is_found(board, tmp_path):
    text = typings.BOARDS[board][1][0].read_text()
    for right, wrong, _ in MISTAKES[board]:
        assert right in text
        text = text.replace(right, wrong, 1)
    file = tmp_path / "board.py"
    file.write_text(text)
    errors = typings.errors(board, "1.29", [file])
    for _, _, words in MISTAKES[board]:
        assert any(words in line for line in errors), errors


def test_a_mistake_in_a_link_is_found(tmp_path):
    source = (typings.ROOT / "firmware/device/links/wifi.py").read_text()
    wrong = source.replace("self._station.ifconfig()", "self._station.ipconfg()")
    file = tmp_path / "wifi.py"
    file.write_text(wrong.replace("from ..", "from device.").replace("from .", "from device.links."))
    errors = typings.errors("esp32", "1.29", [file])
    assert any('"WLAN" has no attribute "ipconfg"' in line for line in errors), errors
