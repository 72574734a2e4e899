from models.access import AccessRequest, AccessRequestState
from models.clusters import ServiceAccount
from models.credentials import CredentialIssue, CredentialKind
from models.database import Database
from models.groups import EffectiveMembership, Group, GroupMembership, Membership
from models.sessions import Session, SignInMethod
from models.users import AccessState, ExternalIdentity, User, VerifiedEmail, username_key
from models.webapps import Grant, WebApp

__all__ = [
    "AccessRequest",
    "AccessRequestState",
    "AccessState",
    "CredentialIssue",
    "CredentialKind",
    "Database",
    "EffectiveMembership",
    "ExternalIdentity",
    "Grant",
    "Group",
    "GroupMembership",
    "Membership",
    "ServiceAccount",
    "Session",
    "SignInMethod",
    "User",
    "VerifiedEmail",
    "WebApp",
    "username_key",
]
