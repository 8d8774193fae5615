# SPDX-License-Identifier: MIT
"""`make demo NODES=3`: three nodes on one PostgreSQL behind NGINX, of which one is killed."""

import re
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from host_tests.gateway.device import test_demo
from host_tests.gateway.device.test_demo import begin, check, end, running

STEPS = [
    "nodes -> database     3 nodes on one database, each says that it is ready",
    "weather -> NGINX      registers, and says where it wants to be posted to; node ",
    *(step.replace("-> gateway ", "-> NGINX   ") for step in test_demo.STEPS[1:12]),
    "node ?                killed (kill -9): the one that door-2 is registered at",
    'weather -> NGINX      "close it" to door-2: node ',
    'door-2 -> weather     "the door is open", by node ',
    'weather -> door-2     "close it", which the dead node had no part in, reported',
    "node ?                starts again, and is ready",
    *(
        step.replace("gateway -> ", "NGINX -> ").replace("-> gateway ", "-> NGINX   ")
        for step in test_demo.STEPS[-5:]
    ),
    "door-2 -> NGINX       de-registers, and ends",
]
# What a device that lost its node repeats takes 21 s, and what had to be fetched is here since the tests began.
LONGEST = 180


@pytest.fixture
def folder():
    """As /tmp is, for PostgreSQL's account and for the name of its socket: no folder of pytest's."""
    made = Path(tempfile.mkdtemp(prefix="msgin5g-"))
    made.chmod(0o711 if made.stat().st_uid else 0o777)
    yield made
    shutil.rmtree(made)


def test_every_step_is_seen_and_a_node_is_killed(folder, postgres, nginx):
    demo = begin(folder, "--nodes", "3")
    output = end(demo, LONGEST)
    which = re.findall(r"node (\w) +(?:killed|starts)", output)
    assert len(which) == 2 and len(set(which)) == 1, output
    check(
        demo,
        output,
        [
            re.sub("NGINX -> garden-1 *", "NGINX -> garden-1     ", step).replace("?", which[0])
            for step in STEPS
        ],
    )
    took = re.findall(r"(?:to door-2: node|open\", by node) (\w)", output)
    assert len(took) == 2 and which[0] not in took
    assert list(folder.iterdir()) == []


def test_nothing_is_left_when_it_is_broken_off(folder, postgres, nginx):
    demo = begin(folder, "--nodes", "2")
    for line in demo.stdout:
        if "registers for" in line:
            break
    demo.send_signal(signal.SIGTERM)
    end(demo)
    assert demo.returncode == 130
    assert list(folder.iterdir()) == []
    assert not [path for path in running() if str(folder) in path]


@pytest.mark.parametrize(
    "words, sentence",
    (
        (("--nodes", "3", "--link", "serial"), "leave out --link serial, or --nodes 3"),
        (("--nodes", "3", "--link", "relay"), "leave out --link relay, or --nodes 3"),
        (("--nodes", "0"), "'0' is no number from 1 to 9"),
        (("--nodes", "ten"), "'ten' is no number from 1 to 9"),
    ),
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(tmp_path, words, sentence):
    demo = begin(tmp_path, *words)
    output = end(demo)
    assert demo.returncode == 2 and sentence in output and "Traceback" not in output
