# SPDX-License-Identifier: MIT
"""Updates of devices: what a bundle is, who signs it, and how one goes out."""
