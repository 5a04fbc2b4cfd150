"""What operators do to a caller of an installation."""

from taskforge.admin.v1 import clients_pb2, keys_pb2

from tests.stack import Caller


def suspend(caller: Caller) -> None:
    stack = caller.stack
    request = clients_pb2.SuspendClientRequest(name=caller.name)
    stack.clients.SuspendClient(request, metadata=stack.operator)


def resume(caller: Caller) -> None:
    stack = caller.stack
    request = clients_pb2.ResumeClientRequest(name=caller.name)
    stack.clients.ResumeClient(request, metadata=stack.operator)


def switch_tickets(caller: Caller, *, on: bool) -> None:
    features = {"enable" if on else "disable": ["tickets"]}
    stack = caller.stack
    stack.clients.UpdateClientFeatures(
        clients_pb2.UpdateClientFeaturesRequest(name=caller.name, **features),
        metadata=stack.operator,
    )


def limit(caller: Caller, *, rate: str | None = None, max_queued: int | None = None) -> None:
    """Sets the client's own limits; with none given, drops them."""
    stack = caller.stack
    stack.clients.UpdateClientLimits(
        clients_pb2.UpdateClientLimitsRequest(
            name=caller.name,
            limits=clients_pb2.ClientLimits(rate_limit=rate, max_queued=max_queued),
            reset=rate is None and max_queued is None,
        ),
        metadata=stack.operator,
    )


def revoke(caller: Caller) -> None:
    stack = caller.stack
    request = keys_pb2.RevokeKeyRequest(key_id=caller.key_id)
    stack.keys.RevokeKey(request, metadata=stack.operator)


def another_key(caller: Caller, *scopes: str, seconds: float | None = None) -> Caller:
    """The same client with a new key, which expires after some seconds if they are given."""
    stack = caller.stack
    request = keys_pb2.CreateKeyRequest(client_name=caller.name, scopes=scopes)
    if seconds is not None:
        request.expires_in.FromMilliseconds(round(seconds * 1000))
    issued = stack.keys.CreateKey(request, metadata=stack.operator)
    return Caller(stack, caller.name, caller.client_id, issued.key.key_id, issued.api_key)
