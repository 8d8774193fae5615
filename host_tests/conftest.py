# SPDX-License-Identifier: MIT
"""For all tests on the host."""

import functools
import gc
import http.server
import importlib
import os
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from host_tests.gateway.store import engines, made_once, plans
from host_tests.nodes.nginx import nginx as nginx
from host_tests.nodes.postgres import database as database
from host_tests.nodes.postgres import postgres as postgres
from tools.programs.peers import NoPeer, node_peer, peer

ROOT = Path(__file__).resolve().parents[1]
_ENGINE = pytest.StashKey()

# What a start of the firmware needs once it gives back, and reads again at the next: thousands of times in one test
# here, where nobody lacks the memory. Before any test imports the firmware.
sys.path.append(str(ROOT / "firmware"))
importlib.import_module("coap.compat").unload = lambda whole: None

# `make test ARGS=...` hands its variables on; a `make` that a test runs is a user's own.
for name in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS", "JOBS"):
    os.environ.pop(name, None)

# aiocoap shares ports (SO_REUSEPORT), and of those that the kernel chooses now and then one that another test has: what
# is sent to either goes to one of them. Its own word for not doing that; programs of ours have theirs for themselves.
os.environ["AIOCOAP_REUSE_PORT"] = "0"

# aiohttp reads all certificates of that file when it is imported, a tenth of the start of each program of ours. Where
# their folder is named too, they are found in there, when one is wanted.
if "SSL_CERT_DIR" in os.environ:
    os.environ["SSL_CERT_FILE"] = os.devnull

# An account has a record of its keys that sign updates: those of tests are not this one's.
_RECORDS = tempfile.TemporaryDirectory()
os.environ["XDG_STATE_HOME"] = _RECORDS.name

# How long an example takes says how busy the machine is, and no test fails by that.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_addoption(parser):
    engines.add_option(parser)


def pytest_configure(config):
    config.stash[_ENGINE] = engines.put_in_place(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Five for two processors, four more than there are at most: three fifths of a worker's time go by in waiting, for
    a board in real time, for a network that loses datagrams, for a program to begin. More would leave programs too
    little time for protocols, whose timers are in time of the wall.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors + min(3 * processors // 2, 4)


# Their files wait for programs in real time, those of other folders compute.
WAITING = {ROOT / "host_tests" / name for name in ("gateway", "hardware", "interop")}


def pytest_collection_modifyitems(items):
    """Files that wait are spread evenly among those that compute, so that there is something to do for the processors
    all the time; those with a slow test begin within the first third, so that none has a worker run alone in the end.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    paths = dict.fromkeys(item.path for item in items)
    kinds = {path: (path in slow, not WAITING.isdisjoint(path.parents)) for path in paths}
    counts, before, places = Counter(kinds.values()), Counter(), {}
    for path, kind in kinds.items():
        places[path] = (before[kind] + 0.5) / counts[kind] / (3 if path in slow else 1)
        before[kind] += 1
    items.sort(key=lambda item: places[item.path])


def pytest_collectstart():
    """As `_little_garbage`: to import a part of the firmware collects garbage, and most files of tests import some."""
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _little_garbage():
    """Puts all that is there before a file's tests out of the garbage collector's sight: the firmware collects garbage
    at each start, and would go through what some thousand tests have left each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _stores_of_the_engine(request):
    yield
    engine = request.config.stash[_ENGINE]
    if engine is not None:
        engine.end_test()


plans.watch()
made_once.watch()


@pytest.fixture(autouse=True)
def _each_statement_has_an_index():
    """No test has the gateway go through a whole table of its store, but where `plans.MAY_SCAN` says why."""
    yield
    found, plans.scans[:] = plans.scans[:], []
    assert not found, "an index is missing, or a reason in plans.MAY_SCAN: %s" % found


@pytest.fixture(scope="session")
def coap_client():
    """libcoap's command-line client, for `subprocess`."""
    return _peer("coap-client-notls")


@pytest.fixture(scope="session")
def coap_server():
    """libcoap's server, for `subprocess`."""
    return _peer("coap-server-notls")


@pytest.fixture(scope="session")
def oscore_client():
    """libcoap's client of a version that has OSCORE."""
    return _newer_peer("coap-client-oscore")


@pytest.fixture(scope="session")
def oscore_server():
    """libcoap's server of a version that has OSCORE."""
    return _newer_peer("coap-server-oscore")


@pytest.fixture(scope="session")
def node_coap():
    """The folder of client.mjs and server.mjs, for `node`."""
    try:
        return node_peer()
    except NoPeer as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def tshark():
    return _peer("tshark")


@pytest.fixture(scope="session")
def newer_micropython():
    """The start script of the newest MicroPython that a package brings."""
    from host_tests.newer import newer  # it brings the tools of the emulator along

    program, missing = newer()
    if program is None:
        pytest.skip(missing)
    return program


def _peer(program):
    # Not a skip: a test that quietly does not run proves nothing.
    try:
        return peer(program)
    except NoPeer as error:
        pytest.fail(str(error), pytrace=False)


def _newer_peer(program):
    # Few systems have a release that brings it: what can be had is used.
    try:
        return peer(program)
    except NoPeer as error:
        pytest.skip(str(error))


@pytest.fixture
def repository():
    """Where the repository is served, as a code host serves its files."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=ROOT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
