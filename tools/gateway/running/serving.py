# SPDX-License-Identifier: MIT
"""From a command line to a program that runs until somebody ends it.

Errors of the user are one line that says what to do, and exit code 2.
"""

import asyncio
import gc
import logging
import signal
import sys

from tools.gateway.keys import KeyFileError
from tools.gateway.running.options import AddressInUse, NoCapture
from tools.gateway.values import events_of
from tools.page.events import to_stdout
from tools.page.sinks import say
from tools.server.hosts import is_loopback
from tools.server.settings import Settings
from tools.store.faults import TAKES_NOTHING
from tools.store.store import StoreError
from tools.transport.web.tls import CertificateError
from tools.words import complain, counted, with_name

WARNING = (
    "WARNING: --security none: no authentication and no encryption. Whoever reaches the address can register and send."
    " Keep it on a network that you trust."
)
HTTP_WARNING = (
    "WARNING: --http %s can be reached by other machines, and what goes there is not encrypted: bearer tokens and"
    " messages can be read on the way. Give --tls-cert FILE, put a proxy with TLS before it, or leave it on the"
    " loopback address."
)
DRAINS = "%s under way, and may take %g s more: the same signal again ends it at once"


class Mistake(Exception):
    """Of the user: the sentence says what to do."""


class Command:
    """A program that serves. `actions`: {name: what does it with (args, fail)}; `make(args, events)`: the Running;
    `hints(args, program)`: sentences on what nobody can do yet."""

    def __init__(self, actions, make, hints):
        self._actions = actions
        self._make = make
        self._hints = hints

    def main(self, args):
        try:
            if args.gateway_action:
                return self._actions[args.gateway_action](args, self.fail)
            if args.retry_max < args.retry_min and args.retry_max != Settings.retry_max:
                raise Mistake("--retry-max is below --retry-min")
            if args.tls_key and not args.tls_cert:
                raise Mistake("--tls-key without --tls-cert FILE: whose key is it?")
            events = events_of(args)
        except BrokenPipeError:  # who reads has seen enough, and hears no word of it
            raise
        except (StoreError, KeyFileError, Mistake, OSError) as error:
            return self.fail(with_name(error))
        except TAKES_NOTHING as error:
            return self.fail("the store takes nothing now (%s): try again" % error)
        return self._run(args, events)

    def fail(self, sentence):
        complain(str(sentence))
        return 2

    def _run(self, args, events):
        """Serves until somebody ends it; gives the exit code."""
        if args.security == "none":
            say(WARNING)
        if not (args.tls_cert or is_loopback(args.http[0])):
            say(HTTP_WARNING % args.http[0])
        logging.basicConfig(stream=sys.stderr, level=logging.DEBUG if args.coap_log else logging.ERROR)
        logging.getLogger("aiocoap.cryptography").setLevel(logging.ERROR)  # it tells salts and IVs
        try:
            return asyncio.run(self._serve(args, events))
        except (StoreError, KeyFileError, AddressInUse, CertificateError, NoCapture, Mistake) as error:
            return self.fail(error)
        except KeyboardInterrupt:
            return 130
        finally:
            if events:
                events.close()

    async def _serve(self, args, events):
        stop, now = asyncio.Event(), asyncio.Event()

        def asked():
            (now if stop.is_set() else stop).set()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, asked)
        async with self._make(args, to_stdout(events)) as program:
            if program.certificate is not None:
                asyncio.get_running_loop().add_signal_handler(
                    signal.SIGHUP, program.look_at_certificate, True
                )
            for hint in self._hints(args, program):
                say(hint)
            # What is there now stays: the collector need not go through all modules again and again.
            gc.collect()
            gc.freeze()
            await stop.wait()
            await _drained(program, args.drain, now)
        say("stopped")
        return 0


async def _drained(program, seconds, now):
    """What is under way comes to its end, unless that takes too long, or `now` is set."""
    draining = asyncio.ensure_future(program.drain(seconds))
    at_once = asyncio.ensure_future(now.wait())
    if program.draining.left:
        say(DRAINS % (counted(program.draining.left, "request is", "requests are"), seconds))
    await asyncio.wait((draining, at_once), return_when=asyncio.FIRST_COMPLETED)
    for each in (draining, at_once):
        each.cancel()
    await asyncio.gather(draining, at_once, return_exceptions=True)
