// SPDX-License-Identifier: MIT
#pragma once

// ESP_LOGD is left out by the log level of a release; ESP_LOGI goes to stderr where the knob `log` is set.
#define ESP_LOGD(tag, ...) ((void)0)
#define ESP_LOGI(tag, ...) idf_log(tag, __VA_ARGS__)
void idf_log(const char *tag, const char *format, ...) __attribute__((format(printf, 2, 3)));
