"""How commands reach the edge of this machine: at loopback, past any proxy."""

import ssl
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

from tickets.settings import Settings


def edge_url(settings: Settings) -> str:
    """Where the edge of this machine answers."""
    host, _, port = settings.edge_bind.rpartition(":")
    scheme = "https" if settings.edge_tls_cert else "http"
    return f"{scheme}://{'127.0.0.1' if host in {'0.0.0.0', '[::]'} else host}:{port}"


def opener() -> OpenerDirector:
    """Opens URLs of this machine, to see whether a server answers.

    The environment may name a proxy, which is for elsewhere. The edge's
    certificate is for the name that others call it by, so it is not checked.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return build_opener(ProxyHandler({}), HTTPSHandler(context=context))
