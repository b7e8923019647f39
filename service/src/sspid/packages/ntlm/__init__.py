"""NTLM ([MS-NLMP]); README.md maps sections of the specification to modules."""

from sspid.packages.ntlm.functions import Ntlm

package = Ntlm
