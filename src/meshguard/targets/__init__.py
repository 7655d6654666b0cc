"""Targets: the only input and output of an audit, one module a kind."""
