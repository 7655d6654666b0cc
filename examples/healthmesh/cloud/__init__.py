"""A cloud account on loopback: moto with the faults, canned answers, old dates and repairs that an audit's tests need.

```python
from examples.healthmesh.cloud.server import running

with running() as cloud:
    cloud.control.fault("kms:*", "denied")
    boto3.client("kms", endpoint_url=cloud.endpoint, region_name="us-east-1")
```
"""
