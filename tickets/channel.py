"""The gRPC channel to core, for those who call it through grpcio: worker and commands."""

import json

import grpc

from tickets import tls
from tickets.settings import Settings

_LARGEST_MESSAGE = 64 * 1024 * 1024

_OPTIONS = (
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    # A proxy for the web has no business between us and core.
    ("grpc.enable_http_proxy", 0),
    # All cores in turn; one that is away gets no calls until it is back.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # A core that comes back, or a new one, is found again within a second or two.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 2000),
    # One whose machine is gone says no good-bye, so all are asked now and then.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # A ping of another kind that nobody answers holds up those above, for a minute by default.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


def open_channel(settings: Settings) -> grpc.Channel:
    """A channel to all cores that the settings name. Make it after a fork.

    Raises:
        SettingsError: A file that TLS needs is missing or wrong.
    """
    target = _target(settings.core_addr)
    secured = tls.client(settings)
    if secured is None:
        return grpc.insecure_channel(target, _OPTIONS)
    own = secured.identity
    credentials = (
        grpc.ssl_channel_credentials(secured.ca, own.key, own.certificate)
        if own
        else grpc.ssl_channel_credentials(secured.ca)
    )
    name = ("grpc.ssl_target_name_override", secured.name)
    return grpc.secure_channel(target, credentials, (*_OPTIONS, name))


def _target(address: str) -> str:
    """In gRPC's own terms, a name resolved to all of its addresses."""
    return f"ipv4:{address}" if "," in address else f"dns:///{address}"
