// SPDX-License-Identifier: MIT
#pragma once

#include "esp_err.h"

typedef struct { int max_freq_mhz, min_freq_mhz; bool light_sleep_enable; } esp_pm_config_t;

esp_err_t esp_pm_configure(const void *config);
uint32_t esp_rom_get_cpu_ticks_per_us(void);
