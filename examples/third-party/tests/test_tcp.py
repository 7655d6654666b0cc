"""The checks on literal facts, and the target on real loopback ports."""

import socket
from typing import Any

import pytest
from meshguard_example_tcp.checks import closed, open_
from meshguard_example_tcp.target import Port, PortState, Tcp

from meshguard.api import Check, Evidence, NotObserved
from meshguard.testing import judge, recorded


@pytest.mark.parametrize(
    ("check", "state", "outcome"),
    [
        pytest.param(open_, "open", "pass", id="a public port that accepts passes"),
        pytest.param(open_, "refused", "fail", id="a public port that refuses fails"),
        pytest.param(closed, "refused", "pass", id="a private port that refuses passes"),
        pytest.param(closed, "open", "fail", id="a private port that accepts fails"),
    ],
)
async def test_judgement(check: Check[Any], state: str, outcome: str) -> None:
    """Each check passes and fails on what the port answered."""
    host = recorded(Tcp, {Tcp.port: {(5432,): PortState.model_validate({"state": state})}}, host="db.example")
    verdict = await judge(check, Port(number=5432), host)
    assert verdict.outcome == outcome


@pytest.mark.parametrize("check", [pytest.param(open_, id="tcp.open"), pytest.param(closed, id="tcp.closed")])
async def test_silence_is_never_a_pass(check: Check[Any]) -> None:
    """A host that does not answer is an error for both checks."""
    host = recorded(Tcp, {Tcp.port: {(5432,): NotObserved("db.example:5432 did not answer")}}, host="db.example")
    assert (await judge(check, Port(number=5432), host)).outcome == "error"


async def test_the_target_tells_open_from_refused() -> None:
    """A listener is open; the same port after the listener has gone is refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        settings = Tcp.Settings.model_validate({"name": "here", "host": "127.0.0.1", "private": [number]})
        assert (await Tcp(settings, Evidence()).port(number)).state == "open"
    assert (await Tcp(settings, Evidence()).port(number)).state == "refused"


async def test_a_port_that_is_not_listed_is_not_tried() -> None:
    """The target contacts only what the deployment names."""
    settings = Tcp.Settings.model_validate({"name": "here", "host": "127.0.0.1", "private": [5432]})
    with pytest.raises(NotObserved, match="does not name it"):
        await Tcp(settings, Evidence()).port(22)
