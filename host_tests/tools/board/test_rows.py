# SPDX-License-Identifier: MIT
"""A board is a folder with a board.json: image, flash, emulate, repl and provision take their choices from there."""

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from tools import cli
from tools.emulator import program as emulator
from tools.flash import program as flash
from tools.image import boards, bytecode
from tools.image import program as image
from tools.line import ports

VERBS = ("image", "flash", "emulate", "repl --board", "provision --board")
MINE = {
    "id": "mine",
    "mcu": "mine",
    "image": {"format": "mine"},
    "flasher": {"method": "mine"},
    "emulator": "mine",
    "usb": {"name": "board of mine", "ids": ["1234:5678"]},
    "machine": "Mine with RP2040",
    "peer": "coap://192.0.2.9",
}


@pytest.fixture
def mine(monkeypatch, tmp_path):
    """The board `mine` beside the others, and a way of its own for each verb; what was asked of them."""
    (tmp_path / "boards").mkdir()
    for board in boards.names():
        (tmp_path / "boards" / board).symlink_to(boards.FOLDER / board)
    (tmp_path / "boards/mine").mkdir()
    (tmp_path / "boards/mine/board.json").write_text(json.dumps(MINE))
    monkeypatch.setattr(boards, "ROOT", tmp_path)
    monkeypatch.setattr(boards, "FOLDER", tmp_path / "boards")
    monkeypatch.setattr(image, "ROOT", tmp_path)
    asked = []
    way = ModuleType("way_of_mine")
    way.OPTIONS = ("chip", "drive", "virtual")
    way.IMAGE = "image"

    def build(board, folder, say, **options):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps({"octets": 3}))
        (folder / way.IMAGE).write_bytes(b"abc")
        asked.append((board, options))
        return folder / way.IMAGE

    def run(args, path, say):
        asked.append((args.board, path.name, args.virtual))
        return 7

    way.build, way.run = build, run
    way.lines = lambda report: [f"octets: {report['octets']}"]
    way.flash = lambda args, say: asked.append((args.board, args.port, args.drive))
    way.provide = lambda say: asked.append("provided")
    monkeypatch.setitem(sys.modules, way.__name__, way)
    for table in (image.FORMATS, flash.METHODS, emulator.EMULATORS):
        monkeypatch.setitem(table, "mine", way.__name__)
    return asked


def test_an_image_is_built_as_the_board_says(mine, capsys):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys.modules["way_of_mine"], "OPTIONS", ("chip", "base"))
        assert cli.main(["image", "mine", "--chip", "x"]) == 0
    assert capsys.readouterr().out.startswith("octets: 3\nimage: ")
    assert mine == [("mine", {"chip": "x", "base": None})]
    assert cli.main(["image", "mine", "--base", "x"]) == 2
    assert "--base is not of the mine" in capsys.readouterr().err


def test_a_board_is_flashed_as_it_says(mine, capsys):
    assert cli.main(["flash", "mine", "--port", "/dev/mine"]) == 0
    assert mine == [("mine", "/dev/mine", None)]
    assert cli.main(["flash", "mine", "--offset", "0"]) == 2
    assert "--offset is not of the mine" in capsys.readouterr().err
    assert len(mine) == 1


def test_a_board_is_emulated_as_it_says(mine, capsys):
    """Its image is built first, where nothing has to be named for it; else it is the one that was made last."""
    assert cli.main(["emulate", "mine", "--virtual"]) == 7
    assert mine == ["provided", ("mine", {}), ("mine", "image", True)]
    assert cli.main(["emulate", "mine", "--cut-after", "1"]) == 2
    assert "--cut-after is not of the mine" in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys.modules["way_of_mine"], "OPTIONS", ("base",))
        assert cli.main(["emulate", "mine"]) == 7
        assert mine[3:] == ["provided", ("mine", "image", False)]
        (boards.ROOT / "build/mine/image").unlink()
        assert cli.main(["emulate", "mine"]) == 2
    assert "there is no image: make image BOARD=mine BASE=FILE" in capsys.readouterr().err


def test_a_board_is_found_as_it_says(mine, monkeypatch):
    port = SimpleNamespace(device="/dev/mine", vid=0x1234, pid=0x5678, description="Mine")
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [port])
    assert ports.find("mine") == ports.find() == "/dev/mine"
    assert ports.found("rp2040") == []


def test_a_board_is_known_by_what_it_says_of_itself(mine):
    """The longer of two that fit: "Mine with RP2040" is no Pico, which has RP2040 too."""
    assert boards.usual_peer("Mine with RP2040") == "coap://192.0.2.9"
    assert boards.usual_peer("Raspberry Pi Pico with RP2040") == "coap+uart://0"
    assert boards.usual_peer("Generic ESP32 module with ESP32") is None
    assert boards.usual_peer("BBC micro:bit") is None
    (boards.FOLDER / "mine/board.json").write_text(json.dumps(MINE | {"machine": "RP2040"}))
    assert boards.usual_peer("Raspberry Pi Pico with RP2040") is None  # it may be either
    same = MINE | {"machine": "RP2040", "peer": "coap+uart://0"}
    (boards.FOLDER / "mine/board.json").write_text(json.dumps(same))
    assert boards.usual_peer("Raspberry Pi Pico with RP2040") == "coap+uart://0"


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_board_is_named(verb, capsys):
    ue = ["--ue", "ue:a@example.org", "--store", "/nowhere"] * verb.startswith("provision")
    assert cli.main([*verb.split(), "yours", *ue]) == 2
    assert capsys.readouterr().err == f"msgin5g: no board yours; there are {', '.join(boards.names())}\n"


@pytest.mark.parametrize("verb, key", [*zip(VERBS[:4], ("image", "flasher", "emulator", "usb"), strict=True)])
def test_a_board_without_it_says_why(verb, key, capsys):
    assert cli.main([*verb.split(), "unix"]) == 2
    others = ", ".join(boards.having(key))
    assert capsys.readouterr().err == (
        f"msgin5g: unix has no {key}: it runs on this machine (msgin5g device). Boards that have one: {others}\n"
    )


def test_a_key_that_no_tool_knows(mine, capsys):
    (boards.FOLDER / "mine/board.json").write_text(json.dumps(MINE | {"image": {"format": "punched cards"}}))
    assert cli.main(["image", "mine"]) == 2
    said = capsys.readouterr().err
    assert 'boards/mine/board.json: "image.format" is "punched cards"; there are ' in said and "uf2" in said
    (boards.FOLDER / "mine/board.json").write_text("{")
    assert cli.main(["image", "mine"]) == 2
    assert "boards/mine/board.json is not JSON: " in capsys.readouterr().err


IMAGE = {"image": {"format": "uf2-merged", "families": {}}, "boards": {"mine": {"files": {"offset": 0}}}}
CHIPS = {"image": {"format": "esp32"}, "layouts": {"4MiB": {}}, "chips": {"mine": {"pins": {}}}}
USB = {"usb": {"name": "mine", "ids": []}}
WRONG = {
    "image": [
        ("[]", "boards/mine/board.json is no JSON object"),
        ("\ufeff{}", "boards/mine/board.json is not JSON: "),
        ({"image": "uf2"}, '"image" is an object, not "uf2"'),
        ({"image": {"format": []}}, '"format" is a string, not []'),
        ({"image": {"format": "esp32"}}, 'board.json: "chips" is missing, beside '),
        (CHIPS, '"files" is missing (docs/board.md)'),
        (CHIPS | {"chips": {}}, '"chips" has one object or more'),
        (CHIPS | {"layouts": {"4MiB": 4}}, '"layouts" has one object or more'),
        (
            CHIPS | {"layouts": {"4MiB": {"files": "all"}}},
            '"files" is an object or a whole number, not "all"',
        ),
        (IMAGE, '"size" is missing, beside offset (docs/board.md)'),
        (IMAGE | {"boards": {"mine": {"files": {"offset": "0"}}}}, '"offset" is a whole number, not "0"'),
    ],
    "flash": [
        ({"flasher": ["esptool"]}, '"flasher" is an object, not ["esptool"]'),
        ({"flasher": {"method": "esptool"}}, '"chips" is missing, beside '),
    ],
    "repl --board": [
        ({"usb": {"ids": []}}, '"name" is missing, beside ids (docs/board.md)'),
        ({"usb": {"name": "mine"}}, '"ids" is missing, beside name'),
    ],
    "board yours --like": [
        ({"mcu": 5}, '"mcu" is a string, not 5'),
        ("{}", '"mcu" is missing (docs/board.md)'),
    ],
}


@pytest.mark.parametrize(
    "verb, data, sentence", [(verb, *rest) for verb, several in WRONG.items() for rest in several]
)
def test_what_is_wrong_with_a_board_json(mine, verb, data, sentence, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [])
    monkeypatch.setattr(bytecode, "on_board", lambda board: {"lib/board.mpy": b"M\x06\0"})
    text = data if isinstance(data, str) else json.dumps({"id": "mine", "mcu": "mine"} | data)
    (boards.FOLDER / "mine/board.json").write_text(text)
    (tmp_path / "file").write_bytes(bytes(512))
    more = ["--image", str(tmp_path / "file"), "--offset", "0", "--chip", "mine"] * (verb == "flash")
    assert cli.main([*verb.split(), "mine", *more]) == 2
    said = capsys.readouterr().err
    assert said.startswith("msgin5g: boards/mine/board.json") and sentence in said and said.count("\n") == 1


def test_where_nothing_can_be_written(mine, monkeypatch, capsys):
    (boards.ROOT / "build").write_text("a file")
    monkeypatch.setattr(sys.modules["way_of_mine"], "OPTIONS", ())
    for verb in ("image", "emulate"):
        assert cli.main([verb, "mine"]) == 2
        said = capsys.readouterr().err
        assert f"{boards.ROOT}/build" in said and said.count("\n") == 1
        assert "Not a directory; images are built below " in said


def test_a_board_without_its_code_has_no_image(mine, capsys):
    """A folder of that name is not in the project, so it has no board.py."""
    (boards.FOLDER / "mine/board.json").write_text(json.dumps(MINE | CHIPS))
    assert cli.main(["image", "mine"]) == 2
    assert "boards/mine has no board.py, the class Board (docs/board.md)" in capsys.readouterr().err


@pytest.mark.parametrize("board", boards.names())
def test_each_board_names_ways_that_there_are(board):
    data = boards.board_data(board)
    assert data["id"] == board
    tables = {"image": ("format", image.FORMATS), "flasher": ("method", flash.METHODS)}
    for key, (name, table) in tables.items():
        assert key not in data or data[key][name] in table
    assert data.get("emulator") in (None, *emulator.EMULATORS)
    assert "machine" in data or "usb" not in data
