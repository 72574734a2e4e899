"""Bindings of a cluster, without a cluster."""

from __future__ import annotations

from cluster.bindings import Binding, BindingIndex
from resolvers.privileges import ForeignBindings


def foreign_bindings(namespace: str, service_account: str) -> ForeignBindings:
    """The account is an administrator of the default cluster."""
    binding = Binding.model_validate(
        {
            "metadata": {"name": "robots"},
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [
                {"kind": "ServiceAccount", "namespace": namespace, "name": service_account}
            ],
        }
    )
    return ForeignBindings(None, {"": BindingIndex([binding])})
