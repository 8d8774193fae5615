# SPDX-License-Identifier: MIT
"""`msgin5g bundle`: what it makes is what was asked for and is signed, the same of the same; what it refuses costs no
signature."""

import hashlib
import json
import re

import pytest

from host_tests.hardware.esp32 import esp32_base
from host_tests.tools.update import corpus
from tools import cli
from tools.image import boards
from tools.image.boards import ROOT, version
from tools.update import format, shown
from tools.update.keys import SigningKey

APP = "import data\nprint(data.TEXT)\n"
STEPS = str(ROOT / "firmware/msgin5g/rules/steps.py")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder that the process is in: an application, and the key that signs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796000000")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "garden").mkdir()
    (tmp_path / "garden/app.py").write_text(APP)
    (tmp_path / "garden/data.py").write_text("TEXT = 'new'\n")
    SigningKey.make("updates.key", 32)
    return tmp_path


@pytest.fixture
def bundle(here, capsys):
    """bundle("garden", "--board", ...) -> the Bundle that was made, of the one file that is new."""

    def make(*words):
        before = set(here.glob("*"))
        assert cli.main(["bundle", *map(str, words)]) == 0, capsys.readouterr()
        (made,) = set(here.glob("*")) - before
        found = format.read(made.read_bytes())
        public = (here / "updates.key.pub").read_text()
        assert shown.is_signed(bytes.fromhex(public), found.signed, found.signature)
        return made.name, found

    return make


@pytest.fixture
def refused(here, capsys):
    """refused(*words) -> the one line that is said. Nothing is made, and no signature used up."""

    def make(*words):
        before, key = set(here.glob("*")), (here / "updates.key").read_bytes()
        capsys.readouterr()
        try:
            code = cli.main(["bundle", *map(str, words)])
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        assert (code, said.out) == (2, ""), said
        assert re.fullmatch(r"msgin5g: [^\n]+\n", said.err), said.err
        assert (set(here.glob("*")), (here / "updates.key").read_bytes()) == (before, key)
        return said.err

    return make


def test_an_application(bundle):
    name, made = bundle("garden", "--board", "rp2040", "--board", "pico_w", "--version", "1.4")
    assert name == "garden-1.4.bundle"
    lines = made.signed.decode().splitlines()
    assert lines[:8] == [
        "msgin5g 1",
        "kind app",
        "name garden",
        "version 1.4",
        "number 1796000000",
        "board pico_w rp2040",
        "mpy 6.3",
        f"needs {version()}",
    ]
    files = dict((file.path, contents) for file, contents in made.files())
    assert sorted(files) == ["app/app.mpy", "app/data.mpy"]
    assert lines[8:] == [
        f"file {len(files[path])} {hashlib.sha256(files[path]).hexdigest()} {path}" for path in sorted(files)
    ]


def test_all_that_a_manifest_can_say(bundle):
    options = "--name field --number 77 --needs 0.0.9 --permit 99 --trial 900 --confirm -o out"
    name, made = bundle("garden", "--board", "any", "--version", "1.4-rc1", *options.split())
    assert name == "out"
    head = "msgin5g 1\nkind app\nname field\nversion 1.4-rc1\nnumber 77\nboard any\nneeds 0.0.9\n"
    head += "permit 99\ntrial 900\nconfirm\nfile "
    assert made.signed.decode().startswith(head)
    assert dict((file.path, contents) for file, contents in made.files())["app/app.py"] == APP.encode()


def test_the_same_of_the_same(bundle, here):
    first = bundle("garden", "--board", "rp2040", "--version", "1.4", "-o", "first")[1]
    (here / "elsewhere").mkdir()
    (here / "garden").rename(here / "elsewhere/garden")
    second = bundle("elsewhere/garden", "--board", "rp2040", "--version", "1.4", "-o", "second")[1]
    assert (first.signed, first.contents, first.id) == (second.signed, second.contents, second.id)
    assert first.signature != second.signature  # a one-time key each


def test_modules_of_the_firmware_fit_this_firmware_alone(bundle, capsys):
    _, made = bundle("garden", "--firmware", STEPS, "--board", "rp2040", "--version", "1.5")
    loaded = sum(file.size for file in made.manifest.files if file.path.startswith("fw/"))
    said = capsys.readouterr().out
    assert f"{loaded:,} octets of the firmware are loaded into the heap" in said and "no APP" not in said
    assert made.manifest.needs == f"={version()}"
    assert "fw/msgin5g/rules/steps.mpy" in [file.path for file in made.manifest.files]
    bundle("--firmware", STEPS, "--board", "rp2040", "--version", "1.5")
    assert "no APP is in it" in capsys.readouterr().out


def test_a_configuration(bundle, here):
    (here / "changes.json").write_text('{"registration": {"lifetime": 600}}')
    name, made = bundle("--config", "changes.json", "--version", "2")
    assert (name, made.manifest.kind, made.manifest.boards) == ("config-2.bundle", "config", ("any",))
    assert json.loads(made.contents) == {"registration": {"lifetime": 600}}


def test_micropython_for_the_esp32(bundle, here):
    whole = esp32_base.base("esp32s3")
    (here / "ESP32.bin").write_bytes(whole)
    name, made = bundle("--image", "ESP32.bin", "--version", "1.25.0")
    assert (name, made.manifest.boards) == ("micropython-1.25.0.bundle", ("esp32",))
    assert [(file.path, contents) for file, contents in made.files()] == [("image.bin", whole[0x10000:])]


def test_a_wheel_has_neither_firmware_nor_boards(bundle, refused, here, monkeypatch):
    monkeypatch.setattr(boards, "FOLDER", here / "nowhere")
    monkeypatch.setattr(boards, "version", lambda: "0.9.0")  # of the wheel itself
    _, made = bundle("garden", "--board", "mine", "--version", "1.4")
    assert (made.manifest.boards, made.manifest.needs) == (("mine",), "0.9.0")
    (here / "changes.json").write_text('{"registration": {"lifetime": 600}}')
    assert bundle("--config", "changes.json", "--version", "2")[1].manifest.kind == "config"
    said = refused("garden", "--board", "rp2040", "--version", "1", "--firmware", STEPS)
    assert "a wheel has the tools alone" in said
    assert "in a clone of the project" in refused("--image", "updates.key", "--version", "1")


def test_what_is_asked_for_wrongly(refused, here):
    (here / "secret.json").write_text('{"security": {"mode": "none"}}')
    (here / "broken.py").write_text("def")
    (here / "large").mkdir()
    (here / "large/app.py").write_text("1")
    (here / "large/data").write_bytes(bytes(4 << 20))
    board = "--board rp2040 --version 1"
    for words, said in {
        "": "what is it of?",
        "garden": "which version is it?",
        "garden --version 1": "which board is it for?",
        "garden --version 1 --board pico": "no board pico",
        f"garden {board} --board any": "board names each board once, or is any alone",
        f"garden --config secret.json {board}": "APP and --config: one bundle is one of them",
        "--config secret.json --version 1": "security, which is no part of a bundle",
        f"nothing {board}": "nothing: there is no such file",
        f"broken.py {board}": "does not compile",
        f"large {board}": "may have 4194304",
        f"garden {board} --name a/b": "name is 1 to 32",
        f"garden {board} --trial 59": "trial is a whole number from 60",
        f"garden {board} --number 0": "number is a whole number from 1",
        f"garden {board} --number x": "takes a whole number",
        f"garden {board} --needs 1": "needs is a version",
        f"garden {board} --firmware {STEPS} --needs {version()}": "--needs has no place beside --firmware",
        f"garden --board any --version 1 --firmware {STEPS}": "--firmware is compiled",
        f"garden {board} --public updates.key.pub": "--public is of --show",
        "--show x --version 1": "--version has no place beside it",
        f"garden {board} --key nothing.key": "nothing.key: No such file",
        f"garden {board} --key garden/app.py": "is no signing key",
        f"garden {board} -o nowhere/x.bundle": "--out nowhere/x.bundle: No such file",
        f"garden {board} -o garden": "--out garden: Is a directory",
        f"garden {board} -o .": "--out .: Is a directory",
    }.items():
        assert said in refused(*words.split()), words


def test_what_is_in_a_bundle_is_shown(here, capsys):
    def show(*words):
        code = cli.main(["bundle", "--show", *words])
        return code, capsys.readouterr().out.splitlines()

    cli.main("bundle garden --board rp2040 --version 1.4 --permit 7 --confirm".split())
    capsys.readouterr()
    octets = (here / "garden-1.4.bundle").read_bytes()
    made = format.read(octets)
    code, lines = show("garden-1.4.bundle")
    sizes = [f"  {file.size:>9,}  {file.path}" for file in made.manifest.files]
    assert (code, lines) == (
        0,
        [
            f"garden 1.4, {made.id}",
            "number 1796000000 (2026-11-30 00:53:20 UTC)",
            f"for rp2040, .mpy files of version 6.3; firmware {version()} or newer",
            "devices may go back to it that have confirmed numbers up to 7",
            "on trial for 600 s, until the application confirms it",
            f"2 files, {made.manifest.contents} octets",
            *sizes,
            f"signature of {len(made.signature):,} octets: --public FILE.pub says whether it is right",
        ],
    )
    assert show("garden-1.4.bundle", "--public", "updates.key.pub")[1][-1] == "signature is right"
    (here / "other.pub").write_text(corpus.public().hex() + "\n")
    code, lines = show("garden-1.4.bundle", "--public", "other.pub")
    assert (code, lines[-1]) == (
        1,
        "signature is wrong: no device with the key of other.pub takes it",
    )


def test_what_is_no_bundle_is_not_shown(here, refused):
    cli.main("bundle garden --board rp2040 --version 1.4 -o made".split())
    octets = (here / "made").read_bytes()
    for name, wrong, said in (
        ("text", b"text", "it is no bundle"),
        ("half", octets[:-1], "cut short"),
        ("damaged", octets[:-1] + bytes([octets[-1] ^ 1]), "is damaged"),
        ("large", octets + bytes(5 << 20), "goes on behind its end"),
    ):
        (here / name).write_bytes(wrong)
        assert said in refused("--show", name)
    assert "nothing: No such file" in refused("--show", "nothing")
    assert "is no public key" in refused("--show", "made", "--public", "text")
