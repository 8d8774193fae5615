# SPDX-License-Identifier: MIT
"""The tables of what the server keeps for UEs and Application Servers beside registrations and messages."""
