"""The floor of the AWS account: the same calls with boto3 alone.

python bench/bare_aws.py ENDPOINT CALLS.json
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config

THREADS = 16
TOKENS = frozenset(["NextToken", "nextToken", "Marker", "NextMarker", "ContinuationToken", "PaginationToken"])


def look(endpoint: str, path: Path) -> int:
    """Make each call, or follow its pages, sixteen at once; how many answers came."""
    asked = [one for one in json.loads(path.read_text()) if not TOKENS & one["parameters"].keys()]
    session: Any = boto3.Session()
    config = Config(max_pool_connections=2 * THREADS, s3={"addressing_style": "path"})
    clients = {}
    for key in sorted({(one["service"], one["region"]) for one in asked}):
        clients[key] = session.client(key[0], region_name=key[1], endpoint_url=endpoint, config=config)
        if key[0] == "s3control":
            clients[key].meta.events.register("before-sign.s3-control", lambda request, **_: _without_account(request))

    def ask(one: dict[str, Any]) -> int:
        client, method = clients[one["service"], one["region"]], xform_name(one["operation"])
        try:
            if client.can_paginate(method):
                return sum(1 for _ in client.get_paginator(method).paginate(**one["parameters"]))
            getattr(client, method)(**one["parameters"])
        except client.exceptions.ClientError:
            pass  # "there is none" is an answer
        return 1

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(ask, asked))


def _without_account(request: Any) -> None:
    """S3 Control puts the account before the host, which an address does not have."""
    scheme, _, rest = request.url.partition("://")
    request.url = f"{scheme}://{rest.partition('.')[2]}"


if __name__ == "__main__":
    print(look(sys.argv[1], Path(sys.argv[2])), "answers")
