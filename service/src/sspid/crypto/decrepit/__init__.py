"""Broken cryptography that old protocols still require: the path is the warning; nothing new may be built on it."""
