"""Security packages: state and token in, next state and result out. No sockets, no clock, no dice, no files."""
