"""`editgan train`: one module for each command."""
