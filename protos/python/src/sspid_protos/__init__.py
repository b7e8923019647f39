"""The generated stubs of sspi.v1; `make protos` writes everything below this folder."""
