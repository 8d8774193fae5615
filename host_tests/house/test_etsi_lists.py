# SPDX-License-Identifier: MIT
"""The lists of ETSI's CoAP plugtests are complete: each number has a test of its name, for our endpoint as client and
as server, octet by octet on the device's interpreters and against aiocoap, or stands here with the reason why not.

The lists are those of the fourth plugtest (TD_COAP_CORE, LINK, BLOCK, OBS), with what the first three numbered besides.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PLACES = {
    "device": sorted((TESTS / "device/coap/etsi").glob("test_etsi_*.py")),
    "aiocoap": sorted((TESTS / "interop").rglob("test_*_aiocoap.py")),
}
LAST = {"core": 31, "link": 13, "block": 24, "obs": 15}
SIDES = ("client", "server")

PROXY = "CORE_18 to 23 through a reverse proxy that caches: this is no proxy"
UNUSED = "no list has this number"
# (list, numbers): why nobody tests it
NOT_TESTED = {
    ("core", (24, 25, 26, 27, 28, 29)): PROXY,
    ("core", (30,)): UNUSED,
    (
        "link",
        (10,),
    ): "of the first list alone: a person follows a link with rel=alternate, the wire has CORE_01 twice",
    ("link", (11, 12, 13)): UNUSED,
    ("block", tuple(range(7, 25))): UNUSED,
    ("obs", (3,)): "of the first list alone, which numbered today's OBS_04 so, or OBS_10 the other way round",
    ("obs", (15,)): UNUSED,
}


def numbers_in(paths):
    """{(list, number, side)} of the functions in these files: test_td_coap_core_05_to_08_client is about four."""
    found = set()
    for path in paths:
        for each, first, last, side in re.findall(
            r"^(?:async )?def test_td_coap_([a-z]+)_(\d\d)(?:_to_(\d\d))?_(client|server)(?=[_(])",
            path.read_text(),
            re.MULTILINE,
        ):
            found |= {(each, number, side) for number in range(int(first), int(last or first) + 1)}
    return found


def excused(each, number):
    return [why for (name, numbers), why in NOT_TESTED.items() if name == each and number in numbers]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("each", LAST)
@pytest.mark.parametrize("place", PLACES)
def test_each_number_has_its_test_or_its_reason(place, each, side):
    found = numbers_in(PLACES[place])
    missing = [
        number
        for number in range(1, LAST[each] + 1)
        if (each, number, side) not in found and not excused(each, number)
    ]
    assert not missing


def test_no_reason_is_kept_for_what_is_tested():
    found = set().union(*map(numbers_in, PLACES.values()))
    assert not [key for key in found if excused(*key[:2])]
    assert {each for each, _, _ in found} <= LAST.keys()
    assert all(1 <= number <= LAST[each] for each, number, _ in found)


def test_it_sees_what_is_missing(tmp_path):
    file = tmp_path / "test_etsi_x.py"
    file.write_text("def test_td_coap_core_05_to_06_client(x):\n    pass\ndef test_td_coap_obs_1_server():\n")
    assert numbers_in([file]) == {("core", 5, "client"), ("core", 6, "client")}
