"""The floor of `one site`: the same GETs and handshakes with httpx and ssl alone.

python bench/bare_site.py PORT PLAIN_PORT CA PATH...
"""

import asyncio
import ssl
import sys
import warnings

import httpx


async def main(port: int, plain_port: int, ca: str, paths: list[str]) -> None:
    """Ask all at once and print what came."""
    trust = ssl.create_default_context(cafile=ca)
    async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
        urls = [f"https://127.0.0.1:{port}{path}" for path in paths]
        urls += [f"http://127.0.0.1:{plain_port}{path}" for path in paths]
        asked = asyncio.gather(*(client.get(url) for url in urls))
        versions, answers = await asyncio.gather(handshakes(port), asked)
    print(versions, [(answer.status_code, len(answer.headers)) for answer in answers])


async def handshakes(port: int) -> list[str]:
    """The versions that the server accepts, asked one after another."""
    found = []
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        except (ssl.SSLError, ConnectionError):
            continue
        found.append(version.name)
        writer.transport.abort()
    return found


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
