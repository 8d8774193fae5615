# SPDX-License-Identifier: MIT
"""Sentences of docs/ that would go stale without a word: modules, options, tests that they name."""

import json
import re
import subprocess
import sys
from pathlib import Path

from host_tests.hardware.boards.kinds import KINDS
from tools.emulator import program as emulator
from tools.flash import program as flash
from tools.image import boards
from tools.image import program as image

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ROOMS = ("gateway", "page", "server", "store", "transport", "wire")  # of the gateway, below tools/


def text(name):
    return (DOCS / name).read_text()


def rows(name, heading):
    """The cells of each row of the table that begins with this heading."""
    table = text(name).partition(heading)[2].splitlines()[2:]
    for line in table:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_each_module_of_the_gateway_is_in_its_table():
    listed = [
        name for cells in rows("gateway.md", "| module |") for name in re.findall(r"`([\w/]+)`", cells[0])
    ]
    tools = ROOT / "tools"
    paths = [path for room in ROOMS for path in (tools / room).rglob("[!_]*.py")]
    there = {str(path.relative_to(tools).with_suffix("")) for path in paths}
    assert len(listed) == len(set(listed))
    assert set(listed) == there


def test_each_room_of_the_tools_is_in_their_table():
    cells = [row[0] for row in rows("development.md", "| in `tools` |")]
    listed = [name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)]
    paths = (path.relative_to(ROOT / "tools") for path in (ROOT / "tools").rglob("*.py"))
    there = {path.parts[0] for path in paths if path.parts[0] != "__init__.py"}
    assert len(listed) == len(set(listed))
    assert set(listed) == there


def test_each_page_has_its_place_in_the_site():
    """And what has one is there; pages outside of docs/ have theirs by tools/project/site/places.py."""
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    placed = re.findall(r"([\w./-]+\.md)$", navigation, re.M)
    assert len(placed) == len(set(placed))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert pages - set(placed) == set(), "a place in `nav` of mkdocs.yml, by who reads it"
    outside = set(placed) - pages
    assert {"index.md", "contributing.md"} <= outside
    assert all(name.startswith("boards/") or "/" not in name for name in outside)


def test_the_page_on_boards_has_each_key_and_each_way():
    keys = {
        name for row in rows("board.md", "| key | is | read by |") for name in re.findall(r"`(\w+)`", row[0])
    }
    found = {board: boards.board_data(board) for board in boards.names()}
    assert {key for data in found.values() for key in data} <= keys
    chips = {key for data in found.values() for row in data.get("chips", {}).values() for key in row}
    family = text("board.md").partition("### Chips of a family")[2].partition("\n## ")[0]
    assert chips and chips == set(re.findall(r"^\| `(\w+)` \|", family, re.M))
    contract = text("board.md").partition("## The contract")[2].partition("\n## ")[0]
    written = {
        name
        for cell in re.findall(r"^\| (`.*?`) \|", contract, re.M)
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert written == {key for data in found.values() for key in data["contract"]}
    ways = {row[0]: set(re.findall(r"`([\w-]+)`", row[1])) for row in rows("board.md", "| key | ways |")}
    assert set(image.FORMATS) == ways["`image.format`"]
    assert set(emulator.EMULATORS) == ways["`emulator`"]
    assert set(flash.METHODS) == ways["`flasher.method`"]
    assert set(KINDS) <= ways["`contract.runs`"]


def test_the_readme_has_each_board():
    """With what it has for each verb."""
    table = (ROOT / "README.md").read_text().partition("| `BOARD=` |")[2].splitlines()[2:]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[: table.index("")]]
    assert [row[0] for row in shown] == [f"`{board}`" for board in boards.names()]
    made = {True: "with `BASE=`", False: "built here"}
    by = {"uf2-drive": "as a drive", "esptool": "by esptool"}
    for board, (_, *cells) in zip(boards.names(), shown, strict=True):
        data = boards.board_data(board)
        base = "image" in data and "base" in image.image_format(board).OPTIONS
        wanted = [
            made[base] if "image" in data else "",
            by[data["flasher"]["method"]] if "flasher" in data else "",
        ]
        assert cells == [*wanted, "yes" * ("usb" in data), "yes" * ("emulator" in data)], board


def test_each_option_of_the_gateway_is_one():
    documented = {
        option
        for cells in rows("gateway.md", "| option |")
        for option in re.findall(r"`(--[a-z-]+)", cells[0])
    }
    assert documented
    run = [sys.executable, "-m", "tools.cli", "gateway", "--help"]
    shown = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    missing = {option for option in documented if not re.search(re.escape(option) + r"\b", shown)}
    assert not missing
    unsaid = set(re.findall(r"^  (--[a-z-]+)", shown, re.M)) - documented - {"--help"}
    assert not unsaid


def test_the_architecture_page_leads_through_each_file_of_the_firmware():
    """One line each, those that belong together in one; the page stays one that people read to the end."""
    firmware = ROOT / "firmware"
    listed = [
        name
        for cells in rows("architecture.md", "| file of `firmware` |")
        for name in re.findall(r"`([\w/]+\.py)`", cells[0])
    ]
    there = {path.relative_to(firmware).as_posix() for path in firmware.rglob("*.py")}
    assert len(listed) == len(set(listed))
    assert set(listed) == there
    assert len(text("architecture.md").splitlines()) <= 300
    assert "](docs/architecture.md)" in (ROOT / "README.md").read_text()


def test_each_invariant_names_its_place_and_its_test():
    found = 0
    for _, place, tests in rows("architecture.md", "| what always holds |"):
        assert place and re.search(r"`test_\w+", tests)
        found += 1
    assert found > 10


def test_each_key_of_the_configuration_is_in_a_table():
    """What Config has is what the table names."""
    code = """
import json
from msgin5g import Config
config = Config({"role": "client", "ue_service_id": "ue:a@x", "peer": "coap://192.0.2.1"}).__dict__
parts = ("peer_scheme", "peer_host", "peer_port", "server_host", "server_port")  # of the URIs
parts += ("discovers", "fetches")  # follow from the others
names = [[key] if not isinstance(value, dict) else [key + "." + part for part in value]
         for key, value in config.items() if key not in parts]
print(json.dumps(sum(names, [])))
"""
    run = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(ROOT / "firmware")}
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    documented = set()
    for cells in rows("application.md", "| key |"):
        section = ""
        for word in re.findall(r"`([\w.]+)`", cells[0]):
            section = section if word.startswith(".") else word.rpartition(".")[0]
            documented.add(section + word if word.startswith(".") else word)
    assert documented == set(json.loads(done.stdout))
