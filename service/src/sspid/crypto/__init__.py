"""Cryptography that neither `cryptography` nor hashlib offers."""
