import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from taskforge.options.v1 import options_pb2 as _options_pb2
from taskforge.tickets.v1 import result_pb2 as _result_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DependencyMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPENDENCY_MODE_UNSPECIFIED: _ClassVar[DependencyMode]
    DEPENDENCY_MODE_EXPLICIT: _ClassVar[DependencyMode]

class OutputDetail(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_DETAIL_UNSPECIFIED: _ClassVar[OutputDetail]
    OUTPUT_DETAIL_COMPACT: _ClassVar[OutputDetail]
    OUTPUT_DETAIL_STANDARD: _ClassVar[OutputDetail]
    OUTPUT_DETAIL_DETAILED: _ClassVar[OutputDetail]

class JobStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATUS_UNSPECIFIED: _ClassVar[JobStatus]
    JOB_STATUS_QUEUED: _ClassVar[JobStatus]
    JOB_STATUS_PROCESSING: _ClassVar[JobStatus]
    JOB_STATUS_COMPLETED: _ClassVar[JobStatus]
    JOB_STATUS_FAILED: _ClassVar[JobStatus]
    JOB_STATUS_CANCEL_REQUESTED: _ClassVar[JobStatus]
    JOB_STATUS_CANCELLED: _ClassVar[JobStatus]
    JOB_STATUS_EXPIRED: _ClassVar[JobStatus]

class JobStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STAGE_UNSPECIFIED: _ClassVar[JobStage]
    JOB_STAGE_ACCEPTED: _ClassVar[JobStage]
    JOB_STAGE_QUEUED: _ClassVar[JobStage]
    JOB_STAGE_PREPARING_PROMPT: _ClassVar[JobStage]
    JOB_STAGE_GENERATING_TICKETS: _ClassVar[JobStage]
    JOB_STAGE_VALIDATING_OUTPUT: _ClassVar[JobStage]
    JOB_STAGE_COMPLETED: _ClassVar[JobStage]
    JOB_STAGE_FAILED: _ClassVar[JobStage]
DEPENDENCY_MODE_UNSPECIFIED: DependencyMode
DEPENDENCY_MODE_EXPLICIT: DependencyMode
OUTPUT_DETAIL_UNSPECIFIED: OutputDetail
OUTPUT_DETAIL_COMPACT: OutputDetail
OUTPUT_DETAIL_STANDARD: OutputDetail
OUTPUT_DETAIL_DETAILED: OutputDetail
JOB_STATUS_UNSPECIFIED: JobStatus
JOB_STATUS_QUEUED: JobStatus
JOB_STATUS_PROCESSING: JobStatus
JOB_STATUS_COMPLETED: JobStatus
JOB_STATUS_FAILED: JobStatus
JOB_STATUS_CANCEL_REQUESTED: JobStatus
JOB_STATUS_CANCELLED: JobStatus
JOB_STATUS_EXPIRED: JobStatus
JOB_STAGE_UNSPECIFIED: JobStage
JOB_STAGE_ACCEPTED: JobStage
JOB_STAGE_QUEUED: JobStage
JOB_STAGE_PREPARING_PROMPT: JobStage
JOB_STAGE_GENERATING_TICKETS: JobStage
JOB_STAGE_VALIDATING_OUTPUT: JobStage
JOB_STAGE_COMPLETED: JobStage
JOB_STAGE_FAILED: JobStage

class TicketsJobSubmitRequest(_message.Message):
    __slots__ = ("schema_version", "idempotency_key", "title", "spec", "options", "callback_url")
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_URL_FIELD_NUMBER: _ClassVar[int]
    schema_version: str
    idempotency_key: str
    title: str
    spec: str
    options: TicketGenerationOptions
    callback_url: str
    def __init__(self, schema_version: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., title: _Optional[str] = ..., spec: _Optional[str] = ..., options: _Optional[_Union[TicketGenerationOptions, _Mapping]] = ..., callback_url: _Optional[str] = ...) -> None: ...

class TicketGenerationOptions(_message.Message):
    __slots__ = ("ticket_count", "max_ticket_count", "include_epics", "dependency_mode", "output_detail")
    TICKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_TICKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EPICS_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCY_MODE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_DETAIL_FIELD_NUMBER: _ClassVar[int]
    ticket_count: int
    max_ticket_count: int
    include_epics: bool
    dependency_mode: DependencyMode
    output_detail: OutputDetail
    def __init__(self, ticket_count: _Optional[int] = ..., max_ticket_count: _Optional[int] = ..., include_epics: _Optional[bool] = ..., dependency_mode: _Optional[_Union[DependencyMode, str]] = ..., output_detail: _Optional[_Union[OutputDetail, str]] = ...) -> None: ...

class TicketsJobAcceptedResponse(_message.Message):
    __slots__ = ("schema_version", "job_id", "status", "status_url", "result_url", "created_at")
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STATUS_URL_FIELD_NUMBER: _ClassVar[int]
    RESULT_URL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    schema_version: str
    job_id: str
    status: JobStatus
    status_url: str
    result_url: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, schema_version: _Optional[str] = ..., job_id: _Optional[str] = ..., status: _Optional[_Union[JobStatus, str]] = ..., status_url: _Optional[str] = ..., result_url: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListTicketsJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class TicketsJobListResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[TicketsJobResponse]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[TicketsJobResponse, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class TicketsJobResponse(_message.Message):
    __slots__ = ("schema_version", "job_id", "status", "stage", "created_at", "updated_at", "expires_at", "error")
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    schema_version: str
    job_id: str
    status: JobStatus
    stage: JobStage
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    error: TicketsJobError
    def __init__(self, schema_version: _Optional[str] = ..., job_id: _Optional[str] = ..., status: _Optional[_Union[JobStatus, str]] = ..., stage: _Optional[_Union[JobStage, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[TicketsJobError, _Mapping]] = ...) -> None: ...

class TicketsJobError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class GetTicketsJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class CancelTicketsJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetTicketsJobResultRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class TicketsJobResultResponse(_message.Message):
    __slots__ = ("result", "job")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    result: _result_pb2.TicketsResult
    job: TicketsJobResponse
    def __init__(self, result: _Optional[_Union[_result_pb2.TicketsResult, _Mapping]] = ..., job: _Optional[_Union[TicketsJobResponse, _Mapping]] = ...) -> None: ...

class GetTicketsSchemaRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TicketsSchemaResponse(_message.Message):
    __slots__ = ("input_schema_version", "result_schema_version", "schema_json")
    INPUT_SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESULT_SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    input_schema_version: str
    result_schema_version: str
    schema_json: str
    def __init__(self, input_schema_version: _Optional[str] = ..., result_schema_version: _Optional[str] = ..., schema_json: _Optional[str] = ...) -> None: ...
