"""Changes a principal's password with the password itself (RFC 3244); sets nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import krb5

from sspid.broker.world.gss_library import FAILURES_TOLD
from sspid.packages.gss import REFUSED_PASSWORD, GssError

if TYPE_CHECKING:
    from sspid.packages.gss import ChangeGssPassword

_SERVICE = b"kadmin/changepw"


def change(question: ChangeGssPassword) -> None:
    """Get a ticket for the password service with the old password, and give it the new one."""
    old, new = (each.encode("utf-8", "surrogatepass") for each in (question.old, question.new))
    with FAILURES_TOLD:
        context = krb5.init_context()
        principal = krb5.parse_name_flags(context, question.principal.encode("utf-8", "surrogatepass"))
        options = krb5.get_init_creds_opt_alloc(context)
        ticket = krb5.get_init_creds_password(context, principal, options, password=old, in_tkt_service=_SERVICE)
        result = krb5.set_password(context, ticket, new)
        if result.result_code != krb5.SetPasswordResultCode.SUCCESS:
            said = krb5.chpw_message(context, result.server_response) or result.result_code_string
            raise GssError(0, REFUSED_PASSWORD, said.decode("utf-8", "replace").rstrip("."))
