from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class ServiceAccount(Model):
    """A service account in Kubernetes. An empty cluster name means the default cluster."""

    id = fields.IntField(primary_key=True)
    cluster = fields.CharField(max_length=253, default="")
    namespace = fields.CharField(max_length=63)
    name = fields.CharField(max_length=253)

    class Meta:
        table = "service_accounts"
        unique_together = (("cluster", "namespace", "name"),)

    @property
    def qualified_name(self) -> str:
        return f"{self.namespace}:{self.name}"
