"""The floor of the containers: the same calls with the Docker SDK alone.

python bench/bare_containers.py HOST LABEL
"""

import sys

from docker import APIClient


def look(host: str, label: str) -> list[str]:
    """One list, one inspection for each container of the label, and each image once."""
    client = APIClient(base_url=host, version="auto")
    key, _, value = label.partition("=")
    found = [one for one in client.containers(all=True) if one["Labels"].get(key) == value]
    details = [client.inspect_container(one["Names"][0].removeprefix("/")) for one in found]
    images = [client.inspect_image(image) for image in sorted({one["Image"] for one in details})]  # type: ignore[no-untyped-call]
    client.close()
    return [f"{one['Name']} {one['Config']['User']}" for one in details] + [f"{len(images)} images"]


if __name__ == "__main__":
    print("\n".join(look(sys.argv[1], sys.argv[2])))
