# SPDX-License-Identifier: MIT
"""What the command line says of the network's exposure function."""

import argparse
import contextlib
import types

import pytest

from tools.gateway import arguments, serverprogram
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.programs.patience import run
from tools.server.settings import Settings
from tools.store.store import Store


def options(*words):
    parser = argparse.ArgumentParser()
    arguments.add_common(parser)
    arguments.add_server(parser)
    args = parser.parse_args(words)
    return arguments.options_of(args, arguments.settings_of(args))


@pytest.mark.parametrize(
    "uri, host",
    [
        ("http://gw.example.org:8065/", "gw.example.org"),
        ("https://GW.example.org/msgin5g", "gw.example.org"),
        ("http://[::1]:8065", "::1"),
    ],
)
def test_the_name_by_which_it_reaches_us_is_one_of_ours(uri, host):
    made = options("--exposure", "http://192.0.2.50:8080/", "--callback", uri)
    assert made.http_hosts == (host,)
    assert made.settings.callback == uri.rstrip("/")
    assert made.settings.exposure == "http://192.0.2.50:8080"


def test_there_is_none_where_nobody_says_so():
    made = options()
    assert (made.settings.exposure, made.settings.exposure_as, made.settings.callback) == (
        None,
        "msgin5g",
        None,
    )


@pytest.mark.parametrize(
    "words, said",
    [
        (["--exposure", "192.0.2.50"], "no http:// or https:// URI"),
        (["--exposure", "coap://192.0.2.50"], "no http:// or https:// URI"),
        (["--exposure", "http://192.0.2.50?x"], "without a query"),
        (["--exposure", "http://192.0.2.50#x"], "fragment"),
        (["--exposure", "http://me@192.0.2.50"], "http://HOST"),
        (["--exposure-as", "a/b"], "letters, digits"),
        (["--exposure-as", ""], "letters, digits"),
        (["--callback", "gw.example.org"], "no http:// or https:// URI"),
    ],
)
def test_a_mistake_is_told(words, said, capsys):
    with pytest.raises(SystemExit):
        options(*words)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, told",
    [
        (["--exposure", "http://192.0.2.50"], True),  # --http is loopback out of the box
        (["--exposure", "http://192.0.2.50", "--http", "0.0.0.0:8065"], True),
        (["--exposure", "http://192.0.2.50", "--http", "[::]:8065"], True),
        (["--exposure", "http://127.0.0.1:1"], False),
        (["--exposure", "http://192.0.2.50", "--http", "192.0.2.7:8065"], False),
        (["--exposure", "http://192.0.2.50", "--callback", "http://192.0.2.7:8065"], False),
        ([], False),
    ],
)
def test_a_function_that_cannot_reach_us_is_told(words, told):
    parser = argparse.ArgumentParser()
    serverprogram.add_arguments(parser)
    with contextlib.closing(Store(":memory:")) as store:
        hints = list(serverprogram.server_hints(parser.parse_args(words), types.SimpleNamespace(store=store)))
    assert bool([hint for hint in hints if "--callback" in hint]) == told


def test_where_we_are_reached_is_known_before_a_device_can_come(tmp_path):
    """What was due when the server was killed is asked with the first event."""
    nowhere = ("127.0.0.1", 0)
    options = Options(Settings(), nowhere, nowhere, str(tmp_path / "server.db"), security="none")

    async def talk():
        program, known = ServerProgram(options), []
        start = program.coap.start

        async def starting(*where):
            known.append(program.server.exposure.here)
            return await start(*where)

        program.coap.start = starting
        async with program:
            assert known == ["http://127.0.0.1:%d" % program.http_port]

    run(talk())
