# SPDX-License-Identifier: MIT
"""The decisions of the MSGin5G Server, without sockets: who may do what, and what becomes of each message."""
