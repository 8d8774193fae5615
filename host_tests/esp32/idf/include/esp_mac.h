// SPDX-License-Identifier: MIT
#pragma once

#include "esp_err.h"
#include "esp_system.h" // which the port gets by way of FreeRTOS

esp_err_t esp_efuse_mac_get_default(uint8_t *mac);
