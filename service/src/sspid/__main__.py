"""`python -m sspid`: the same as the `sspid` command."""

from sspid.cli import main

main(prog_name="sspid")
