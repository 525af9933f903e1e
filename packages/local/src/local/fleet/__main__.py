"""`python -m local.fleet --kubeconfig FILE [--nodes N]`: runs until it is stopped."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from local.api import Api
from local.fleet.controller import Controller, Played


def main() -> None:
    """Make the declared fleet real."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="the control plane's")
    parser.add_argument("--nodes", type=int, help="at most this many nodes per workload cluster")
    parser.add_argument("--stack", action="store_true", help="the workload clusters are bare: gateways come by charts")
    parser.add_argument(
        "--network", type=int, default=0, help="N of 10.N.0.0/16 where pods run; 0 where they are played"
    )
    parser.add_argument("--gateways", action="store_true", help="the gateways' own controllers run: none is played")
    chosen = parser.parse_args()
    if not chosen.network:
        _log("The gateways of the workload clusters have addresses and accept routes, but no gateway runs here")
    played = Played(chosen.nodes, chosen.stack, chosen.network, chosen.gateways)
    Controller(Api.from_file(chosen.kubeconfig, "modelplane-fleet"), played, _log).run()


def _log(text: str) -> None:
    sys.stdout.write(f"{dt.datetime.now().astimezone().isoformat(timespec='milliseconds')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
