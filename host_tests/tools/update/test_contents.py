# SPDX-License-Identifier: MIT
"""From files of a person to files of a bundle, and what becomes of them on MicroPython."""

import json
import os
import subprocess

import pytest

from host_tests.hardware.esp32 import esp32_base
from tools.errors import UsageError
from tools.image import bytecode
from tools.image.boards import ROOT
from tools.programs.micropython import BIN
from tools.store.store import Store
from tools.update import contents
from tools.update.keys import SigningKey


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Writes {path: text or octets} into the folder that the process is in."""
    monkeypatch.chdir(tmp_path)

    def write(found):
        for name, text in found.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def micropython(folder, code):
    done = subprocess.run(
        [str(BIN / "micropython"), "-c", code], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


def refused(*arguments, call=contents.application):
    with pytest.raises(UsageError) as error:
        call(*arguments)
    return str(error.value)


# ---- an application


def test_a_folder_with_an_app_is_the_application(files):
    files(
        {
            "garden/app.py": "import plants",
            "garden/plants.py": "",
            "garden/pictures/rose.bin": b"\xff\x00",
            "garden/.git/config": "",
            "garden/__pycache__/app.pyc": b"",
            "garden/.hidden": "",
        }
    )
    made = contents.application(["garden"], True)
    assert sorted(made) == ["app/app.mpy", "app/pictures/rose.bin", "app/plants.mpy"]
    assert made["app/pictures/rose.bin"] == b"\xff\x00"
    assert {octets[:2] for name, octets in made.items() if name.endswith(".mpy")} == {b"M\x06"}


def test_another_folder_keeps_its_name(files):
    files({"app.py": "1", "sensors/__init__.py": "", "sensors/wind.py": "", "lib/x.txt": "x"})
    made = contents.application(["app.py", "sensors", "lib/"], False)
    assert sorted(made) == ["app/app.py", "app/lib/x.txt", "app/sensors/__init__.py", "app/sensors/wind.py"]


def test_the_only_file_is_the_application_whatever_it_is_called(files):
    files({"sensor.py": "print(1)\n", "data.json": "{}"})
    assert sorted(contents.application(["sensor.py", "data.json"], True)) == ["app/app.mpy", "app/data.json"]
    assert contents.application(["sensor.py"], False) == {"app/app.py": b"print(1)\n"}


def test_what_is_no_application(files):
    files(
        {
            "a.py": "",
            "b.py": "",
            "x/a.py": "",
            "d.txt": "",
            "coap.py": "",
            "app.py": "",
            "broken/app.py": "def",
        }
    )
    assert "called app.py" in refused(["a.py", "b.py"], True)
    assert "called app.py" in refused(["d.txt"], True)
    assert "nothing: there is no such file" in refused(["nothing"], True)
    assert "both be app/a.py" in refused(["a.py", "x/a.py"], True)
    assert "hide the firmware's coap" in refused(["app.py", "coap.py"], True)
    for compiled in (True, False):
        assert "broken/app.py" in refused(["broken"], compiled)
        assert "does not compile" in refused(["broken"], compiled)


@pytest.mark.parametrize("named", [["garden"], ["garden/app.py", "garden/{}"]])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("updates.key", "a key that signs updates"),
        ("renamed.txt", "a key that signs updates"),
        ("msgin5g.json", "the configuration of a device"),
        ("gateway.db", "a store"),
        ("garden-1.0.bundle", "a bundle"),
    ],
)
def test_what_lies_beside_an_application_and_is_no_part_of_it(
    files, named, name, words, monkeypatch, tmp_path
):
    """Who has a bundle can read it: nobody's keys go out with the folder that they happen to be in."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    files({"garden/app.py": "", "garden/msgin5g.json": "{}", "garden/garden-1.0.bundle": b"MSGB\x01"})
    if words.endswith("updates"):
        SigningKey.make(f"garden/{name}", 32)
    Store("garden/gateway.db").close()
    for path in tmp_path.glob("garden/*"):
        if path.name not in ("app.py", name):
            path.unlink()
    said = refused([each.format(name) for each in named], True)
    assert f"garden/{name} is {words}" in said and "another folder" in said


def test_two_that_would_be_one(files):
    files({"app.py": "", "m.py": "", "m.mpy": b"M\x06\x00\x1f"})
    assert "app/m.mpy" in refused(["app.py", "m.py", "m.mpy"], True)


@pytest.mark.parametrize(
    "source",
    [
        "print(__name__)\n",
        "# a comment\n\nprint(__name__)\n",
        '"""What it is."""\nprint(__name__)\n',
        '"""What\nit is."""\nprint(__name__)\n',
        "import sys; print(__name__)\n",
        "# äöü\nx = (1,\n 2)\nprint(__name__)\n",
    ],
)
def test_it_is_the_main_program(files, tmp_path, source):
    """Where it is compiled as well, and an error still names its own line."""
    end = "\nraise ValueError\n"
    files({"app/app.py": source + end})
    line = (source + end).rstrip().count("\n") + 1
    for compiled in (True, False):
        for name, octets in contents.application(["app"], compiled).items():
            files({f"made/{name}": octets})
            how = "import app" if compiled else "exec(open('app.py').read())"
            said = micropython(tmp_path / "made/app", how)
            assert said.startswith("__main__\n"), name
            assert f"line {line}" in said, said
            (tmp_path / "made" / name).unlink()


@pytest.mark.parametrize(
    "source",
    [
        "if True:\n    pass\n",
        "@decorated\ndef f(): pass\n",
        "async def main(): pass\n",
        "for x in (): pass\n",
        "class A: pass\n",
        "try:\n    import x\nexcept ImportError: pass\n",
        "# nothing\n",
        "",
    ],
)
def test_one_that_begins_with_a_compound_statement_stays_as_it_is(files, source):
    source = source.replace("@decorated", "@staticmethod")
    files({"app.py": source, "other.py": ""})
    made = contents.application(["app.py", "other.py"], True)
    assert made["app/app.py"] == source.encode()
    assert sorted(made) == ["app/app.py", "app/other.mpy"]


# ---- the firmware


def test_modules_of_the_firmware_bring_the_folder_that_they_lie_in():
    steps, board = ROOT / "firmware/msgin5g/rules/steps.py", ROOT / "boards/rp2040/board.py"
    made = contents.firmware([steps, board], ("rp2040",))
    assert sorted(made) == ["fw/board.mpy", *folder("msgin5g/rules")]
    assert made == contents.firmware([ROOT / "firmware/msgin5g/rules", board], ("rp2040",))


def folder(name):
    """Paths of all that lies in a folder of the firmware, as a bundle has them."""
    paths = (path.relative_to(ROOT / "firmware") for path in (ROOT / "firmware" / name).rglob("*.py"))
    return sorted(f"fw/{path.with_suffix('.mpy')}" for path in paths if path.name != "manifest.py")


# What begins a slot, and then says where each module comes from that is named, as MicroPython would import them.
BEGUN = """
import sys
sys.path[:] = [%r, %r, ".frozen"]
from base import overlay
overlay.begin("fw")
import board, device, msgin5g
for name in sys.argv[1:]:
    print(__import__(name, None, None, ("x",)).__file__)
"""


@pytest.mark.parametrize(
    ("module", "taken"),
    [
        ("coap/uri/whole.py", "coap"),
        ("coap/version.py", "coap"),
        ("coap/aio/site/core.py", "coap/aio"),
        ("coap/oscore/ccm.py", "coap/oscore"),
        ("device/calls/stored.py", "device/calls"),
        ("device/boot.py", "device"),
        ("msgin5g/store/kept.py", "msgin5g/store"),
        ("msgin5g/timing.py", "msgin5g"),
    ],
)
def test_a_device_runs_what_it_brings_and_its_own_beside_it(files, tmp_path, monkeypatch, module, taken):
    def compiled(source, name, options):
        return (bytecode.firmware() / name).with_suffix(".mpy").read_bytes()

    monkeypatch.setattr(bytecode, "module", compiled)  # once, as other tests have them
    made = contents.firmware([ROOT / "firmware" / module], ("unix",))
    assert sorted(made) == folder(taken)
    files(made)
    name = module.removesuffix(".py").replace("/", ".")
    own = "coap.message" if taken == "msgin5g" else "msgin5g.wire.causes"
    before = str(bytecode.firmware())
    paths = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [str(BIN / "micropython"), "-c", BEGUN % (before, str(ROOT / "boards/unix")), name, own],
        cwd=tmp_path,
        env=paths,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.split() == [
        f"{tmp_path}/fw/{name.replace('.', '/')}.mpy",
        f"{before}/{own.replace('.', '/')}.mpy",
    ]


@pytest.mark.parametrize(
    ("path", "named", "words"),
    [
        ("firmware/main.py", ("unix",), "runs before any update"),
        ("boards/rp2040/boot.py", ("rp2040",), "runs before any update"),
        ("boards/pico_w/firmware_pack.py", ("pico_w",), "runs before any update"),
        ("firmware/manifest.py", ("unix",), "runs before any update"),
        ("firmware/contracts.pyi", ("unix",), "no module of a device"),
        ("boards/rp2040/board.py", ("unix",), "none of boards/unix"),
        ("boards/rp2040/board.py", ("pico_w", "rp2040"), "alone"),
        ("firmware/coap/manifest.py", ("unix",), "no module of a device"),
        ("firmware/msgin5g/no.py", ("unix",), "No such file"),
        ("tools/errors.py", ("unix",), "no module of firmware/"),
    ],
)
def test_what_is_none_of_its_modules(path, named, words):
    assert words in refused([ROOT / path], named, call=contents.firmware)


# ---- a configuration: RFC 7396


def test_changes_of_a_configuration(files, tmp_path):
    files({"c.json": '{\n "registration": {"lifetime": 60},\n "wifi": null, "watchdog": 8}'})
    octets = contents.configuration(tmp_path / "c.json")
    assert json.loads(octets) == {"registration": {"lifetime": 60}, "wifi": None, "watchdog": 8}
    assert b"\n" not in octets and b" " not in octets


@pytest.mark.parametrize(
    "changes",
    [
        {"peer": "coap+uart://1", "serial": {"baudrate": 9600}},
        {"aggregation": {"wait": 5}},  # of the role client
        {"espnow": {"channel": 6}},
        {"configuration": {"fetch": "always"}},  # of one with a UE ID
        {"wifi": {"ssid": "garden", "password": "eight or more"}},
        {},
    ],
)
def test_each_kind_of_device_may_take_them(files, tmp_path, changes):
    files({"c.json": json.dumps(changes)})
    assert json.loads(contents.configuration(tmp_path / "c.json")) == changes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ('{"watchdog": NaN}', "NaN is no number"),
        ('{"watchdog": 1, "watchdog": 2}', "twice"),
        ('["watchdog"]', "no JSON object"),
        ("[" * 100_000, "not JSON"),
        ('{"security": {"mode": "none"}}', "security, which is no part"),
        ('{"security": null}', "security, which is no part"),
        ('{"update": {"key": "00"}}', "update, which is no part"),
        ('{"application": {"credential": "00"}}', "application.credential, which is no part"),
        ('{"espnow": {"lmk": "00112233445566778899aabbccddeeff"}}', "espnow.lmk, which is no part"),
        ('{"wochtdag": 1}', "wochtdag"),
        ('{"watchdog": "8"}', "watchdog"),
        ('{"peer": null}', "peer"),
        ('{"role": "application client", "application": {"app_id": 7}}', "needs the role"),
        ('{"registration": {"lifetime": 1}}', "registration.lifetime"),
    ],
)
def test_changes_that_no_device_takes(files, tmp_path, text, words):
    files({"c.json": text})
    said = refused(tmp_path / "c.json", call=contents.configuration)
    assert words in said and "c.json" in said and "00112233" not in said


# ---- MicroPython for the ESP32: esptool made it, as it makes those of ESP-IDF


def test_the_application_alone_of_a_whole_binary_or_by_itself(tmp_path):
    whole = esp32_base.base("esp32s3")
    application = whole[0x10000:]
    for name, octets in {"whole": whole, "merged": whole + b"\xff" * 70_000, "alone": application}.items():
        path = tmp_path / f"{name}.bin"
        path.write_bytes(octets)
        assert contents.image(path, ("esp32",)) == application, name


def test_what_is_no_image(tmp_path):
    path = tmp_path / "x.bin"
    application = esp32_base.base("esp32s3")[0x10000:]
    for octets, words in {
        b"": "is no binary for an ESP32 but empty",
        b"UF2\n": "but a UF2 file",
        application[:-40]: "damaged or cut short",
        application[:2000] + b"!" + application[2001:]: "damaged or cut short",
        esp32_base.base("esp32s3", "a thing")[0x10000:]: "no MicroPython",
        esp32_base.base("esp32s3", "MicroPython v1.20.0 on 2023-04-26")[0x10000:]: "too old",
        esp32_base.image("esp32c61", b"x" * 64): "does not know",
    }.items():
        path.write_bytes(octets)
        assert words in refused(path, ("esp32",), call=contents.image), words
    path.write_bytes(application)
    for named in (("rp2040",), ("any",), ("esp32", "rp2040"), ("unix",)):
        assert "by cable" in refused(path, named, call=contents.image)
    assert "nothing.bin: No such file" in refused(tmp_path / "nothing.bin", ("esp32",), call=contents.image)
