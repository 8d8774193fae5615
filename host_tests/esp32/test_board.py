# SPDX-License-Identifier: MIT
"""What boards/esp32 makes of the port's C: why the chip was reset (modmachine.c), and its timers (machine_timer.c)."""

import machine

import board as boards
import idf
from board import Board
from common import equal, raises
from device.links import Unsupported
from device.starts import Starts
from msgin5g import Config, MemoryStorage

boards.FileStorage = lambda folder: MemoryStorage()  # its folder would be made beside this file

# esp_system.h, esp_reset_reason_t: what has happened, the number, what a device is told, and whether it is a fault of
# the program. Beyond SDIO (USB, JTAG, eFuse, power glitch, CPU lock-up) the port's C knows none.
REASONS = (
    ("UNKNOWN", 0, "unknown", False),
    ("POWERON, the EN button too", 1, "power-on", False),
    ("EXT: no ESP32 tells of its pin so", 2, "soft", True),
    ("SW: machine.reset()", 3, "soft", True),
    ("PANIC", 4, "soft", True),
    ("INT_WDT", 5, "watchdog", True),
    ("TASK_WDT: machine.WDT", 6, "watchdog", True),
    ("WDT", 7, "watchdog", True),
    ("DEEPSLEEP", 8, "deep-sleep", False),
    ("BROWNOUT", 9, "power-on", False),
    ("SDIO", 10, "unknown", False),
    ("USB: a flasher's or a terminal's reset over the chip's own USB", 11, "unknown", False),
    ("CPU_LOCKUP", 15, "unknown", False),
)


def test_the_causes_of_a_reset():
    for name, number, told, _ in REASONS:
        idf.set(reset_reason=number or 99)  # 0 is the knob's own word for "as the environment says"
        equal((name, Board().reset_cause()), (name, told))
    idf.power_cycle()


def test_what_leads_to_a_safe_boot():
    """A loop of panics does, like one of resets by the program; no number of power cuts or of presses on the button."""
    for name, number, _, fault in REASONS:
        board = Board()
        board.storage = MemoryStorage()
        idf.set(reset_reason=1)
        seen = []
        for _ in range(5):
            starts = Starts(board)
            starts.begin(0)
            seen.append(starts.safe)
            idf.set(reset_reason=number or 99)
        equal((name, seen), (name, [False, False, False, fault, False]))
    idf.power_cycle()


class Timers:
    """machine.Timer where a chip has so many (SOC_TIMER_GROUP_TOTAL_TIMERS), by the lines of machine_timer_make_new()
    in 1.25; `virtual`: and with those of number -1 that later versions have.
    """

    PERIODIC = 1

    def __init__(self, count, virtual):
        self.count = count
        self.virtual = virtual
        self.made = []

    def __call__(self, number, *, period, mode, callback):
        if not (0 <= number < self.count or (self.virtual and number == -1)):
            raise ValueError("invalid Timer number")
        self.made.append((number, period, mode, callback))
        return self


def test_the_timers_of_a_chip():
    """board.json has how many; an ESP32-C2 has one. The console, which is number 1, goes on without."""
    real = machine.Timer
    try:
        for count in (1, 2, 4):
            for virtual in (False, True):
                machine.Timer = timers = Timers(count, virtual)
                board = Board()
                board.every(0, 1000, print)
                if count == 1 and not virtual:
                    error = raises(Unsupported, board.every, 1, 25, print)
                    assert "no timer 1" in str(error), error
                    continue
                board.every(1, 25, print)
                second = 1 if count > 1 else -1
                equal(timers.made, [(0, 1000, 1, print), (second, 25, 1, print)])
    finally:
        machine.Timer = real


def test_flow_control_needs_pins():
    """They are those of pins.json; without it they are not named to the port."""
    pins = {"tx": 17, "rx": 16}
    real = boards._pins
    boards._pins = lambda: {"uarts": {"2": pins}}
    try:
        asked = uart("none")
        equal([name in asked for name in ("rts", "cts", "flow")], [False] * 3)
        error = raises(Unsupported, uart, "rtscts")
        assert str(error).startswith('serial.flow: pins.json names no pins for it; "uarts": {"2": '), error
        pins["rts"], pins["cts"] = 25, 26
        asked = uart("rtscts")
        equal([asked[name] for name in ("tx", "rx", "rts", "cts", "flow")], [17, 16, 25, 26, 3])
        equal("flow" in uart("none"), False)
    finally:
        boards._pins = real


def uart(flow):
    """What the port is asked for."""
    members = {
        "role": "client",
        "ue_service_id": "ue:a@x",
        "peer": "coap+uart://2",
        "security": {"mode": "none"},
    }
    members["serial"] = {"flow": flow}
    Board().links(Config(members))._open_line()
    number, baudrate, settings = machine.uarts[-1]
    equal((number, baudrate), (2, 115200))
    return settings
