# SPDX-License-Identifier: MIT
"""`make release`: the same octets from another folder, at another time and umask; whole, and no more than it says."""

import hashlib
import inspect
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.image import boards, files, uf2
from tools.image import program as image
from tools.project.release import archives, artefacts, bill
from tools.project.release.__main__ import sums

ROOT = Path(__file__).resolve().parents[3]
VERSION = boards.version()
OF_A_CLONE = {
    "device": ["--state", "x"],
    "demo": [],
    "image": ["rp2040"],
    "emulate": ["rp2040"],
    "provision": ["--ue", "ue:a@example.org", "--peer", "coap://192.0.2.1", "--out", "a.json"],
    "flash": ["rp2040"],
    "board": ["mine"],
    "bench": [],
}
EPOCH = 1_700_000_000  # 2023-11-14 22:13:20 UTC
SOURCES = {"micropython": ("1.25.0", "MIT"), "mbedtls": ("3.6.6", "Apache-2.0 OR GPL-2.0-or-later")}


def parts():
    """{name: octets} of what is cheap to make."""
    made = artefacts.tools(VERSION, EPOCH, print) | artefacts.mip(VERSION, EPOCH, print)
    made |= artefacts.pico_w(VERSION, EPOCH, print)
    made |= artefacts.esp32_files(VERSION, EPOCH, print, ["esp32s3"], ["4MiB"])
    return made | {"bill": bill.of(VERSION, EPOCH, SOURCES)}


# The same in a process of another tree
PART = """
import pathlib, sys
from tools.project.release import artefacts, bill
EPOCH, SOURCES, VERSION = %r, %r, %r
%s
for name, octets in parts().items():
    (pathlib.Path(sys.argv[1]) / name).write_bytes(octets)
""" % (EPOCH, SOURCES, VERSION, inspect.getsource(parts))


def copied(folder):
    """The tree as it lies here, in another folder: what git knows of it, or would be told of."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(
        listed, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("host_tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What this tree makes and what a copy does: {name: octets} each."""
    tree = tmp_path_factory.mktemp("trees") / "another folder of some length"
    into = tree / "made"
    before = os.umask(0o077)
    try:
        into.mkdir(parents=True)
        copied(tree)
        environment = os.environ | {"PYTHONPATH": str(tree), "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}
        subprocess.run([sys.executable, "-c", PART, into], cwd=tree, env=environment, check=True)
    finally:
        os.umask(before)
    return parts(), {path.name: path.read_bytes() for path in into.iterdir()}


def test_two_trees_make_the_same_octets(made):
    one, other = made
    assert set(one) == set(other)
    assert {name: hashlib.sha256(octets).hexdigest() for name, octets in one.items()} == {
        name: hashlib.sha256(octets).hexdigest() for name, octets in other.items()
    }


def test_all_kinds_are_there(made):
    """But for the image, which is that of `make image`, and takes as long."""
    assert set(made[0]) == {
        f"msgin5g_tools-{VERSION}-py3-none-any.whl",
        f"msgin5g_tools-{VERSION}.tar.gz",
        f"msgin5g-{VERSION}-mip.zip",
        f"msgin5g-{VERSION}-pico_w-filesystem.uf2",
        f"msgin5g-{VERSION}-pico2_w-filesystem.uf2",
        f"msgin5g-{VERSION}-esp32-filesystems.zip",
        "bill",
    }
    assert set(artefacts.BUILDERS) == {"tools", "mip", "esp32", "pico_w", "rp2040"}


def test_the_image_is_that_of_make_image(monkeypatch, tmp_path):
    here = tmp_path / "firmware.uf2"
    here.write_bytes(b"the image")
    monkeypatch.setattr(image, "ready", lambda board, say: {"rp2040": here}[board])
    assert artefacts.rp2040(VERSION, EPOCH, print) == {f"msgin5g-{VERSION}-rp2040.uf2": b"the image"}


def test_the_wheel_holds_each_file_of_the_tools_and_nothing_else(made):
    octets = made[0][f"msgin5g_tools-{VERSION}-py3-none-any.whl"]
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        names = set(archive.namelist())
        assert archive.testzip() is None
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
        times = {entry.date_time for entry in archive.infolist()}
        record = archive.read(f"msgin5g_tools-{VERSION}.dist-info/RECORD").decode().splitlines()
    assert modes == {0o100644} and times == {(2023, 11, 14, 22, 13, 20)}
    assert {line.split(",")[0] for line in record} == names
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "tools"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    there = {name for name in listed if (ROOT / name).is_file()}
    assert there - names == set(), "a pattern of package-data in pyproject.toml"
    assert {name for name in names - there if ".dist-info/" not in name} == set()


def from_the_wheel(made, folder, code):
    """What a program writes that has the wheel, and no clone, on its path."""
    archive = zipfile.ZipFile(io.BytesIO(made[0][f"msgin5g_tools-{VERSION}-py3-none-any.whl"]))
    archive.extractall(folder / "installed")
    environment = os.environ | {"PYTHONPATH": str(folder / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_gateway_runs_from_the_wheel(made, tmp_path):
    code = (
        "import asyncio, tools\n"
        "from tools.gateway.runtime import Gateway, Options\n"
        "from tools.server.settings import Settings\n"
        "async def main():\n"
        "    options = Options(Settings(), ('127.0.0.1', 0), ('127.0.0.1', 0), ':memory:')\n"
        "    async with Gateway(options) as gateway:\n"
        "        await gateway.http._describe(None)\n"
        "        print(tools.__path__[0], (await gateway.measured())[:6])\n"
        "asyncio.run(main())"
    )
    said = from_the_wheel(made, tmp_path, code)
    assert said.split() == [str(tmp_path / "installed/tools"), "b'#", "HELP'"]


def test_a_wheel_says_its_version_and_what_is_for_a_clone(made, tmp_path):
    """It has neither firmware nor boards, and writes nothing beside itself."""
    commands = (
        ["--version"],
        ["repl", "--board", "rp2040"],
        *([name, *more] for name, more in OF_A_CLONE.items()),
    )
    code = (
        "from tools.cli import main\n"
        "for command in %r:\n"
        "    try:\n"
        "        print(main(command), flush=True)\n"
        "    except SystemExit as end:\n"
        "        print(end.code, flush=True)\n" % (commands,)
    )
    version, ended, unknown, refused, *said = from_the_wheel(made, tmp_path, code).splitlines()
    assert (version, ended) == (f"msgin5g {VERSION}", "0")
    assert unknown.startswith("msgin5g: no board rp2040: boards are in a clone of the project")
    assert said[::2] == [
        f"msgin5g: {name} is for a clone of the project, which has firmware and boards: a wheel has the tools alone"
        for name in OF_A_CLONE
    ]
    assert {refused, *said[1::2]} == {"2"}
    assert {path.name for path in (tmp_path / "installed").iterdir()} == {
        "tools",
        f"msgin5g_tools-{VERSION}.dist-info",
    }


def test_the_source_archive_has_what_the_wheel_is_built_from(made):
    with tarfile.open(fileobj=io.BytesIO(made[0][f"msgin5g_tools-{VERSION}.tar.gz"])) as archive:
        members = archive.getmembers()
    assert {(each.uid, each.gid, each.uname, each.gname, each.mtime) for each in members} == {
        (0, 0, "", "", EPOCH)
    }
    names = {each.name for each in members}
    assert {f"msgin5g_tools-{VERSION}/" + name for name in artefacts.SOURCES} <= names


def test_the_indices_for_mip_name_files_that_come_with_them(made):
    with zipfile.ZipFile(io.BytesIO(made[0][f"msgin5g-{VERSION}-mip.zip"])) as archive:
        names = set(archive.namelist())
        indices = {name: json.loads(archive.read(name)) for name in names if name.endswith("package.json")}
        assert set(indices) == {
            "package.json",
            "firmware/coap/package.json",
            "firmware/coap/oscore/package.json",
        }
        for name, index in indices.items():
            assert index["version"] == VERSION
            for _, place in index["urls"]:
                path = (Path(name).parent / place).as_posix()
                assert archive.read(path) == (ROOT / path).read_bytes()


@pytest.mark.parametrize("name", ["pico_w", "pico2_w"])
def test_the_files_of_a_pico_w_lie_where_its_micropython_has_them(made, name):
    data = boards.board_data("pico_w")
    file = uf2.read(name, made[0][f"msgin5g-{VERSION}-{name}-filesystem.uf2"], "")
    row = data["boards"][name]
    first = 0x10000000 + row["files"]["offset"]  # XIP_BASE of both chips
    assert (min(file.pages), len(file.pages)) == (first, row["files"]["size"] // 256)
    assert uf2.chips(data)[file.family] == row["chip"]
    system = b"".join(page for _, page in sorted(file.pages.items()))
    assert {"main.py", "boot.py", "firmware.pack"} <= files.read_files(system).keys()


def test_the_files_of_an_esp32_have_the_pins_of_their_chip(made):
    with zipfile.ZipFile(io.BytesIO(made[0][f"msgin5g-{VERSION}-esp32-filesystems.zip"])) as archive:
        assert set(archive.namelist()) == {"esp32s3/4MiB.bin", "README.txt"}
        system = archive.read("esp32s3/4MiB.bin")
        assert b"write-flash 0x200000 CHIP/LAYOUT.bin" in archive.read("README.txt")
    held = files.read_files(system, files.ESP32_PROGRAM)
    assert json.loads(held["pins.json"]) == boards.board_data("esp32")["chips"]["esp32s3"]["pins"]
    assert len(system) == 2 << 20


def test_the_bill_is_one_and_names_what_there_is_with_its_licence(made):
    text = made[0]["bill"].decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = json.loads(text)
    named = {each["name"]: each for each in told["components"]}
    assert {"aiocoap", "aiohttp", "esptool", "littlefs-python", "prometheus_client"} <= set(named)
    assert {"cryptography", "rp2040js", "micropython", "mbedtls"} <= set(
        named
    )  # of OSCORE; of npm; of the image
    assert "pytest" not in named and "hypothesis" not in named  # they are for tests
    assert [name for name, each in named.items() if not each.get("licenses")] == []
    assert all(each["version"] for each in named.values())
    assert named["aiocoap"]["version"] == "0.4.17"
    locked = json.loads((ROOT / "tools/emulator/package-lock.json").read_text())["packages"]
    assert named["rp2040js"]["version"] == locked["node_modules/rp2040js"]["version"]
    assert named["rp2040js"]["hashes"][0]["alg"] == "SHA-512"
    assert told["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    depends = {each["ref"]: each.get("dependsOn", []) for each in told["dependencies"]}
    assert "pkg:pypi/aiocoap@0.4.17" in depends[f"pkg:pypi/msgin5g-tools@{VERSION}"]
    assert set(depends) == {each["bom-ref"] for each in told["components"]} | {f"msgin5g@{VERSION}"}


def test_another_bill_has_another_number():
    numbers = [
        json.loads(bill.of(VERSION, epoch, SOURCES))["serialNumber"] for epoch in (EPOCH, EPOCH, EPOCH + 1)
    ]
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_licence_is_told_in_the_words_of_spdx_where_there_are_some():
    def told(**fields):
        message = __import__("email.message").message.Message()
        for name, value in fields.items():
            message[name.replace("_", "-")] = value
        return bill.licence_of(message)

    assert told(Name="a", License_Expression="MIT AND ISC", License="no") == "MIT AND ISC"
    assert told(Name="a", Classifier="License :: OSI Approved :: MIT License") == "MIT"
    assert told(Name="a", License="x" * 61, Classifier="License :: OSI Approved :: MIT License") == "MIT"
    assert told(Name="a", License="Public Domain") == "Public Domain"
    assert told(Name="a") is None


def test_the_checksums_are_what_sha256sum_reads(tmp_path):
    files_ = {"a": b"1", "b": b"2"}
    for name, octets in (files_ | {"SHA256SUMS": sums(files_)}).items():
        (tmp_path / name).write_bytes(octets)
    check = ["sha256sum", "--strict", "--check", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "b").write_bytes(b"3")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 1


def test_an_archive_gives_back_what_went_in(tmp_path):
    held = {"b/c": b"x" * 1000, "a": b""}
    (tmp_path / "one.zip").write_bytes(archives.zipped(held, EPOCH))
    (tmp_path / "one.tar.gz").write_bytes(archives.tarred(held, EPOCH))
    assert archives.unzipped(tmp_path / "one.zip") == archives.untarred(tmp_path / "one.tar.gz") == held
