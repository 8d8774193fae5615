# SPDX-License-Identifier: MIT
"""docs/messages.md: each kind of message as the firmware and the gateway really say it, in JSON and in octets."""
