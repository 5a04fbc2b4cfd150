"""`taskforge.admin.v1.KeysService`: the API keys of clients."""

from datetime import timedelta

import grpc
from taskforge.admin.v1 import keys_pb2, keys_pb2_grpc

from core import api_keys, clients, clock
from core.keys import KeyHasher, NewKey
from core.models import ApiKey

_OVERLAP = timedelta(hours=24)


class Keys(keys_pb2_grpc.KeysServiceServicer):
    def __init__(self, hasher: KeyHasher) -> None:
        self._hasher = hasher

    def CreateKey(
        self, request: keys_pb2.CreateKeyRequest, context: grpc.ServicerContext
    ) -> keys_pb2.IssuedKey:
        expires_at = None
        if request.HasField("expires_in"):
            expires_at = clock.now() + clock.micros(request.expires_in.ToTimedelta())
        issued = api_keys.issue(
            self._hasher,
            client=clients.named(request.client_name),
            name=request.name,
            scopes=request.scopes,
            expires_at=expires_at,
        )
        return _issued(*issued)

    def ListKeys(
        self, request: keys_pb2.ListKeysRequest, context: grpc.ServicerContext
    ) -> keys_pb2.ListKeysResponse:
        found = api_keys.listed(request.client_name)
        return keys_pb2.ListKeysResponse(keys=[_message(key) for key in found])

    def RevokeKey(
        self, request: keys_pb2.RevokeKeyRequest, context: grpc.ServicerContext
    ) -> keys_pb2.ApiKey:
        return _message(api_keys.revoke(request.key_id))

    def RotateKey(
        self, request: keys_pb2.RotateKeyRequest, context: grpc.ServicerContext
    ) -> keys_pb2.IssuedKey:
        overlap = request.overlap.ToTimedelta() if request.HasField("overlap") else _OVERLAP
        return _issued(*api_keys.rotate(self._hasher, request.key_id, overlap))


def _issued(key: ApiKey, new: NewKey) -> keys_pb2.IssuedKey:
    return keys_pb2.IssuedKey(key=_message(key), api_key=new.text)


def _message(key: ApiKey) -> keys_pb2.ApiKey:
    message = keys_pb2.ApiKey(
        key_id=key.id,
        client_name=key.client.name,
        name=key.name,
        scopes=key.scopes.split(),
        hint=key.hint,
        created_at=clock.timestamp(key.created_at),
    )
    if key.expires_at is not None:
        message.expires_at.CopyFrom(clock.timestamp(key.expires_at))
    if key.revoked_at is not None:
        message.revoked_at.CopyFrom(clock.timestamp(key.revoked_at))
    return message
