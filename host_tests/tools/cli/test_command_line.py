# SPDX-License-Identifier: MIT
"""What holds for every program of `msgin5g`, those that come later too: what is there is listed, a mistake is one line
`msgin5g: ...` that says what to do and exit code 2, and what the system refuses is said in its words.
"""

import argparse
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools import cli
from tools.cli import completion, examples
from tools.programs.patience import finish

ROOT = Path(__file__).resolve().parents[3]
NAMES = list(cli.COMMANDS)
PARSER = cli.parser_of(NAMES)

LINE, NEVER = r"msgin5g: [^\n]+\n", r"Errno|Traceback"


PARSERS = list(completion.walk(PARSER))
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
    assert mistake(capsys, "flash").startswith("msgin5g: BOARD is missing ")
    assert mistake(capsys, "as").startswith("msgin5g: one of listen, send is missing ")
    assert " are missing " in mistake(capsys, "gateway", "group", "add")


def test_a_word_too_many(capsys):
    assert mistake(capsys, "repl", "board").startswith("msgin5g: 'board' is one word too many ")


# ---- what a start brings along: each module is some milliseconds, and more of its memory

SELDOM = ("argcomplete", "cyclonedx", "dpkt", "mpremote", "prometheus_client", "selenium", "zipfile")
SERVES = ("aiocoap", "aiohttp", "cryptography")
LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def test_a_program_brings_along_what_it_needs_at_its_start():
    """Who draws a capture or writes metrics waits for what that is built on, and nobody else."""
    starts = "from tools import cli; cli.parser_of(['gateway', 'server', 'relay'])"
    asked, served = finish(
        (sys.executable, "-c", f"{starts}; {LOADED}; from tools.gateway import runtime; {LOADED}"),
        60,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout.splitlines()
    assert not {*SELDOM, *SERVES} & {*asked.split()}
    assert not {*SELDOM} & {*served.split()} and {*SERVES} <= {*served.split()}


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
    yield f"gateway device add ue:a@x {store} --key {folder}", FOLDER
    yield f"gateway device add ue:a@x {store} --key {text}", str(text)
    yield f"gateway ue add --csv {nothing} {store}", MISSING
    yield f"gateway ue add --csv {folder} {store}", FOLDER
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
    yield f"trace --from {nothing}", MISSING
    yield "trace --from=", "--from is missing"
    yield "emulate rp2040 --cut-after x", "--cut-after takes a number"
    yield "repl --port /dev/no-such", "there is no port /dev/no-such"
    yield f"device --state {text}", "File exists: take another name"
    yield f"trace --from {folder}", FOLDER
    yield f"trace --from {text} --key {nothing}", MISSING
    yield f"trace --from {text} --key {folder}", FOLDER
    yield f"trace --from {text} --key {text}", str(text)
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


@pytest.mark.parametrize("words", ["gateway --help", "gateway device add ue:a@x --store {}/x.db"])
def test_a_reader_that_has_seen_enough_ends_it_without_a_word(words, tmp_path):
    """As SIGPIPE would: 128 + 13 (POSIX, 2.8.2 Exit Status for Commands; signal(7))."""
    reading, writing = os.pipe()
    os.close(reading)
    done = run(words.format(tmp_path), stdout=writing, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    os.close(writing)
    assert done.returncode == 141 and not done.stderr.replace(f"new store {tmp_path}/x.db\n", "")


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


# ---- one word for one thing

# Another form of one thing, or another thing of one name: each with its reason.
FORMS = {
    "--version": "of this program, and of what is in a bundle",
    "--public": "a public key, and that nothing but such a key is shown",
    "--show": "with its file, where it does not show what is on a board",
    "--from": "who a message is from, and where what is shown is from",
    "--server": "the URI of its HTTP side or of its CoAP side, or no more than the address for what only passes on",
}
# The options of the released version: who has learned them, or has written them into a script, can go on.
RELEASED = """
gateway: --admin --baudrate --coap --coap-ack-timeout --coap-log --events --http --keep --lifetime --max-datagram --max-message --open --retry-max --retry-min --security --segment-gap --segment-hold --serial --serial-max-frame --store
gateway application add: --credential-file --store --ue
gateway application remove: --store
gateway application list: --store
gateway target add: --store
gateway target remove: --store
gateway target list: --store
gateway device add: --oscore --store
gateway device remove: --store
gateway device list: --store
device: --config --heap --state
demo: --heap --link
image: --base --chip --layout --quiet
emulate: --cut-after --flash --image --repl --statistics --uart0 --uart1 --unique-id --virtual
provision: --app-id --base --board --config --csv --force --out --peer --port --role --security --show --state --store --ue --verbose --wifi
flash: --baud --chip --drive --esptool --image --no-reset --no-stub --offset --port
repl: --board --port
trace: --baudrate --key --port
bench: --json
impair: --listen --profile --scale --seed --to
"""  # noqa: E501


def test_what_the_released_version_took_is_still_taken():
    kept = dict(zip(COMMANDS, PARSERS, strict=True))
    for line in RELEASED.strip().splitlines():
        command, _, options = line.partition(": ")
        there = {name for action in kept[command]._actions for name in action.option_strings}
        assert set(options.split()) <= there, command


def test_an_option_that_is_called_otherwise_now_says_so_and_works(capsys):
    parsed = PARSER.parse_args(["flash", "esp32", "--baud", "115200"])
    assert parsed.baudrate == 115200
    assert capsys.readouterr() == ("", "msgin5g: --baud is called --baudrate now\n")
    assert "--baud " not in said(capsys, "flash", "--help")[1]
    parsed = PARSER.parse_args(["gateway", "device", "add", "ue:a@x", "--oscore", "a.json"])
    assert parsed.key == "a.json"
    parsed = PARSER.parse_args(["provision", "--base", "a.json"])
    assert parsed.settings == "a.json"
    parsed = PARSER.parse_args(["impair", "--to", "127.0.0.1:7"])
    assert parsed.server == ("127.0.0.1", 7)


def test_each_value_has_a_name_and_one_option_one_name():
    """In the --help of all programs: S are seconds, N is a number, FILE a file; and what is a flag here takes no value
    there."""
    named = {}
    for parser in PARSERS:
        for action in parser._actions:
            if not action.option_strings and not parser.children():
                assert action.metavar or action.choices, f"{parser.prog} {action.dest}"
            if not action.option_strings or action.help is argparse.SUPPRESS:
                continue
            flag = action.nargs == 0
            assert flag or action.metavar or action.choices, f"{parser.prog} {action.option_strings[0]}"
            if action.choices is None:
                forms = named.setdefault(action.option_strings[-1], {})
                forms.setdefault("a flag" if flag else action.metavar, []).append(parser.prog)
    several = {option: names for option, names in named.items() if len(names) > 1 and option not in FORMS}
    assert not several
    assert named["--retry-min"] == {"S": ["msgin5g gateway", "msgin5g server"]}


# ---- examples


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_ends_with_examples(command, capsys):
    """A new command has its own in `tools/cli/examples.py`."""
    lines = examples.of(command)
    assert lines, f"tools/cli/examples.py has none of {command}"
    out = said(capsys, *command.split(), "--help")[1]
    assert out.endswith("\nexamples:\n" + "".join(f"  {line}\n" for line in lines))
    assert out.count("examples:") == 1


@pytest.mark.parametrize("line", sorted({line for command in COMMANDS for line in examples.of(command)}))
def test_each_example_can_be_typed(line, capsys):
    words = shlex.split(line, comments=True)
    if words[0] == "eval":
        words = shlex.split(words[1].removeprefix("$(").removesuffix(")"))
    assert words.pop(0) == "msgin5g"
    if words[-1] != "--help":
        assert PARSER.parse_args(words).main
    assert capsys.readouterr() == ("", "")


# ---- completion, as a shell asks for it (argcomplete's variables)


def completions(line, tmp_path):
    path = tmp_path / "completions"
    path.unlink(missing_ok=True)
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(path),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    done = run("", env=environment, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {word.strip() for word in path.read_text().split("\n")}


def test_a_shell_completes_commands_options_and_values(tmp_path):
    assert completions("msgin5g fl", tmp_path) == {"flash"}
    assert completions("msgin5g gateway quarantine re", tmp_path) == {"retry"}
    assert completions("msgin5g flash rp2040 --ba", tmp_path) == {"--baudrate"}  # not the name of before
    assert completions("msgin5g flash rp", tmp_path) == {"rp2040"}
    assert completions("msgin5g gateway --security o", tmp_path) == {"oscore"}


def test_a_shell_is_told_how(capsys):
    for shell, word in (("bash", "complete "), ("zsh", "compdef"), ("fish", "complete --command msgin5g")):
        code, out, _ = said(capsys, "completion", shell)
        assert code == 0 and word in out
    assert "is none of bash, zsh" in mistake(capsys, "completion", "dash")
