"""Makes `python -m tests.reliability` find these tests, whatever else is installed as `tests`."""
