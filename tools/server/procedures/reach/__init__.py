# SPDX-License-Identifier: MIT
"""UEs that are silent or away, by the means of the 3GPP network: TS 23.554 clause 8.9."""
