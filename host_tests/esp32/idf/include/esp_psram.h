// SPDX-License-Identifier: MIT
// Nothing of it is used without CONFIG_SPIRAM_IGNORE_NOTFOUND.
