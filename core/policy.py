"""What each RPC asks of its caller, read off the options in the protos once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf.descriptor import FileDescriptor
from taskforge.options.v1 import options_pb2


@dataclass(frozen=True, slots=True)
class Policy:
    """One RPC's demands.

    Attributes:
        method: Full gRPC name, `/package.Service/Method`.
        audience: A number of `taskforge.options.v1.Audience`.
        feature: What the caller's client must have; empty: nothing.
        scope: What the caller's key must carry; empty: nothing.
        waits: It waits for something to happen.
    """

    method: str
    audience: int
    feature: str
    scope: str
    waits: bool


def policies(files: Iterable[FileDescriptor]) -> Mapping[str, Policy]:
    """The policies of all RPCs in these files, by full gRPC name.

    Raises:
        ValueError: A service names no audience, or a client's RPC no scope.
    """
    found: dict[str, Policy] = {}
    for file in files:
        for service in file.services_by_name.values():
            options = service.GetOptions().Extensions
            audience = options[options_pb2.audience]
            if audience == options_pb2.AUDIENCE_UNSPECIFIED:
                raise ValueError(f"{service.full_name} names no audience")
            for method in service.methods:
                name = f"/{service.full_name}/{method.name}"
                own = method.GetOptions().Extensions
                scope, waits = own[options_pb2.scope], own[options_pb2.waits]
                feature = options[options_pb2.feature]
                if feature and not scope:
                    raise ValueError(f"{name} names no scope")
                found[name] = Policy(name, audience, feature, scope, waits)
    return MappingProxyType(found)
