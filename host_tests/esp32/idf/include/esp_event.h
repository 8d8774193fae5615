// SPDX-License-Identifier: MIT
#pragma once

#include "esp_err.h"

typedef const char *esp_event_base_t;
typedef void (*esp_event_handler_t)(void *argument, esp_event_base_t base, int32_t id, void *data);
typedef void *esp_event_handler_instance_t;

#define ESP_EVENT_ANY_ID (-1)

esp_err_t esp_event_handler_instance_register(
    esp_event_base_t base, int32_t id, esp_event_handler_t handler, void *argument, esp_event_handler_instance_t *instance);
