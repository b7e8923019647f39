"""The words of SSPI: statuses, flags, buffers, attributes, credentials, names and errors. Imports nothing else of ours."""
