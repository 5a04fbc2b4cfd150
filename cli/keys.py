"""`taskforge keys`: the API keys of clients."""

from typing import Any

import click
from google.protobuf.duration_pb2 import Duration
from taskforge.admin.v1 import keys_pb2

from cli import admin
from cli.help import Group
from cli.output import json_option, print_json, print_table, say
from cli.times import Span, time_json

SCOPES = ("tickets:submit", "tickets:read", "tickets:cancel")


@click.group(cls=Group)
def keys() -> None:
    """Make and manage API keys.

    For operators: talks to core at TASKFORGE_CORE_ADDR.

    Example:
      export TASKFORGE_API_KEY=$(taskforge keys create --client acme --scope tickets:read)
    """


@keys.command()
@click.option("--client", required=True, metavar="NAME", help="Whose key it is.")
@click.option("--name", default="", help="What it is for, to tell keys apart.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do. Give it once per scope, or name more scopes behind it.",
)
@click.argument("more_scopes", nargs=-1, type=click.Choice(SCOPES), metavar="[SCOPE]...")
@click.option("--expires", type=Span(), help="When it ends, such as 90d. Default: never.")
@json_option
def create(
    *,
    client: str,
    name: str,
    scopes: tuple[str, ...],
    more_scopes: tuple[str, ...],
    expires: Duration | None,
    as_json: bool,
) -> None:
    r"""Make an API key, and print it this once.

    Only a keyed hash of it is stored, so it cannot be shown again. Without
    --json the key alone goes to stdout.

    Example:
      taskforge keys create --client acme --name ci --expires 90d \
        --scope tickets:submit --scope tickets:read
    """
    request = keys_pb2.CreateKeyRequest(
        client_name=client,
        name=name,
        scopes=list(dict.fromkeys(scopes + more_scopes)),
        expires_in=expires,
    )
    with admin.connect() as core:
        issued = core.call(core.keys.CreateKey, request)
    _show_issued(issued, as_json, f"Key {issued.key.key_id} of {client}; it is not shown again:")


@keys.command("list")
@click.option("--client", default="", metavar="NAME", help="Only the keys of this client.")
@json_option
def list_keys(client: str, as_json: bool) -> None:
    """List keys, newest first. The keys themselves are never shown."""
    with admin.connect() as core:
        answer = core.call(core.keys.ListKeys, keys_pb2.ListKeysRequest(client_name=client))
    found = [key_json(key) for key in answer.keys]
    if as_json:
        print_json({"keys": found})
        return
    print_table(
        ["key_id", "client", "name", "key", "scopes", "expires", "revoked"],
        [
            [
                key["key_id"],
                key["client_name"],
                key["name"],
                key["hint"],
                " ".join(key["scopes"]),
                key["expires_at"] or "never",
                key["revoked_at"] or "no",
            ]
            for key in found
        ],
        flexible=["client", "name", "scopes"],
    )


@keys.command()
@click.argument("key_id")
@json_option
def revoke(key_id: str, as_json: bool) -> None:
    """End a key at once."""
    with admin.connect() as core:
        key = core.call(core.keys.RevokeKey, keys_pb2.RevokeKeyRequest(key_id=key_id))
    if as_json:
        print_json(key_json(key))
    else:
        say(f"Key {key.key_id} of {key.client_name} is revoked.")


@keys.command()
@click.argument("key_id")
@click.option(
    "--overlap", type=Span(), help="How long the old key still works, such as 24h (the default)."
)
@json_option
def rotate(key_id: str, overlap: Duration | None, as_json: bool) -> None:
    """Make a new key like an old one, which ends after the overlap.

    Example:
      taskforge keys rotate KEY_ID --overlap 1h
    """
    with admin.connect() as core:
        issued = core.call(
            core.keys.RotateKey, keys_pb2.RotateKeyRequest(key_id=key_id, overlap=overlap)
        )
    _show_issued(
        issued, as_json, f"Key {issued.key.key_id} replaces {key_id}; it is not shown again:"
    )


def key_json(key: keys_pb2.ApiKey) -> dict[str, Any]:
    """A key as JSON, without the key itself."""
    return {
        "key_id": key.key_id,
        "client_name": key.client_name,
        "name": key.name,
        "scopes": list(key.scopes),
        "hint": key.hint,
        "created_at": time_json(key.created_at),
        "expires_at": time_json(key.expires_at),
        "revoked_at": time_json(key.revoked_at),
    }


def _show_issued(issued: keys_pb2.IssuedKey, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json({**key_json(issued.key), "api_key": issued.api_key})
    else:
        say(sentence)
        click.echo(issued.api_key)
