"""The example's source repository: what it holds, and what can be wrong with it."""
