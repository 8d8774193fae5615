# SPDX-License-Identifier: MIT
"""What `msgin5g as` prints: of what somebody else wrote a terminal obeys nothing, and a program reads all."""

import json

import pytest

from tools.application.telling import Teller
from tools.application.values import Message, Report, Sent

# Colours by ESC and by the one octet CSI (ECMA-48 sections 5.3 and 5.4), the title, a line of another's, right to left
EVIL = "\x1b[31m\x9b31m\x1b]0;x\x07\r\nforged\u202e\u2028\U000e0001"
MESSAGE = Message(
    {
        "oriAddr": {"addr": "ue:" + EVIL, "addrType": "UE"},
        "destAddr": {"addr": "topic" + EVIL, "addrType": "TOPIC"},
        "msgId": "id" + EVIL,
        "payload": EVIL,
    }
)


@pytest.mark.parametrize("as_json", (False, True))
def test_no_terminal_obeys_what_is_told(as_json, capsys):
    teller = Teller(as_json)
    teller.message(MESSAGE, None)
    teller.report(Report("ue:" + EVIL, "id" + EVIL, False, EVIL))
    teller.sent(Sent("id" + EVIL, True), "ue:" + EVIL)
    teller.failed("no: " + EVIL)
    said = capsys.readouterr()
    lines = (said.out + said.err).split("\n")
    assert len(lines) == 5 and lines.pop() == ""
    assert all(line.isprintable() for line in lines)
    if as_json:
        assert json.loads(lines[0])["payload"] == EVIL
        assert json.loads(lines[1])["from"] == "ue:" + EVIL


def test_words_of_any_language_are_left_as_they_are(capsys):
    Teller(True).report(Report("ue:ä", "1", False, "温度 \N{THERMOMETER}"))
    assert '"cause": "温度 \N{THERMOMETER}"' in capsys.readouterr().out
