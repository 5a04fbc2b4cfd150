"""The obvious edge, to compare with: Flask routes and protobuf's own JSON, under gunicorn.

It checks nothing and explains nothing; a real one would do more.
"""

from typing import Any

import grpc
from flask import Flask, Response, jsonify, request
from google.protobuf import json_format
from google.protobuf.message import Message
from taskforge.tickets.v1 import jobs_pb2, jobs_pb2_grpc

_TIMEOUT_S = 30


def create_app(core_address: str) -> Flask:
    app = Flask(__name__)
    core = jobs_pb2_grpc.TicketsServiceStub(grpc.insecure_channel(core_address))

    @app.post("/tickets/v1/jobs")
    def submit() -> tuple[Response, int]:
        message = json_format.ParseDict(request.get_json(), jobs_pb2.TicketsJobSubmitRequest())
        return _answer(core.SubmitTicketsJob, message), 202

    @app.get("/tickets/v1/jobs/<job_id>")
    def status(job_id: str) -> Response:
        return _answer(core.GetTicketsJob, jobs_pb2.GetTicketsJobRequest(job_id=job_id))

    @app.get("/tickets/v1/jobs/<job_id>/result")
    def result(job_id: str) -> Response:
        message = jobs_pb2.GetTicketsJobResultRequest(job_id=job_id)
        return _answer(core.GetTicketsJobResult, message)

    return app


def _answer(call: Any, message: Message) -> Response:
    metadata = [("authorization", request.headers.get("Authorization", ""))]
    answer = call(message, timeout=_TIMEOUT_S, metadata=metadata)
    return jsonify(
        json_format.MessageToDict(
            answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    )
