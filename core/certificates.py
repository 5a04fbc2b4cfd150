"""Core's own certificate: gRPC's credentials from the settings, renewed when its files change."""

import logging
from collections.abc import Callable

import grpc

from tickets import tls
from tickets.settings import Settings, SettingsError

log = logging.getLogger(__name__)

Configuration = grpc.ServerCertificateConfiguration


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """What to serve with; None: without TLS.

    Raises:
        SettingsError: A file is missing or wrong.
    """
    first = tls.server(settings)
    if first is None:
        return None
    return grpc.dynamic_ssl_server_credentials(
        _configuration(first),
        _renewed(settings),  # type: ignore[arg-type] # its stub forgets that None is allowed
        require_client_authentication=first.client_ca is not None,
    )


def _renewed(settings: Settings) -> Callable[[], Configuration | None]:
    """Tells, for each new connection, what to serve with from now on; None: as before."""
    files = (settings.core_tls_cert, settings.core_tls_key, settings.core_tls_client_ca)

    def stamps() -> list[tuple[int, int]]:
        found = [file.stat() for file in files if file is not None]
        return [(one.st_mtime_ns, one.st_ino) for one in found]

    seen = stamps()

    def look() -> Configuration | None:
        nonlocal seen
        try:
            if (now := stamps()) == seen:
                return None
            renewed = tls.server(settings)
        except (SettingsError, OSError) as fault:
            # Between the writing of two files they do not fit; the next connection looks again.
            log.warning("the certificate is not renewed: %s", fault)
            return None
        seen = now
        log.info("the certificate is renewed from %s", settings.core_tls_cert)
        return None if renewed is None else _configuration(renewed)

    return look


def _configuration(served: tls.ServerTls) -> Configuration:
    own = served.identity
    return grpc.ssl_server_certificate_configuration([(own.key, own.certificate)], served.client_ca)
