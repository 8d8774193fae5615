# SPDX-License-Identifier: MIT
"""ESP32 and its kin: Wi-Fi, ESP-NOW, UARTs. Which pins a board has what on says `pins.json` beside it (README)."""

import json

import machine
from micropython import const

from coap.oscore.files import FileStorage
from device import links

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Config, Link, Timer, Watchdog

_PINS = "pins.json"
_SHORTEST = const(1000)  # ms that the watchdog can be told at least
# Octets that the driver keeps for us. A write waits where they do not suffice, and the event loop with it.
_RECEIVED = const(2048)
_SENT = const(2048)


class Board:
    """An ESP32, as contracts.pyi has a board."""

    name = "esp32"

    def __init__(self):
        self.storage = FileStorage("messages")
        self._radio = None  # the link that uses it

    def unique_id(self) -> bytes:
        """Return 6 octets of the chip: the MAC address that it was made with."""
        return machine.unique_id()

    def links(self, config: "Config") -> "Link":
        """Return the link that `config.peer` asks for."""
        if config.peer_scheme in ("coap", "discover"):
            from device.links import wifi

            self._radio = wifi.link(config)
            return self._radio
        if config.peer_scheme == "l3+espnow":
            from device.links import espnow

            self._radio = espnow.link(config)
            return self._radio
        uarts = _pins().get("uarts", {})
        if config.peer_scheme not in ("coap+uart", "l3+uart") or config.peer_host not in uarts:
            raise links.Unsupported(
                "peer: the ESP32 has coap://host:port and discover: over Wi-Fi, l3+espnow://MAC, coap+uart:// and l3+uart://"
                " with a UART of %s: %s" % (_PINS, ", ".join(sorted(uarts)) or "none")
            )
        from device.links import serial

        pins = uarts[config.peer_host]
        if config.serial["flow"] == "rtscts" and not ("rts" in pins and "cts" in pins):
            raise links.Unsupported(
                'serial.flow: %s names no pins for it; "uarts": {"%s": {..., "rts": 25, "cts": 26}} would'
                % (_PINS, config.peer_host)
            )
        return serial.link(config, lambda: _uart(int(config.peer_host), config.serial, pins), self.storage)

    def watchdog(self, timeout_ms: int) -> "Watchdog":
        """Return a started watchdog, to be fed with its feed(); it can't be stopped. ValueError below 1000 ms."""
        if timeout_ms < _SHORTEST:
            raise ValueError("the watchdog's shortest time is %d ms" % _SHORTEST)
        return machine.WDT(timeout=timeout_ms)

    def every(self, number: int, ms: int, call: "Callable[[Any], None]") -> "Timer":
        """Have `call(timer)` called every `ms`, at the REPL and between the steps of other code, until deinit().

        `number` is that of the chip's timer: a second call with the same one takes the place of the first. An ESP32-C2
        has number 0 alone; newer MicroPython has timers without a number as well (machine_timer.c). Keep what is
        returned: since 1.29 a timer that nothing refers to ends.
        """
        for timer in (number, -1):
            try:
                return machine.Timer(timer, period=ms, mode=machine.Timer.PERIODIC, callback=call)
            except ValueError:
                pass
        raise links.Unsupported("this chip has no timer %d, newer MicroPython has virtual ones" % number)

    def sleep(self, ms: int) -> None:
        """Light sleep: RAM is kept, and the radio is off. What is sent to the board meanwhile is lost, and Wi-Fi takes
        some seconds to join again. The clocks of the UARTs stop too.
        """
        if ms <= 0:
            return  # lightsleep(0) has no end
        # The chip must not go to sleep with its radio on (ESP-IDF, "Sleep Modes").
        if self._radio is not None:
            self._radio.pause()
        machine.lightsleep(ms)
        if self._radio is not None:
            self._radio.resume()

    def led(self, on: bool) -> None:
        """Switch the LED on or off."""
        led = _pins().get("led")
        if led is None:
            raise links.Unsupported('%s names no LED; "led": {"pin": 2, "on": 1} would' % _PINS)
        machine.Pin(led["pin"], machine.Pin.OUT, value=led["on"] if on else 1 - led["on"])

    def reset_cause(self) -> str:
        """Return "power-on" (the EN button and a brown-out too), "watchdog", "deep-sleep", "soft" (reset(), a panic,
        Ctrl-D at the REPL) or "unknown" (USB's own reset and others).
        """
        return {
            machine.PWRON_RESET: "power-on",
            machine.HARD_RESET: "soft",  # modmachine.c has it for esp_restart() and a panic; no chip tells of its pin
            machine.WDT_RESET: "watchdog",
            machine.DEEPSLEEP_RESET: "deep-sleep",
            machine.SOFT_RESET: "soft",
        }.get(machine.reset_cause(), "unknown")

    def reset(self) -> None:
        """Start the board anew."""
        machine.reset()


def _pins():
    try:
        with open(_PINS) as file:
            return json.load(file)
    except OSError:
        return {}
    except ValueError:
        raise links.Unsupported("%s is not JSON; check quotes and commas" % _PINS)


def _uart(number, serial, pins):
    more = {}
    if serial["flow"] == "rtscts":
        more = {"rts": pins["rts"], "cts": pins["cts"], "flow": machine.UART.RTS | machine.UART.CTS}
    # A read gives what is there, at once.
    return machine.UART(
        number,
        serial["baudrate"],
        tx=pins["tx"],
        rx=pins["rx"],
        rxbuf=_RECEIVED,
        txbuf=_SENT,
        timeout=0,
        timeout_char=0,
        **more,
    )
