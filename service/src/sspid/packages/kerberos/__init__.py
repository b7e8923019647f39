"""Kerberos (RFC 4120, RFC 4121, [MS-KILE]) on MIT's library; README.md maps sections of the specifications to modules."""

from sspid.packages.kerberos.functions import Kerberos

package = Kerberos
