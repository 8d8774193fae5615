// SPDX-License-Identifier: MIT
// The port's configuration and the counter mode that cryptolib needs for AES-CTR (mpconfigboard.h).
#include "ports/rp2/mbedtls/mbedtls_config_port.h"
#define MBEDTLS_CIPHER_MODE_CTR

// One table in the place of four, each way: 6 KiB of flash, for three shifts a word and round.
#define MBEDTLS_AES_FEWER_TABLES
