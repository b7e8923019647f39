"""Logons over HTTP for requests and httpx, in the modules of their names; importing this package loads neither."""
