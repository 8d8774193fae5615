# SPDX-License-Identifier: MIT
"""What only an Application Client has: MSGin5G-5, in JSON over CoAP or in the messages of Annex A."""
