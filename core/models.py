"""The tables. What is done with them is in the modules of verbs.

Times are UTC microseconds (`core.clock`). A job's texts and its result stand in
tables of their own, so that an update of the job does not rewrite them.
"""

from uuid import UUID

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
    UUIDField,
)

from core.database import database


class Table(Model):
    class Meta:
        database = database
        legacy_table_names = False


# The client that replays belong to. It has no key, and operators do not see it.
REPLAYS_CLIENT_ID = UUID("7265706c-6179-4000-8000-000000000000")


class Client(Table):
    """Who submits.

    `queued` and `running` count its jobs in those states, so that room and
    fairness are judged without counting rows. The callback secret derives from
    the root secret and its version; the version before it signs too for a while.
    """

    id = UUIDField(primary_key=True)
    name = TextField(unique=True)
    features = TextField()
    rate_limit = TextField(null=True)
    max_queued = IntegerField(null=True)
    queued = IntegerField(default=0)
    running = IntegerField(default=0)
    served_at = BigIntegerField(default=0)
    suspended_at = BigIntegerField(null=True)
    created_at = BigIntegerField()
    callback_secret_version = IntegerField(default=1)
    previous_secret_until = BigIntegerField(null=True)

    class Meta:
        table_name = "clients"


class ApiKey(Table):
    """A key's public half, and the keyed hash of the whole."""

    id = TextField(primary_key=True)
    client = ForeignKeyField(Client, backref="keys", on_delete="CASCADE")
    name = TextField()
    scopes = TextField()
    key_hash = BlobField()
    hint = TextField()
    created_at = BigIntegerField()
    expires_at = BigIntegerField(null=True)
    revoked_at = BigIntegerField(null=True)

    class Meta:
        table_name = "api_keys"


class Job(Table):
    """Where a job stands; the truth that queue messages only point at."""

    id = UUIDField(primary_key=True)
    client = ForeignKeyField(Client, backref="jobs", on_delete="CASCADE")
    client_id: UUID
    feature = TextField()
    idempotency_hash = BlobField()
    content_hash = BlobField()
    callback_url = TextField(null=True)
    status = TextField()
    stage = TextField()
    progress = TextField(default="")
    created_at = BigIntegerField()
    updated_at = BigIntegerField()
    expires_at = BigIntegerField()
    available_at = BigIntegerField()
    ended_at = BigIntegerField(null=True)
    failures = IntegerField(default=0)
    lease_losses = IntegerField(default=0)
    worker_id = TextField(null=True)
    lease_token = UUIDField(null=True)
    lease_expires_at = BigIntegerField(null=True)
    error_code = TextField(null=True)
    error_message = TextField(null=True)

    class Meta:
        table_name = "jobs"


class JobInput(Table):
    """What was asked for. `options` is a serialized `TicketGenerationOptions`."""

    job = ForeignKeyField(Job, primary_key=True, on_delete="CASCADE")
    title = TextField()
    spec = TextField()
    options = BlobField()

    class Meta:
        table_name = "job_inputs"


class JobResult(Table):
    """A result as it is served: for gRPC serialized, for REST rendered once, with its ETag."""

    job = ForeignKeyField(Job, primary_key=True, on_delete="CASCADE")
    message = BlobField()
    document = BlobField()
    etag = TextField()

    class Meta:
        table_name = "job_results"


class JobEvent(Table):
    """What happened to a job; only ever added to."""

    id = AutoField()
    job = ForeignKeyField(Job, on_delete="CASCADE")
    at = BigIntegerField()
    verb = TextField()
    status = TextField()
    stage = TextField()
    attempt = IntegerField()
    detail = TextField(default="")

    class Meta:
        table_name = "job_events"


class Delivery(Table):
    """The callback of a job that has ended, as it is sent at each attempt.

    `receiver` is the host and port that it goes to, `failures` what counts
    against its schedule.
    """

    id = UUIDField(primary_key=True)
    job = ForeignKeyField(Job, on_delete="CASCADE")
    job_id: UUID
    client = ForeignKeyField(Client, on_delete="CASCADE")
    client_id: UUID
    url = TextField()
    receiver = TextField()
    body = BlobField()
    status = TextField()
    created_at = BigIntegerField()
    available_at = BigIntegerField()
    ended_at = BigIntegerField(null=True)
    failures = IntegerField(default=0)
    lease_losses = IntegerField(default=0)
    worker_id = TextField(null=True)
    claimed_at = BigIntegerField(null=True)
    lease_token = UUIDField(null=True)
    lease_expires_at = BigIntegerField(null=True)

    class Meta:
        table_name = "deliveries"


class JobAttempt(Table):
    """What a worker tells of an attempt: a `Provenance`, serialized and compressed."""

    id = AutoField()
    job = ForeignKeyField(Job, on_delete="CASCADE")
    number = IntegerField()
    ended_at = BigIntegerField()
    outcome = TextField()
    provenance = BlobField()

    class Meta:
        table_name = "job_attempts"


class JobReplay(Table):
    """A job that runs another one again; `model` is empty for the worker's own."""

    job = ForeignKeyField(Job, primary_key=True, on_delete="CASCADE")
    job_id: UUID
    original = ForeignKeyField(Job, on_delete="CASCADE")
    original_id: UUID
    model = TextField()

    class Meta:
        table_name = "job_replays"


class DeliveryAttempt(Table):
    """One attempt at a delivery; only ever added to. `problem` is empty for one that succeeded."""

    id = AutoField()
    delivery = ForeignKeyField(Delivery, on_delete="CASCADE")
    worker_id = TextField()
    started_at = BigIntegerField()
    ended_at = BigIntegerField()
    http_status = IntegerField(null=True)
    problem = TextField()

    class Meta:
        table_name = "delivery_attempts"


class Worker(Table):
    """A worker process that has spoken up lately, and how much it can do at once."""

    id = TextField(primary_key=True)
    slots = IntegerField()
    seen_at = BigIntegerField()
    delivery_slots = IntegerField(default=0)

    class Meta:
        table_name = "workers"
