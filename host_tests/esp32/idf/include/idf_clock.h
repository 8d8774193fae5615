// SPDX-License-Identifier: MIT
// The clock that a source sees which is compiled with this: that of the imitation (../c/clock.c).
#pragma once

#include <stdint.h>

#define mp_hal_ticks_ms idf_ticks_ms
#define mp_hal_ticks_us idf_ticks_us
#define mp_hal_delay_ms idf_delay_ms
uintptr_t idf_ticks_ms(void);
uintptr_t idf_ticks_us(void);
void idf_delay_ms(uintptr_t ms);
