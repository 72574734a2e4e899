from models.access import AccessRequest, AccessRequestState, BindingRemoval
from models.audit import AuditActor, AuditEvent, AuditKind, AuditOutcome, AuditSubject
from models.clusters import ServiceAccount
from models.counters import AttemptCount, RestUsage
from models.credentials import CredentialIssue, CredentialKind
from models.database import Database
from models.groups import EffectiveMembership, Group, GroupMembership, Membership
from models.legacy import LegacyKind, LegacyRow
from models.sessions import Scope, Session, SignInMethod
from models.users import AccessState, ExternalIdentity, User, VerifiedEmail, username_key
from models.webapps import Grant, WebApp, WebAppCategory

__all__ = [
    "AccessRequest",
    "AccessRequestState",
    "AccessState",
    "AttemptCount",
    "AuditActor",
    "AuditEvent",
    "AuditKind",
    "AuditOutcome",
    "AuditSubject",
    "BindingRemoval",
    "CredentialIssue",
    "CredentialKind",
    "Database",
    "EffectiveMembership",
    "ExternalIdentity",
    "Grant",
    "Group",
    "GroupMembership",
    "LegacyKind",
    "LegacyRow",
    "Membership",
    "RestUsage",
    "Scope",
    "ServiceAccount",
    "Session",
    "SignInMethod",
    "User",
    "VerifiedEmail",
    "WebApp",
    "WebAppCategory",
    "username_key",
]
