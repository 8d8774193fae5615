# SPDX-License-Identifier: MIT
"""The documentation as a site: the pages of docs/, and those that lie beside what they are about, in `build/site`."""
