"""Checks of a repository: its checkout and its history."""

__all__ = []
