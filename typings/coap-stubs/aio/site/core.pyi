# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The resource /.well-known/core, which lists the others: RFC 6690 sections 4 and 4.1. Imported when it is asked
for.
"""
def well_known(site):
    """Return the Route of a site's /.well-known/core."""
def document(site, wanted=None):
    """Return the links of a site as octets: all of them, or those that fit `wanted`, a (name, value)."""
