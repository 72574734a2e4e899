from portal.documents.assembly import documents_of
from portal.documents.documents import Documents, Policy

__all__ = ["Documents", "Policy", "documents_of"]
