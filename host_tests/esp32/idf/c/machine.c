// SPDX-License-Identifier: MIT
// extmod/modmachine.c includes this (MICROPY_PY_MACHINE_INCLUDEFILE): the esp32 port's own, and what it needs besides.
// Timer, Pin and RTC have no C of the port here; standins/machine.py has what of them tests use.
uintptr_t mod_machine_mem_get_addr(mp_obj_t address, uint align) {
    mp_raise_NotImplementedError(NULL);
}

#include "ports/esp32/machine_rtc.h"
machine_rtc_config_t machine_rtc_config = { .ext0_pin = -1 };
#include "ports/esp32/modmachine.c"

MP_DEFINE_CONST_OBJ_TYPE(machine_timer_type, MP_QSTR_Timer, MP_TYPE_FLAG_NONE);
MP_DEFINE_CONST_OBJ_TYPE(machine_pin_type, MP_QSTR_Pin, MP_TYPE_FLAG_NONE);
MP_DEFINE_CONST_OBJ_TYPE(machine_rtc_type, MP_QSTR_RTC, MP_TYPE_FLAG_NONE);
