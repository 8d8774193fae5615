# SPDX-License-Identifier: MIT
"""A board is a row for `msgin5g image` and for `msgin5g flash`."""

import json

import pytest

from tools import cli
from tools.flash import program as flash
from tools.image import program as image


def test_an_image_is_built_by_the_row(monkeypatch, tmp_path, capsys):
    def build(args, folder):
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(json.dumps({"octets": 3}))
        (folder / "image").write_bytes(b"abc")
        return folder / "image", lambda report: [f"{args.board}: {report['octets']}"]

    monkeypatch.setattr(image, "ROOT", tmp_path)
    monkeypatch.setitem(image.BOARDS, "mine", build)
    assert cli.main(["image", "mine"]) == 0
    assert capsys.readouterr().out.startswith("mine: 3\n")


def test_a_board_is_flashed_by_the_row(monkeypatch, capsys):
    flashed = []
    monkeypatch.setitem(flash.BOARDS, "mine", (lambda args, say: flashed.append(args.port), ("drive",)))
    assert cli.main(["flash", "mine", "--port", "/dev/mine"]) == 0
    assert flashed == ["/dev/mine"]
    assert cli.main(["flash", "mine", "--drive", "/mnt"]) != 0
    assert "--drive is not of the mine" in capsys.readouterr().err
    assert flashed == ["/dev/mine"]


def test_an_unknown_board_is_named():
    for command in ("image", "flash"):
        with pytest.raises(SystemExit):
            cli.main([command, "yours"])
