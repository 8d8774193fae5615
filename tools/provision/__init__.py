# SPDX-License-Identifier: MIT
"""Gives a device its `msgin5g.json`, and the gateway's store the other half of its keys (docs/provisioning.md).

`plan` decides about keys, `places` are where a configuration may lie, `handover` brings it there, `many` does a list of
devices, `show` explains. No key is ever printed, logged or put on a command line.
"""
