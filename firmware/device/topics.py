# SPDX-License-Identifier: MIT
"""The calls of a running client about topics. Imported with the first of them."""

import msgin5g

from .granted import wait_until_done


async def done(runner, subscription, timeout_s):
    """Return when the server has granted what was asked; raise SubscriptionError where not."""
    await wait_until_done(runner, subscription, timeout_s, subscription.topic, msgin5g.SubscriptionError)
