# SPDX-License-Identifier: MIT
"""What pages promise of options, defaults, bounds and words: as the code has them."""

import argparse
import ast
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path

import pytest

from host_tests.house.test_documents import rows
from tools import bench
from tools.application import ApplicationServer
from tools.bench import readme
from tools.gateway import program as gateway
from tools.gateway.running.relay import program as relay
from tools.page import live
from tools.page.past import history, lives
from tools.provision import program as provision
from tools.server import quarantine
from tools.server.delivery import fitting, joining
from tools.server.procedures import broadcast, bulk, topics
from tools.server.procedures.groups import documents, groups
from tools.server.procedures.reach import triggering
from tools.server.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PAGES = [
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("docs/decisions/*.md"),
    *ROOT.glob("boards/*/README.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
FOREIGN = {"--pdb", "--always", "--collector"}  # pytest's, git's, that of Prometheus' node_exporter
SHORTENED = {"--sto"}  # a beginning of one, which is enough


def text(name):
    """A page as one line, so that a sentence is found wherever it is broken."""
    return " ".join((ROOT / "docs" / name).read_text().split())


@pytest.mark.parametrize(
    ("page", "program"), [("gateway.md", gateway), ("relay.md", relay), ("provisioning.md", provision)]
)
def test_a_default_is_the_one_of_the_option(page, program):
    parser = argparse.ArgumentParser()
    program.add_arguments(parser)
    actions = {option: action for action in parser._actions for option in action.option_strings}
    seen = 0
    for cells in rows(page, "| option |"):
        options = re.findall(r"`(--[a-z0-9-]+)", cells[0])
        said = [each.strip(" `") for each in cells[1].split(",")]
        for option, default in zip(options, said * len(options) if len(said) == 1 else said, strict=False):
            real = actions[option].default
            if isinstance(real, tuple):
                real = "%s:%d" % real
            if isinstance(real, bool) or real in (None, []):
                assert not re.fullmatch(r"[\d.]+", default), option
            elif page != "provisioning.md" or re.fullmatch(r"[\d.]+", default):
                assert default == ("%g" % real if isinstance(real, float) else str(real)), option
            seen += 1
    assert seen > 7


def test_a_default_of_the_configuration_is_that_of_the_key():
    if str(ROOT / "firmware") not in sys.path:
        sys.path.append(str(ROOT / "firmware"))
    from msgin5g import Config

    config = Config({"role": "client", "ue_service_id": "ue:a@x", "peer": "coap://192.0.2.1"}).__dict__
    seen = 0
    for cells in rows("application.md", "| key |"):
        section, keys = "", []
        for word in re.findall(r"`([\w.]+)`", cells[0]):
            section = section if word.startswith(".") else word.rpartition(".")[0]
            keys.append(section + word if word.startswith(".") else word)
        said = (
            [each.strip(' `"') for each in cells[1].split(",")] if len(keys) > 1 else [cells[1].strip(' `"')]
        )
        for key, default in zip(keys, said, strict=False):
            first, _, rest = key.partition(".")
            real = config[first][rest] if rest else config[first]
            if isinstance(real, bool) or real == "":
                real = {True: "true", False: "false", "": "empty"}[real]
            if not default.startswith(("needed", "null", "none")):
                assert default == str(real), key
                seen += 1
    assert seen > 30


# (page, what it says with # for the number, the number)
BOUNDS = (
    ("gateway.md", "Bounded: # messages wait for one recipient", Settings.pending_each),
    ("gateway.md", "# and 256 MiB in all (then 5.03", Settings.pending_all),
    ("gateway.md", "20000 and # MiB in all (then 5.03", Settings.pending_octets >> 20),
    ("gateway.md", "# and 32 MiB of one originator", Settings.quota),
    ("gateway.md", "2000 and # MiB of one originator", Settings.quota_octets >> 20),
    ("gateway.md", "# unfinished segment sets an originator", Settings.sets_each),
    ("gateway.md", "16 an originator, # in all", Settings.sets_all),
    ("gateway.md", "The last # `msgId`s (up to 1031) of each originator", Settings.remembered),
    ("gateway.md", "# requests a second of one key", int(Settings.rate)),
    ("gateway.md", "with `--open` # others, the one that is away longest goes first", Settings.ues),
    ("gateway.md", "Bounds: # groups of one creator", Settings.groups_each),
    ("gateway.md", "32 groups of one creator, # in all", Settings.groups_all),
    ("gateway.md", "2000 in all, # members", documents.MAX_MEMBERS),
    ("gateway.md", "# octets of a document that is sent", documents.LARGEST),
    ("gateway.md", "octets of a document that is sent, # groups in a list", groups.MAX_LISTED),
    ("gateway.md", "4.13 beyond # elements. Else each element", bulk.MOST),
    ("gateway.md", "beyond # topics of one UE", topics.MAX_TOPICS),
    ("gateway.md", "# are kept, for `--keep` at most; beyond that", quarantine.MAX_ASIDE),
    ("gateway.md", "up to # single messages of one originator to one UE go as one", joining.MOST),
    ("gateway.md", "does not take it within # s, misses it", broadcast.LIFE),
    ("gateway.md", "Once in # s at most; never one that sleeps", triggering.APART),
    ("gateway.md", "16 for a key, # for a host in mode none", Settings.assigned_many),
    ("wire-profile.md", "`cliProfile.segWindow`, an integer from 1 to #", fitting.WINDOW),
    ("application-server.md", "# topics at most.", topics.MAX_TOPICS),
    ("application.md", "A trigger is JSON of # octets at most", triggering.LARGEST),
    ("gateway.md", "as the lives | #; 40; 4 MiB |", lives.MESSAGES),
    ("gateway.md", "as the lives | 5000; #; 4 MiB |", lives.STEPS),
    ("page.md", "The gateway keeps # KiB of each", lives.PAYLOAD >> 10),
    ("page.md", "1 KiB of each, and # MiB in all", lives.PAYLOADS >> 20),
    ("page.md", "# pages are served at a time", live.STREAMS),
    ("gateway.md", "30 s without taking anything | #; 16, 256 KiB |", history.RING),
    ("gateway.md", "| 4096; #, 256 KiB |", live.STREAMS),
    ("gateway.md", "| 4096; 16, # KiB |", live.BEHIND >> 10),
)


@pytest.mark.parametrize(("page", "sentence", "number"), BOUNDS, ids=[each[1] for each in BOUNDS])
def test_a_bound_is_the_one_that_holds(page, sentence, number):
    pattern = re.escape(sentence).replace(r"\#", r"([\d,]+)")
    found = re.search(pattern, text(page))
    assert found, "%s does not say so any more" % page
    assert int(found[1].replace(",", "")) == number


# (page, what it says with # for the number, the module of the firmware, its constant, how many of it are 1 of the page)
CONSTANTS = (
    ("coap.md", "`MAX_EXCHANGES` # |", "coap/endpoint/__init__.py", "MAX_EXCHANGES", 1),
    ("coap.md", "`MAX_INCOMING` #, 4 of one peer", "coap/endpoint/__init__.py", "MAX_INCOMING", 1),
    ("coap.md", "`MAX_INCOMING` 8, # of one peer", "coap/endpoint/__init__.py", "MAX_INCOMING_PER_PEER", 1),
    ("coap.md", "`MAX_QUEUE` # |", "coap/endpoint/__init__.py", "MAX_QUEUE", 1),
    ("coap.md", "`MAX_DUPLICATES` #, 4096 octets", "coap/endpoint/continuing.py", "MAX_DUPLICATES", 1),
    ("coap.md", "`MAX_DUPLICATES` 32, # octets", "coap/endpoint/continuing.py", "MAX_ANSWER_OCTETS", 1),
    ("coap.md", "remembered beside these | #, of 16 peers", "coap/endpoint/duplicates.py", "_IDS", 1),
    ("coap.md", "remembered beside these | 256, of # peers", "coap/endpoint/duplicates.py", "_PEERS", 1),
    ("coap.md", "streams among them | #, two a peer", "coap/blockwise/receiving.py", "_MAX_BODIES", 1),
    ("coap.md", "that are kept | #, two a peer", "coap/blockwise/keeping.py", "_MAX_RESPONSES", 1),
    ("coap.md", "An endpoint observes # resources", "coap/observe/__init__.py", "MAX_OBSERVATIONS", 1),
    ("coap.md", "sets `gc.threshold(#)`", "coap/compat.py", "_THRESHOLD", 1),
    ("tracing.md", "It is a ring of # events", "device/tracing.py", "_EVENTS", 1),
    (
        "tracing.md",
        "a ring of 256 events in # KB",
        "device/tracing.py",
        "_SIZE",
        4,
    ),  # 1,024 octets of 256 events
    ("health.md", "task feeds it every # s", "device/health.py", "_LOOK", 1000),
    ("health.md", "within its first # s", "device/starts.py", "GOOD", 1),
    ("health.md", "its last # octets are kept", "device/starts.py", "_WORDS", 1),
    ("health.md", "the board is reset after # s in which", "device/boot.py", "_PAUSE", 1),
    ("health.md", "without one it comes after # minutes", "device/boot.py", "_SAFE", 60),
    ("health.md", "do what is due every # ms", "device/console.py", "_PERIOD", 1),
)


@pytest.mark.parametrize(
    ("page", "sentence", "module", "name", "of"), CONSTANTS, ids=[each[1] for each in CONSTANTS]
)
def test_a_number_is_that_of_the_firmware(page, sentence, module, name, of):
    found = re.search(re.escape(sentence).replace(r"\#", r"([\d,]+)"), text(page))
    assert found, "%s does not say so any more" % page
    said = re.search(r"^ *%s = (?:const\()?(\d+)" % name, (ROOT / "firmware" / module).read_text(), re.M)
    assert int(found[1].replace(",", "")) * of == int(said[1])


@pytest.mark.parametrize("name", ["send", "subscribe", "unsubscribe", "messages", None])
def test_a_call_of_an_application_server_is_written_with_its_arguments(name):
    call = getattr(ApplicationServer, name) if name else ApplicationServer
    arguments = str(inspect.signature(call)).replace("(self, ", "(").replace("(self)", "()").replace("'", '"')
    word = "await " if inspect.iscoroutinefunction(call) else ""
    assert "`%s%s%s`" % (word, name or "ApplicationServer", arguments) in text("application-server.md")


def test_the_page_on_the_bench_has_each_part():
    """And says which are measured by name only."""
    parts = {row[0].strip("`"): row[1] for row in rows("bench.md", "| part | measures | by |")}
    assert list(parts) == list(bench.PARTS)
    assert {name for name, measures in parts.items() if "(by name only)" in measures} == bench.BY_NAME


# (page, what it says with # for KB or thousands, the limit whose figure the README has)
FIGURES = (
    ("coap.md", "a program that asks has # KB of heap less where the library is frozen", "heap.context"),
    ("development.md", "it takes some # KB to begin with", "heap.core_mpy"),
    ("development.md", "62 KB to begin with, # KB in an image", "heap.core_frozen"),
    ("bench.md", "| message sent and accepted | 3,465,000 | #,000 |", "instructions.message"),
    ("bench.md", "| with OSCORE | 3,930,000 | #,000 |", "instructions.message_oscore"),
    ("bench.md", "Where the #,000 of a message sent go", "instructions.message"),
)


@pytest.mark.parametrize(("page", "sentence", "limit"), FIGURES, ids=[each[1] for each in FIGURES])
def test_a_figure_in_a_sentence_is_that_of_the_readme(page, sentence, limit):
    found = re.search(re.escape(sentence).replace(r"\#", r"(\d+)"), text(page))
    assert found, "%s does not say so any more" % page
    assert int(found[1]) in {round(figure / 1000) for figure in readme.written(limit)}


def test_each_option_in_a_page_is_one():
    known = {
        node.value
        for top in ("tools", "host_tests")
        for path in (ROOT / top).rglob("*.py")
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("--")
    }
    named = {
        (option, path.name)
        for path in PAGES
        for option in re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]+)", path.read_text())
    }
    assert len(named) > 100
    assert {each for each in named if each[0] not in known | FOREIGN | SHORTENED} == set()


# What a sentence in a table has for an example: values, ports, names
VALUES = re.compile(
    r"\.\.\.|\"|[\w./:@-]*\d[\w./:@-]*|: |/dev/\w+|\w+://|\b(?:RPI-RP2|ESP32|UE|PORT|from|an integer)\b"
)


def strings():
    """All that the programs and the firmware may say, "..." for what differs."""
    for top in ("firmware", "tools", "boards"):
        for path in (ROOT / top).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
                elif isinstance(node, ast.JoinedStr):
                    parts = node.values
                    yield "".join(each.value if isinstance(each, ast.Constant) else "..." for each in parts)


def test_what_a_table_of_troubles_quotes_is_said():
    """Each piece of three words and more, of what stands in the first column."""
    said = "\n".join(re.sub(r"%[-+ 0-9.]*[sdrgx]|\{[\w.!]+\}", "...", each) for each in strings())
    pieces, heads = [], r"^\| (?:what is said|what you see|what is seen|it says|sentence|cause) \|.*\n\|.*\n"
    for path in PAGES:
        page = path.read_text()
        for head in re.finditer(heads, page, re.M):
            for line in page[head.end() :].split("\n"):
                if not line.startswith("|"):
                    break
                for span in re.findall(r"`([^`]+)`", line.strip("| ").partition(" | ")[0]):
                    found = (each.strip(" ,();:") for each in VALUES.split(span))
                    pieces += [(each, path.name) for each in found if each.count(" ") > 2]
    assert len(pieces) > 100
    assert {each for each in pieces if each[0] not in said} == set()


def test_what_a_program_in_a_page_imports_is_there():
    """Of the tools, of `coap` and of `msgin5g`; what is not at the top of a program too."""
    if str(ROOT / "firmware") not in sys.path:
        sys.path.append(str(ROOT / "firmware"))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
    imported = 0
    for path in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S):
            for node in ast.walk(compile(textwrap.dedent(block), path.name, "exec", flags)):
                if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in (
                    "tools",
                    "coap",
                    "msgin5g",
                ):
                    module = importlib.import_module(node.module)
                    missing = [each.name for each in node.names if not hasattr(module, each.name)]
                    assert not missing, (path.name, node.module, missing)
                    imported += 1
    assert imported > 10


def test_each_room_of_the_tests_of_the_tools_is_named():
    row = re.search(r"^\| `tools/` \|.*$", (ROOT / "docs/testing.md").read_text(), re.M)[0]
    rooms = {path.parent.name for path in (ROOT / "host_tests/tools").glob("*/test_*.py")}
    assert rooms == set(re.findall(r"`(\w+)/`", row)) - {"tools"}
