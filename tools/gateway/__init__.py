# SPDX-License-Identifier: MIT
"""The emulated MSGin5G Gateway UE with an MSGin5G Server built in.

The protocol's decisions (`server`, `delivery`, `inbound`, with `bodies`, `payload`, `segments`, `rest`) know neither
aiocoap nor HTTP nor SQLite; `coap`, `http` and `store` do, and `runtime` ties them together.
"""
