// SPDX-License-Identifier: MIT
// Two serial lines, each a 16550 UART: the REPL's is the machine's own, the other one is on the PCI bus (pci-serial of
// QEMU). What comes is kept in a buffer by an interrupt. Where the buffer is full, the UART's FIFO and the program at
// the other end wait: unlike a UART on wires, none of these lines loses anything, and no baud rate slows them down.
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"
#include "virt.h"

// Registers of a 16550 (data sheet of the PC16550D, table II).
#define DATA (0) // with DLAB: divisor, low
#define IER  (1) // with DLAB: divisor, high
#define FCR  (2)
#define LCR  (3)
#define LSR  (5)
#define IER_RECEIVED (0x01)
#define FCR_ENABLE   (0xc7) // both FIFOs, emptied; interrupt at 14 octets, or when no more came for four octets' time
#define LCR_8N1      (0x03)
#define LCR_DLAB     (0x80)
#define LSR_READY    (0x01)
#define LSR_ROOM     (0x20)
#define CLOCK (115200) // its clock by 16: hw/char/serial-isa.c

#define PCI_SERIAL (0x00021b36) // device and vendor, QEMU's docs/specs/pci-ids
#define PCI_BAR (0x1000) // where in the window for ports it is put
#define PCI_PORTS_ON (1) // in the command register

#define PLIC_ENABLE    (PLIC + 0x2000) // of hart 0 in machine mode, a bit for each
#define PLIC_THRESHOLD (PLIC + 0x200000)
#define PLIC_CLAIM     (PLIC + 0x200004)

struct line {
    uintptr_t base; // 0: not there
    ringbuf_t ring; // no buffer: what comes waits in the FIFO
};

static uint8_t repl_buffer[512];
struct line repl_line = {UART0, {repl_buffer, sizeof(repl_buffer), 0, 0}};
struct line serial_line;

static void take(struct line *line) {
    if (!line->base || !line->ring.buf) {
        return;
    }
    while (REG8(line->base + LSR) & LSR_READY) {
        if (ringbuf_free(&line->ring) == 0) {
            REG8(line->base + IER) = 0; // line_read() makes room, and asks again
            return;
        }
        uint8_t octet = REG8(line->base + DATA);
        if (line == &repl_line && octet == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&line->ring, octet);
        }
        stirred = true;
    }
}

static void switch_on(struct line *line) {
    REG8(line->base + LCR) = LCR_8N1;
    REG8(line->base + FCR) = FCR_ENABLE;
    REG8(line->base + IER) = line->ring.buf ? IER_RECEIVED : 0;
}

static void find_serial(void) {
    for (int slot = 0; slot < 32; slot++) {
        uintptr_t device = PCI_ECAM + (slot << 15);
        if (REG32(device) == PCI_SERIAL) {
            REG32(device + 0x10) = PCI_BAR;
            REG32(device + 0x04) |= PCI_PORTS_ON;
            serial_line.base = PCI_PIO + PCI_BAR;
            switch_on(&serial_line);
            return;
        }
    }
}

void lines_start(void) {
    switch_on(&repl_line);
    find_serial();
    for (int irq = PCI_IRQ; irq < PCI_IRQ + 4; irq++) {
        REG32(PLIC + 4 * irq) = 1;
    }
    REG32(PLIC + 4 * UART0_IRQ) = 1;
    REG32(PLIC_ENABLE) = 1u << UART0_IRQ;
    REG32(PLIC_ENABLE + 4) = 0xfu << (PCI_IRQ - 32);
    REG32(PLIC_THRESHOLD) = 0;
}

void lines_interrupt(void) {
    uint32_t irq;
    while ((irq = REG32(PLIC_CLAIM)) != 0) {
        take(irq == UART0_IRQ ? &repl_line : &serial_line);
        REG32(PLIC_CLAIM) = irq; // completed
    }
}

bool line_is_there(struct line *line) {
    return line->base != 0;
}

void line_buffer(struct line *line, uint8_t *buffer, size_t size) {
    uint32_t before = interrupts_off();
    line->ring = (ringbuf_t) {buffer, size, 0, 0};
    REG8(line->base + IER) = buffer ? IER_RECEIVED : 0;
    interrupts_restore(before);
}

size_t line_waiting(struct line *line) {
    return line->ring.buf ? ringbuf_avail(&line->ring) : 0;
}

size_t line_read(struct line *line, uint8_t *into, size_t size) {
    uint32_t before = interrupts_off();
    size_t waiting = line_waiting(line);
    if (size > waiting) {
        size = waiting;
    }
    if (size > 0) {
        ringbuf_memcpy_get_internal(&line->ring, into, size);
        REG8(line->base + IER) = IER_RECEIVED;
    }
    interrupts_restore(before);
    return size;
}

void line_write(struct line *line, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (!(REG8(line->base + LSR) & LSR_ROOM)) {
        }
        REG8(line->base + DATA) = from[i];
    }
}

void line_pace(struct line *line, uint32_t baudrate) {
    uint32_t divisor = CLOCK / baudrate;
    uint32_t before = interrupts_off();
    REG8(line->base + LCR) = LCR_8N1 | LCR_DLAB;
    REG8(line->base + DATA) = divisor & 0xff;
    REG8(line->base + IER) = divisor >> 8;
    REG8(line->base + LCR) = LCR_8N1;
    interrupts_restore(before);
}
