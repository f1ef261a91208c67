"""Who carries events from module to module: RabbitMQ, or PostgreSQL where everything runs in one place."""

from subgraphs.kit.broker.delivery import (
    MOST_DELIVERIES,
    Broker,
    Death,
    Delivery,
    Message,
    Publisher,
    Queue,
    dead_letters,
)
from subgraphs.kit.broker.local import LocalBroker
from subgraphs.kit.broker.rabbitmq import RabbitBroker

__all__ = [
    "MOST_DELIVERIES",
    "Broker",
    "Death",
    "Delivery",
    "LocalBroker",
    "Message",
    "Publisher",
    "Queue",
    "RabbitBroker",
    "at",
    "dead_letters",
]


def at(url: str) -> Broker:
    """The broker at an address: `amqp://…` is RabbitMQ, `postgresql://…` is ours on top of PostgreSQL."""
    if url.startswith(("amqp://", "amqps://")):
        return RabbitBroker(url)
    if url.startswith(("postgresql://", "postgres://")):
        return LocalBroker(url)
    raise ValueError(f"No broker can be reached at {url.partition(':')[0]}:…; use amqp(s) or postgresql.")
