// SPDX-License-Identifier: MIT
// The devices of QEMU's `virt` machine, by QEMU's documentation of it and hw/riscv/virt.c (virt_memmap), and what the
// port's own files have of each other.
#ifndef MSGIN5G_VIRT_H
#define MSGIN5G_VIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "py/mpconfig.h"

#define REG8(address) (*(volatile uint8_t *)(address))
#define REG16(address) (*(volatile uint16_t *)(address))
#define REG32(address) (*(volatile uint32_t *)(address))

#define TEST_FINISHER (0x00100000) // "sifive,test1": ends or resets the machine
#define GOLDFISH_RTC  (0x00101000)
#define CLINT_TIMECMP (0x02004000)
#define CLINT_TIME    (0x0200bff8)
#define PCI_PIO       (0x03000000)
#define PLIC          (0x0c000000)
#define UART0         (0x10000000)
#define VIRTIO        (0x10001000) // eight of them, 4 KiB each
#define FLASH1        (0x22000000) // the second bank; the machine would start from the first
#define PCI_ECAM      (0x30000000)

#define UART0_IRQ (10)
#define PCI_IRQ   (32) // and the next three

// The timer's clock: RISCV_ACLINT_DEFAULT_TIMEBASE_FREQ, 10 MHz.
#define TICKS_PER_US (10)

// Two words of RAM outside of the image. QEMU writes the first page anew at each reset (its option -device loader), and
// leaves the second as it is, so that it lives as long as the power.
#define STRAPS_MARK (0x3447534d)
struct straps {
    uint32_t mark;      // STRAPS_MARK, else none of this was given
    uint32_t cut_after; // flash operations until the power goes; UINT32_MAX: it stays
    uint8_t unique_id[8];
};
#define STRAPS ((volatile const struct straps *)0x80800000)

#define KEPT_MARK (0x74706b65)
struct kept {
    uint32_t mark;       // KEPT_MARK, unless the power has just come
    uint32_t operations; // of the flash since then
};
#define KEPT ((volatile struct kept *)0x80801000)

// start.c
extern bool power_on; // this start is the first since the power came
void power_off(int code) __attribute__((noreturn)); // QEMU ends with this exit code
void power_reset(void) __attribute__((noreturn));
#define interrupts_off() rv32_interrupts_off() // mpconfigport.h
#define interrupts_restore(before) rv32_interrupts_restore(before)

// mphalport.c
uint64_t ticks(void); // since power-on, TICKS_PER_US
void wait_until(uint64_t then); // or until an interrupt; returns early at will
extern volatile bool stirred; // an interrupt has brought something since wait_until() looked last

// lines.c: the two serial lines
struct line;
extern struct line repl_line, serial_line;
void lines_start(void);
void lines_interrupt(void);
bool line_is_there(struct line *line);
void line_buffer(struct line *line, uint8_t *buffer, size_t size); // where what comes is kept
size_t line_waiting(struct line *line);
size_t line_read(struct line *line, uint8_t *into, size_t size);
void line_write(struct line *line, const uint8_t *from, size_t size);
void line_pace(struct line *line, uint32_t baudrate);

// entropy.c
void entropy(uint8_t *into, size_t size);
uint32_t entropy_word(void);

#endif
