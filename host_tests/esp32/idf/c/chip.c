// SPDX-License-Identifier: MIT
// The chip: a process is one run of it, from one reset to the next. How it ends is its exit code, and whoever starts the
// next run says why in CHIP_CAUSE, a number of esp_reset_reason_t (host_tests/esp32/chip.py).

#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "inside.h"

#include "esp_mac.h"
#include "esp_pm.h"
#include "esp_sleep.h"
#include "esp_task_wdt.h"
#include "freertos/task.h"

static uint32_t watchdog_ms; // 0: there is none
static bool timer_wakeup;
static uint64_t wakeup_us;
static int woken_by;
static int cpu_mhz = 160;

// Before main()
__attribute__((constructor)) static void begin(void) {
    const char *clock = getenv("CHIP_CLOCK");
    if (clock != NULL && strcmp(clock, "real") == 0) {
        set_real(true);
        air_follow();
    }
}

void chip_end(int code) {
    fflush(NULL);
    _exit(code);
}

// esp_task_wdt.h: "trigger_panic: Trigger panic when timeout occurs"; whatever runs is ended
static void bite(void) {
    fflush(NULL);
    kill(getpid(), SIGALRM);
}

static void wind(uint64_t ms) {
    if (is_real()) {
        struct itimerval left = { .it_value = { ms / 1000, ms % 1000 * 1000 } };
        setitimer(ITIMER_REAL, &left, NULL);
    } else {
        timer_set(TIMER_WATCHDOG, ms ? (int64_t)ms : -1, bite);
    }
}

// "Reconfigure the Task Watchdog Timer (TWDT)"
esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config) {
    CALLED;
    watchdog_ms = config->timeout_ms;
    wind(watchdog_ms);
    return ESP_OK;
}

// "Subscribe a user to the Task Watchdog Timer (TWDT)"
esp_err_t esp_task_wdt_add_user(const char *name, esp_task_wdt_user_handle_t *handle) {
    CALLED;
    *handle = (void *)&watchdog_ms;
    return ESP_OK;
}

// "Reset the Task Watchdog Timer (TWDT) on behalf of a user"
esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t handle) {
    CALLED;
    if (handle == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    wind(watchdog_ms);
    return ESP_OK;
}

// esp_system.h: "Get reason of last reset"
esp_reset_reason_t esp_reset_reason(void) {
    CALLED;
    const char *cause = getenv("CHIP_CAUSE");
    return knob.reset_reason ? knob.reset_reason : cause ? atoi(cause) : ESP_RST_POWERON;
}

// "Restart PRO and APP CPUs [...] This function does not return."
void esp_restart(void) {
    chip_end(EXIT_RESTART);
}

// esp_sleep.h: "Enter deep sleep with the configured wakeup options"; "The function does not do a return (no rejection)."
void esp_deep_sleep_start(void) {
    chip_end(timer_wakeup ? EXIT_DEEP_SLEEP : EXIT_ASLEEP_FOR_EVER);
}

// "Enter light sleep with the configured wakeup options". The clock of the watchdog stands still meanwhile.
esp_err_t esp_light_sleep_start(void) {
    CALLED;
    if (!timer_wakeup) {
        fprintf(stderr, "idf: light sleep without a source to wake it\n");
        chip_end(EXIT_ASLEEP_FOR_EVER);
    }
    wind(0);
    bool lost = station_sleep();
    if (is_real()) {
        usleep(wakeup_us);
    } else {
        idf_delay_ms(wakeup_us / 1000);
    }
    woken_by = ESP_SLEEP_WAKEUP_TIMER;
    wind(watchdog_ms);
    station_wake(lost);
    return done(ESP_OK);
}

// "This function is used to deactivate wake up trigger for source defined as parameter of the function."
esp_err_t esp_sleep_disable_wakeup_source(int source) {
    CALLED;
    timer_wakeup = false;
    return ESP_OK;
}

// "Enable wakeup by timer"
esp_err_t esp_sleep_enable_timer_wakeup(uint64_t us) {
    CALLED;
    timer_wakeup = true;
    wakeup_us = us;
    return ESP_OK;
}

// "Get the wakeup source which caused wakeup from sleep"
int esp_sleep_get_wakeup_cause(void) {
    if (woken_by == 0 && esp_reset_reason() == ESP_RST_DEEPSLEEP) {
        return ESP_SLEEP_WAKEUP_TIMER;
    }
    return woken_by;
}

// esp_mac.h: "Return base MAC address which is factory-programmed by Espressif in EFUSE"
esp_err_t esp_efuse_mac_get_default(uint8_t *mac) {
    CALLED;
    memcpy(mac, "\x24\x0a\xc4\x01\x02\x03", 6);
    return ESP_OK;
}

// esp_pm.h: "Set implementation-specific power management configuration"
esp_err_t esp_pm_configure(const void *config) {
    CALLED;
    cpu_mhz = ((const esp_pm_config_t *)config)->max_freq_mhz;
    return ESP_OK;
}

uint32_t esp_rom_get_cpu_ticks_per_us(void) {
    return cpu_mhz;
}
