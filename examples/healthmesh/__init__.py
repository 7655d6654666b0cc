"""Health-Mesh: a small but real service and its containers, for MeshGuard to audit.

```python
from examples.healthmesh import start

with start(state=folder, mode="leaky", containers=False) as running:
    print(running.url)
```
"""

from .instance import Running, start, status, stop

__all__ = ["Running", "start", "status", "stop"]
