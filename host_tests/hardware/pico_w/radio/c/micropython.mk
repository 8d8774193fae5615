# SPDX-License-Identifier: MIT
SRC_USERMOD_C += $(addprefix $(USERMOD_DIR)/, cyw43.c air.c wlan.c module.c)
CFLAGS_USERMOD += -I$(USERMOD_DIR)/include
