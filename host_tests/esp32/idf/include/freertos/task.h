// SPDX-License-Identifier: MIT
#pragma once

#include "FreeRTOS.h"

void vTaskDelay(uint32_t ticks);
#define taskYIELD() ((void)0)
