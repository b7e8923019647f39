"""What the tests share; installed by pytest's pythonpath, not a distribution."""
