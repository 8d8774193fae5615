// SPDX-License-Identifier: MIT
// The flash and its partitions, and what the boot loader does with two of them. Sentences are those of esp_partition.h,
// esp_ota_ops.h, esp_flash_partitions.h and bootloader_utility.c, as ports/esp32/boards/sdkconfig.base configures them:
// CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE, without encryption and without secure boot.

#include "py/obj.h"
#include "py/runtime.h"

#include "inside.h"

#include "esp_ota_ops.h"
#include "lib/crypto-algorithms/sha256.h"
#include "port/modesp32.h"

#define SECTOR 4096
#define NONE UINT32_MAX
#define MOST 16
#define GONE (-2) // as knob.flash_left: the power, until boot()

// ESP_OTA_IMG_...: what `ota_state` may be
enum { NEW, PENDING_VERIFY, VALID, INVALID, ABORTED, UNDEFINED = NONE };

// esp_ota_select_entry_t, one at the beginning of each of the two sectors of the partition "otadata"
typedef struct { uint32_t seq; uint8_t label[20]; uint32_t state, crc; } entry_t;

static esp_partition_t table[MOST];
static int count;
static uint8_t *flash;
static const esp_partition_t *running;

struct esp_partition_iterator_opaque_ { int at; int type, subtype; char label[17]; };

static bool fits(int i, int type, int subtype, const char *label) {
    return (type == ESP_PARTITION_TYPE_ANY || (int)table[i].type == type)
        && (subtype == ESP_PARTITION_SUBTYPE_ANY || (int)table[i].subtype == subtype)
        && (label == NULL || label[0] == 0 || strcmp(table[i].label, label) == 0);
}

// "iterator which can be used to enumerate all the partitions found, or NULL if no partitions were found"
esp_partition_iterator_t esp_partition_find(esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label) {
    CALLED;
    esp_partition_iterator_t found = calloc(1, sizeof(*found));
    found->at = -1;
    found->type = type;
    found->subtype = subtype;
    strncpy(found->label, label ? label : "", sizeof(found->label) - 1);
    return esp_partition_next(found);
}

// "NULL if no partition was found, valid esp_partition_iterator_t otherwise"
esp_partition_iterator_t esp_partition_next(esp_partition_iterator_t iterator) {
    while (++iterator->at < count) {
        if (fits(iterator->at, iterator->type, iterator->subtype, iterator->label)) {
            return iterator;
        }
    }
    free(iterator);
    return NULL;
}

const esp_partition_t *esp_partition_get(esp_partition_iterator_t iterator) {
    return &table[iterator->at];
}

void esp_partition_iterator_release(esp_partition_iterator_t iterator) {
    free(iterator);
}

// "pointer to esp_partition_t structure, or NULL if no partition is found"
const esp_partition_t *esp_partition_find_first(
    esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label) {
    CALLED;
    for (int i = 0; i < count; i++) {
        if (fits(i, type, subtype, label)) {
            return &table[i];
        }
    }
    return NULL;
}

// "ESP_ERR_INVALID_ARG, if src_offset exceeds partition size; ESP_ERR_INVALID_SIZE, if read would go out of bounds of the
// partition", and the same of writing and erasing
static esp_err_t within(const esp_partition_t *partition, size_t offset, size_t size) {
    if (offset > partition->size) {
        return ESP_ERR_INVALID_ARG;
    }
    return offset + size > partition->size ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

esp_err_t esp_partition_read(const esp_partition_t *partition, size_t offset, void *to, size_t size) {
    CALLED;
    esp_err_t error = within(partition, offset, size);
    if (error == ESP_OK) {
        memcpy(to, flash + partition->address + offset, size);
    }
    return error;
}

// One more change of the flash: how many of its octets come about before the power goes.
static size_t power(size_t size) {
    switch (knob.flash_left) {
        case -1: // it stays
            return size;
        case GONE:
            return 0;
        case 0:
            knob.flash_left = GONE;
            return size / 2;
        default:
            knob.flash_left--;
            return size;
    }
}

// "Prior to writing to flash memory, make sure it has been erased": without that bits only go from 1 to 0.
esp_err_t esp_partition_write(const esp_partition_t *partition, size_t offset, const void *from, size_t size) {
    CALLED;
    esp_err_t error = within(partition, offset, size);
    if (error != ESP_OK) {
        return error;
    }
    size_t done = power(size);
    for (size_t i = 0; i < done; i++) {
        flash[partition->address + offset + i] &= ((const uint8_t *)from)[i];
    }
    if (done < size) {
        flash[partition->address + offset + done] = 0; // an octet that was being written may be anything
    }
    return done == size ? ESP_OK : ESP_FAIL;
}

// "offset: Must be aligned to partition->erase_size. size: Must be divisible by partition->erase_size."
esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size) {
    CALLED;
    esp_err_t error = within(partition, offset, size);
    if (error != ESP_OK) {
        return error;
    }
    if (size % SECTOR) {
        return ESP_ERR_INVALID_SIZE;
    }
    if (offset % SECTOR) {
        return ESP_ERR_INVALID_ARG;
    }
    for (size_t done = 0; done < size; done += SECTOR) {
        size_t some = power(SECTOR);
        memset(flash + partition->address + offset + done, 0xff, some);
        if (some < SECTOR) {
            return ESP_FAIL;
        }
    }
    return ESP_OK;
}

// --- images: esp_image_format.h. Header of 24 octets, segments of 8 and their octets, a checksum that ends a piece of 16,
// SHA-256 over all before it where octet 23 says so.

static bool is_image(const esp_partition_t *partition) {
    const uint8_t *image = flash + partition->address;
    size_t at = 24;
    uint8_t sum = 0xef;
    if (image[0] != 0xe9 || image[1] == 0 || image[1] > 16) {
        return false;
    }
    for (int i = 0; i < image[1]; i++) {
        uint32_t length;
        memcpy(&length, image + at + 4, 4);
        at += 8;
        if (length > partition->size || at + length + 16 + 32 > partition->size) {
            return false;
        }
        for (; length > 0; length--) {
            sum ^= image[at++];
        }
    }
    at |= 15;
    if (image[at++] != sum) {
        return false;
    }
    CRYAL_SHA256_CTX hash;
    uint8_t digest[32];
    sha256_init(&hash);
    sha256_update(&hash, image, at);
    sha256_final(&hash, digest);
    return !image[23] || memcmp(digest, image + at, 32) == 0;
}

// --- otadata

static uint32_t crc_of(const entry_t *entry) {
    uint32_t crc = 0; // crc32_le(UINT32_MAX, ...) of the chip's ROM
    for (int i = 0; i < 4; i++) {
        crc ^= ((const uint8_t *)&entry->seq)[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return ~crc;
}

static const esp_partition_t *otadata(entry_t *entries) {
    const esp_partition_t *data = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    for (int i = 0; data != NULL && i < 2; i++) {
        memcpy(&entries[i], flash + data->address + i * SECTOR, sizeof(entry_t));
    }
    return data;
}

static esp_err_t write_entry(const esp_partition_t *data, int which, entry_t *entry) {
    entry->crc = crc_of(entry);
    esp_err_t error = esp_partition_erase_range(data, which * SECTOR, SECTOR);
    return error == ESP_OK ? esp_partition_write(data, which * SECTOR, entry, sizeof(*entry)) : error;
}

static bool counts(const entry_t *entry) {
    return entry->seq != NONE && entry->crc == crc_of(entry) && entry->state != INVALID && entry->state != ABORTED;
}

// Of two that count the one with the higher number; -1: none does
static int active(const entry_t *entries) {
    bool first = counts(&entries[0]), second = counts(&entries[1]);
    return first && second ? entries[1].seq > entries[0].seq : first ? 0 : second ? 1 : -1;
}

static const esp_partition_t *slot(int number) {
    return esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_0 + number, NULL);
}

static int slots(void) {
    int n = 0;
    while (slot(n) != NULL) {
        n++;
    }
    return n;
}

static const esp_partition_t *factory(void) {
    return esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY, NULL);
}

// "In priority order, this means: the factory app, the first OTA app slot"
const esp_partition_t *esp_ota_get_boot_partition(void) {
    CALLED;
    entry_t entries[2];
    if (otadata(entries) == NULL) {
        return NULL;
    }
    int which = active(entries);
    if (slots() == 0 || which < 0) {
        return factory() ? factory() : slot(0);
    }
    return slot((entries[which].seq - 1) % slots());
}

const esp_partition_t *esp_ota_get_running_partition(void) {
    CALLED;
    return running;
}

// "Finds next partition round-robin, starting from the current running partition". Where there is one slot it is that one
// itself, whatever the header says: esp_ota_ops.c returns the first.
const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *from) {
    CALLED;
    bool next = false;
    for (int i = 0; i < slots(); i++) {
        if (slot(i) == from) {
            next = true;
        } else if (next) {
            return slot(i);
        }
    }
    return slot(0);
}

// "ESP_ERR_OTA_VALIDATE_FAILED: Partition contained invalid app image"; "ESP_ERR_NOT_FOUND: OTA data partition not found"
esp_err_t esp_ota_set_boot_partition(const esp_partition_t *partition) {
    CALLED;
    if (!is_image(partition)) {
        return ESP_ERR_OTA_VALIDATE_FAILED;
    }
    if (partition->type != ESP_PARTITION_TYPE_APP) {
        return ESP_ERR_INVALID_ARG;
    }
    entry_t entries[2];
    const esp_partition_t *data = otadata(entries);
    if (data == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    if (partition->subtype == ESP_PARTITION_SUBTYPE_APP_FACTORY) {
        return esp_partition_erase_range(data, 0, data->size);
    }
    int which = active(entries), wanted = partition->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_0;
    uint32_t seq = wanted + 1;
    while (which >= 0 && seq < entries[which].seq) {
        seq += slots();
    }
    int other = which < 0 ? 0 : 1 - which;
    entries[other].seq = seq;
    entries[other].state = NEW;
    return write_entry(data, other, &entries[other]);
}

// "This function is called to indicate that the running app is working well."
esp_err_t esp_ota_mark_app_valid_cancel_rollback(void) {
    CALLED;
    entry_t entries[2];
    const esp_partition_t *data = otadata(entries);
    if (data == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    int which = active(entries);
    if (which < 0 || slots() == 0) {
        return ESP_FAIL; // "Running firmware is factory"
    }
    if (entries[which].state == VALID) {
        return ESP_OK;
    }
    entries[which].state = VALID;
    return write_entry(data, which, &entries[which]);
}

// bootloader_utility_get_selected_boot_partition(): the number of a slot, -1 the factory's
static int selected(void) {
    entry_t entries[2];
    const esp_partition_t *data = otadata(entries);
    if (data == NULL || slots() == 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (entries[i].state == PENDING_VERIFY) {
            entries[i].state = ABORTED;
            write_entry(data, i, &entries[i]);
        }
    }
    int which = active(entries);
    if (which < 0) {
        if (factory() == NULL && entries[0].seq == NONE && entries[1].seq == NONE) {
            // set_actual_ota_seq(), where the partition is as it was delivered: slot 0 runs, and is noted
            memset(&entries[0], 0xff, sizeof(entry_t));
            entries[0].seq = 1;
            write_entry(data, 0, &entries[0]);
        }
        return factory() ? -1 : 0;
    }
    if (entries[which].state == NEW) {
        entries[which].state = PENDING_VERIFY;
        write_entry(data, which, &entries[which]);
    }
    return (entries[which].seq - 1) % slots();
}

// bootloader_utility_load_boot_image(): the selected one, those before it, those behind it
static const esp_partition_t *load(int first) {
    for (int i = first; i >= -1; i--) {
        const esp_partition_t *it = i < 0 ? factory() : slot(i);
        if (it != NULL && is_image(it)) {
            return it;
        }
    }
    for (int i = first + 1; i < slots(); i++) {
        if (is_image(slot(i))) {
            return slot(i);
        }
    }
    return NULL;
}

// --- what ../README.md has of it for tests

// partitions([(label, type, subtype, address, size), ...]): another chip, its flash erased
static mp_obj_t idf_partitions(mp_obj_t rows) {
    size_t n, end = 0;
    mp_obj_t *items;
    mp_obj_get_array(rows, &n, &items);
    if (n > MOST) {
        mp_raise_ValueError(MP_ERROR_TEXT("more partitions than there is room for"));
    }
    memset(table, 0, sizeof(table));
    for (size_t i = 0; i < n; i++) {
        mp_obj_t *row;
        mp_obj_get_array_fixed_n(items[i], 5, &row);
        strncpy(table[i].label, mp_obj_str_get_str(row[0]), sizeof(table[i].label) - 1);
        table[i].type = mp_obj_get_int(row[1]);
        table[i].subtype = mp_obj_get_int(row[2]);
        table[i].address = mp_obj_get_int(row[3]);
        table[i].size = mp_obj_get_int(row[4]);
        end = MAX(end, table[i].address + table[i].size);
    }
    count = n;
    running = NULL;
    free(flash);
    flash = malloc(end);
    memset(flash, 0xff, end);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(idf_partitions_obj, idf_partitions);

// boot(): a reset, with the power back where it was gone. The label of what runs now, None where nothing can.
static mp_obj_t idf_boot(void) {
    knob.flash_left = -1;
    running = load(selected());
    return running ? mp_obj_new_str_from_cstr(running->label) : mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(idf_boot_obj, idf_boot);

// The port's module `esp32`: of modesp32.c this class alone
static const mp_rom_map_elem_t esp32_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_esp32) },
    { MP_ROM_QSTR(MP_QSTR_Partition), MP_ROM_PTR(&esp32_partition_type) },
};
static MP_DEFINE_CONST_DICT(esp32_globals, esp32_globals_table);

const mp_obj_module_t esp32_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&esp32_globals,
};
MP_REGISTER_MODULE(MP_QSTR_esp32, esp32_module);
