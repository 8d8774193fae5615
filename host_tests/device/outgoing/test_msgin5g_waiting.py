# SPDX-License-Identifier: MIT
"""As many messages as may wait for reports, in a file of its own: they take half of the heap."""

import gc

from common import equal
from msgin5g_scene import Scene, imdn


def test_64_messages_wait_for_reports_and_the_oldest_makes_room():
    scene = Scene().start()
    scene.MAX_ASKED = 1
    sent = []
    for _ in range(64):
        sent.append(scene.send(report=True))
        gc.collect()  # MicroPython's heap has no room to spare here: what stays must not lie between what goes
    equal([each.final for each in sent], [False] * 64)
    last = scene.send(report=True)
    equal((sent[0].state, sent[0].final), ("accepted", True))
    assert "report" in sent[0].cause, sent[0].cause
    equal([each.final for each in sent[1:]], [False] * 63)
    scene.post(imdn(sent[1].message_id))
    scene.post(imdn(last.message_id))
    equal((sent[1].state, last.state), ("delivered", "delivered"))
    equal(scene.client.stats["accepted"], 65)
