"""MeshGuard's own scanner for secrets: in files, in git histories, in any text."""
