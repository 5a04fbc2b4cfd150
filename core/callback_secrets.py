"""The secrets that callbacks are signed with: derived from the root secret, never stored."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook

from core.delivery_turns import Parcel
from core.models import Client
from tickets.tokens import derive


class CallbackSecrets:
    """Every client's secret, and what it signs."""

    def __init__(self, root: str) -> None:
        self._root = root

    def text(self, client: Client) -> str:
        """The client's secret, as libraries of Standard Webhooks take it."""
        key = self._key(client, client.callback_secret_version)
        return f"whsec_{base64.b64encode(key).decode()}"

    def headers(self, parcel: Parcel, client: Client, at: int) -> Mapping[str, str]:
        """The headers that a delivery carries when it is sent at a time.

        For a while after a rotation there are two signatures, the newer first.
        """
        versions = [client.callback_secret_version]
        if (client.previous_secret_until or 0) > at:
            versions.append(client.callback_secret_version - 1)
        id_, body = str(parcel.id), parcel.body.decode()
        moment = datetime.fromtimestamp(at // 1_000_000, tz=UTC)
        signatures = [
            Webhook(self._key(client, version)).sign(id_, moment, body) for version in versions
        ]
        return {
            "webhook-id": id_,
            "webhook-timestamp": str(at // 1_000_000),
            "webhook-signature": " ".join(signatures),
        }

    def _key(self, client: Client, version: int) -> bytes:
        return derive(self._root, f"callback secret {version} of {client.id}")
