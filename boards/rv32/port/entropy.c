// SPDX-License-Identifier: MIT
// Random octets of this computer: QEMU's virtio-rng, by "Virtual I/O Device (VIRTIO) Version 1.1", 2.6 (split queue),
// 3.1.1 (start), 4.2 (the registers of MMIO) and 5.4 (entropy device).
#include <string.h>

#include "virt.h"

#define MAGIC     (0x000)
#define VERSION   (0x004)
#define DEVICE    (0x008)
#define FEATURES  (0x020)
#define FEATURES_SELECT (0x024)
#define QUEUE     (0x030)
#define QUEUE_SIZE (0x038)
#define QUEUE_READY (0x044)
#define NOTIFY    (0x050)
#define STATUS    (0x070)
#define DESCRIPTORS (0x080)
#define AVAILABLE (0x090)
#define USED      (0x0a0)

#define IS_VIRTIO (0x74726976)
#define ENTROPY   (4)
#define ACKNOWLEDGE (1)
#define DRIVER      (2)
#define DRIVER_OK   (4)
#define FEATURES_OK (8)
#define VERSION_1   (1) // feature 32: bit 0 of the second word
#define FOR_DEVICE  (2) // a buffer that the device writes

#define CHUNK (64)

static struct {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
} descriptor __attribute__((aligned(16)));
static struct {
    uint16_t flags, index, ring[1], event;
} available __attribute__((aligned(2)));
static struct {
    uint16_t flags, index;
    struct {
        uint32_t id, size;
    } ring[1];
    uint16_t event;
} used __attribute__((aligned(4)));
static uint8_t chunk[CHUNK];
static uintptr_t device;

#define BARRIER() __asm volatile ("fence" : : : "memory")

static void find(void) {
    for (int i = 0; i < 8; i++) {
        uintptr_t at = VIRTIO + 0x1000 * i;
        if (REG32(at + MAGIC) == IS_VIRTIO && REG32(at + VERSION) == 2 && REG32(at + DEVICE) == ENTROPY) {
            device = at;
        }
    }
    if (!device) {
        return;
    }
    REG32(device + STATUS) = 0;
    REG32(device + STATUS) = ACKNOWLEDGE;
    REG32(device + STATUS) |= DRIVER;
    REG32(device + FEATURES_SELECT) = 0;
    REG32(device + FEATURES) = 0;
    REG32(device + FEATURES_SELECT) = 1;
    REG32(device + FEATURES) = VERSION_1;
    REG32(device + STATUS) |= FEATURES_OK;
    REG32(device + QUEUE) = 0;
    REG32(device + QUEUE_SIZE) = 1;
    REG32(device + DESCRIPTORS) = (uintptr_t)&descriptor;
    REG32(device + DESCRIPTORS + 4) = 0;
    REG32(device + AVAILABLE) = (uintptr_t)&available;
    REG32(device + AVAILABLE + 4) = 0;
    REG32(device + USED) = (uintptr_t)&used;
    REG32(device + USED + 4) = 0;
    REG32(device + QUEUE_READY) = 1;
    REG32(device + STATUS) |= DRIVER_OK;
    descriptor.address = (uintptr_t)chunk;
    descriptor.flags = FOR_DEVICE;
}

static size_t ask(size_t size) {
    descriptor.size = size;
    BARRIER();
    available.index++;
    BARRIER();
    REG32(device + NOTIFY) = 0;
    while (*(volatile uint16_t *)&used.index != available.index) {
    }
    BARRIER();
    return used.ring[0].size;
}

// A machine without the device has no random octets, and ends rather than to make do with worse.
void entropy(uint8_t *into, size_t size) {
    if (!device) {
        find();
    }
    if (!device) {
        static const char text[] = "\r\nno virtio-rng, which this image needs\r\n";
        line_write(&repl_line, (const uint8_t *)text, sizeof(text) - 1);
        power_off(1);
    }
    while (size > 0) {
        size_t got = ask(size < CHUNK ? size : CHUNK);
        memcpy(into, chunk, got);
        into += got;
        size -= got;
    }
}

uint32_t entropy_word(void) {
    uint32_t word;
    entropy((uint8_t *)&word, sizeof(word));
    return word;
}
