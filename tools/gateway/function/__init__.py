# SPDX-License-Identifier: MIT
"""The Gateway UE of MSGin5G-6, a file for each of its procedures (TS 24.538 clauses 6.2.3, 6.3.4.3, 6.3.5).

Like the server's decisions it has no socket and no clock: requests and time come in, answers go out.
"""
