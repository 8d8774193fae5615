# SPDX-License-Identifier: MIT
"""The house stands: arrows between rooms go one way, nothing goes in a circle, no room is crowded, of tests neither.

Every `import` counts, those within functions too: they are there to save memory, not to go around a circle.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"

# Who may import whom: a room imports from itself and from those that stand before it here.
DEVICE = (
    ("base",),
    ("coap",),
    ("coap.oscore",),
    ("coap.aio",),
    (
        "msgin5g",
        "msgin5g.events",
        "msgin5g.timing",
    ),  # what every room of the service may need
    ("msgin5g.wire",),
    ("msgin5g.rules",),
    ("msgin5g.config", "msgin5g.config_check", "msgin5g.security"),
    ("msgin5g.store",),
    ("msgin5g.outgoing",),
    ("msgin5g.incoming",),
    ("msgin5g.procedures",),
    ("msgin5g.application",),
    # Of the errors the rooms below raise some; the package finds them then.
    ("msgin5g.errors",),
    ("msgin5g.base_client", "msgin5g.client", "msgin5g.application_client"),
    ("device",),
    ("main",),
)
HOST = (
    ("tools.words",),
    ("tools.errors",),
    ("tools.cli.examples",),
    ("tools.cli.parser",),
    ("tools.held",),
    ("tools.private",),
    ("tools.update.format",),
    # The gateway: of the rest of the tools it needs what stands above, and nothing more.
    ("tools.wire",),
    ("tools.store",),
    ("tools.server.settings", "tools.server.flood", "tools.server.isolation"),
    ("tools.server.delivery",),
    ("tools.server.elsewhere",),
    ("tools.server.speakers", "tools.server.routing"),
    ("tools.server.procedures",),
    ("tools.server",),
    ("tools.page",),
    ("tools.transport",),
    ("tools.gateway",),
    # The other tools.
    ("tools.programs",),
    ("tools.image.boards",),
    ("tools.line",),
    ("tools.impair",),
    ("tools.image",),
    ("tools.update.public",),
    ("tools.provision.check",),
    ("tools.update",),
    ("tools.application",),
    ("tools.device",),
    ("tools.emulator",),
    ("tools.flash",),
    ("tools.provision",),
    ("tools.trace",),
    ("tools.demo",),
    ("tools.doctor",),
    ("tools.bench",),
    ("tools.project",),
    ("tools.cli",),
)
SANS_IO = {"socket", "asyncio", "time", "select", "machine", "network", "threading"}


def modules(top, package):
    """{dotted name: path} of all modules below a folder."""
    found = {}
    for path in sorted((top / package.replace(".", "/")).rglob("*.py")):
        parts = path.relative_to(top).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name, path, known):
    """The names of `known` modules that this one imports, and the first words of all others."""
    inside, outside = set(), set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            targets = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            while target and target not in known:
                target = target.rpartition(".")[0]
            if target:
                inside.add(target)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                outside.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Import):
                outside |= {alias.name.partition(".")[0] for alias in node.names}
    return inside - {name}, outside


DEVICE_MODULES = {
    name: path
    for package in ("base", "coap", "msgin5g", "device")
    for name, path in modules(FIRMWARE, package).items()
} | {"main": FIRMWARE / "main.py"}
HOST_MODULES = {name: path for name, path in modules(ROOT, "tools").items() if name != "tools"}
GATEWAY_ROOMS = ("wire", "store", "server", "page", "transport", "gateway")
GATEWAY_MODULES = {name: path for name, path in HOST_MODULES.items() if name.split(".")[1] in GATEWAY_ROOMS}


def rank(name, order):
    """The place of a module's room in the order: the longest name that fits counts."""
    best = max(
        (
            (len(room), place)
            for place, rooms in enumerate(order)
            for room in rooms
            if (name + ".").startswith(room + ".")
        ),
        default=None,
    )
    assert best is not None, f"{name} is in no room"
    return best[1]


def upward(known, order):
    return {
        (name, target)
        for name, path in known.items()
        for target in imports(name, path, known)[0]
        if rank(target, order) > rank(name, order)
    }


def test_no_arrow_of_the_firmware_goes_up():
    # Names are imported from the package, which finds their homes when they are asked for.
    assert upward(DEVICE_MODULES, DEVICE) == set()


def test_no_arrow_of_the_tools_goes_up():
    assert upward(HOST_MODULES, HOST) == set()


@pytest.mark.parametrize("known", [DEVICE_MODULES, HOST_MODULES], ids=["firmware", "tools"])
def test_nothing_goes_in_a_circle(known):
    graph = {name: imports(name, path, known)[0] for name, path in known.items()}
    while graph:
        free = {name for name, targets in graph.items() if not targets & graph.keys()}
        assert free, f"a circle among {sorted(graph)}"
        graph = {name: targets for name, targets in graph.items() if name not in free}


@pytest.mark.parametrize("package", ["coap", "msgin5g"])
def test_the_protocol_holds_no_socket_and_no_clock(package):
    for name, path in modules(FIRMWARE, package).items():
        if name.startswith("coap.aio"):
            continue
        assert not imports(name, path, DEVICE_MODULES)[1] & SANS_IO, name


def test_the_service_knows_no_asyncio():
    for name, path in modules(FIRMWARE, "msgin5g").items():
        assert not [
            target for target in imports(name, path, DEVICE_MODULES)[0] if target.startswith("coap.aio")
        ]


def test_coap_stands_alone_and_the_gateway_is_independent():
    for name, path in modules(FIRMWARE, "coap").items():
        assert not [
            target for target in imports(name, path, DEVICE_MODULES)[0] if not target.startswith("coap")
        ], name
    for name, path in GATEWAY_MODULES.items():
        assert not imports(name, path, GATEWAY_MODULES)[1] & {"coap", "msgin5g", "device", "firmware"}, name


# The rooms of the tests have the names of the rooms of the code, but for these.
OWN_ROOMS = {
    "device": {"helpers", "memory"},  # what rooms share, and what holds in all of them where memory ends
    # who is at the other end, and what runs there; programs apart; gateways found; UEs that sleep and are woken; rooms
    # within `tools/gateway`
    "gateway": {"device", "serial", "apps", "apart", "function", "found", "relay", "reach"},
}
# What a person finds in one folder, a folder within it counted as one. A dozen is meant; `coap`, a table a module in
# `tools/store` and a few rooms of tests have up to four more that would not stand better elsewhere.
MOST = 16
# But for the floor of the tools, where all of them begin: six rooms of the gateway, ten of commands, four of what
# commands and tests share. A module lies there that is a command in one file, or that rooms of all three kinds use.
MOST_ROOMS, MOST_MODULES = 20, 6
FOLDERS = sorted(
    {
        folder.as_posix()
        for top in ("firmware", "tools", "host_tests")
        for path in (ROOT / top).rglob("*.py")
        for folder in path.relative_to(ROOT).parents
        if folder.name
    }
)


def things(folder):
    """The folders and the files that a person sees in a folder; what Python left there is none."""
    seen = [path for path in (ROOT / folder).glob("[!_.]*") if path.suffix != ".pyc"]
    rooms = [
        path for path in seen if path.is_dir() and any(p.suffix not in ("", ".pyc") for p in path.rglob("*"))
    ]
    return rooms, [path for path in seen if path.is_file()]


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "tools"])
def test_no_room_is_crowded(folder):
    rooms, files = things(folder)
    assert 0 < len(rooms) + len(files) <= MOST


def test_the_floor_of_the_tools_is_not_crowded():
    rooms, files = things("tools")
    assert 0 < len(rooms) <= MOST_ROOMS
    assert 0 < len(files) <= MOST_MODULES


@pytest.mark.parametrize("program", ["tools.gateway.program", "tools.gateway.serverprogram"])
def test_a_command_on_the_store_does_not_wait_for_what_serves(program):
    """With aiocoap and aiohttp a start takes three times as long; a hundred devices are a hundred starts."""
    code = (
        f"import sys, {program}; print(*sorted({{'aiocoap', 'aiohttp', 'cryptography'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_rooms_of_tests_are_called_as_those_of_the_code():
    rooms = {
        "device": {
            name.rpartition(".")[2] for name, path in DEVICE_MODULES.items() if path.stem == "__init__"
        },
        "gateway": set(GATEWAY_ROOMS),
    }
    for side, known in rooms.items():
        named = {path.name for path in things(f"host_tests/{side}")[0]}
        assert named and named - known == OWN_ROOMS[side]


def test_each_file_of_the_device_tests_has_a_name_of_its_own():
    """On the emulated board they lie in one folder, with what `sys.path` finds there: the firmware."""
    names = [path.stem for path in (ROOT / "host_tests/device").rglob("*.py")]
    names += [name.partition(".")[0] for name in DEVICE_MODULES if "." not in name]
    assert sorted(names) == sorted(set(names))


def test_it_sees_what_is_wrong(tmp_path):
    """An import upward within a function, and a circle."""
    for name, text in {
        "low.py": "def f():\n    from . import high\n",
        "high.py": "from .low import f\n",
    }.items():
        (tmp_path / "house").mkdir(exist_ok=True)
        (tmp_path / "house" / name).write_text(text)
    known = modules(tmp_path, "house")
    assert upward(known, (("house.low",), ("house.high",))) == {("house.low", "house.high")}
    with pytest.raises(AssertionError, match="circle"):
        test_nothing_goes_in_a_circle(known)
