# SPDX-License-Identifier: MIT
"""Groups: their documents (TS 24.544), and what is sent to them (TS 24.538 clause 6.4.1.2.6 d 3)."""
