"""TCP ports for MeshGuard: which are open, and which must not be."""
