# SPDX-License-Identifier: MIT
"""`make load` in short: a server of its own, two workers, devices with OSCORE, some of which sleep."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def load(*words):
    command = [sys.executable, "-m", "host_tests.many.load", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)


@pytest.mark.slow
def test_all_that_the_server_accepts_arrives_once_and_is_reported(tmp_path):
    words = ("--workers", 2, "--devices", 12, "--seconds", 8, "--every", 1, "--windows", 30)
    done = load(*words, "--json", tmp_path / "load.json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / "load.json").read_text())
    messages = told["messages"]
    # 12 devices, a message a second each, for 8 s at least: 96; what is under way holds some back.
    assert messages["sent"] >= 30
    assert messages["sent"] == messages["accepted"] == messages["came"] == messages["reported"]
    assert (told["lost"], told["reports_lost"], told["doubled"], told["registered"]) == (0, 0, 0, 12)
    assert told["security"] == "oscore" and told["workers"] == 2
    latency = told["latency_ms"]
    # 50 ms +-20 each way, in the profile lossy-2: none is faster than the network.
    assert latency["message"]["p50"] >= 30 and latency["accepted"]["p50"] >= 60
    reports = [each["count"] for each in (latency["report"], latency["report of one asleep"]) if each]
    assert len(reports) == 2 and sum(reports) == messages["reported"]
    assert "<html" in (tmp_path / "load.html").read_text()


def test_where_no_server_is_a_sentence_says_what_to_do():
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        http = "http://127.0.0.1:%d" % port
        done = load("--host", "coap://127.0.0.1:%d" % port, "--http", http, "--security", "none")
    assert done.returncode == 2
    assert done.stderr.startswith("load: nobody answers at %s" % http) and "name no --host" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words, said",
    [
        (("--host", "127.0.0.1"), "--host coap://HOST:PORT"),
        (("--host", "coap://127.0.0.1:1"), "--http http://HOST:PORT"),
        (("--host", "coap://127.0.0.1:1", "--http", "http://127.0.0.1:1"), "--store"),
        (("--http", "http://127.0.0.1:1"), "--host coap://HOST:PORT"),
        (("--elsewhere", 1), "--listen"),
        (("--master", "127.0.0.1:1"), "no master listens"),
        (("--windows", 101), "0 to 100"),
        (("--devices", 0), "whole number"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(words, said):
    done = load(*words)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
