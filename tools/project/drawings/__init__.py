# SPDX-License-Identifier: MIT
"""The diagrams of docs/, a module each: `python -m tools.project.drawings` draws them anew."""
