"""What the portal reads of the API server's answers; everything else in them is skipped unread."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Any JSON object, of which nothing is of interest."""

    # Errors are logged, and an answer may hold a token.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


class Version(Answer):
    git_version: str


class ListMetadata(Answer):
    continuation: str | None = Field(None, alias="continue")
    remaining_item_count: int | None = None


class ObjectList(Answer):
    """A page of a list; an empty list of metadata comes as null."""

    metadata: ListMetadata
    items: list[Answer] | None


class Capacity(Answer):
    cpu: str = "0"
    memory: str = "0"


class NodeStatus(Answer):
    """A node that has not reported yet has no capacity."""

    capacity: Capacity = Capacity()


class Node(Answer):
    status: NodeStatus


class NodeList(Answer):
    metadata: ListMetadata
    items: list[Node] | None


class TokenStatus(Answer):
    token: str = Field(repr=False)
    expiration_timestamp: AwareDatetime


class TokenRequest(Answer):
    status: TokenStatus


class Reference(Answer):
    name: str


class ServiceAccount(Answer):
    secrets: list[Reference] | None = None


class Metadata(Answer):
    annotations: dict[str, str] | None = None


class Namespace(Answer):
    metadata: Metadata


class Secret(Answer):
    type: str = ""
    metadata: Metadata
    data: dict[str, str] | None = Field(None, repr=False)


class Failure(Answer):
    """What the server says about a request that it does not fulfil."""

    message: str
