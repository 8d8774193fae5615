# SPDX-License-Identifier: MIT
MICROPY_PY_BTREE = 0
MICROPY_PY_FFI = 0
MICROPY_PY_SSL = 0
MICROPY_PY_THREAD = 0
MICROPY_PY_TERMIOS = 0
MICROPY_PY_SOCKET = 0
MICROPY_SSL_MBEDTLS = 0
MICROPY_VFS_FAT = 0
MICROPY_VFS_LFS1 = 0
MICROPY_ROM_TEXT_COMPRESSION = 0
FROZEN_MANIFEST = $(VARIANT_DIR)/manifest.py
SHARED_SRC_C_EXTRA += netutils/netutils.c
# Instead of the unix port's own, which it includes
CFLAGS_EXTRA += -DMP_CONFIGFILE='"configuration.h"'
# The port's sources are not written for -Wextra of the unix port.
CFLAGS_EXTRA += -Wno-missing-field-initializers -Wno-sign-compare -Wno-implicit-fallthrough -Wno-float-conversion \
    -Wno-double-promotion -Wno-old-style-declaration
# The one cipher that cryptolib asks Mbed TLS for
SRC_THIRDPARTY_C += lib/mbedtls/library/aes.c lib/mbedtls/library/platform_util.c
CFLAGS_EXTRA += -I$(TOP)/lib/mbedtls/include -DMBEDTLS_CONFIG_FILE='"$(VARIANT_DIR)/mbedtls_config.h"'
$(BUILD)/extmod/modcryptolib.o: CFLAGS += -DMICROPY_SSL_MBEDTLS=1
