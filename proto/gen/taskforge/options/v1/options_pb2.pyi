from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Audience(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIENCE_UNSPECIFIED: _ClassVar[Audience]
    AUDIENCE_CLIENTS: _ClassVar[Audience]
    AUDIENCE_OPERATORS: _ClassVar[Audience]
    AUDIENCE_WORKERS: _ClassVar[Audience]
AUDIENCE_UNSPECIFIED: Audience
AUDIENCE_CLIENTS: Audience
AUDIENCE_OPERATORS: Audience
AUDIENCE_WORKERS: Audience
AUDIENCE_FIELD_NUMBER: _ClassVar[int]
audience: _descriptor.FieldDescriptor
FEATURE_FIELD_NUMBER: _ClassVar[int]
feature: _descriptor.FieldDescriptor
SCOPE_FIELD_NUMBER: _ClassVar[int]
scope: _descriptor.FieldDescriptor
SUCCESS_STATUS_FIELD_NUMBER: _ClassVar[int]
success_status: _descriptor.FieldDescriptor
GRPC_ONLY_FIELD_NUMBER: _ClassVar[int]
grpc_only: _descriptor.FieldDescriptor
