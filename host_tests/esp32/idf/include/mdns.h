// SPDX-License-Identifier: MIT
// Nothing of it is used without MICROPY_HW_ENABLE_MDNS_QUERIES.
