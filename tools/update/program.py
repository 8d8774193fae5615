# SPDX-License-Identifier: MIT
"""`msgin5g update`: bundles to devices, by the store of the gateway or server that they register with, whether that
runs or not."""

import argparse
import contextlib
import json
import re
import time

from tools.errors import UsageError
from tools.gateway.commands.shared import add_store, row_id, service_id
from tools.store.faults import TAKES_NOTHING, StoreError
from tools.store.opening import open_store
from tools.store.server.bundletables import NoRoomError, StoredBundle
from tools.store.server.updatetables import DONE, PAUSED, RUNNING, STATES, STOPPED, Plan
from tools.update import format, watching
from tools.words import complain, counted, with_name

_JOB = "as `update list` says it"
_NO_LIMIT = 1 << 40  # rows


def add_arguments(parser):
    verbs = parser.add_subparsers(dest="update_verb", metavar="send|list|show|pause|resume|stop|again")
    verbs.required = True
    _add_send(verbs)
    verbs.add_parser("list", help="print all updates, the newest last")
    show = verbs.add_parser("show", help="how each device of an update stands, and why")
    show.add_argument("--state", metavar="STATE", choices=STATES, help="only those: %s" % ", ".join(STATES))
    verbs.add_parser("pause", help="nothing more goes out for it until it is resumed")
    verbs.add_parser("resume", help="it goes on; failures are counted anew")
    stop = verbs.add_parser("stop", help="the end of it, but for devices that try it already")
    again = verbs.add_parser(
        "again", help="devices that refused it, rolled back or were stopped get it once more"
    )
    for verb in ("show", "pause", "resume", "stop", "again"):
        verbs.choices[verb].add_argument("job", metavar="JOB", type=row_id, help=_JOB)
    for one, more in ((stop, ", which nobody waits for then even if it tries it"), (again, ", at once")):
        one.add_argument("--ue", metavar="ID", type=service_id, help="this device alone" + more)
    for verb in ("send", "list", "show"):
        verbs.choices[verb].add_argument("--json", action="store_true", help="for programs")
    add_store(*verbs.choices.values())
    parser.set_defaults(store="gateway.db")


def _add_send(verbs):
    send = verbs.add_parser("send", help="bring a bundle to devices, and say how that goes until it is over")
    send.add_argument("bundle", metavar="BUNDLE", help="the file that `msgin5g bundle` made")
    whom = send.add_mutually_exclusive_group(required=True)
    whom.add_argument(
        "--ue", metavar="ID", type=service_id, nargs="+", action="extend", help="to these devices"
    )
    whom.add_argument("--group", metavar="ID", type=service_id, help="to the members of this group")
    whom.add_argument("--all", action="store_true", help="to all devices that are known here")
    send.add_argument(
        "--first",
        metavar="N",
        type=part,
        help="to so many first, 5 or 2%%; the others follow when these have it",
    )
    send.add_argument(
        "--then",
        metavar="N",
        type=part,
        help="so many of the others at a time, 50 or 10%%; without it, all of them",
    )
    send.add_argument(
        "--pause-on-failures",
        metavar="N",
        type=_number,
        default=2,
        help="devices that refuse it or roll back until it is paused (%(default)s; 0: it never is)",
    )
    send.add_argument("--no-wait", action="store_true", help="do not wait for its end")


def part(text):
    """A number of devices, or a part of them in percent."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}|([1-9][0-9]?|100)%", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            "%r is no number of devices from 1, and no part of them from 1%% to 100%%" % text[:32]
        )
    return text


def _number(text):
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        raise argparse.ArgumentTypeError("%r is no number of devices" % text[:32])
    return int(text)


def main(args):
    """Exit code 0; 1 where an update that was waited for did not come to each device. Raises UsageError."""
    try:
        return _VERBS[args.update_verb](args)
    except (StoreError, NoRoomError) as error:
        raise UsageError(str(error)) from None
    except TAKES_NOTHING as error:
        raise UsageError("the store takes nothing now (%s): try again" % error) from None


@contextlib.contextmanager
def _opened(args):
    """The store, closed at the end. Raises StoreError."""
    store = open_store(args.store, serving=False, create=False)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def _changing(args):
    with _opened(args) as store, store.transaction():
        yield store


# ---- send ------------------------------------------------------------------------------------------------------------


def _send(args):
    if args.then is not None and args.first is None:
        raise UsageError("--then is for those behind the first ones: give --first N as well")
    bundle = read(args.bundle)
    manifest = bundle.manifest
    stored = StoredBundle(
        bundle.id,
        manifest.kind,
        manifest.name,
        manifest.version,
        manifest.number,
        manifest.trial,
        manifest.contents,
    )
    with _opened(args) as store:
        with store.transaction():
            ues = _ues(store, args)
            now = time.time()
            store.add_bundle(stored, bundle.signed, bundle.signature, bundle.contents, now)
            plan = Plan(args.first, args.then, args.pause_on_failures)
            job = store.add_update(stored, ues, plan, now)
        if args.no_wait:
            said = store.update_for_people(store.update(job))
            text = "update %d: %s %s to %s" % (
                job,
                manifest.name,
                manifest.version,
                counted(len(ues), "device"),
            )
            print(json.dumps(said) if args.json else text)
            return 0
        return watching.watch(store, job, args.store, args.json)


def read(path):
    """The Bundle in a file. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            octets = file.read(format.MAX_BUNDLE + 1)
    except OSError as error:
        raise UsageError(with_name(error)) from None
    try:
        return format.read(octets)
    except format.FormatError as error:
        raise UsageError("%s: %s" % (path, error)) from None


def _ues(store, args):
    """The UE Service IDs that it goes to. Raises UsageError."""
    if args.ue:
        for ue in args.ue:
            if not store.known(ue):
                raise UsageError(
                    "%s is not in %s: msgin5g gateway device add %s, or let it register first"
                    % (ue, args.store, ue)
                )
            if not _may_get(store, ue):
                raise UsageError(
                    "%s is no device that takes updates: applications are behind it, or UEs" % ue
                )
        return list(dict.fromkeys(args.ue))
    if args.group is not None:
        group = store.group_of_id(args.group)
        if group is None:
            raise UsageError(
                "there is no group %s in %s: see `msgin5g gateway group list`" % (args.group, args.store)
            )
        found = [member.id for member in store.members(group.document)]
    else:
        found = [ue for ue, _ in store.listed(None, 0, _NO_LIMIT)]  # too many are refused, none is left out
    ues = [ue for ue in found if store.known(ue) and _may_get(store, ue)]
    if ues and args.group is not None and len(ues) < len(found):
        words, first = counted(len(found) - len(ues), "member"), next(id_ for id_ in found if id_ not in ues)
        complain("not sent to %s of %s, no device of %s: %s" % (words, args.group, args.store, first))
    if not ues:
        raise UsageError(
            "there is no device to send it to in %s: see `msgin5g gateway device list`" % args.store
        )
    return ues


def _may_get(store, ue):
    """Whether it may be a device with this firmware."""
    return not (store.is_gateway(ue) or store.applications_of(ue))


# ---- what there is ---------------------------------------------------------------------------------------------------


def _list(args):
    with _opened(args) as store:
        said = [store.update_for_people(job) for job in reversed(store.updates())]
    if args.json:
        print(json.dumps({"items": said}))
        return 0
    for each in said:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(each["created"]))
        print("%d  %s  %s" % (each["job"], when, watching.line(each)))
    return 0


def _show(args):
    with _opened(args) as store:
        job = _job(store, args)
        said = store.update_for_people(job)
        devices = [each.for_people for each in store.update_devices(job.job, args.state, 0, _NO_LIMIT)]
    if args.json:
        print(json.dumps(said | {"items": devices}))
        return 0
    print("%d  %s" % (job.job, watching.line(said)))
    for each in devices:
        print("  " + watching.device_line(each))
    return 0


def _job(store, args, *states):
    """The UpdateJob that is meant, in one of these states where some are given. Raises UsageError."""
    job = store.update(args.job)
    if job is None:
        raise UsageError("there is no update %d in %s: see `update list`" % (args.job, args.store))
    if states and job.state not in states:
        raise UsageError("update %d is %s, not %s" % (job.job, job.state, " or ".join(states)))
    return job


# ---- what is changed -------------------------------------------------------------------------------------------------


def _pause(args):
    with _changing(args) as store:
        job = _job(store, args, RUNNING)
        store.set_update_state(job.job, PAUSED, "by command")
    print("update %d is paused; devices that try it already go on" % job.job)
    return 0


def _resume(args):
    with _changing(args) as store:
        job = _job(store, args, PAUSED)
        store.set_update_state(job.job, RUNNING, failed=0)
    print("update %d goes on" % job.job)
    return 0


def _stop(args):
    with _changing(args) as store:
        job = _job(store, args, RUNNING, PAUSED)
        if args.ue is not None and store.update_device(job.job, args.ue) is None:
            raise UsageError("%s is not in update %d: see `update show %d`" % (args.ue, job.job, job.job))
        stopped = store.stop_devices(job.job, time.time(), "by command", args.ue)
        if args.ue is not None and not stopped:
            state = store.update_device(job.job, args.ue).state
            raise UsageError("%s is at its end in update %d: %s" % (args.ue, job.job, state))
        if args.ue is None:
            store.set_update_state(job.job, STOPPED, "by command")
    print("stopped update %d for %s" % (job.job, counted(stopped, "device")))
    return 0


def _again(args):
    with _changing(args) as store:
        job = _job(store, args)
        again = store.try_again(job.job, time.time(), args.ue)
        if not again:
            who = "no device" if args.ue is None else args.ue + " is none that"
            raise UsageError(
                "%s refused update %d, rolled it back or was stopped: see `update show %d`"
                % (who, job.job, job.job)
            )
        if job.state in (DONE, STOPPED):
            store.set_update_state(job.job, RUNNING, failed=0)
    later = " once it is resumed: update resume %d" % job.job if job.state == PAUSED else ""
    print("update %d goes to %s again%s" % (job.job, counted(again, "device"), later))
    return 0


_VERBS = {
    "send": _send,
    "list": _list,
    "show": _show,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "again": _again,
}
