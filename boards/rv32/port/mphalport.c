// SPDX-License-Identifier: MIT
// What MicroPython asks of a port: time, waiting, the REPL's line. The processor stops while it waits (wfi), so that a
// machine with nothing to do costs nothing.
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "virt.h"

// Longest sleep, for a wait without an end: an hour.
#define LONG_MS (3600000)

volatile bool stirred;

uint64_t ticks(void) {
    uint32_t high, low;
    do {
        high = REG32(CLINT_TIME + 4);
        low = REG32(CLINT_TIME);
    } while (high != REG32(CLINT_TIME + 4));
    return (uint64_t)high << 32 | low;
}

// With interrupts off, wfi returns when one is pending, so none is missed between the look and the wait.
void wait_until(uint64_t then) {
    uint32_t before = interrupts_off();
    if (!stirred && MP_STATE_THREAD(mp_pending_exception) == MP_OBJ_NULL && ticks() < then) {
        REG32(CLINT_TIMECMP + 4) = UINT32_MAX; // so that no half of it is ever early
        REG32(CLINT_TIMECMP) = (uint32_t)then;
        REG32(CLINT_TIMECMP + 4) = then >> 32;
        __asm volatile ("csrs mie, %0\n wfi" : : "r" (1 << 7) : "memory");
    }
    stirred = false;
    interrupts_restore(before);
}

void rv32_wait_ms(int ms) {
    wait_until(ticks() + (uint64_t)(ms < 0 ? LONG_MS : ms) * 1000 * TICKS_PER_US);
}

mp_uint_t mp_hal_ticks_ms(void) {
    return ticks() / (1000 * TICKS_PER_US);
}

mp_uint_t mp_hal_ticks_us(void) {
    return ticks() / TICKS_PER_US;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return ticks();
}

// Of this computer's clock, which the machine's own clock shows: since 1970.
uint64_t mp_hal_time_ns(void) {
    uint32_t low = REG32(GOLDFISH_RTC); // and keeps the other half for its register (hw/rtc/goldfish_rtc.c)
    return (uint64_t)REG32(GOLDFISH_RTC + 4) << 32 | low;
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t then = ticks() + (uint64_t)us * TICKS_PER_US;
    while (ticks() < then) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t then = ticks() + (uint64_t)ms * 1000 * TICKS_PER_US;
    for (;;) {
        mp_handle_pending(true);
        if (ticks() >= then) {
            return;
        }
        wait_until(then);
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = flags & MP_STREAM_POLL_WR;
    return line_waiting(&repl_line) ? ready | (flags & MP_STREAM_POLL_RD) : ready;
}

int mp_hal_stdin_rx_chr(void) {
    uint8_t octet;
    while (line_read(&repl_line, &octet, 1) == 0) {
        mp_event_wait_indefinite();
    }
    return octet;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t size) {
    line_write(&repl_line, (const uint8_t *)text, size);
    return size;
}
