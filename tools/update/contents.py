# SPDX-License-Identifier: MIT
"""What a bundle holds, file by file: an application compiled, modules of the firmware, changes of a configuration, an
image of MicroPython.
"""

import ast
import json
from pathlib import Path

from tools.errors import UsageError
from tools.image import base, boards, bytecode, release
from tools.image.boards import FOLDER, ROOT
from tools.provision.check import check
from tools.update import keys
from tools.update.format import ANY, MAGIC
from tools.words import why

FIRMWARE = ROOT / "firmware"
APPLICATION = "app.py"
# What the firmware imports by these names: a module or a package of the application would hide it.
FIRMWARE_NAMES = ("base", "board", "coap", "device", "msgin5g")
_LEFT_OUT = ("__pycache__",)
# Begun before a slot is looked at, or for who builds an image.
_NEVER = ("main.py", "boot.py", "_boot.py", "firmware_pack.py", "manifest.py")
_MAIN = b'__name__ = "__main__"; '
# Of coap: the other rooms come with the package itself, so that they are there before a slot's could be.
_ROOMS = ("aio", "oscore")
# What a device never takes from a bundle, which anyone can read who has the file.
_SECRETS = ("security", "update", "application.credential", "espnow.pmk", "espnow.lmk")
# What lies beside an application, and would go out with its folder.
_NO_PART = {
    "a key that signs updates": lambda name, octets: keys.is_one(octets),
    "the configuration of a device, with its keys": lambda name, octets: name == "msgin5g.json",
    "a store, with the keys of its devices": lambda name, octets: octets.startswith(b"SQLite format 3\0"),
    "a bundle": lambda name, octets: octets.startswith(MAGIC),
}
# On these the changes are tried, as far as that can be said without the device.
_DEVICES = tuple(
    {
        "role": "client",
        "ue_service_id": "ue:a@example.org",
        "ue_id": "urn:imei:35-209900-176148-1",
        "peer": peer,
        "security": {"mode": "none"},
        "update": {"key": f"{1:08x}{6:08x}{3:08x}" + 96 * "0"},  # of some key of the usual kind
    }
    for peer in (
        "coap://192.0.2.1",
        "coap+uart://0",
        "l3+uart://0",
        "l3+espnow://02:00:00:00:00:01",
        "discover:",
    )
)


def application(arguments, compiled):
    """{path: octets} of files and folders that are an application, `compiled` or as they are. Raises UsageError.

    A folder with an app.py is the application, and what is in it lies where that does; another one keeps its name. Of
    files that are named, the only .py is the application, whatever it is called.
    """
    found = {}
    for argument in map(Path, arguments):
        for name, path in _files(argument):
            if name in found:
                raise UsageError(
                    f"{path} and {found[name]} would both be app/{name}: give one of them another name"
                )
            found[name] = path
    if not {APPLICATION, "app.mpy"} & found.keys():
        named = [path.name for path in map(Path, arguments) if path.suffix == ".py"]
        if len(named) != 1:
            raise UsageError("which of them is the application? It is called app.py")
        found[APPLICATION] = found.pop(named[0])
    contents = {}
    for name, path in sorted(found.items()):
        hidden = name.partition("/")[0].removesuffix(".py").removesuffix(".mpy")
        if hidden in FIRMWARE_NAMES:
            raise UsageError(
                f"{path} would hide the firmware's {hidden}: its modules are changed by --firmware, and an"
                " application's own have other names"
            )
        whole = _read(path)
        _refuse_others(name, path, whole)
        for made, octets in _made(name, whole, path, compiled).items():
            if f"app/{made}" in contents:
                raise UsageError(f"{path} would be app/{made}, which is there already: leave one of them out")
            contents[f"app/{made}"] = octets
    return contents


def _refuse_others(name, path, octets):
    for what, is_it in _NO_PART.items():
        if is_it(name, octets):
            raise UsageError(
                f"{path} is {what}, which is no part of an application: anybody can read a bundle. Keep it in another"
                " folder"
            )


def _files(argument):
    """(name, path) of the files that an argument stands for."""
    if not argument.is_dir():
        if not argument.is_file():
            raise UsageError(f"{argument}: there is no such file or folder")
        return [(argument.name, argument)]
    inside = (argument / APPLICATION).is_file() or (argument / "app.mpy").is_file()
    above = argument if inside else argument.resolve().parent
    folder = argument if inside else argument.resolve()
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [(path.relative_to(above).as_posix(), path) for path in paths]
    return [
        (name, path)
        for name, path in names
        if not any(part.startswith(".") or part in _LEFT_OUT for part in name.split("/"))
    ]


def _made(name, octets, path, compiled):
    """{name: octets} of what a file becomes."""
    if not name.endswith(".py"):
        return {name: octets}
    if name == APPLICATION:
        begun = as_main(octets, path)
        if begun is None:
            bytecode.module(octets, str(path))  # it goes out as it is, but not where it does not compile
            return {name: octets}
        octets = begun
    mpy = bytecode.module(octets, name if compiled else str(path))
    return {name.removesuffix(".py") + ".mpy": mpy} if compiled else {name: _read(path)}


def as_main(octets, path):
    """The source of app.py so that it is the main program when it is imported; lines keep their numbers. None where
    that cannot be: its first statement is a compound one, as `if` is, and nothing stands before it on its line."""
    try:
        body = ast.parse(octets, str(path)).body
    except (SyntaxError, ValueError):  # which MicroPython's compiler decides
        return None
    if not body or hasattr(body[0], "body"):
        return None
    lines = octets.splitlines(keepends=True)
    lines[body[0].lineno - 1] = _MAIN + lines[body[0].lineno - 1]
    return b"".join(lines)


def firmware(arguments, named):
    """{path: octets} of modules of the firmware, sources below firmware/ and boards/BOARD/, for the boards that are
    `named`; with each of them the whole folder that it lies in, for MicroPython looks for all modules of a package in
    one place. Raises UsageError."""
    if arguments and not boards.is_clone():
        raise UsageError("--firmware is for a clone of the project: a wheel has the tools alone")
    wanted = {}
    for argument in map(Path, arguments):
        for path in bytecode.sources(argument) if argument.is_dir() else [argument]:
            name = _module(path, named)
            wanted[name] = path
            if len(name.parts) > 1:
                wanted |= {_module(each, named): each for each in bytecode.sources(FIRMWARE / _unit(name))}
    contents = {}
    for name, path in sorted(wanted.items()):
        made = f"fw/{name.with_suffix('.mpy').as_posix()}"
        contents[made] = bytecode.module(_read(path), name, bytecode.SMALL)
    return contents


def _unit(name):
    """The folder that takes another one's place with this module: a room of a package, or the package."""
    package, room = name.parts[:2]
    alone = len(name.parts) > 2 and (package != "coap" or room in _ROOMS)
    return f"{package}/{room}" if alone else package


def _module(path, named):
    """Where a module of the firmware lies in it."""
    whole = path.resolve()
    for folder in [FIRMWARE] + [FOLDER / board for board in named]:
        if whole.is_relative_to(folder):
            name = whole.relative_to(folder)
            break
    else:
        raise UsageError(f"{path} is no module of firmware/, and none of boards/{' or boards/'.join(named)}")
    if folder != FIRMWARE and len(named) > 1:
        raise UsageError(f"{path} is of one board: make a bundle for that one alone")
    if name.parts[0] in ("base", "base.py") or name.name in _NEVER and len(name.parts) == 1:
        raise UsageError(f"{path} runs before any update does, and none can replace it: that is a new image")
    if name.suffix != ".py" or name.name == "manifest.py":
        raise UsageError(f"{path} is no module of a device")
    return name


def configuration(path):
    """The octets of config.json: changes of a configuration (RFC 7396) from a file. Raises UsageError."""
    try:
        changes = json.loads(_read(path), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    if not isinstance(changes, dict):
        raise UsageError(f'{path} is no JSON object: {{"member": its new value, or null to remove it}}')
    for secret in _SECRETS:
        section, _, member = secret.partition(".")
        inside = changes.get(section)
        if section in changes and (not member or isinstance(inside, dict) and member in inside):
            raise UsageError(
                f"{path} has {secret}, which is no part of a bundle: msgin5g provision gives a device its keys, and"
                " msgin5g gateway ue rekey changes those of OSCORE"
            )
    if boards.is_clone():
        verdicts = check(*(_merged(each, changes) for each in _DEVICES))
        if all(verdict.error for verdict in verdicts):
            raise UsageError(f"no device takes {path}: {verdicts[0].error}")
    return json.dumps(changes, separators=(",", ":"), ensure_ascii=False).encode()


def _once(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a member is there twice")
    return dict(pairs)


def _no_number(name):
    raise ValueError(f"{name} is no number of JSON")


def _merged(target, changes):
    """RFC 7396 section 2."""
    if not isinstance(changes, dict):
        return changes
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in changes.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = _merged(target.get(name), value)
    return target


def image(path, named):
    """The octets of image.bin: MicroPython for the ESP32, of a file with boot loader and partitions or of the
    application alone. Raises UsageError."""
    board = boards.board_data(named[0]) if len(named) == 1 and named != (ANY,) else {}
    if board.get("image", {}).get("format") != "esp32":
        raise UsageError(
            "--image is for one board whose flash has two places for MicroPython, --board esp32: the image of another"
            " goes onto it by cable (msgin5g flash)"
        )
    _, version, octets = base.application(path, board)
    mpy = bytecode.mpy_of({"any.mpy": bytecode.module(b"", "any.py")})
    release.check_mpy(version, mpy, board, base.DOWNLOADS)  # else it would not load what the device has
    return octets


def _read(path):
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from None
