# SPDX-License-Identifier: MIT
"""A board as a Pico W, its firmware one file, gets new code over its UART, goes back by itself, and gets new keys."""

import aiocoap

from host_tests.hardware.pico_w import pico_base
from host_tests.hardware.rp2040.test_stack import PAINTED
from host_tests.hardware.rp2040.test_updates import CRASHES, MANNERS, STATES
from host_tests.hardware.rp2040.updating import UpdatedPico
from tools.bench import limits
from tools.image import files, merged
from tools.image.boards import ROOT
from tools.update import contents

OLD = (PAINTED + MANNERS % "old").encode()
NEW = (PAINTED + MANNERS % "new").encode()


def test_it_takes_a_good_update_goes_back_from_a_bad_one_and_takes_new_keys(image, tmp_path):
    base = tmp_path / "plain.uf2"
    base.write_bytes(pico_base.plain(image.read_bytes()))
    merged.build("pico_w", tmp_path / "built", lambda said: None)
    firmware = files.read_files((tmp_path / "built" / merged.FILES).read_bytes())
    rules = contents.firmware([ROOT / "firmware/msgin5g/rules/policy.py"], ("pico_w",))
    with UpdatedPico(base, tmp_path, OLD, "pico_w", firmware) as pico:
        pico.until_told("runs old /firmware/msgin5g/rules/policy.mpy")
        pico.send(2, {"app/app.py": NEW} | rules, mpy="6.3", trial=60)
        pico.ends("confirmed", 120)
        assert pico.said("runs new /slots/a/fw/msgin5g/rules/policy.mpy")
        assert [*dict.fromkeys(pico.states)] == [*STATES, "confirmed"]
        pico.send(3, {"app/app.py": CRASHES}, trial=60)
        pico.ends("rolled-back", 200)
        assert pico.causes[-1] == "start: 3 starts failed: ValueError: too cold"
        assert pico.said("runs new /slots/a/fw/msgin5g/rules/policy.mpy")
        assert pico.rekey() == aiocoap.CHANGED
        pico.until_told("msgin5g: security: the gateway has given this device new keys")
        assert pico.rekeyed
        deepest = max(int(line.split()[1]) for line in pico.told if line.startswith("deep "))
        assert deepest > 2_000  # of the frames of an application alone
        assert limits.of("stack.updated").keeps(deepest), deepest
