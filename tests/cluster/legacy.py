"""Service accounts as on servers that keep tokens in secrets."""

import json

from kubernetes import client

from tests.cluster.waiting import until

# What a server says whose service accounts have no subresource for tokens.
NO_TOKEN_REQUEST = json.dumps({"message": "the server could not find the requested resource"})


def put_token_secret(api: client.ApiClient, namespace: str, account: str, secret: str) -> None:
    """A token secret of the account; the cluster fills it a moment later."""
    owner = {"kubernetes.io/service-account.name": account}
    client.CoreV1Api(api).create_namespaced_secret(
        namespace,
        client.V1Secret(
            metadata=client.V1ObjectMeta(name=secret, annotations=owner),
            type="kubernetes.io/service-account-token",
        ),
    )


async def put_account(api: client.ApiClient, namespace: str, name: str, *others: str) -> None:
    """An account with a token secret of its own, listed after `others`."""
    core = client.CoreV1Api(api)
    own = f"{name}-own"
    core.create_namespaced_service_account(
        namespace,
        client.V1ServiceAccount(
            metadata=client.V1ObjectMeta(name=name),
            secrets=[client.V1ObjectReference(name=secret) for secret in (*others, own)],
        ),
    )
    put_token_secret(api, namespace, name, own)
    await until(lambda: core.read_namespaced_secret(own, namespace).data)
