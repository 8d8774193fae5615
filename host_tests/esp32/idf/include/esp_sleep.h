// SPDX-License-Identifier: MIT
#pragma once

#include "esp_err.h"

enum {
    ESP_SLEEP_WAKEUP_UNDEFINED,
    ESP_SLEEP_WAKEUP_ALL,
    ESP_SLEEP_WAKEUP_EXT0,
    ESP_SLEEP_WAKEUP_EXT1,
    ESP_SLEEP_WAKEUP_TIMER,
    ESP_SLEEP_WAKEUP_TOUCHPAD,
    ESP_SLEEP_WAKEUP_ULP,
};

void esp_deep_sleep_start(void) __attribute__((noreturn));
esp_err_t esp_light_sleep_start(void);
esp_err_t esp_sleep_disable_wakeup_source(int source);
esp_err_t esp_sleep_enable_timer_wakeup(uint64_t us);
int esp_sleep_get_wakeup_cause(void);
