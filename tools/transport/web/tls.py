# SPDX-License-Identifier: MIT
"""TLS of the HTTP side (RFC 9110 section 4.2.2): our certificate, which may become another one while we run, and what
the certificates of others are held against.

It knows no HTTP and no CoAP, so a mistake in the files is said before anything of that is loaded.
"""

import os
import ssl
from typing import NamedTuple

from tools.words import why


class CertificateError(Exception):
    """A file is not what it should be; the sentence says which, and what to do."""


class Certificate:
    """`context`: of a server. Each handshake gets the certificate that was loaded last; the connections that are open
    keep theirs. `key`: the file of its key, None where that is in the same file."""

    def __init__(self, file, key=None):
        self._files = file, key
        self._seen = self._stamps()
        self._newest = self.context = self._read()
        self.context.sni_callback = self._begin

    def _begin(self, connection, name, context):
        """Of each handshake, whether it names a host or not."""
        connection.context = self._newest

    def load(self):
        """Takes what the files have now. Raises CertificateError, and goes on with what it had."""
        self._seen = self._stamps()
        self._newest = self._read()

    @property
    def has_changed(self):
        """Whether a file is another one than at the last look."""
        return self._stamps() != self._seen

    def _stamps(self):
        return [_stamp(name) for name in self._files if name is not None]

    def _read(self):
        file, key = self._files
        for option, name in (("--tls-cert", file), ("--tls-key", key)):
            if name is not None:
                _check(option, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(file, key, _no_passphrase)
        except _PassphraseError as error:
            words = (
                "the key in %s has a passphrase, which nobody types at a start: openssl pkey -in %s -out FILE"
            )
            raise CertificateError(words % (key or file, key or file)) from error
        except ssl.SSLError as error:
            raise CertificateError(_why(error, file, key)) from error
        return context


class _PassphraseError(Exception):
    pass


def _no_passphrase():
    raise _PassphraseError


def _why(error, file, key):
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key in %s is not that of the certificate in %s" % (key or file, file)
    if key is None:
        words = (
            "%s has no certificate with its key behind it, in PEM (%s): give the file of the key by --tls-key"
        )
        return words % (file, error.reason)
    return "--tls-cert %s, --tls-key %s: not a certificate and its key in PEM (%s)" % (
        file,
        key,
        error.reason,
    )


def _check(option, name):
    """Raises CertificateError for what cannot be read: which file it is, OpenSSL does not say."""
    try:
        with open(name, "rb") as file:
            file.read(1)
    except OSError as error:
        raise CertificateError("%s %s cannot be read: %s" % (option, name, why(error))) from error


def _stamp(name):
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Tls(NamedTuple):
    """Of the HTTP side. `ours`: our Certificate, None where it speaks no TLS; `trusted`: the context that others who do
    are held against, None for that of the system."""

    ours: Certificate | None = None
    trusted: ssl.SSLContext | None = None

    @property
    def context(self):
        """Of our server, None without TLS."""
        return None if self.ours is None else self.ours.context


PLAIN = Tls()


def tls_of(certificate, ca):
    """The Tls of what was asked for: (file, file of the key or None) or None, and a file or None. Raises
    CertificateError."""
    return Tls(Certificate(*certificate) if certificate else None, trusting(ca) if ca else None)


def trusting(file):
    """The context of a client that trusts the certification authorities in this file, and no others. Raises
    CertificateError."""
    _check("--ca", file)
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        words = "--ca %s has no certificates in PEM (%s)"
        raise CertificateError(words % (file, error.reason or "none is there")) from error
