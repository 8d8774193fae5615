# SPDX-License-Identifier: MIT
"""Waiting until the server has granted what was asked: a subscription, its end, a call about a group. Imported by the
first that waits."""

import asyncio

import msgin5g
from coap.aio.waiting import wait_for_ms


async def wait_until_done(runner, subject, timeout_s, name, failure, then="the device goes on trying"):
    """Return when the server has granted what `subject` is, which is called `name`; raise `failure`, a class, where
    not. `then` says what comes of it where that takes longer than `timeout_s` seconds (None: for ever)."""
    wait = None if timeout_s is None else int(timeout_s * 1000)
    try:
        await wait_for_ms(_done(runner, subject), wait)
    except asyncio.TimeoutError:
        registration = runner.core.registration
        why = subject.cause if runner.registered else registration.cause
        raise failure(
            "%s: still %s after %s s, %s%s; %s"
            % (name, subject.state, timeout_s, registration.state, ": " + why if why else "", then)
        )
    if subject.state == "refused":
        raise failure("%s: refused: %s" % (name, subject.cause))


async def wait_or_withdraw(runner, procedure, call, timeout_s, failure, then):
    """Return the result of a call of a procedure. In vain, or where who called is cancelled, it is withdrawn."""
    try:
        await wait_until_done(runner, call, timeout_s, call.title, failure, then)
    finally:
        if not call.done:
            runner.wake(call)
            if not runner.ended:
                runner.call(procedure, "withdraw", call)
    return call.result


async def _done(runner, subject):
    while not subject.done:
        runner.check()
        await runner.watch(subject).wait()


async def subscribed(runner, subscription, timeout_s):
    """Return when a topic is subscribed, or is not any more; raise SubscriptionError where the server refuses that."""
    await wait_until_done(runner, subscription, timeout_s, subscription.topic, msgin5g.SubscriptionError)
