// SPDX-License-Identifier: MIT
#ifndef MSGIN5G_MPHALPORT_H
#define MSGIN5G_MPHALPORT_H

#include <stddef.h>

#include "py/mpconfig.h"
#include "shared/runtime/interrupt_char.h"

void rv32_wait_ms(int ms); // -1: until an interrupt

#define MICROPY_INTERNAL_WFE(ms) rv32_wait_ms(ms)

#endif
