"""Whom receivers' certificates may come from."""

import ssl
from pathlib import Path

import certifi


class TrustError(Exception):
    """The operator's file of certificate authorities cannot be used."""


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Checks certificates and host names against the public authorities, and those in a file.

    Raises:
        TrustError: The file cannot be read, or holds no certificate.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as fault:
            raise TrustError(f"{ca_file} holds no certificates: {fault}") from None
    return context
