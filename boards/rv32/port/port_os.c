// SPDX-License-Identifier: MIT
// The port's part of `os` and of `time`; MicroPython's own files include it, each for its half.
#include "virt.h"

#if defined(MICROPY_INCLUDED_EXTMOD_MODUTIME_H)

#include "shared/timeutils/timeutils.h"

static uint64_t seconds(void) {
    return timeutils_seconds_since_epoch_from_nanoseconds_since_1970(mp_hal_time_ns());
}

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t tm;
    timeutils_seconds_since_epoch_to_struct_time(seconds(), &tm);
    mp_obj_t fields[8] = {
        mp_obj_new_int(tm.tm_year), mp_obj_new_int(tm.tm_mon), mp_obj_new_int(tm.tm_mday), mp_obj_new_int(tm.tm_hour),
        mp_obj_new_int(tm.tm_min), mp_obj_new_int(tm.tm_sec), mp_obj_new_int(tm.tm_wday), mp_obj_new_int(tm.tm_yday),
    };
    return mp_obj_new_tuple(8, fields);
}

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_ull(seconds());
}

#else

static mp_obj_t mp_os_urandom(mp_obj_t size) {
    mp_int_t wanted = mp_obj_get_int(size);
    if (wanted < 0) {
        mp_raise_ValueError(NULL);
    }
    vstr_t octets;
    vstr_init_len(&octets, wanted);
    entropy((uint8_t *)octets.buf, wanted);
    return mp_obj_new_bytes_from_vstr(&octets);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);

#endif
