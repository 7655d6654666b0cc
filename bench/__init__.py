"""Benchmarks: MeshGuard against bare scripts that make just the same requests, as ratios within one run."""
