# SPDX-License-Identifier: MIT
"""HTTP: the APIs of TS 29.538 and the page, their connections, their errors, and what is posted to others."""
