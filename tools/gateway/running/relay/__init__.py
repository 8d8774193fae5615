# SPDX-License-Identifier: MIT
"""The Relay UE (TS 24.538 clauses 6.2.2, 6.3.3, 6.4.2.4): datagrams between clients and one server, unchanged."""
