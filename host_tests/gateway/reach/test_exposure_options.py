# SPDX-License-Identifier: MIT
"""What the command line says of the network's exposure function."""

import argparse

import pytest

from tools.gateway import arguments


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
        (["--exposure", "http://192.0.2.50?x"], "not http://HOST"),
        (["--exposure", "http://192.0.2.50#x"], "not http://HOST"),
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
