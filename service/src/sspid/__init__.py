"""sspid: the Security Support Provider Interface as a gRPC service; see ``service/README.md`` for the road of one leg."""

__version__ = "0.1.0"
