"""MeshGuard's built-in checks, one topic a module."""
