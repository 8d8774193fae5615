# SPDX-License-Identifier: MIT
"""Decides which keys a device gets, and registers them with the gateway's store.

A device keeps its keys when only its settings change. New ones are made where it has none; in place of keys that are in
use only when asked for (`force`), because from then on the gateway refuses the old ones. Keys whose sequence numbers
are lost are never given again: the same nonces would be used twice (RFC 8613 section 7.2.1).
"""

import copy
import hmac
import json
import secrets
from dataclasses import dataclass

from tools.errors import UsageError
from tools.gateway import keys as key_files
from tools.gateway.applications import digest
from tools.gateway.commands import applications
from tools.gateway.commands.shared import BEHIND
from tools.provision.check import check

CREDENTIAL = 16  # octets
CLIENT, APPLICATION = "client", "application client"


@dataclass(frozen=True)
class Plan:
    """The configuration a device is to have. `new`: keys in it were made now; `keys`: for the store, None without."""

    config: dict
    new: bool
    keys: key_files.Keys | None

    @property
    def octets(self):
        return (json.dumps(self.config, indent=1) + "\n").encode()

    @property
    def ue(self):
        """The name of the device: its UE Service ID, or the UE ID by which it asks for that."""
        return _name(self.config)

    @property
    def what(self):
        """In words, for the person who waits."""
        if not self.has_secrets:
            return "no keys, everything in the clear"
        return "new keys" if self.new else "its keys are kept"

    @property
    def has_secrets(self):
        return self.keys is not None or "application" in self.config

    def register(self, store, mark=None):
        """Tells the gateway, and which device has the keys: all or nothing, and again if need be. Raises UsageError."""
        try:
            with store.transaction():
                named = "ue_service_id" in self.config
                if named and store.is_behind_message_gateway(self.ue):
                    raise UsageError(BEHIND % self.ue)
                if self.keys is not None:
                    add = key_files.add if named else key_files.add_ue_id
                    add(store, self.ue, self.keys, self.ue)
                    if mark is not None:
                        store.put_place(self.keys.digest, mark)
                elif named:
                    store.add_device(self.ue)
                application = self.config.get("application")
                if application is not None and not _same_application(store, self.ue, application):
                    credential = bytes.fromhex(application["credential"])
                    applications.add(store, application.get("app_id", 1), self.ue, credential)
        except key_files.KeyFileError as error:
            raise UsageError(str(error)) from None

    def unnamed(self, store):
        """Whether the device will ask for a UE Service ID that the gateway's store does not have."""
        return "ue_service_id" not in self.config and store.configuration(self.config["ue_id"]) is None


def keyless(settings):
    """Whether a device with these settings has no OSCORE keys: L3 knows none, and mode none wants none."""
    return settings["peer"].startswith("l3+") or settings.get("security", {}).get("mode") == "none"


def make(store, settings, found=None, force=False, has_row=lambda row: None):
    """The Plan for a device with these settings, which hold no keys.

    `found` is the configuration that the device has now; `has_row(name)` says whether its storage has that row, None
    where that can't be known. Raises UsageError, which says what to do; see also checked().
    """
    config = copy.deepcopy(settings)
    ue = _name(config)
    found = found if isinstance(found, dict) else {}
    new = False
    keys = None
    if keyless(config):
        config["security"] = {"mode": "none"}
    else:
        section = None if force else _kept_keys(store, config, found, has_row)
        new = section is None
        if new:
            with store.transaction():
                section = key_files.new_section(store.kids_in_use())
        config["security"] = section
        keys = key_files.of_section(ue, section)
    if config["role"] == APPLICATION:
        application = config.setdefault("application", {})
        application.setdefault("app_id", _app_id(store, ue, found))
        credential = None if force else _kept_credential(store, ue, application["app_id"], found)
        new = new or credential is None
        application["credential"] = credential or secrets.token_hex(CREDENTIAL)
    return Plan(config, new, keys)


def of_config(store, config, found=None, force=False, has_row=lambda row: None):
    """The Plan that gives a device the configuration `config`, with the keys that are in it. Raises UsageError."""
    plan = checked(Plan(config, False, None), "the configuration")
    if not keyless(config):
        try:
            plan = Plan(config, False, key_files.of_section("the configuration", config["security"]))
        except key_files.KeyFileError as error:
            raise UsageError(str(error)) from None
        here = _section(found)
        if here is not None and not _same(here, config["security"]) and not force:
            raise UsageError(f"it has other keys already, those of {_ue(found)}; --force replaces them")
        registered = _registered(store, config)
        if registered not in (None, plan.keys.digest) and not force:
            raise UsageError(
                f"the gateway has other keys for {plan.ue}, newer ones perhaps; --force replaces them"
            )
        _check_numbers(store, plan.ue, plan.keys, config, has_row)
    application = config.get("application")
    if (
        config["role"] == APPLICATION
        and store.application(application.get("app_id", 1)) is not None
        and not force
    ):
        if not _same_application(store, plan.ue, application):
            raise UsageError(
                f"the gateway has another application or credential for {plan.ue}; --force replaces it"
            )
    return plan


def check_place(store, plan, found, mark, force=False):
    """Refuses keys for a second device: `found` is the configuration that it has now. Raises UsageError."""
    if plan.keys is None or mark is None or force:
        return
    here = _section(found)
    if here is not None and _same(here, plan.config["security"]):
        return  # they are there already
    given = store.place_of_keys(plan.keys.digest)
    if given is not None and given != mark:
        raise UsageError(
            f"these keys of {plan.ue} went to {given}, and this is {mark}: two devices with one key use the same "
            "nonces, which lets a listener read both. Make this one keys of its own, with another --ue and without "
            "--config; --force gives it these, where the other one was thrown away before it ever started"
        )


def checked(plan, name=None):
    """The same Plan. Raises UsageError where the firmware would not start with it."""
    verdict = check(plan.config)[0]
    if verdict.error:
        raise UsageError(f"{name or plan.ue} would not do: {verdict.error}")
    return plan


def _registered(store, config):
    """The digest of the keys that the gateway has for this device, None where it has none."""
    if "ue_service_id" in config:
        return store.key_of_ue(config["ue_service_id"])
    return store.key_of_ue_id(config["ue_id"])


def _kept_keys(store, config, found, has_row):
    """The section `security` of what was found, None where new keys may be made. Raises UsageError."""
    ue = _name(config)
    section = _section(found)
    registered = _registered(store, config)
    if section is None:
        if registered is not None and store.sequence(registered)[1]:
            raise UsageError(
                f"the gateway has keys for {ue}, which were in use, and there are none here: the device's flash was "
                "erased, or this is another board. The old keys can't come back, for their sequence numbers are lost; "
                "--force makes new ones, and locks out whoever has the old ones"
            )
        return None
    if _ue(found) != ue:
        raise UsageError(f"it has keys already, those of {_ue(found)}; --force makes new ones for {ue}")
    try:
        keys = key_files.of_section("msgin5g.json", section)
    except key_files.KeyFileError as error:
        raise UsageError(f"the keys that are there can't be kept: {error}; --force makes new ones") from None
    if registered not in (None, keys.digest):
        raise UsageError(
            f"the gateway has other keys for {ue} than it has here; --force makes new ones for both"
        )
    _check_numbers(store, ue, keys, found, has_row)
    return section


def _check_numbers(store, ue, keys, config, has_row):
    """Refuses keys that were in use where their sequence numbers are gone. Raises UsageError."""
    sequence = store.sequence(keys.digest)
    if sequence is None or not sequence[1]:
        return
    row = check(config)[0].row
    if row is not None and has_row(row) is False:
        raise UsageError(
            f"these keys of {ue} were in use, and their sequence numbers (messages/{row}) are not here. With them the "
            "same nonces would be used twice, which lets a listener read both messages: make new ones with --force, "
            "without --config"
        )


def _app_id(store, ue, found):
    """The Application ID that the device has, at the gateway or by itself, or the first that is free."""
    taken = {}
    for application in store.applications():
        if application.ue == ue:
            return application.app_id
        taken[application.app_id] = application.ue
    ours = found.get("application", {}).get("app_id")
    if _ue(found) == ue and isinstance(ours, int) and ours not in taken:
        return ours
    return next(number for number in range(1, 65536) if number not in taken)


def _kept_credential(store, ue, app_id, found):
    """The credential of what was found, None where a new one may be made. Raises UsageError."""
    application = found.get("application")
    credential = application.get("credential") if isinstance(application, dict) else None
    registered = store.application(app_id)
    if registered is not None and registered.ue != ue:
        raise UsageError(f"application {app_id} is {registered.ue} at the gateway: take another --app-id")
    if credential is None or _ue(found) != ue or application.get("app_id", 1) != app_id:
        if registered is not None:
            raise UsageError(
                f"the gateway has a credential for application {app_id}, and there is none here; --force makes a new "
                "one, and locks out whoever has the old one"
            )
        return None
    if registered is not None and not _same_application(
        store, ue, {"app_id": app_id, "credential": credential}
    ):
        raise UsageError(
            f"the gateway has another credential for application {app_id} than it has here; --force makes a new one"
        )
    return credential


def _same_application(store, ue, application):
    registered = store.application(application.get("app_id", 1))
    if registered is None or registered.ue != ue:
        return False
    return hmac.compare_digest(registered.credential, digest(bytes.fromhex(application["credential"])))


def _section(config):
    """The section with OSCORE keys, or None."""
    section = config.get("security") if isinstance(config, dict) else None
    return section if isinstance(section, dict) and "master_secret" in section else None


def _same(one, other):
    names = ("master_secret", "master_salt", "sender_id", "recipient_id", "id_context")
    return [one.get(name) or "" for name in names] == [other.get(name) or "" for name in names]


def _name(config):
    return config.get("ue_service_id") or config.get("ue_id")


def _ue(config):
    """For a sentence: it may be of a damaged file."""
    ue = _name(config) if isinstance(config, dict) else None
    return ue if isinstance(ue, str) and ue.isprintable() and len(ue) <= 255 else "another device"
