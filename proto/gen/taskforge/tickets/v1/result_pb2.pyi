from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TicketType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TICKET_TYPE_UNSPECIFIED: _ClassVar[TicketType]
    TICKET_TYPE_EPIC: _ClassVar[TicketType]
    TICKET_TYPE_STORY: _ClassVar[TicketType]
    TICKET_TYPE_TASK: _ClassVar[TicketType]
    TICKET_TYPE_BUG: _ClassVar[TicketType]
    TICKET_TYPE_SPIKE: _ClassVar[TicketType]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]
    PRIORITY_MEDIUM: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]
    PRIORITY_CRITICAL: _ClassVar[Priority]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_LOW: _ClassVar[Severity]
    SEVERITY_MEDIUM: _ClassVar[Severity]
    SEVERITY_HIGH: _ClassVar[Severity]
    SEVERITY_CRITICAL: _ClassVar[Severity]
TICKET_TYPE_UNSPECIFIED: TicketType
TICKET_TYPE_EPIC: TicketType
TICKET_TYPE_STORY: TicketType
TICKET_TYPE_TASK: TicketType
TICKET_TYPE_BUG: TicketType
TICKET_TYPE_SPIKE: TicketType
PRIORITY_UNSPECIFIED: Priority
PRIORITY_LOW: Priority
PRIORITY_MEDIUM: Priority
PRIORITY_HIGH: Priority
PRIORITY_CRITICAL: Priority
SEVERITY_UNSPECIFIED: Severity
SEVERITY_LOW: Severity
SEVERITY_MEDIUM: Severity
SEVERITY_HIGH: Severity
SEVERITY_CRITICAL: Severity

class TicketsResult(_message.Message):
    __slots__ = ("schema_version", "job_id", "source", "tickets", "risks", "open_questions", "generation")
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TICKETS_FIELD_NUMBER: _ClassVar[int]
    RISKS_FIELD_NUMBER: _ClassVar[int]
    OPEN_QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    schema_version: str
    job_id: str
    source: SourceSummary
    tickets: _containers.RepeatedCompositeFieldContainer[Ticket]
    risks: _containers.RepeatedCompositeFieldContainer[Risk]
    open_questions: _containers.RepeatedCompositeFieldContainer[OpenQuestion]
    generation: GenerationMetadata
    def __init__(self, schema_version: _Optional[str] = ..., job_id: _Optional[str] = ..., source: _Optional[_Union[SourceSummary, _Mapping]] = ..., tickets: _Optional[_Iterable[_Union[Ticket, _Mapping]]] = ..., risks: _Optional[_Iterable[_Union[Risk, _Mapping]]] = ..., open_questions: _Optional[_Iterable[_Union[OpenQuestion, _Mapping]]] = ..., generation: _Optional[_Union[GenerationMetadata, _Mapping]] = ...) -> None: ...

class SourceSummary(_message.Message):
    __slots__ = ("title", "summary")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    title: str
    summary: str
    def __init__(self, title: _Optional[str] = ..., summary: _Optional[str] = ...) -> None: ...

class Ticket(_message.Message):
    __slots__ = ("external_id", "ticket_type", "title", "description", "acceptance_criteria", "labels", "dependencies", "story_points", "priority", "parent_external_id", "metadata")
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ACCEPTANCE_CRITERIA_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    STORY_POINTS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PARENT_EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    external_id: str
    ticket_type: TicketType
    title: str
    description: str
    acceptance_criteria: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.RepeatedScalarFieldContainer[str]
    dependencies: _containers.RepeatedScalarFieldContainer[str]
    story_points: int
    priority: Priority
    parent_external_id: str
    metadata: _struct_pb2.Struct
    def __init__(self, external_id: _Optional[str] = ..., ticket_type: _Optional[_Union[TicketType, str]] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., acceptance_criteria: _Optional[_Iterable[str]] = ..., labels: _Optional[_Iterable[str]] = ..., dependencies: _Optional[_Iterable[str]] = ..., story_points: _Optional[int] = ..., priority: _Optional[_Union[Priority, str]] = ..., parent_external_id: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Risk(_message.Message):
    __slots__ = ("id", "description", "severity", "related_ticket_ids")
    ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    RELATED_TICKET_IDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    description: str
    severity: Severity
    related_ticket_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., description: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ..., related_ticket_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class OpenQuestion(_message.Message):
    __slots__ = ("id", "question", "related_ticket_ids")
    ID_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    RELATED_TICKET_IDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    question: str
    related_ticket_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., question: _Optional[str] = ..., related_ticket_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GenerationMetadata(_message.Message):
    __slots__ = ("model", "duration_ms", "prompt_tokens", "completion_tokens", "finish_reason")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    model: str
    duration_ms: int
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str
    def __init__(self, model: _Optional[str] = ..., duration_ms: _Optional[int] = ..., prompt_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ..., finish_reason: _Optional[str] = ...) -> None: ...
