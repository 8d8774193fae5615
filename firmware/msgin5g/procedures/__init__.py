# SPDX-License-Identifier: MIT
"""The procedures of TS 24.538 clause 6 beside messages, one in a file."""
