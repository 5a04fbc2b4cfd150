"""Clients, keys, jobs with their texts, results and events, and workers.

The tables stand here as they were at this version; `core.models` may move on.
"""

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    Check,
    ForeignKeyField,
    IntegerField,
    TextField,
    UUIDField,
)

STATUSES = (
    "queued",
    "processing",
    "completed",
    "failed",
    "cancel_requested",
    "cancelled",
    "expired",
)
LEASED = ("processing", "cancel_requested")
TERMINAL = ("completed", "failed", "cancelled", "expired")

INDEXES = (
    "CREATE UNIQUE INDEX jobs_idempotency ON jobs (client_id, feature, idempotency_hash)",
    "CREATE INDEX jobs_newest ON jobs (client_id, created_at DESC, id DESC)",
    "CREATE INDEX jobs_claimable ON jobs (client_id, created_at) WHERE status = 'queued'",
    "CREATE INDEX jobs_unannounced ON jobs (created_at) WHERE stage = 'accepted'",
    "CREATE INDEX jobs_leases ON jobs (lease_expires_at) WHERE lease_expires_at IS NOT NULL",
    "CREATE INDEX jobs_cancelling ON jobs (worker_id) WHERE status = 'cancel_requested'",
    "CREATE UNIQUE INDEX jobs_lease_token ON jobs (lease_token)",
    "CREATE INDEX jobs_deadlines ON jobs (expires_at) WHERE status IN ('queued', 'processing')",
    "CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX job_events_by_job ON job_events (job_id, id)",
    "CREATE INDEX api_keys_by_client ON api_keys (client_id)",
)


def _one_of(values):
    return "({})".format(", ".join(f"'{value}'" for value in values))


def up(migrator, db):
    class Client(db.Model):
        id = UUIDField(primary_key=True)
        name = TextField(unique=True)
        features = TextField()
        rate_limit = TextField(null=True)
        max_queued = IntegerField(null=True)
        queued = IntegerField(constraints=[Check("queued >= 0")])
        running = IntegerField(constraints=[Check("running >= 0")])
        served_at = BigIntegerField()
        suspended_at = BigIntegerField(null=True)
        created_at = BigIntegerField()

        class Meta:
            table_name = "clients"

    class ApiKey(db.Model):
        id = TextField(primary_key=True)
        client = ForeignKeyField(Client, on_delete="CASCADE", index=False)
        name = TextField()
        scopes = TextField()
        key_hash = BlobField()
        hint = TextField()
        created_at = BigIntegerField()
        expires_at = BigIntegerField(null=True)
        revoked_at = BigIntegerField(null=True)

        class Meta:
            table_name = "api_keys"

    class Job(db.Model):
        id = UUIDField(primary_key=True)
        client = ForeignKeyField(Client, on_delete="CASCADE", index=False)
        feature = TextField()
        idempotency_hash = BlobField()
        content_hash = BlobField()
        callback_url = TextField(null=True)
        status = TextField(constraints=[Check(f"status IN {_one_of(STATUSES)}")])
        stage = TextField()
        progress = TextField()
        created_at = BigIntegerField()
        updated_at = BigIntegerField()
        expires_at = BigIntegerField()
        available_at = BigIntegerField()
        ended_at = BigIntegerField(null=True)
        failures = IntegerField()
        lease_losses = IntegerField()
        worker_id = TextField(null=True)
        lease_token = UUIDField(null=True)
        lease_expires_at = BigIntegerField(null=True)
        error_code = TextField(null=True)
        error_message = TextField(null=True)

        class Meta:
            table_name = "jobs"
            constraints = (
                Check(f"(status IN {_one_of(TERMINAL)}) = (ended_at IS NOT NULL)"),
                Check(f"(status IN {_one_of(LEASED)}) = (lease_expires_at IS NOT NULL)"),
                Check(f"status NOT IN {_one_of(LEASED)} OR lease_token IS NOT NULL"),
                Check("(status = 'failed') = (error_code IS NOT NULL)"),
                Check("(error_code IS NULL) = (error_message IS NULL)"),
            )

    class JobInput(db.Model):
        job = ForeignKeyField(Job, primary_key=True, on_delete="CASCADE")
        title = TextField()
        spec = TextField()
        options = BlobField()

        class Meta:
            table_name = "job_inputs"

    class JobResult(db.Model):
        job = ForeignKeyField(Job, primary_key=True, on_delete="CASCADE")
        message = BlobField()
        document = BlobField()
        etag = TextField()

        class Meta:
            table_name = "job_results"

    class JobEvent(db.Model):
        id = AutoField()
        job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
        at = BigIntegerField()
        verb = TextField()
        status = TextField()
        stage = TextField()
        attempt = IntegerField()
        detail = TextField()

        class Meta:
            table_name = "job_events"

    class Worker(db.Model):
        id = TextField(primary_key=True)
        slots = IntegerField()
        seen_at = BigIntegerField()

        class Meta:
            table_name = "workers"

    db.create_tables([Client, ApiKey, Job, JobInput, JobResult, JobEvent, Worker])
    for statement in INDEXES:
        db.execute_sql(statement)
