"""`taskforge clients`: who may submit, what, and how much."""

from typing import Any

import click
from google.protobuf.duration_pb2 import Duration
from taskforge.admin.v1 import clients_pb2

from cli import admin
from cli.help import Group
from cli.output import json_option, print_json, print_table, say
from cli.times import Span, time_json

FEATURE = click.Choice(["tickets"])


@click.group(cls=Group)
def clients() -> None:
    """Make and manage clients; each has API keys, features and limits.

    For operators: talks to core at TASKFORGE_CORE_ADDR.

    Example:
      taskforge clients create acme
      taskforge keys create --client acme --scope tickets:submit --scope tickets:read
    """


@clients.command()
@click.argument("name")
@json_option
def create(name: str, as_json: bool) -> None:
    """Make a client, with the feature `tickets` on."""
    with admin.connect() as core:
        client = core.call(core.clients.CreateClient, clients_pb2.CreateClientRequest(name=name))
    _show(client, as_json, f"Client {client.name} is made.")


@clients.command("list")
@json_option
def list_clients(as_json: bool) -> None:
    """List all clients by name."""
    with admin.connect() as core:
        answer = core.call(core.clients.ListClients, clients_pb2.ListClientsRequest())
    found = [client_json(client) for client in answer.clients]
    if as_json:
        print_json({"clients": found})
        return
    print_table(
        ["name", "client_id", "state", "features", "rate_limit", "max_queued", "queued", "running"],
        [_row(client) for client in found],
        flexible=["name"],
    )


@clients.command()
@click.argument("name")
@json_option
def suspend(name: str, as_json: bool) -> None:
    """Refuse every call of a client until it is resumed."""
    with admin.connect() as core:
        client = core.call(core.clients.SuspendClient, clients_pb2.SuspendClientRequest(name=name))
    _show(client, as_json, f"Client {client.name} is suspended.")


@clients.command()
@click.argument("name")
@json_option
def resume(name: str, as_json: bool) -> None:
    """Let a suspended client in again."""
    with admin.connect() as core:
        client = core.call(core.clients.ResumeClient, clients_pb2.ResumeClientRequest(name=name))
    _show(client, as_json, f"Client {client.name} is let in again.")


@clients.command()
@click.argument("name")
@click.option("--enable", type=FEATURE, multiple=True, help="Switch a feature on.")
@click.option("--disable", type=FEATURE, multiple=True, help="Switch a feature off.")
@json_option
def features(name: str, enable: tuple[str, ...], disable: tuple[str, ...], as_json: bool) -> None:
    """Switch features of a client on or off.

    Example:
      taskforge clients features acme --disable tickets
    """
    if not enable and not disable:
        raise click.UsageError("Name a feature to --enable or to --disable.")
    if set(enable) & set(disable):
        raise click.UsageError("A feature cannot be enabled and disabled at once.")
    request = clients_pb2.UpdateClientFeaturesRequest(name=name, enable=enable, disable=disable)
    with admin.connect() as core:
        client = core.call(core.clients.UpdateClientFeatures, request)
    _show(client, as_json, f"Features of {client.name}: {', '.join(client.features) or 'none'}.")


@clients.command()
@click.argument("name")
@click.option("--rate-limit", metavar="RATE", help="Calls per key, such as 100/minute.")
@click.option(
    "--max-queued", metavar="N", type=click.IntRange(0, 2**31 - 1), help="Queued jobs at once."
)
@click.option("--reset", is_flag=True, help="Drop the client's own limits first.")
@json_option
def limits(
    name: str, rate_limit: str | None, max_queued: int | None, reset: bool, as_json: bool
) -> None:
    """Give a client limits of its own in place of the installation's.

    Example:
      taskforge clients limits acme --rate-limit 100/minute --max-queued 50
      taskforge clients limits acme --reset
    """
    if rate_limit is None and max_queued is None and not reset:
        raise click.UsageError("Give --rate-limit, --max-queued or --reset.")
    request = clients_pb2.UpdateClientLimitsRequest(
        name=name,
        limits=clients_pb2.ClientLimits(rate_limit=rate_limit, max_queued=max_queued),
        reset=reset,
    )
    with admin.connect() as core:
        client = core.call(core.clients.UpdateClientLimits, request)
    own = client_json(client)["limits"]
    words = [f"{limit} {value}" for limit, value in own.items() if value is not None]
    _show(client, as_json, f"Own limits of {client.name}: {', '.join(words) or 'none'}.")


@clients.command("callback-secret")
@click.argument("name")
@click.option("--rotate", is_flag=True, help="Make a new secret first.")
@click.option(
    "--overlap",
    type=Span(),
    help="With --rotate: how long the old secret signs too, such as 24h (the default).",
)
@json_option
def callback_secret(name: str, rotate: bool, overlap: Duration | None, as_json: bool) -> None:
    """Print the secret that a client's callbacks are signed with.

    It is for the client's receiver, which checks the signature with it. Without
    --json the secret alone goes to stdout.

    Example:
      taskforge clients callback-secret acme
      taskforge clients callback-secret acme --rotate --overlap 1h
    """
    if overlap is not None and not rotate:
        raise click.UsageError("--overlap is for --rotate.")
    with admin.connect() as core:
        if rotate:
            found = core.call(
                core.clients.RotateCallbackSecret,
                clients_pb2.RotateCallbackSecretRequest(name=name, overlap=overlap),
            )
        else:
            found = core.call(
                core.clients.GetCallbackSecret, clients_pb2.GetCallbackSecretRequest(name=name)
            )
    until = time_json(found.previous_signs_until)
    if as_json:
        print_json(
            {
                "client_name": found.client_name,
                "callback_secret": found.secret,
                "previous_signs_until": until,
            }
        )
        return
    if until:
        say(f"The secret before this one signs too until {until}.")
    click.echo(found.secret)


def client_json(client: clients_pb2.Client) -> dict[str, Any]:
    """A client as JSON; its own limits are null where the installation's hold."""
    own = client.limits
    return {
        "client_id": client.client_id,
        "name": client.name,
        "suspended": client.suspended,
        "features": list(client.features),
        "limits": {
            "rate_limit": own.rate_limit if own.HasField("rate_limit") else None,
            "max_queued": own.max_queued if own.HasField("max_queued") else None,
        },
        "queued_jobs": client.queued_jobs,
        "running_jobs": client.running_jobs,
        "created_at": time_json(client.created_at),
    }


def _row(client: dict[str, Any]) -> list[Any]:
    own = client["limits"]
    return [
        client["name"],
        client["client_id"],
        "suspended" if client["suspended"] else "active",
        " ".join(client["features"]),
        own["rate_limit"] or "default",
        "default" if own["max_queued"] is None else own["max_queued"],
        client["queued_jobs"],
        client["running_jobs"],
    ]


def _show(client: clients_pb2.Client, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(client_json(client))
    else:
        say(sentence)
