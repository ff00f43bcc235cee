"""Sends one message to one address: a CloudEvents webhook, or a Slack-compatible webhook."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from engine.errors import FleetError
from engine.notify.messages import Message, cloud_event, slack
from engine.settings import Settings
from engine.system import outbound
from engine.system.outbound import Call, CallFailed

TIMEOUT_S = 10
"""Most seconds that sending one message may take."""


class Away(Exception):
    """The other side cannot take a message now, but may later."""


class Misplaced(Away):
    """The address or its credential is wrong; the message is kept until a person corrects it."""


class Refused(Exception):
    """The other side will never take this message."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where notifications go."""

    name: str
    """webhook or slack."""
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    public_url: str = ""

    def body(self, message: Message) -> dict[str, Any]:
        """A message in the form of this sink."""
        return (slack if self.name == "slack" else cloud_event)(message, self.public_url)

    def send(self, message: Message) -> None:
        """Send one message, once. Only the status of the answer is read. Raises: Away, Misplaced; Refused."""
        data = orjson.dumps(self.body(message))
        media = "application/json" if self.name == "slack" else "application/cloudevents+json; charset=utf-8"
        headers = {"Content-Type": media}
        if self.secret:
            headers |= signed(f"msg_{message.seq}", int(time.time()), data, self.secret)
        call = Call(f"notifications to {self.name}", "POST", self.url, TIMEOUT_S, headers, data, status_only=True)
        try:
            status = outbound.ask(call).status
        except CallFailed as failed:
            raise Away(failed.why.value) from None
        if 300 <= status < 400 or status in {401, 403, 404}:
            raise Misplaced(f"HTTP {status}: check the address and its credential")
        if status in {408, 425, 429} or status >= 500:
            raise Away(f"HTTP {status}")
        if status >= 300:
            raise Refused(f"HTTP {status}")


def sinks_of(settings: Settings) -> list[Sink]:
    """The sinks that the settings name."""
    made = []
    if settings.notify_url:
        made.append(Sink("webhook", settings.notify_url, settings.notify_secret, settings.public_url))
    if settings.slack_url:
        made.append(Sink("slack", settings.slack_url, public_url=settings.public_url))
    return made


def test_sink(sink: Sink, at: datetime, actor: str) -> str:
    """Send a test message, once; returns `delivered` or why not."""
    try:
        sink.send(
            Message(0, "test", at, None, "no repository", f"A test notification, requested by {actor}", "/settings")
        )
    except Away as away:
        return f"away: {away}"
    except Refused as refused:
        return f"refused: {refused}"
    return "delivered"


def signed(id_: str, moment: int, data: bytes, secret: str) -> dict[str, str]:
    """The headers that prove who sent a body, and when. Source: Standard Webhooks 1.0, symmetric signatures."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise FleetError(
                "FLEET-602", "FLEET_NOTIFY_SECRET begins with whsec_, but the rest is not base64.", "Correct it."
            ) from None
    digest = hmac.new(key, f"{id_}.{moment}.".encode() + data, hashlib.sha256).digest()
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
