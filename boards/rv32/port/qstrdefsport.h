// SPDX-License-Identifier: MIT
// Names that the build does not find by itself: none.
