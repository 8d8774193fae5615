# SPDX-License-Identifier: MIT
"""Kinds of event that `next_event` of a Client or ApplicationClient gives."""

REGISTRATION = 1  # (REGISTRATION, the client): `registered` or `registration.state` changed
CHANGED = 2  # (CHANGED, outgoing): its state changed
MESSAGE = 3  # (MESSAGE, None): take() has something
TOPIC = 4  # (TOPIC, subscription): its state changed
REPORT = 5  # (REPORT, (outgoing, reporter, success, cause)): one of the many that a message went to
FAILED = 6  # (FAILED, (sender, message ID, cause)): a message to this device that it will never have
GROUP = 7  # (GROUP, subject): a Group was announced, left or is gone; or what was asked about groups changed its state
TRIGGER = 8  # (TRIGGER, address or None): a trigger asks the device to contact somebody
