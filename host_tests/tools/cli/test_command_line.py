# SPDX-License-Identifier: MIT
"""What holds for every program of `msgin5g`, those that come later too: what is there is listed, a mistake is one line
`msgin5g: ...` that says what to do and exit code 2, and what the system refuses is said in its words.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools import cli
from tools.programs.patience import finish

ROOT = Path(__file__).resolve().parents[3]
NAMES = list(cli.COMMANDS)
PARSER = cli.parser_of(NAMES)

LINE, NEVER = r"msgin5g: [^\n]+\n", r"Errno|Traceback"


def walk(parser=PARSER):
    """Each parser there is, the subcommands of subcommands too."""
    yield parser
    for child in parser.children().values():
        yield from walk(child)


PARSERS = list(walk())
COMMANDS = [parser.prog.removeprefix("msgin5g").strip() for parser in PARSERS]


def said(capsys, *words):
    """(exit code, stdout, stderr)"""
    try:
        code = cli.main(list(words))
    except SystemExit as end:
        code = end.code
    return code, *capsys.readouterr()


def mistake(capsys, *words):
    code, out, err = said(capsys, *words)
    assert (code, out) == (2, ""), (words, err)
    assert re.fullmatch(LINE, err), err
    assert not re.search(NEVER, err), err
    return err


def test_the_walk_sees_all():
    assert len(NAMES) >= 15
    assert {"flash", "gateway ue add", "server quarantine drop", "as send"} <= set(COMMANDS)


def test_its_name_alone_lists_what_there_is(capsys):
    """As `git` and `pip` do; it is no mistake to ask."""
    code, out, err = said(capsys)
    assert (code, err) == (0, "")
    for name in NAMES:
        assert re.search(rf"^    {name}\b", out, re.M), name


def test_its_version_is_the_only_one(capsys):
    written = re.search(r'^VERSION = "(.+)"$', (ROOT / "firmware/coap/version.py").read_text(), re.M)[1]
    assert said(capsys, "--version") == (0, f"msgin5g {written}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command, capsys):
    code, out, err = said(capsys, *command.split(), "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: msgin5g {command}".rstrip())


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_of_nothing_is_one_line(command, capsys):
    """Whatever else is missing."""
    err = mistake(capsys, *command.split(), "--no-such-thing")
    assert err.startswith("msgin5g: there is no option --no-such-thing")
    assert err.endswith(f"(see {' '.join(['msgin5g', *command.split()])} --help)\n")


@pytest.mark.parametrize("parser", [p for p in PARSERS if p.children()], ids=lambda parser: parser.prog)
def test_a_command_of_nothing_is_one_line_with_the_one_that_was_meant(parser, capsys):
    words = parser.prog.split()[1:]
    name = max(parser.children(), key=len)
    err = mistake(capsys, *words, name[:-2] + name[-1] + name[-2])
    assert f"did you mean {name}?" in err
    assert "did you mean" not in mistake(capsys, *words, "zzzzzz")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("flash rp2040 --prot x", "--port"),
        ("gateway --stroe x", "--store"),
        ("gateway --security=oscroe", "oscore"),
        ("server ue list --stroe=x", "--store"),
        ("as send --form as:x@y --to ue:y@z text", "--from"),
        ("device --state x --confgi y", "--config"),
    ],
)
def test_an_option_that_was_meant_is_named(typed, meant, capsys):
    err = mistake(capsys, *typed.split())
    assert f"did you mean {meant}?" in err


def test_what_is_missing_is_named_in_the_singular_and_in_the_plural(capsys):
    assert mistake(capsys, "flash").startswith("msgin5g: board is missing ")
    assert mistake(capsys, "as").startswith("msgin5g: one of listen, send is missing ")
    assert " are missing " in mistake(capsys, "gateway", "group", "add")


def test_a_word_too_many(capsys):
    assert mistake(capsys, "repl", "board").startswith("msgin5g: 'board' is one word too many ")


# ---- what the system refuses: POSIX's own words (IEEE Std 1003.1, <errno.h>), and something to do

MISSING = "No such file or directory"
FOLDER = "Is a directory"
DENIED = "Permission denied"


def refusals(folder):
    """(what is typed, what is said of it)"""
    nothing, text, token = folder / "nothing", folder / "text", folder / "token"
    text.write_text("{ not JSON")
    text.chmod(0o600)  # what others could read is mended, and told first
    token.write_text("token")
    gone = folder / "gone/deep"
    store = f"--store {folder / 'store.db'}"
    yield f"gateway --events {folder}", FOLDER
    yield f"gateway --events {gone}", MISSING
    yield f"relay --server 127.0.0.1 --events {gone}", MISSING
    yield f"gateway device list --store {nothing}", str(nothing)
    yield f"gateway device list --store {folder}", str(folder)
    yield f"gateway device add ue:a@x --store {gone}", str(gone)
    yield f"gateway device add ue:a@x {store} --oscore {folder}", FOLDER
    yield f"gateway device add ue:a@x {store} --oscore {text}", str(text)
    yield f"gateway ue add --from {nothing} {store}", MISSING
    yield f"gateway ue add --from {folder} {store}", FOLDER
    yield f"gateway application add app {store} --ue ue:a@x --credential-file {nothing}", MISSING
    yield f"gateway --upstream coap://127.0.0.1 --ue ue:g@x --upstream-key {nothing}", MISSING
    yield f"gateway --upstream coap://127.0.0.1 --ue ue:g@x --upstream-key {text}", str(text)
    yield f"as listen as:a@x --token-file {nothing}", MISSING
    yield f"as send --from as:a@x --to ue:b@x --file {folder}", FOLDER
    yield f"as send --from as:a@x --to ue:b@x --file {nothing}", MISSING
    yield f"as listen as:a@x --save {text}", "File exists"
    yield f"device --state {text}", "File exists"
    yield f"device --state {folder / 'new'} --config {nothing}", MISSING
    yield f"device --state {folder / 'other'} --config {text}", "not JSON"
    yield f"provision --config {nothing} --state {folder}", MISSING
    yield f"provision --csv {nothing} --out {folder}", MISSING
    yield f"trace {nothing}", MISSING
    yield f"trace {folder}", FOLDER
    yield f"trace {text} --key {nothing}", MISSING
    yield f"trace {text} --key {folder}", FOLDER
    yield f"trace {text} --key {text}", str(text)
    yield f"flash rp2040 --image {nothing} --drive {folder}", MISSING
    yield f"flash rp2040 --image {folder} --drive {folder}", FOLDER
    yield f"emulate rp2040 --image {nothing}", MISSING
    yield f"emulate rp2040 --image {folder}", FOLDER
    yield f"image esp32 --base {nothing}", MISSING
    yield f"bench --against {nothing}", MISSING
    yield f"bench --against {text}", str(text)


def test_what_is_not_there_or_no_file_is_said_in_words(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said(capsys, "gateway", "device", "add", "ue:z@x", "--store", "store.db")
    count, wrong = 0, []
    for typed, words in refusals(tmp_path):
        code, out, err = said(capsys, *typed.split())
        if code != 2 or out or words not in err or not re.fullmatch(LINE, err) or re.search(NEVER, err):
            wrong.append((typed, code, out, err))
        count += 1
    assert not wrong
    assert count > 30


def run(words, **more):
    """In a process of its own, for what is seen at its end only."""
    command = [sys.executable, "-m", "tools.cli", *words.split()]
    return finish(command, 60, cwd=ROOT, stderr=subprocess.PIPE, text=True, **more)


@pytest.mark.parametrize("words", ["", "--help", "gateway --help", "--version"])
def test_a_disk_that_is_full_is_said_in_words(words):
    """/dev/full answers each write with ENOSPC (full(4))."""
    with open("/dev/full", "w") as full:
        done = run(words, stdout=full)
    assert done.returncode == 2
    assert re.fullmatch(r"msgin5g: No space left on device: [^\n]+\n", done.stderr), done.stderr


def test_a_reader_that_has_seen_enough_ends_it_without_a_word():
    """As SIGPIPE would: 128 + 13 (POSIX, 2.8.2 Exit Status for Commands; signal(7))."""
    reading, writing = os.pipe()
    os.close(reading)
    done = run("gateway --help", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_without_a_standard_output_it_does_its_work():
    done = run("--help", stdout=subprocess.DEVNULL, preexec_fn=lambda: os.close(1))
    assert done.returncode == 0 and "Traceback" not in done.stderr


def test_a_port_that_is_taken_and_a_host_that_is_not_here(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert "Address already in use" in mistake(
            capsys, "relay", "--server", "127.0.0.1", "--listen", f"127.0.0.1:{port}"
        )
        assert "Address already in use" in mistake(capsys, "impair", "--listen", f"127.0.0.1:{port}")
    # an address of documentation, which is of no machine
    assert "Cannot assign requested address" in mistake(capsys, "impair", "--listen", "192.0.2.1:65402")


def test_each_program_reads_its_arguments_so():
    found = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tools").rglob("*.py")
        if "argparse.ArgumentParser(" in path.read_text()
    ]
    assert not found, "use tools.cli.parser.Parser"
