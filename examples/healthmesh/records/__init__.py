"""The records of Health-Mesh: what its humans signed, and what can be wrong with that."""
