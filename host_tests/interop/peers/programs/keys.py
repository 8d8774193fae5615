# SPDX-License-Identifier: MIT
"""The key that our programs share with their peers, as RFC 8613 appendix C.1 has it."""


def security(folder, sender_id, recipient_id):
    """The Security of one side; its storage is this folder."""
    from coap.oscore import Context, Security
    from coap.oscore.files import FileStorage

    secret = bytes(range(1, 17))
    salt = bytes.fromhex("9e7ca92223786340")
    return Security(Context(secret, sender_id, recipient_id, FileStorage(folder), salt))
