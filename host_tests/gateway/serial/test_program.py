# SPDX-License-Identifier: MIT
"""The commands that provision Application Clients and targets, and the demo over a serial line."""

import os
import sys

import pytest

from tools.cli import main
from tools.device import ROOT
from tools.programs.patience import finish


def gateway(capsys, *arguments):
    """(exit code, stdout, stderr)"""
    try:
        code = main(["gateway", *arguments])
    except SystemExit as end:
        code = end.code
    return code, *capsys.readouterr()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "credential").write_text("c0ffee\n")
    return tmp_path


def test_applications(folder, capsys):
    add = ("application", "add", "7", "--ue", "ue:a", "--credential-file", "credential")
    assert gateway(capsys, *add) == (0, "added 7 as ue:a\n", f"new store {folder}/gateway.db\n")
    assert gateway(capsys, *add) == (0, "added 7 as ue:a\n", "")  # in place of the earlier one
    code, _, text = gateway(
        capsys, "application", "add", "8", "--ue", "ue:a", "--credential-file", "credential"
    )
    assert (code, text) == (0, "")  # several applications may be behind one UE Service ID
    assert gateway(capsys, "application", "list") == (0, "7 ue:a \n8 ue:a \n", "")
    assert gateway(capsys, "device", "list") == (0, "ue:a\n", "")  # it may register with the server
    assert b"c0ffee" not in (folder / "gateway.db").read_bytes()
    assert bytes.fromhex("c0ffee") not in (folder / "gateway.db").read_bytes()
    assert gateway(capsys, "application", "remove", "7") == (0, "removed 7\n", "")
    code, _, text = gateway(capsys, "application", "remove", "7")
    assert code == 2 and "there is no application 7" in text


def test_what_is_wrong_is_said(folder, capsys):
    for arguments, words in (
        (("application", "add", "7\t", "--ue", "ue:a", "--credential-file", "credential"), "0 to 65535"),
        (("application", "add", "7", "--ue", "", "--credential-file", "credential"), "UE Service ID"),
        (("application", "add", "7", "--ue", "ue:a", "--credential-file", "none"), "No such file"),
        (("target", "add", "ue:a@example.org", "ue:a"), "no FQDN, IPv4 or IPv6 address"),
        (("target", "remove", "a.example"), "there is no target a.example"),
    ):
        code, _, text = gateway(capsys, *arguments)
        assert code == 2 and words in text, text
    (folder / "credential").write_text("secret!")
    code, _, text = gateway(
        capsys, "application", "add", "7", "--ue", "ue:a", "--credential-file", "credential"
    )
    assert code == 2 and "hexadecimal" in text and "secret" not in text


def test_targets(folder, capsys):
    assert gateway(capsys, "target", "add", "2001:DB8:0::1", "ue:a")[0] == 0
    assert gateway(capsys, "target", "add", "Weather.Example.ORG", "as:w")[0] == 0
    assert gateway(capsys, "target", "list") == (0, "2001:db8::1 ue:a\nweather.example.org as:w\n", "")
    assert gateway(capsys, "target", "remove", "2001:db8::1") == (0, "removed 2001:db8::1\n", "")


@pytest.mark.parametrize("interpreter", ["ours", "newer"])
def test_the_demo_over_a_serial_line(interpreter, request):
    environment = dict(os.environ)
    if interpreter == "newer":  # which has no ffi to open the line with
        environment["MICROPYTHON"] = str(request.getfixturevalue("newer_micropython"))
    told = finish(
        [sys.executable, "-m", "tools.cli", "demo", "--link", "serial"],
        120,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "All 7 steps were seen on the other side" in told.stdout
