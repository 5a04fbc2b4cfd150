"""Deliveries of callbacks with their attempts; which secret signs a client's callbacks.

Clients that were there before get the first version of their secret, which
derives from the root secret like any other.
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

COLUMNS = (
    "ALTER TABLE clients ADD COLUMN callback_secret_version INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE clients ADD COLUMN previous_secret_until BIGINT",
    "ALTER TABLE workers ADD COLUMN delivery_slots INTEGER NOT NULL DEFAULT 0",
)
INDEXES = (
    # At most one callback tells of a job's end.
    "CREATE UNIQUE INDEX deliveries_of_job ON deliveries (job_id)",
    """CREATE INDEX deliveries_due ON deliveries (client_id, available_at, receiver)
    WHERE status = 'pending'""",
    "CREATE INDEX deliveries_waiting ON deliveries (available_at) WHERE status = 'pending'",
    """CREATE INDEX deliveries_leases ON deliveries (lease_expires_at)
    WHERE lease_expires_at IS NOT NULL""",
    "CREATE UNIQUE INDEX deliveries_lease_token ON deliveries (lease_token)",
    "CREATE INDEX delivery_attempts_by_delivery ON delivery_attempts (delivery_id, id)",
)


def up(migrator, db):
    class Client(db.Model):
        id = UUIDField(primary_key=True)

        class Meta:
            table_name = "clients"

    class Job(db.Model):
        id = UUIDField(primary_key=True)

        class Meta:
            table_name = "jobs"

    class Delivery(db.Model):
        id = UUIDField(primary_key=True)
        job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
        client = ForeignKeyField(Client, on_delete="CASCADE", index=False)
        url = TextField()
        receiver = TextField()
        body = BlobField()
        status = TextField(
            constraints=[Check("status IN ('pending', 'delivering', 'delivered', 'failed')")]
        )
        created_at = BigIntegerField()
        available_at = BigIntegerField()
        ended_at = BigIntegerField(null=True)
        failures = IntegerField()
        lease_losses = IntegerField()
        worker_id = TextField(null=True)
        claimed_at = BigIntegerField(null=True)
        lease_token = UUIDField(null=True)
        lease_expires_at = BigIntegerField(null=True)

        class Meta:
            table_name = "deliveries"
            constraints = (
                Check("(status IN ('delivered', 'failed')) = (ended_at IS NOT NULL)"),
                Check("(status = 'delivering') = (lease_expires_at IS NOT NULL)"),
                Check("status <> 'delivering' OR (lease_token IS NOT NULL)"),
                Check("status <> 'delivering' OR (claimed_at IS NOT NULL)"),
            )

    class DeliveryAttempt(db.Model):
        id = AutoField()
        delivery = ForeignKeyField(Delivery, on_delete="CASCADE", index=False)
        worker_id = TextField()
        started_at = BigIntegerField()
        ended_at = BigIntegerField()
        http_status = IntegerField(null=True)
        problem = TextField()

        class Meta:
            table_name = "delivery_attempts"

    for statement in COLUMNS:
        db.execute_sql(statement)
    db.create_tables([Delivery, DeliveryAttempt])
    for statement in INDEXES:
        db.execute_sql(statement)
