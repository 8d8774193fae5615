# SPDX-License-Identifier: MIT
"""msgin5g provision: a device's configuration with new keys, onto its board and into the gateway's store."""

import argparse
import contextlib
import functools
from pathlib import Path

from tools import private
from tools.cli.parser import renamed
from tools.device import CONFIG_NAME
from tools.errors import UsageError
from tools.image import boards
from tools.line import ports, remote
from tools.page.events import sentence
from tools.provision import many, plan, radio, settings, show
from tools.provision.handover import provide, say_new
from tools.provision.places import BoardPlace, FilePlace, StatePlace
from tools.store.faults import StoreError
from tools.store.opening import open_store


def add_arguments(parser):
    device = parser.add_argument_group("the device")
    device.add_argument("--ue", metavar="ID", help="its UE Service ID, ue:sensor-1@example.org")
    device.add_argument(
        "--ue-id",
        metavar="ID",
        help="in place of --ue: its MSGin5G UE ID, urn:imei:..., by which it asks the server for its UE Service ID",
    )
    device.add_argument(
        "--peer",
        metavar="URI",
        help="its gateway: coap://192.0.2.1, coap+uart://0 (what a Pico gets by itself)",
    )
    device.add_argument("--role", choices=(plan.CLIENT, plan.APPLICATION), help="default: client")
    device.add_argument(
        "--app-id", metavar="N", type=_app_id, help="of an application client (default: a free one)"
    )
    device.add_argument(
        "--wifi", metavar="FILE|ask", help="file of two lines, network and password; `ask` asks for them"
    )
    device.add_argument(
        "--espnow",
        metavar="FILE",
        help="of l3+espnow://MAC: a file of keys, which the gateway's radio gets; what is missing in it is made",
    )
    device.add_argument(
        "--security", choices=("oscore", "none"), default="oscore", help="none: all in the clear"
    )
    device.add_argument(
        "--update-key",
        metavar="FILE",
        help="FILE.pub of `msgin5g keys`: the device takes updates that this key has signed (default: none at all)",
    )
    settings_file = device.add_argument(
        "--settings", metavar="FILE", help="a msgin5g.json without keys, for all other settings"
    )
    renamed(device, "--base", settings_file)
    device.add_argument(
        "--config", metavar="FILE", help="a whole msgin5g.json, made before with --out or --csv"
    )
    place = parser.add_argument_group(
        "where its configuration goes (default: the one board that is plugged in)"
    )
    place.add_argument("--port", metavar="PORT", help="a board: /dev/ttyACM0, socket://127.0.0.1:5901")
    place.add_argument(
        "--board",
        metavar="BOARD",
        help=f"the kind of board that is looked for: {', '.join(boards.having('usb'))}",
    )
    place.add_argument("--state", metavar="DIR", type=Path, help="the folder of a unix board")
    place.add_argument(
        "--out", metavar="FILE", type=Path, help="a file, for later; with --csv a folder of files"
    )
    other = parser.add_argument_group("more")
    other.add_argument(
        "--csv", metavar="FILE", type=Path, help="many devices: a line each, see docs/provisioning.md"
    )
    other.add_argument("--show", action="store_true", help="only explain the configuration that is there")
    other.add_argument(
        "--store", metavar="FILE", default="gateway.db", help="the gateway's (default: gateway.db)"
    )
    other.add_argument(
        "--force",
        action="store_true",
        help="new keys in place of those in use, which are refused from then on",
    )
    other.add_argument("--verbose", action="store_true", help="say each step on the board")


def main(args):
    if args.board is not None:
        boards.board_data(args.board)
    _refuse_ignored(args)
    if args.show:
        with _place(args) as (place, identity):
            return show.explain(place, identity)
    if args.csv:
        if args.out is None or args.ue or args.ue_id or args.config or args.state or args.port or args.board:
            raise UsageError("--csv takes a folder for its files, --out FOLDER, and no single device")
        with _store(args) as store:
            common = settings.of_options(args)
            return many.main(args.csv, common, args.out, store, args.force, _say, args.espnow)
    with _store(args) as store:
        return _one(args, store)


# What would be passed over in silence beside another option.
_SETTINGS = ("ue", "ue_id", "peer", "role", "app_id", "wifi", "espnow", "update_key", "settings")


def _refuse_ignored(args):
    given = [name for name in _SETTINGS if getattr(args, name) is not None]
    given += ["security"] * (args.security == "none")
    if args.show:
        given += [name for name in ("csv", "force") if getattr(args, name)]
        why = "--show only looks"
    elif args.config:
        why = "--config is a whole configuration"
    else:
        given = ["board"] if args.board in boards.having("usb") and (args.state or args.out) else []
        why = "--state and --out name no board"
    if given:
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        raise UsageError(f"{why}: {options} has no place beside it")


def _refuse_idle(args, wanted):
    """Options that would do nothing for the device that is wanted."""
    if args.app_id is not None and wanted["role"] != plan.APPLICATION:
        raise UsageError('--app-id is of an application: --role "application client"')
    files = [path for path in (args.out, args.state and args.state / CONFIG_NAME) if path]
    radio.refuse(args.espnow, [wanted["peer"]], files)


def _one(args, store):
    usual = None
    if args.config:
        if private.mend(args.config):
            _say(private.MENDED.format(args.config))
        make = functools.partial(plan.of_config, store, settings.load(args.config))
    else:
        # What is missing is said before a board is interrupted.
        wanted = settings.of_options(args)
        if not (wanted.get("peer") or args.state or args.out):
            usual = boards.board_data(args.board).get("peer") if args.board else boards.usual_peer()
        wanted = settings.complete(wanted, usual)
        _refuse_idle(args, wanted)
        make = functools.partial(plan.make, store, wanted)
    with _place(args) as (place, identity):
        if usual is not None:  # of some board, until this one has said which it is
            wanted["peer"] = usual if args.board else boards.usual_peer(identity.machine)
            if wanted["peer"] is None:
                raise UsageError(
                    f"where is the gateway of this board ({identity.machine})? --peer coap://ADDRESS"
                )
        old = place.read()
        found = settings.parse(old or b"")
        told = None if args.config else radio.give(wanted, found, args.espnow, args.force)
        made = make(found, force=args.force, has_row=place.has_row)
        plan.checked(made)
        mark = place.mark()
        plan.check_place(store, made, found, mark, args.force)
        done = provide(store, place, made, old, mark)
    say_new(store, _say)
    _say(f"{made.ue}: {made.what}; registered with the gateway's store {args.store}")
    if told is not None:
        _say(told)
    if made.unnamed(store):
        _say(
            f"it has no UE Service ID there yet: msgin5g gateway ue add {made.ue}, or --assign DOMAIN of the server"
        )
    _say(f"{place.name}: " + ("written, read back, the same" if done else "it was there already"))
    if identity is not None:
        _say(f"the board starts anew: msgin5g repl --port {place.where}")
    return 0


@contextlib.contextmanager
def _place(args):
    """(the place, the Identity of the board there or None). A board goes on when it is over, however it ends."""
    files = [args.out, Path(args.config) if args.show and args.config else None]
    if sum(each is not None for each in (args.port, args.state, *files)) > 1:
        raise UsageError("one place at a time: --port, --state or --out" + ", or --config" * args.show)
    if args.show and any(files):
        path = files[0] or files[1]
        if not path.is_file():
            raise UsageError(f"there is no file {path}")
        yield FilePlace(path), None
        return
    if args.out is not None:
        yield FilePlace(args.out), None
        return
    if args.state is not None:
        if args.show and not args.state.is_dir():
            raise UsageError(f"there is no folder {args.state}")
        yield StatePlace(args.state), None
        return
    if args.board is not None and boards.board_data(args.board)["mcu"] == boards.HOST:
        raise UsageError(f"a {args.board} board is a folder: name it with --state DIR")
    port = args.port or ports.find(args.board)
    with remote.Board(port, _say if args.verbose else lambda step: None) as board:
        try:
            identity = board.identity()
            kind = boards.part(args.board, "machine") if args.board else ""
            if kind not in identity.machine:
                raise UsageError(f"the board at {port} is no {kind}: {identity.machine}")
            yield BoardPlace(board, identity.firmware), identity
        except BaseException:
            with contextlib.suppress(UsageError):
                board.restart()
            raise
        board.restart()


@contextlib.contextmanager
def _store(args):
    try:
        store = open_store(args.store, serving=False)
    except StoreError as error:
        raise UsageError(str(error)) from None
    try:
        store.tidy_keys()
        for event, fields in store.news():
            if event != "store-made":  # said once something is in it
                _say(sentence({"event": event, **fields}))
        yield store
    finally:
        unused = store.file and store.file.made and not store.devices() and not store.kids_in_use()
        store.close()
        if unused:
            store.file.remove()


def _app_id(text):
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("an Application ID is a number from 0 to 65535")
    return int(text)


def _say(sentence):
    print(f"provision: {sentence}", flush=True)
