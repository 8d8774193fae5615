// SPDX-License-Identifier: MIT
// check_esp_err_() of the port's mphalport.c, which ../build.py cuts out of it: the rest of that file is the console.
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/objstr.h"
#include "py/runtime.h"

#include "esp_err.h"

#include "port/check_esp_err.inc"
