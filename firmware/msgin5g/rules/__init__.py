# SPDX-License-Identifier: MIT
"""What every procedure keeps to: the contract of a source of requests, the policy of retries, the states."""
