// SPDX-License-Identifier: MIT
// machine.UART(1): the second serial line; the first is the REPL's, as on an ESP32. extmod/machine_uart.c includes this
// file. Its words are those of the esp32 port's; `tx` and `rx`, which this machine has not, are refused as any word is
// that it does not know.
#include "py/mperrno.h"
#include "py/mphal.h"
#include "virt.h"

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS

#define LONGEST_BUFFER (32768)

typedef struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uint32_t baudrate;
    uint32_t timeout_ms; // until the first octet
    uint32_t timeout_char_ms; // between two
    uint32_t rxbuf;
} machine_uart_obj_t;

static machine_uart_obj_t the_uart = {{&machine_uart_type}, 115200, 0, 0, 256};

MP_REGISTER_ROOT_POINTER(uint8_t *rv32_uart_buffer);

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(1, baudrate=%u, rxbuf=%u, timeout=%u, timeout_char=%u)", (unsigned)self->baudrate,
        (unsigned)self->rxbuf, (unsigned)self->timeout_ms, (unsigned)self->timeout_char_ms);
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_rxbuf, ARG_txbuf, ARG_timeout, ARG_timeout_char };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 115200} },
        { MP_QSTR_rxbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 256} },
        { MP_QSTR_txbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} }, // nothing waits on the way out
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_baudrate].u_int < 1 || args[ARG_baudrate].u_int > 115200) {
        mp_raise_ValueError(MP_ERROR_TEXT("baudrate: 1 to 115200"));
    }
    if (args[ARG_rxbuf].u_int < 32 || args[ARG_rxbuf].u_int >= LONGEST_BUFFER) {
        mp_raise_ValueError(MP_ERROR_TEXT("rxbuf: 32 to 32767"));
    }
    if (args[ARG_timeout].u_int < 0 || args[ARG_timeout_char].u_int < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("a timeout is below 0"));
    }
    self->baudrate = args[ARG_baudrate].u_int;
    self->timeout_ms = args[ARG_timeout].u_int;
    self->timeout_char_ms = args[ARG_timeout_char].u_int;
    self->rxbuf = args[ARG_rxbuf].u_int;
    MP_STATE_PORT(rv32_uart_buffer) = m_new(uint8_t, self->rxbuf + 1);
    line_buffer(&serial_line, MP_STATE_PORT(rv32_uart_buffer), self->rxbuf + 1); // a ring keeps one place empty
    line_pace(&serial_line, self->baudrate);
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    if (mp_obj_get_int(args[0]) != 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART: there is 1 only"));
    }
    if (!line_is_there(&serial_line)) {
        mp_raise_OSError(MP_ENODEV);
    }
    mp_map_t words;
    mp_map_init_fixed_table(&words, n_kw, args + n_args);
    mp_machine_uart_init_helper(&the_uart, n_args - 1, args + 1, &words);
    return MP_OBJ_FROM_PTR(&the_uart);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    (void)self;
    if (MP_STATE_PORT(rv32_uart_buffer) != NULL) {
        line_buffer(&serial_line, NULL, 0);
        MP_STATE_PORT(rv32_uart_buffer) = NULL;
    }
}

void machine_uart_deinit_all(void) {
    mp_machine_uart_deinit(&the_uart);
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    (void)self;
    return line_waiting(&serial_line);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    (void)self;
    return true;
}

static bool comes_within(uint32_t ms) {
    uint64_t then = ticks() + (uint64_t)ms * 1000 * TICKS_PER_US;
    while (line_waiting(&serial_line) == 0) {
        if (ticks() >= then) {
            return false;
        }
        mp_handle_pending(true);
        wait_until(then);
    }
    return true;
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *into, mp_uint_t size, int *error) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_uint_t had = 0;
    while (had < size && comes_within(had == 0 ? self->timeout_ms : self->timeout_char_ms)) {
        had += line_read(&serial_line, (uint8_t *)into + had, size - had);
    }
    if (had == 0 && size > 0) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return had;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *from, mp_uint_t size, int *error) {
    line_write(&serial_line, from, size);
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t argument, int *error) {
    if (request == MP_STREAM_POLL) {
        mp_uint_t ready = argument & MP_STREAM_POLL_WR;
        return line_waiting(&serial_line) ? ready | (argument & MP_STREAM_POLL_RD) : ready;
    }
    if (request == MP_STREAM_FLUSH) {
        return 0;
    }
    *error = MP_EINVAL;
    return MP_STREAM_ERROR;
}
