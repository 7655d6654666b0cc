"""Ways to administer machines without an open port: Systems Manager, Client VPN, Site-to-Site VPN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import Place, account_of, region_of
from meshguard.targets.aws.network_models import AdminWay
from meshguard.targets.aws.operation import Operation

DESCRIBE_MANAGED = Operation("ssm", "DescribeInstanceInformation", items="InstanceInformationList")
DESCRIBE_CLIENT_VPNS = Operation("ec2", "DescribeClientVpnEndpoints", items="ClientVpnEndpoints")
DESCRIBE_VPNS = Operation("ec2", "DescribeVpnConnections", items="VpnConnections")


class AdminWayFacts(AwsBase):
    """Facts of SSM's managed instances and of VPNs. They serve whole networks, so tags do not choose among them."""

    @fact
    async def managed_instances(self) -> Listing[AdminWay]:
        """The instances that Systems Manager manages, in all places."""
        return await self.across(self.managed_instances_in, taggable=False)

    @fact
    async def managed_instances_in(self, place: Place) -> Listing[AdminWay]:
        """The managed instances of one place, and whether each answers."""
        found = await self.pages(place, DESCRIBE_MANAGED, MaxResults=50)
        arn = await self._prefix("ssm", place)
        with documented(DESCRIBE_MANAGED):
            return found_in(
                AdminWay(
                    arn=f"{arn}:managed-instance/{one['InstanceId']}",
                    place=place,
                    name=one["InstanceId"],
                    usable=one["PingStatus"] == "Online",
                    state=one["PingStatus"],
                )
                for one in found
            )

    @fact
    async def client_vpns(self) -> Listing[AdminWay]:
        """The Client VPN endpoints of all places."""
        return await self.across(self.client_vpns_in, taggable=False)

    @fact
    async def client_vpns_in(self, place: Place) -> Listing[AdminWay]:
        """The Client VPN endpoints of one place; one that no network is associated with cannot be used."""
        found = await self.pages(place, DESCRIBE_CLIENT_VPNS)
        arn = await self._prefix("ec2", place)
        with documented(DESCRIBE_CLIENT_VPNS):
            return found_in(
                AdminWay(
                    arn=f"{arn}:client-vpn-endpoint/{one['ClientVpnEndpointId']}",
                    place=place,
                    name=one["ClientVpnEndpointId"],
                    usable=one["Status"]["Code"] == "available",
                    state=one["Status"]["Code"],
                )
                for one in found
            )

    @fact
    async def vpn_connections(self) -> Listing[AdminWay]:
        """The Site-to-Site VPN connections of all places."""
        return await self.across(self.vpn_connections_in, taggable=False)

    @fact
    async def vpn_connections_in(self, place: Place) -> Listing[AdminWay]:
        """The VPN connections of one place; one whose tunnels are all down cannot be used."""
        found = await self.pages(place, DESCRIBE_VPNS)
        arn = await self._prefix("ec2", place)
        with documented(DESCRIBE_VPNS):
            # The answer holds the tunnels' pre-shared keys (CustomerGatewayConfiguration): it is read no further.
            return found_in(
                AdminWay(
                    arn=f"{arn}:vpn-connection/{one['VpnConnectionId']}",
                    place=place,
                    name=one["VpnConnectionId"],
                    usable=one["State"] == "available" and bool(_up(one)),
                    state=one["State"] if one["State"] != "available" else f"available, {_up(one)} of its tunnels up",
                )
                for one in found
            )

    async def _prefix(self, service: str, place: Place) -> str:
        """What the ARNs of a service in a place begin with."""
        partition = (await self.identity()).partition
        return f"arn:{partition}:{service}:{region_of(place)}:{account_of(place)}"


def _up(connection: Mapping[str, Any]) -> int:
    return sum(one.get("Status") == "UP" for one in connection.get("VgwTelemetry", ()))
