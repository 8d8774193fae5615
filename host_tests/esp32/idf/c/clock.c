// SPDX-License-Identifier: MIT
// Time, and what happens in it: timers, events on their way to the port's handlers, calls that were made.
//
// Time is virtual unless idf.real(True): it stands still until idf.advance(ms), or until the port itself waits. Handlers
// run one after another, as in the one task of the default event loop (esp_event.h).

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "inside.h"

#include "esp_log.h"

typedef struct {
    uint64_t due;
    esp_event_base_t base; // NULL: `run` is called
    int32_t id;
    void (*run)(const void *data);
    uint8_t data[48];
} event_t;

static uint64_t virtual_now;
static bool real_time, running;
static struct { uint64_t due; void (*run)(void); } timers[TIMERS];
static event_t events[256]; // in the order in which they were posted
static int event_count;
static struct { esp_event_base_t base; int32_t id; esp_event_handler_t handler; void *argument; } handlers[8];
static int handler_count;
static struct { const char *name; size_t times; } calls[96];

uint64_t now_ms(void) {
    if (!real_time) {
        return virtual_now;
    }
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

bool is_real(void) {
    return real_time;
}

void set_real(bool on) {
    uint64_t before = now_ms();
    real_time = on;
    // What is due keeps its distance.
    int64_t moved = now_ms() - before;
    for (int i = 0; i < TIMERS; i++) {
        timers[i].due += timers[i].due ? moved : 0;
    }
    for (int i = 0; i < event_count; i++) {
        events[i].due += moved;
    }
}

void timer_set(int timer, int64_t ms, void (*run)(void)) {
    timers[timer].due = ms < 0 ? 0 : now_ms() + (ms ? ms : 1);
    timers[timer].run = run;
}

bool timer_is_set(int timer) {
    return timers[timer].due != 0;
}

static event_t *post(uint64_t due, const void *data, size_t length) {
    if (event_count == ARRAY_SIZE(events) || length > sizeof(events[0].data)) {
        fprintf(stderr, "idf: more events than there is room for\n");
        abort();
    }
    event_t *event = &events[event_count++];
    memset(event, 0, sizeof(*event));
    event->due = due;
    if (length) {
        memcpy(event->data, data, length);
    }
    return event;
}

// esp_event_post: "The event loop library keeps a copy of event_data"
void post_event(esp_event_base_t base, int32_t id, const void *data, size_t length) {
    event_t *event = post(now_ms() + knob.event_lag, data, length);
    event->base = base;
    event->id = id;
}

void post_call(int ms, void (*run)(const void *data), const void *data, size_t length) {
    post(now_ms() + ms, data, length)->run = run;
}

static void reach(uint64_t ms) {
    if (!real_time && ms > virtual_now) {
        virtual_now = ms;
    }
}

static void dispatch(const event_t *event) {
    if (event->base == NULL) {
        event->run(event->data);
        return;
    }
    idf_log("event", "%s %d", event->base, (int)event->id);
    for (int i = 0; i < handler_count; i++) {
        if (handlers[i].base == event->base && (handlers[i].id == ESP_EVENT_ANY_ID || handlers[i].id == event->id)) {
            handlers[i].handler(handlers[i].argument, event->base, event->id, (void *)event->data);
        }
    }
}

// The earliest thing that is due by then; false when there is none. An event comes before a timer of the same moment.
static bool run_one(uint64_t until) {
    int event = -1, timer = -1;
    for (int i = 0; i < event_count; i++) {
        if (event < 0 || events[i].due < events[event].due) {
            event = i;
        }
    }
    for (int i = 0; i < TIMERS; i++) {
        if (timers[i].due && (timer < 0 || timers[i].due < timers[timer].due)) {
            timer = i;
        }
    }
    if (event >= 0 && (timer < 0 || events[event].due <= timers[timer].due)) {
        if (events[event].due > until) {
            return false;
        }
        event_t copy = events[event];
        memmove(&events[event], &events[event + 1], (--event_count - event) * sizeof(event_t));
        reach(copy.due);
        dispatch(&copy);
        return true;
    }
    if (timer < 0 || timers[timer].due > until) {
        return false;
    }
    reach(timers[timer].due);
    timers[timer].due = 0;
    timers[timer].run();
    return true;
}

void run_until(uint64_t until) {
    if (running) { // a handler calls the driver: what that causes comes after the handler
        return;
    }
    running = true;
    while (run_one(until)) {
    }
    reach(until);
    running = false;
}

uint64_t run_next(uint64_t most) {
    uint64_t before = now_ms();
    if (real_time) {
        run_until(before);
        return 0;
    }
    running = true;
    bool happened = run_one(before + most);
    running = false;
    run_until(happened ? virtual_now : before + most);
    return virtual_now - before;
}

esp_err_t done(esp_err_t error) {
    run_until(now_ms());
    return error;
}

// MICROPY_EVENT_POLL_HOOK: on the chip up to a tick of 1 ms, in which other tasks run (mp_hal_wake_main_task)
void idf_wait(void) {
    if (real_time) {
        usleep(1000);
    }
    run_until(now_ms() + !real_time);
}

static unsigned reads; // of the clock, with no Python between them

// MICROPY_VM_HOOK_LOOP, MICROPY_VM_HOOK_RETURN: on the chip the other tasks run whenever they like
void idf_vm_hook(void) {
    static unsigned count;
    reads = 0;
    if (real_time && (++count & 255) == 0) {
        air_follow();
        run_until(now_ms());
    }
}

// The port reads the clock in loops that do not wait, for 10 ms in _wait_for_pending_responses() of modespnow.c: so a
// clock that is read again and again goes on.
uintptr_t idf_ticks_ms(void) {
    if (!real_time && !running && ++reads % 100 == 0) {
        run_until(virtual_now + 1);
    }
    return now_ms();
}

uintptr_t idf_ticks_us(void) {
    if (!real_time) {
        return virtual_now * 1000;
    }
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

void idf_delay_ms(uintptr_t ms) {
    for (uint64_t end = now_ms() + ms; now_ms() < end;) {
        idf_wait();
    }
}

// FreeRTOS, task.h: ticks, of 1 ms in the port's sdkconfig (CONFIG_FREERTOS_HZ=1000)
void vTaskDelay(uint32_t ticks) {
    idf_delay_ms(ticks);
}

void idf_log(const char *tag, const char *format, ...) {
    if (knob.log) {
        va_list arguments;
        va_start(arguments, format);
        fprintf(stderr, "I (%llu) %s: ", (unsigned long long)now_ms(), tag);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
    }
}

// esp_event.h: "Register an instance of event handler to the default loop."
esp_err_t esp_event_handler_instance_register(
    esp_event_base_t base, int32_t id, esp_event_handler_t handler, void *argument, esp_event_handler_instance_t *instance) {
    CALLED;
    if (handler_count == ARRAY_SIZE(handlers)) {
        return ESP_ERR_NO_MEM;
    }
    handlers[handler_count].base = base;
    handlers[handler_count].id = id;
    handlers[handler_count].handler = handler;
    handlers[handler_count++].argument = argument;
    return ESP_OK;
}

// esp_err.h: "Returns string for esp_err_t error codes"; "ERROR" of one that it does not know, in esp_err_to_name.c with
// CONFIG_ESP_ERR_TO_NAME_LOOKUP, the default
const char *esp_err_to_name(esp_err_t code) {
    static const struct { esp_err_t code; const char *name; } names[] = {
#define E(name) { name, #name }
        E(ESP_FAIL), E(ESP_ERR_NO_MEM), E(ESP_ERR_INVALID_ARG), E(ESP_ERR_INVALID_STATE), E(ESP_ERR_INVALID_SIZE),
        E(ESP_ERR_NOT_FOUND), E(ESP_ERR_TIMEOUT), E(ESP_ERR_OTA_VALIDATE_FAILED),
        E(ESP_ERR_WIFI_NOT_INIT), E(ESP_ERR_WIFI_NOT_STARTED), E(ESP_ERR_WIFI_IF), E(ESP_ERR_WIFI_MODE),
        E(ESP_ERR_ESPNOW_NOT_INIT), E(ESP_ERR_ESPNOW_ARG), E(ESP_ERR_ESPNOW_NO_MEM), E(ESP_ERR_ESPNOW_FULL),
        E(ESP_ERR_ESPNOW_NOT_FOUND), E(ESP_ERR_ESPNOW_INTERNAL), E(ESP_ERR_ESPNOW_EXIST), E(ESP_ERR_ESPNOW_IF),
        E(ESP_ERR_ESPNOW_CHAN),
#undef E
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "ERROR";
}

void called(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        if (calls[i].name == NULL || strcmp(calls[i].name, name) == 0) {
            calls[i].name = name;
            calls[i].times++;
            return;
        }
    }
}

size_t call_count(size_t i, const char **name) {
    if (i == ARRAY_SIZE(calls) || calls[i].name == NULL) {
        return 0;
    }
    *name = calls[i].name;
    return calls[i].times;
}

void clock_forget(void) {
    memset(timers, 0, sizeof(timers));
    memset(calls, 0, sizeof(calls));
    event_count = 0;
}
