"""Parsers of header values, after their standards; pure functions."""
