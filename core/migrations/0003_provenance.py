"""What workers tell of their attempts; the jobs that run another one again."""

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

INDEXES = (
    "CREATE UNIQUE INDEX job_attempts_by_job ON job_attempts (job_id, number)",
    "CREATE INDEX job_replays_by_original ON job_replays (original_id)",
)


def up(migrator, db):
    class Job(db.Model):
        id = UUIDField(primary_key=True)

        class Meta:
            table_name = "jobs"

    class JobAttempt(db.Model):
        id = AutoField()
        job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
        number = IntegerField()
        ended_at = BigIntegerField()
        outcome = TextField(constraints=[Check("outcome IN ('completed', 'failed', 'retried')")])
        provenance = BlobField()

        class Meta:
            table_name = "job_attempts"

    class JobReplay(db.Model):
        job = ForeignKeyField(Job, primary_key=True, on_delete="CASCADE")
        original = ForeignKeyField(Job, on_delete="CASCADE", index=False)
        model = TextField()

        class Meta:
            table_name = "job_replays"

    db.create_tables([JobAttempt, JobReplay])
    for statement in INDEXES:
        db.execute_sql(statement)
