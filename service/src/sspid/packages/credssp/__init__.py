"""CredSSP: [MS-CSSP], Schannel on the outside and Negotiate on the inside, both roles, and the delegated credentials."""

from sspid.packages.credssp.functions import CredSsp as package  # noqa: N813  # the contract's name for the class

__all__ = ["package"]
