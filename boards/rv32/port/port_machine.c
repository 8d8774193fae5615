// SPDX-License-Identifier: MIT
// The port's part of `machine`, which extmod/modmachine.c includes.
#include "py/mphal.h"
#include "virt.h"

enum { CAUSE_POWER_ON = 1, CAUSE_SOFT = 5 }; // as ports/esp32/modmachine.c numbers them

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(CAUSE_POWER_ON) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(CAUSE_SOFT) },

static void mp_machine_idle(void) {
    mp_event_wait_ms(1);
}

static void mp_machine_reset(void) {
    power_reset();
}

static mp_int_t mp_machine_reset_cause(void) {
    return power_on ? CAUSE_POWER_ON : CAUSE_SOFT;
}

static mp_obj_t mp_machine_unique_id(void) {
    uint8_t id[8] = {0};
    if (STRAPS->mark == STRAPS_MARK) {
        memcpy(id, (const void *)STRAPS->unique_id, sizeof(id));
    }
    return mp_obj_new_bytes(id, sizeof(id));
}

// QEMU runs as fast as this computer does: there is no such number.
static mp_obj_t mp_machine_get_freq(void) {
    mp_raise_NotImplementedError(NULL);
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    mp_raise_NotImplementedError(NULL);
}

static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        mp_event_wait_indefinite();
    } else {
        mp_hal_delay_ms(mp_obj_get_int(args[0]));
    }
}

static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    mp_machine_lightsleep(n_args, args);
    power_reset();
}
