"""The real world behind the packages' questions: clock, dice, named credentials, trust, accounts."""
