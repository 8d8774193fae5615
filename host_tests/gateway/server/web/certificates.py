# SPDX-License-Identifier: MIT
"""Certificates for tests, made anew each time: an authority, and what it says who somebody is."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
FORMAT = serialization.PrivateFormat.PKCS8
_NOW = datetime.datetime.now(datetime.UTC)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """`file`: its certificate in PEM, in this folder."""

    def __init__(self, folder, called="authority"):
        self._folder, self._name, self._key = folder, name(called), ec.generate_private_key(ec.SECP256R1())
        made = self._made(self._name, self._key.public_key(), x509.BasicConstraints(True, None), [])
        self.file = folder / (called + ".pem")
        self.file.write_bytes(made.public_bytes(PEM))

    def _made(self, subject, key, constraints, names):
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
        builder = builder.not_valid_before(_NOW - datetime.timedelta(days=1))
        builder = builder.not_valid_after(_NOW + datetime.timedelta(days=1))
        builder = builder.add_extension(constraints, critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def certify(self, called, passphrase=None):
        """(file of a certificate for 127.0.0.1 and localhost, file of its key)"""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = self._made(name(called), key.public_key(), x509.BasicConstraints(False, None), names)
        files = self._folder / (called + ".crt"), self._folder / (called + ".key")
        secret = serialization.NoEncryption()
        if passphrase:
            secret = serialization.BestAvailableEncryption(passphrase)
        files[0].write_bytes(made.public_bytes(PEM))
        files[1].write_bytes(key.private_bytes(PEM, FORMAT, secret))
        return files
