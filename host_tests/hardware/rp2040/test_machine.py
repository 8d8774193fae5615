# SPDX-License-Identifier: MIT
"""The parts of the board: time, UART, watchdog, causes of a reset, sleep, LED, flash chip. Expected values are those of
the RP2040 data sheet and of MicroPython's documentation of `machine`.
"""

import socket
import time

import pytest

from tools.programs.patience import patiently

POWER_ON, WATCHDOG = 1, 3  # machine.PWRON_RESET, machine.WDT_RESET


def wait_for(condition, timeout_s=60):
    """Waits for another process; the time-out only ends a test that has failed."""
    more = patiently(timeout_s)
    while not condition():
        assert more(), "it never came true"
        time.sleep(0.02)


def line(board, name):
    return socket.create_connection(("127.0.0.1", board.emulator.ports[name]), timeout=60)


def test_ticks_and_sleep_follow_the_crystal(board):
    before = board.emulator.stats()["emulated_ms"]
    code = "import time\nt = time.ticks_us()\ntime.sleep_ms(2500)\nprint(time.ticks_diff(time.ticks_us(), t))"
    assert 2_500_000 <= int(board.run(code)) < 2_501_000
    assert board.emulator.stats()["emulated_ms"] - before >= 2500


def test_light_sleep_keeps_ram_and_wakes_in_time(board):
    code = "import time, machine\nkept = bytes(range(99))\nt = time.ticks_ms()\nmachine.lightsleep(3000)\n"
    code += "print(time.ticks_diff(time.ticks_ms(), t), kept == bytes(range(99)))"
    slept, kept = board.run(code).split()
    assert 3000 <= int(slept) < 3020
    assert kept == "True"


@pytest.mark.parametrize("ms", [0, 1, 4_294_968, 10_000_000])
def test_a_board_wakes_from_a_sleep_of_any_length(board, ms):
    """The port sets no alarm for one of 2^32 us or more."""
    code = f"import time\nfrom board import Board\nt = time.ticks_ms()\nBoard().sleep({ms})\n"
    slept = int(board.run(code + "print(time.ticks_diff(time.ticks_ms(), t))"))
    assert ms <= slept < ms + 100


def test_uart_carries_every_octet_at_its_pace(boot):
    """115200 baud, 8N1: ten bits an octet, so 2304 octets take 200 ms each way."""
    board = boot(ports={"repl": 0, "uart0": 0})
    data = bytes(n * 7 & 0xFF for n in range(2304))
    with line(board, "uart0") as wire:
        board.run("from machine import UART\nimport time\nu = UART(0, 115200, rxbuf=4096, txbuf=16)")
        wire.sendall(data)
        code = "t = None\ngot = b''\nwhile len(got) < 2304:\n more = u.read()\n if more:\n"
        code += "  if t is None: t, first = time.ticks_us(), len(more)\n  got += more\n"
        code += "same = got == bytes(n * 7 & 255 for n in range(2304))\n"
        code += "print(time.ticks_diff(time.ticks_us(), t), first, same)"
        elapsed, first, same = board.run(code).split()
        assert same == "True"
        # Not faster than the line. It may be slower: virtual time does not wait for what this computer sends.
        assert int(elapsed) > (2304 - int(first)) * 10 / 115200 * 1e6 - 3000
        took = board.run(
            "t = time.ticks_us()\nu.write(got)\nu.flush()\nprint(time.ticks_diff(time.ticks_us(), t))"
        )
        assert abs(int(took) - 200_000) < 3_000
        back = b""
        while len(back) < len(data):
            back += wire.recv(4096)
        assert back == data
    uart = board.emulator.stats()["uarts"][0]
    assert (uart["received"], uart["sent"], uart["overruns"]) == (2304, 2304, 0)
    assert abs(uart["baud"] / 115200 - 1) < 0.001


def test_uart_loses_what_its_fifo_does_not_hold(boot):
    """Data sheet 4.2.2: the receive FIFO holds 32; what comes while it is full is lost."""
    board = boot(ports={"repl": 0, "uart1": 0})
    with line(board, "uart1") as wire:
        board.run("from machine import UART\nimport machine, time\nu = UART(1, 9600, rxbuf=256)")
        # At 9600 baud, 60 octets take 62 ms. The board looks away for so long, again and again, until they came.
        board.begin("""
full = False
while not full:
    state = machine.disable_irq()
    t = time.ticks_us()
    while time.ticks_diff(time.ticks_us(), t) < 62000:
        pass
    full = machine.mem32[0x40038018] & 0x40  # UARTFR.RXFF
    machine.enable_irq(state)
    time.sleep_ms(1)
print("full")
""")
        wire.sendall(bytes(range(200)))
        output, error = board.repl.follow()
        assert (output.strip(), error) == (b"full", b"")
        wait_for(
            lambda: (
                sum(uart["received"] + uart["overruns"] for uart in board.emulator.stats()["uarts"]) == 200
            )
        )
    assert board.emulator.stats()["uarts"][1]["overruns"] > 0


FLOW = "machine.UART.RTS | machine.UART.CTS"
# Octets come while flash is erased, which stalls the core; all that arrived is read at the end.
OPEN = "import machine, time\nu = machine.UART(0, 115200, rxbuf=4096, flow={flow})"
ERASING = """
while not u.any():
    pass
for number in range(12):
    with open("row%d" % number, "w") as file:
        file.write("x" * 5000)
end = time.ticks_add(time.ticks_ms(), 500)
got = b""
while time.ticks_diff(end, time.ticks_ms()) > 0:
    got += u.read() or b""
print("got", len(got), got == bytes(n * 7 & 255 for n in range(2304)))
"""


@pytest.mark.parametrize(("flow", "whole"), [(FLOW, True), ("machine.UART.CTS", False), ("0", False)])
def test_flow_control_holds_what_comes_while_flash_is_erased(boot, flow, whole):
    """PL011, RTSEn: "the transmission of data is expected to cease after the current character"; without it the octets
    that find the FIFO full are lost, and counted."""
    board = boot(ports={"repl": 0, "uart0": 0})
    with line(board, "uart0") as wire:
        board.run(OPEN.replace("{flow}", flow))
        board.begin(ERASING)
        wire.sendall(bytes(n * 7 & 0xFF for n in range(2304)))
        output, error = board.repl.follow()
    uart = board.emulator.stats()["uarts"][0]
    assert error == b""
    word, size, same = output.split()[-3:]
    assert (word, same) == (b"got", str(whole).encode())
    assert int(size) == uart["received"] == 2304 - uart["overruns"]
    assert (uart["overruns"] == 0) == whole


def test_rts_is_that_of_the_pin(boot):
    """A UART whose pin is not connected to it holds nobody up, whatever UARTCR says: GP3 is RTS of UART 0."""
    board = boot(ports={"repl": 0, "uart0": 0})
    with line(board, "uart0") as wire:
        board.run(OPEN.replace("{flow}", FLOW) + "\nmachine.Pin(3, machine.Pin.OUT)")
        board.begin(ERASING)
        wire.sendall(bytes(n * 7 & 0xFF for n in range(2304)))
        board.repl.follow()
    assert board.emulator.stats()["uarts"][0]["overruns"] > 0


def test_the_watchdog_resets_a_board_that_hangs(board):
    assert board.run("import machine\nprint(machine.reset_cause())").strip() == str(POWER_ON)
    code = "import time\nwdt = machine.WDT(timeout=2000)\nfor _ in range(4):\n time.sleep_ms(1500)\n wdt.feed()\n"
    assert board.run(code + "print('alive after 6 s')").strip() == "alive after 6 s"
    # In virtual time the board needs no code that hangs: nobody feeds, and two seconds are over at once.
    wait_for(lambda: board.emulator.stats()["watchdog_resets"] == 1)
    board.enter()
    assert board.run("import machine\nprint(machine.reset_cause())").strip() == str(WATCHDOG)


def test_the_watchdog_has_a_limit(board):
    """24 bits at 2 MHz: 8388 ms (erratum RP2040-E1)."""
    code = "import machine\ntry:\n machine.WDT(timeout=8389)\nexcept ValueError: print('refused')\n"
    assert board.run(code).strip() == "refused"
    board.run("w = machine.WDT(timeout=8388)")


def test_reset_by_the_firmware(board):
    board.reset_by("import machine\nmachine.reset()")
    assert board.emulator.stats()["forced_resets"] == 1
    assert board.run("import machine\nprint(machine.reset_cause())").strip() == str(WATCHDOG)
    board.emulator.ask("power-cycle")
    board.enter()
    assert board.run("import machine\nprint(machine.reset_cause())").strip() == str(POWER_ON)


def test_a_reset_that_is_to_hold_the_board(board):
    board.emulator.ask("hold")
    board.repl.begin("import machine\nmachine.reset()")
    wait_for(lambda: board.emulator.stats()["forced_resets"] == 1)
    began = board.emulator.stats()["instructions"]
    time.sleep(0.2)  # some ten million instructions of a board that runs
    assert board.emulator.stats()["instructions"] == began
    board.enter()
    assert board.run("print('it goes on')").strip() == "it goes on"


def test_an_output_pin_drives_the_led(board):
    board.run("from machine import Pin\nled = Pin('LED', Pin.OUT, value=1)")
    assert board.emulator.stats()["led"] is True
    board.run("led.value(0)")
    assert board.emulator.stats()["led"] is False


def test_the_unique_id_is_the_flash_chips(boot):
    board = boot(options=["--unique-id=0123456789abcdef"])
    assert board.run("import machine\nprint(machine.unique_id().hex())").strip() == "0123456789abcdef"


def test_erasing_and_programming_take_their_time(board):
    """W25Q16JV: 45 ms a sector, 0.4 ms a page (typical)."""
    code = "import rp2, time\nf = rp2.Flash()\nt = time.ticks_us()\nf.ioctl(6, 300)\n"
    code += "print(time.ticks_diff(time.ticks_us(), t))\nt = time.ticks_us()\nf.writeblocks(300, bytes(4096), 0)\n"
    code += "print(time.ticks_diff(time.ticks_us(), t))"
    erased, programmed = map(int, board.run(code).split())
    assert 45_000 <= erased < 46_000
    assert 16 * 400 <= programmed < 16 * 400 + 2_000
