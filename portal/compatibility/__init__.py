"""Whether clients of one schema can live with another."""

from portal.compatibility.documents import read_documents
from portal.compatibility.errors import ContractError
from portal.compatibility.report import Compatibility, compare

__all__ = ["Compatibility", "ContractError", "compare", "read_documents"]
