"""The floor of the replay: parse the evidence, the profile and the deployment, and write as many lines.

python bench/bare_replay.py EVIDENCE PROFILE DEPLOYMENT
"""

import json
import sys
from pathlib import Path

import yaml

lines = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
profile, deployment = (yaml.load(Path(name).read_text(), loader) for name in sys.argv[2:])
print(json.dumps([{"control": c["id"], "from": lines[1]["key"]} for c in profile["controls"]]), deployment["name"])
