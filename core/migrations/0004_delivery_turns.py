"""Indexes by which the next delivery is found: queues, how they went, and what is under way."""

INDEXES = (
    """CREATE INDEX deliveries_queues ON deliveries (client_id, receiver, available_at)
    WHERE status = 'pending'""",
    """CREATE INDEX deliveries_failing ON deliveries (client_id, receiver)
    WHERE failures > 0 AND ended_at IS NULL""",
    """CREATE INDEX deliveries_taken ON deliveries (client_id, receiver)
    WHERE status = 'delivered'""",
    """CREATE INDEX deliveries_under_way ON deliveries (client_id, receiver)
    WHERE lease_expires_at IS NOT NULL""",
    # Nobody looks into a queue in the order of all of a client's any more.
    "DROP INDEX deliveries_due",
)


def up(migrator, db):
    for statement in INDEXES:
        db.execute_sql(statement)
