"""Negotiate (RFC 4178, [MS-SPNG]); README.md maps sections of the specification to modules."""

from sspid.packages.negotiate.functions import Negotiate

package = Negotiate
