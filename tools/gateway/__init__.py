# SPDX-License-Identifier: MIT
"""The emulated MSGin5G Gateway UE with an MSGin5G Server built in.

The protocol's decisions (`tools.server`, `applications`) know neither aiocoap nor HTTP nor SQLite;
`tools.transport` and `tools.store` do, and `running` ties them together.
"""
