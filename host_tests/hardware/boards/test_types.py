# SPDX-License-Identifier: MIT
"""boards/*/board.py and the links against the type stubs of their ports, which were taken from real boards: a name that
MicroPython does not have there, an argument that it does not take.
"""

import functools

import pytest

from tools.image import boards
from tools.project import newboard, typings


@pytest.mark.parametrize("board, version", typings.VERSIONS)
def test_what_boards_and_links_ask_for_is_there(board, version):
    assert typings.errors(board, version) == []


@pytest.mark.parametrize("board", ("esp32", "rp2040"))
def test_a_new_board_begins_without_a_mistake(board, tmp_path, monkeypatch):
    monkeypatch.setattr(boards, "FOLDER", tmp_path)
    made = newboard.make("mine") / "board.py"
    assert typings.errors(board, typings.newest(board), [made]) == []


MISTAKES = {
    "esp32": (
        ("machine.reset_cause()", "machine.reset_reason()", 'no attribute "reset_reason"'),
        ("machine.WDT(timeout=", "machine.WDT(timeout_ms=", '"timeout_ms" for "WDT"'),
        ("machine.DEEPSLEEP_RESET", "machine.DEEP_SLEEP", 'no attribute "DEEP_SLEEP"'),
        ("machine.Pin.OUT", "machine.Pin.OUTPUT", 'no attribute "OUTPUT"'),
    ),
    "rp2040": (
        ("machine.unique_id()", "machine.unique()", 'no attribute "unique"'),
        ("machine.WDT_RESET", "machine.WDT_REST", 'no attribute "WDT_REST"'),
        ("lightsleep(min(ms, _LONGEST_SLEEP))", "lightsleep(str(ms))", '"lightsleep"'),
    ),
}


@pytest.mark.parametrize("board", MISTAKES)
def test_a_mistake_is_found(board, tmp_path):
    text = typings.checked(board)[0].read_text()
    for right, wrong, _ in MISTAKES[board]:
        assert right in text
        text = text.replace(right, wrong, 1)
    file = tmp_path / "board.py"
    file.write_text(text)
    errors = typings.errors(board, typings.newest(board), [file])
    for _, _, words in MISTAKES[board]:
        assert any(words in line for line in errors), errors


def test_a_mistake_in_a_link_is_found(tmp_path):
    source = (typings.ROOT / "firmware/device/links/station.py").read_text()
    wrong = source.replace("self._station.ifconfig()", "self._station.ipconfg()")
    file = tmp_path / "station.py"
    file.write_text(wrong.replace("from ..", "from device.").replace("from .", "from device.links."))
    errors = typings.errors("esp32", "1.29", [file])
    assert any('"WLAN" has no attribute "ipconfg"' in line for line in errors), errors


ASKING = (
    "station.StationLink",
    "wifi.WiFiLink",
    "cyw43.CYW43Link",
)  # which can send to a group
# What each part is asked for, and a part that has it: firmware/contracts.pyi
CONTRACT = """import contracts
import device.links.{0}
from board import Board
from coap.oscore.files import FileStorage
from coap.oscore.memory import MemoryStorage

board: contracts.Board = Board()
flash: contracts.Storage = FileStorage("messages")
heap: contracts.Storage = MemoryStorage()


def check(link: device.links.{0}.{1}) -> contracts.{2}:
    return link
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """kept(BOARD) gives the errors of each of its links, {link: lines}: mypy runs once a board."""

    @functools.cache
    def look(board):
        folder = tmp_path_factory.mktemp(board)
        files = {
            link: folder / f"check_{link.replace('.', '_')}.py" for link in typings.OF_BOARDS[board]["links"]
        }
        for link, file in files.items():
            file.write_text(CONTRACT.format(*link.split("."), "AskingLink" if link in ASKING else "Link"))
        errors = typings.errors(board, typings.newest(board), [*files.values()])
        return {
            link: [line for line in errors if line.startswith(f"{file}:")] for link, file in files.items()
        }

    return look


@pytest.mark.parametrize(
    "board, link", [(board, link) for board, stubs in typings.OF_BOARDS.items() for link in stubs["links"]]
)
def test_boards_links_and_storages_keep_to_the_contracts(board, link, kept):
    assert kept(board)[link] == []


SOURCES = """import contracts
from msgin5g.application.registration import ApplicationRegistration
from msgin5g.incoming.receiver import Receiver
from msgin5g.outgoing.sender import MessageSender
from msgin5g.procedures.registration import Registration
from msgin5g.procedures.topics import Topics


def check(
    one: Registration, two: Receiver, three: MessageSender, four: Topics, five: ApplicationRegistration
) -> list[contracts.RequestSource]:
    return [one, two, three, four, five]


def wrong(client: object) -> contracts.RequestSource:
    return client
"""


def test_procedures_keep_to_the_contract_of_a_source_of_requests(tmp_path):
    file = tmp_path / "check.py"
    file.write_text(SOURCES)
    (wrong,) = typings.errors("rp2040", "1.29", [file])
    assert ":16: error:" in wrong and "RequestSource" in wrong


BROKEN = {
    "a call less": (
        "    def led(self, on: bool) -> None:\n",
        "    def light(self, on: bool) -> None:\n",
        "led",
    ),
    "an argument more": ("def sleep(self, ms: int)", "def sleep(self, ms: int, deep: bool)", "sleep"),
    "another type": ("def unique_id(self) -> bytes:", "def unique_id(self) -> str:", "unique_id"),
    "no storage": ("self.storage = FileStorage", "self.files = FileStorage", "storage"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """{name: errors} of all BROKEN, of one run: each is a module of its own."""
    folder = tmp_path_factory.mktemp("broken")
    source = typings.checked("rp2040")[0].read_text()
    checks, files = {}, []
    for number, (name, (right, wrong, _)) in enumerate(BROKEN.items()):
        assert source.count(right) == 1
        module = folder / f"broken{number}.py"
        module.write_text(source.replace(right, wrong))
        checks[name] = folder / f"check{number}.py"
        checks[name].write_text(
            f"import contracts\nfrom {module.stem} import Board\n\nboard: contracts.Board = Board()\n"
        )
        files += [checks[name], module]
    errors = typings.errors("rp2040", "1.29", files)
    return {name: [line for line in errors if line.startswith(f"{file}:")] for name, file in checks.items()}


@pytest.mark.parametrize("name", BROKEN)
def test_a_board_that_breaks_the_contract_is_found(name, broken):
    errors = broken[name]
    assert any(
        'variable has type "contracts.Board"' in line or 'has type "Board"' in line for line in errors
    ), errors
    assert BROKEN[name][2]
