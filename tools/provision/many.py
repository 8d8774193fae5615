# SPDX-License-Identifier: MIT
"""Many devices from a list: one line each, one file each.

The whole list is looked at before anything is done, and every mistake in it is told. It can be run again, with lines
added or after it was interrupted: what is done already is not done twice.
"""

import csv
import re
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tools.errors import UsageError
from tools.provision import plan, radio, settings
from tools.provision.check import check
from tools.provision.handover import provide, say_new
from tools.provision.places import FilePlace
from tools.words import counted, why

# column: what the firmware calls it, to find the column that a ConfigError is about
COLUMNS = {
    "ue": "ue_service_id",
    "peer": "peer",
    "role": "role",
    "ue_id": "ue_id",
    "server": "server",
    "app_id": "application.app_id",
    "wifi_ssid": "wifi.ssid",
    "wifi_password": "wifi.password",
}
MAX_TOLD = 20
# Stands for the keys while the list is looked at; never given to a device.
EXAMPLE_KEYS = {"master_secret": "00" * 16, "sender_id": "00", "recipient_id": ""}


@dataclass(frozen=True)
class Device:
    line: int
    settings: dict

    @property
    def ue(self):
        """The name of the device: its UE Service ID, or the UE ID by which it asks for that."""
        return self.settings.get("ue_service_id") or self.settings["ue_id"]

    @property
    def column(self):
        """The column that names it."""
        return "ue" if "ue_service_id" in self.settings else "ue_id"

    @property
    def file(self):
        """A name for any file system: of a UE Service ID only letters, digits and .@-_ stay."""
        return re.sub(r"[^A-Za-z0-9.@_-]", "_", self.ue).lstrip(".") + ".json"


def main(path, common, folder, store, force, say, keys=None):
    """Exit code 0 when every device of the list has its file. Raises UsageError. `keys`: the file of ESP-NOW's."""
    devices = read(path, common)
    radio.refuse(
        keys, [device.settings["peer"] for device in devices], [folder / device.file for device in devices]
    )
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"{folder}: {why(error)}") from None
    made = kept = unnamed = bare = 0
    failures = []
    columns = (TextColumn("provision:"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(devices))
        for device in devices:
            progress.update(task, description=device.ue)
            place = FilePlace(folder / device.file)
            try:
                old = place.read()
                found = settings.parse(old or b"")
                told = radio.give(device.settings, found, keys, force)
                wanted = plan.make(store, device.settings, found, force)
                if provide(store, place, wanted, old):
                    made += 1
                else:
                    kept += 1
                unnamed += wanted.unnamed(store)
                bare += told == radio.BARE
            except UsageError as error:
                failures.append(f"{path}, line {device.line}: {error}")
            progress.advance(task)
    for failure in failures[:MAX_TOLD]:
        say(failure)
    say_new(store, say)
    say(
        f"{counted(len(devices), 'device')}: {made} written to {folder}, {kept} there already, {len(failures)} failed"
    )
    if bare:
        say(f"{bare} of them: {radio.BARE}")
    if unnamed:
        say(
            f"{counted(unnamed, 'of them has', 'of them have')} no UE Service ID there yet: "
            "msgin5g gateway ue add --csv FILE, or --assign DOMAIN of the server"
        )
    return 1 if failures else 0


def read(path, common):
    """The Devices of a list. Raises UsageError with every mistake in it, by line and column."""
    mistakes = []
    devices = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            _check_header(path, table.fieldnames)
            lines = {}  # UE Service ID: its first line
            for row in table:
                device = _device(table.line_num, row, common, lines, mistakes)
                if device is not None:
                    devices.append(device)
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text") from None
    except csv.Error as error:
        raise UsageError(f"{path}, line {table.reader.line_num}: {error}") from None
    _check_twice(devices, mistakes)
    _check_firmware(devices, mistakes)
    if mistakes:
        mistakes.sort(key=lambda mistake: mistake[0])
        told = [f"{path}, line {line}, column {column}: {what}" for line, column, what in mistakes[:MAX_TOLD]]
        left = len(mistakes) - len(told)
        told += [f"and {left} more"] * (left > 0)
        raise UsageError(*told, "nothing was done")
    if not devices:
        raise UsageError(f"{path} has no device below its first line")
    return devices


def _check_header(path, names):
    columns = ", ".join(COLUMNS)
    if not names or not {"ue", "ue_id"} & set(names):
        raise UsageError(
            f"{path}, line 1: it must name its columns, ue among them; there are {columns}; ue_id can take the place "
            "of ue"
        )
    for name in names:
        if name not in COLUMNS:
            raise UsageError(f"{path}, line 1: {name!r} is no column; there are {columns}")
        if names.count(name) > 1:
            raise UsageError(f"{path}, line 1: column {name} is there twice")


def _device(line, row, common, lines, mistakes):
    """One line; None, and a mistake told, for one that makes no device."""
    if None in row:
        mistakes.append((line, list(COLUMNS)[0], "the line has more columns than the first line has"))
        return None
    row = {name: (value or "").strip() for name, value in row.items()}
    name = "ue" if row.get("ue") else "ue_id"
    if not row.get(name):
        or_ue_id = ", or ue_id a UE ID" * ("ue_id" in row)
        mistakes.append((line, "ue", "is empty; it must be a UE Service ID" + or_ue_id))
        return None
    first = lines.setdefault((name, row[name]), line)
    if first != line:
        mistakes.append((line, name, f"is that of line {first} already"))
        return None
    app_id = row.get("app_id")
    if app_id and not (app_id.isdecimal() and app_id.isascii() and int(app_id) <= 65535):
        mistakes.append((line, "app_id", "must be a number from 0 to 65535"))
        return None
    if row.get("wifi_password") and not row.get("wifi_ssid"):
        mistakes.append((line, "wifi_ssid", "is empty, and there is a wifi_password"))
        return None
    wanted = settings.merged(common, {"ue_service_id": row.get("ue"), **row})
    if not wanted.get("peer"):
        mistakes.append((line, "peer", "is empty; give one here or with --peer"))
        return None
    return Device(line, settings.complete(wanted))


def _check_twice(devices, mistakes):
    files, app_ids = {}, {}
    for device in devices:
        first = files.setdefault(device.file.lower(), device)
        if first is not device:
            what = (
                f"would have the file of line {first.line}, {device.file}: only letters, digits and .@-_ stay"
            )
            mistakes.append((device.line, device.column, what))
        app_id = device.settings.get("application", {}).get("app_id")
        if app_id is not None and app_ids.setdefault(app_id, device) is not device:
            mistakes.append((device.line, "app_id", f"is that of line {app_ids[app_id].line} already"))


def _check_firmware(devices, mistakes):
    tried = []
    for device in devices:
        config = dict(device.settings)
        config["security"] = {"mode": "none"} if plan.keyless(config) else EXAMPLE_KEYS
        if config["role"] == plan.APPLICATION:
            config["application"] = {"app_id": 1, **config["application"], "credential": "00"}
        tried.append(config)
    columns = {key: column for column, key in COLUMNS.items()}
    for device, verdict in zip(devices, check(*tried), strict=True):
        if verdict.error:
            # What no column says comes from the options.
            column = columns.get(verdict.key, device.column)
            what = verdict.error.removeprefix(f"{verdict.key}: ") if verdict.key in columns else verdict.error
            mistakes.append((device.line, column, what))
