// SPDX-License-Identifier: MIT
// The flash for files: the second bank of NOR flash of the machine, which QEMU keeps in a file of this computer, command
// by command. QEMU's hw/block/pflash_cfi01.c erases 256 KiB at once and takes any octet over any other. The flash of an
// ESP32 or of a Pico erases 4096 octets and clears bits only, and so does this one, by its own rules above those of the
// bank: an erasure programs 0xff, a program clears what is clear already or is to be. `rv32.Flash` is the block device.
#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "virt.h"

#define SECTOR (4096)
#define PAGE   (256)
#define CUT    (75) // exit code, that of tools/emulator/client.py

// Commands of Intel's set (JEDEC's CFI, set 1), for two chips side by side in a word.
#define WRITE_BUFFER (0x00e800e8)
#define CONFIRM      (0x00d000d0)
#define READ_ARRAY   (0x00ff00ff)
#define WORDS(n) (((n) - 1) << 16 | ((n) - 1))

typedef struct _flash_obj_t {
    mp_obj_base_t base;
} flash_obj_t;
static const mp_obj_type_t flash_type;
static const flash_obj_t the_flash = {{&flash_type}};

// Within a page.
static void put(uint32_t offset, const uint32_t *words, size_t size) {
    uintptr_t at = FLASH1 + offset;
    REG32(at) = WRITE_BUFFER;
    REG32(at) = WORDS(size / 4);
    for (size_t i = 0; i < size / 4; i++) {
        REG32(at + 4 * i) = words[i];
    }
    REG32(at) = CONFIRM;
    REG32(at) = READ_ARRAY;
}

// Half of it is done when the power goes.
static size_t done_of(size_t size) {
    bool cut = STRAPS->mark == STRAPS_MARK && KEPT->operations == STRAPS->cut_after;
    KEPT->operations++;
    return cut ? size / 2 : size;
}

static void erase(uint32_t offset) {
    static const uint32_t blank[PAGE / 4] = {[0 ... PAGE / 4 - 1] = 0xffffffff};
    size_t done = done_of(SECTOR);
    for (size_t at = 0; at < done; at += PAGE) {
        put(offset + at, blank, PAGE);
    }
    if (done != SECTOR) {
        power_off(CUT);
    }
}

static void program(uint32_t offset, const uint8_t *octets) {
    uint32_t words[PAGE / 4];
    memcpy(words, octets, PAGE);
    const uint32_t *old = (const uint32_t *)(FLASH1 + offset);
    for (int i = 0; i < PAGE / 4; i++) {
        words[i] &= old[i];
    }
    size_t done = done_of(PAGE);
    put(offset, words, done);
    if (done != PAGE) {
        power_off(CUT);
    }
}

// Where in the flash; OSError where that is not all in it.
static uint32_t place(mp_obj_t block, mp_int_t offset, size_t size, size_t unit) {
    mp_int_t number = mp_obj_get_int(block);
    if (number < 0 || number >= MSGIN5G_FILES / SECTOR || offset < 0 || offset > MSGIN5G_FILES) {
        mp_raise_OSError(MP_EINVAL);
    }
    uint32_t at = number * SECTOR + offset;
    if (at % unit != 0 || size % unit != 0 || size > MSGIN5G_FILES || at > MSGIN5G_FILES - size) {
        mp_raise_OSError(MP_EINVAL);
    }
    return at;
}

static mp_obj_t flash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&the_flash);
}

static mp_obj_t flash_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[2], &buffer, MP_BUFFER_WRITE);
    uint32_t at = place(args[1], n_args == 4 ? mp_obj_get_int(args[3]) : 0, buffer.len, 1);
    memcpy(buffer.buf, (const void *)(FLASH1 + at), buffer.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

static mp_obj_t flash_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[2], &buffer, MP_BUFFER_READ);
    uint32_t at = place(args[1], n_args == 4 ? mp_obj_get_int(args[3]) : 0, buffer.len, PAGE);
    // Without an offset, the block device is to erase what it writes (MicroPython's os.AbstractBlockDev).
    for (size_t i = 0; n_args == 3 && i < buffer.len; i += SECTOR) {
        erase(at + i);
    }
    for (size_t i = 0; i < buffer.len; i += PAGE) {
        program(at + i, (const uint8_t *)buffer.buf + i);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

static mp_obj_t flash_ioctl(mp_obj_t self_in, mp_obj_t command, mp_obj_t argument) {
    switch (mp_obj_get_int(command)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(MSGIN5G_FILES / SECTOR);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(SECTOR);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
            erase(place(argument, 0, SECTOR, SECTOR));
            return MP_OBJ_NEW_SMALL_INT(0);
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    flash_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE,
    make_new, flash_make_new,
    locals_dict, &flash_locals
    );

static mp_obj_t rv32_operations(void) {
    return mp_obj_new_int_from_uint(KEPT->operations);
}
static MP_DEFINE_CONST_FUN_OBJ_0(rv32_operations_obj, rv32_operations);

static const mp_rom_map_elem_t rv32_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_rv32) },
    { MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&flash_type) },
    { MP_ROM_QSTR(MP_QSTR_operations), MP_ROM_PTR(&rv32_operations_obj) },
};
static MP_DEFINE_CONST_DICT(rv32_globals, rv32_globals_table);

const mp_obj_module_t rv32_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&rv32_globals,
};
MP_REGISTER_MODULE(MP_QSTR_rv32, rv32_module);
