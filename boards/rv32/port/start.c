// SPDX-License-Identifier: MIT
// From reset to main(), traps, and the end.
#include <string.h>

#include "py/mphal.h"
#include "virt.h"

#define FINISHER_FAIL  (0x3333) // hw/misc/sifive_test.c; the exit code in the upper half
#define FINISHER_RESET (0x7777)

#define MACHINE_TIMER    (0x80000007) // The RISC-V Instruction Set Manual II, table of mcause
#define MACHINE_EXTERNAL (0x8000000b)
#define MIE_TIMER        (1 << 7)
#define MIE_EXTERNAL     (1 << 11)

#define FATAL (1) // exit code

bool power_on;
int main(void);

__attribute__((naked, section(".start"), used)) void start(void) {
    __asm volatile (
        ".option push\n"
        ".option norelax\n"
        "la gp, __global_pointer$\n"
        ".option pop\n"
        "la sp, stack_top\n"
        "la t0, bss_start\n"
        "la t1, bss_end\n"
        "1: bgeu t0, t1, 2f\n"
        "sw zero, 0(t0)\n"
        "addi t0, t0, 4\n"
        "j 1b\n"
        "2: tail begin\n"
        );
}

static void say(const char *text) {
    line_write(&repl_line, (const uint8_t *)text, strlen(text));
}

static void say_word(uint32_t word) {
    char text[9] = {0};
    for (int i = 0; i < 8; i++) {
        text[i] = "0123456789abcdef"[word >> (28 - 4 * i) & 15];
    }
    say(text);
}

// An exception is the end: nothing in this image expects one.
static void fatal(uint32_t cause) {
    uint32_t at, value;
    __asm volatile ("csrr %0, mepc" : "=r" (at));
    __asm volatile ("csrr %0, mtval" : "=r" (value));
    say("\r\nthe machine halted: mcause ");
    say_word(cause);
    say(" mepc ");
    say_word(at);
    say(" mtval ");
    say_word(value);
    say("\r\n");
    power_off(FATAL);
}

__attribute__((interrupt("machine"), aligned(4))) static void trap(void) {
    uint32_t cause;
    __asm volatile ("csrr %0, mcause" : "=r" (cause));
    if (cause == MACHINE_EXTERNAL) {
        lines_interrupt();
    } else if (cause == MACHINE_TIMER) {
        __asm volatile ("csrc mie, %0" : : "r" (MIE_TIMER)); // wait_until() asks again
    } else {
        fatal(cause);
    }
}

__attribute__((used, noreturn)) void begin(void) {
    __asm volatile ("csrw mtvec, %0" : : "r" (trap));
    power_on = KEPT->mark != KEPT_MARK;
    if (power_on) {
        KEPT->mark = KEPT_MARK;
        KEPT->operations = 0;
    }
    lines_start();
    __asm volatile ("csrs mie, %0" : : "r" (MIE_EXTERNAL));
    interrupts_restore(8);
    main();
    power_off(FATAL);
}

void power_off(int code) {
    REG32(TEST_FINISHER) = (uint32_t)code << 16 | FINISHER_FAIL;
    for (;;) {
    }
}

void power_reset(void) {
    interrupts_off();
    REG32(TEST_FINISHER) = FINISHER_RESET;
    for (;;) {
    }
}

void exit(int code) {
    power_off(code);
}
