"""What administrators create, change and delete: inputs, payloads and mutations by noun."""

from schema.management import groups, links, sessions, users, webapps

__all__ = ["groups", "links", "sessions", "users", "webapps"]
