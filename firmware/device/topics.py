# SPDX-License-Identifier: MIT
"""Waiting for the end of a subscription or of an un-subscription. Imported when the first is asked for."""

import asyncio

import msgin5g

from .waiting import wait_for_ms


async def wait_until_done(runner, subscription, timeout_s):
    """Return when the server has granted what was asked; raise SubscriptionError where not."""
    wait = None if timeout_s is None else int(timeout_s * 1000)
    try:
        await wait_for_ms(_done(runner, subscription), wait)
    except asyncio.TimeoutError:
        registration = runner.core.registration
        why = subscription.cause if runner.registered else registration.cause
        raise msgin5g.SubscriptionError(
            "%s: still %s after %s s, %s%s; the device goes on trying"
            % (
                subscription.topic,
                subscription.state,
                timeout_s,
                registration.state,
                ": " + why if why else "",
            )
        )
    if subscription.state == "refused":
        raise msgin5g.SubscriptionError("%s: refused: %s" % (subscription.topic, subscription.cause))


async def _done(runner, subscription):
    while not subscription.done:
        runner.check()
        await runner.watch(subscription).wait()
