"""`editgan train labels`: one module for each command."""
