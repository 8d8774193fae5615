# SPDX-License-Identifier: MIT
"""Updates of devices: what is said to them and by them, and how a job goes on from stage to stage."""
