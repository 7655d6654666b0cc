"""The command line: parse, call, print."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .choice import MODES
from .containers.engine import APIError
from .defect import Mistake
from .instance import DEFAULT_PROJECT, Running, start, status, stop
from .service import serve
from .tables import defect_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 2 when it could not."""
    said = _parser().parse_args(arguments)
    said.state = said.state or Path("demo-output") / said.project
    try:
        return _COMMANDS[said.command](said)
    except (Mistake, APIError) as error:
        print(f"healthmesh: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="healthmesh", description="The Health-Mesh example service.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="start|stop|status|defects")
    for name in _COMMANDS:
        command = commands.add_parser(name)
        command.add_argument("--project", default=DEFAULT_PROJECT, help="names the containers")
        command.add_argument("--state", type=Path, help="where everything is kept (demo-output/PROJECT)")
    starting = commands.choices["start"]
    modes = starting.add_mutually_exclusive_group()
    for mode in MODES:
        modes.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode)
    starting.set_defaults(mode=MODES[0])
    starting.add_argument("--defect", action="append", default=[], metavar="NAME", dest="defects")
    starting.add_argument("--no-containers", dest="containers", action="store_false")
    starting.add_argument("--no-cloud", dest="cloud", action="store_false")
    starting.add_argument("--no-source", dest="source", action="store_false")
    return parser


def _start(said: argparse.Namespace) -> int:
    running = start(
        said.state,
        mode=said.mode,
        defects=said.defects,
        project=said.project,
        containers=said.containers,
        cloud=said.cloud,
        source=said.source,
    )
    _print(running)
    return 0


def _stop(said: argparse.Namespace) -> int:
    ended = stop(said.state)
    print(f"stopped: {', '.join(ended)}" if ended else "nothing was running")
    return 0


def _status(said: argparse.Namespace) -> int:
    running = status(said.state)
    if running is None:
        print(f"no service runs in {said.state}")
        return 1
    _print(running)
    return 0


def _serve(said: argparse.Namespace) -> int:
    serve.run(said.state)
    return 0


def _defects(_said: argparse.Namespace) -> int:
    print(defect_table())
    return 0


def _print(running: Running) -> None:
    print(f"project     {running.project}")
    print(f"https       {running.url}")
    print(f"http        {running.http_url}")
    print(f"authority   {running.ca}")
    print(f"deployment  {running.deployment}")
    print(f"guide       {running.guide}")
    print(f"defects     {', '.join(running.defects) or 'none'}")
    for service, state in running.containers.items():
        print(f"container   {running.project}-{service}: {state}")
    if running.cloud:
        print(f"cloud       {running.cloud}")
    if running.no_containers:
        print(f"no containers: {running.no_containers}")


_COMMANDS = {"start": _start, "stop": _stop, "status": _status, "serve": _serve, "defects": _defects}
