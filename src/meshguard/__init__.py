"""MeshGuard makes a hardening guide executable: it looks at the real deployment and answers with evidence."""

__version__ = "0.1.0"
