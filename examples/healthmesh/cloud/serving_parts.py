"""Load balancers, web ACLs, Auto Scaling groups and canaries, each made with one call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .builder import Cloud
from .keys import stores_key

POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
COMMON = "AWSManagedRulesCommonRuleSet"
ON = {
    "access_logs.s3.enabled": "true",
    "access_logs.s3.bucket": "mg-trail-logs",
    "deletion_protection.enabled": "true",
    "routing.http.drop_invalid_header_fields.enabled": "true",
}


def healthy(address: str, zone: str) -> dict[str, Any]:
    """A healthy target by address, in a zone of the home region, as the API tells it."""
    return {
        "Target": {"Id": address, "Port": 8443, "AvailabilityZone": f"us-east-1{zone}"},
        "HealthCheckPort": "8443",
        "TargetHealth": {"State": "healthy"},
    }


def subnets(cloud: Cloud, zones: int) -> list[str]:
    """Subnets of the default network, each in another zone."""
    found = cloud.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    by_zone = {str(one["AvailabilityZone"]): str(one["SubnetId"]) for one in found}
    return [by_zone[zone] for zone in sorted(by_zone)][:zones]


def balancer(
    cloud: Cloud,
    name: str,
    *,
    web_acl: str = "",
    policy: str = POLICY,
    clear: dict[str, Any] | None = None,
    zones: int = 2,
    **attributes: str,
) -> str:
    """An application load balancer with a listener for HTTPS and one that redirects to it; its ARN.

    `attributes` change those that are on, with two underscores for each dot.
    """
    elb, network = cloud.client("elbv2"), cloud.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    arn = str(elb.create_load_balancer(Name=name, Subnets=subnets(cloud, zones))["LoadBalancers"][0]["LoadBalancerArn"])
    made = elb.create_target_group(
        Name=name.replace("lb", "tg", 1), Protocol="HTTPS", Port=8443, VpcId=network, TargetType="ip"
    )
    group = made["TargetGroups"][0]["TargetGroupArn"]
    forward = {"Type": "forward", "TargetGroupArn": group}
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    certificate = {"CertificateArn": f"arn:aws:acm:{cloud.region}:{cloud.account}:certificate/{certificate_id(cloud)}"}
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTPS",
        Port=443,
        SslPolicy=policy,
        Certificates=[certificate],
        DefaultActions=[forward],
    )
    first = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[redirect])
    if clear is not None:
        conditions = [{"Field": "path-pattern", "Values": ["/api/*"]}]
        listener = first["Listeners"][0]["ListenerArn"]
        elb.create_rule(ListenerArn=listener, Priority=10, Conditions=conditions, Actions=[forward | clear])
    values = ON | {key.replace("__", "."): value for key, value in attributes.items()}
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in values.items()]
    )
    if web_acl:
        cloud.client("wafv2").associate_web_acl(WebACLArn=web_acl, ResourceArn=arn)
    else:  # moto writes null where there is none
        cloud.control.answer("wafv2:GetWebACLForResource", {}, match=arn)
    return arn


def certificate_id(cloud: Cloud) -> str:
    """The id of the account's certificate, made when it is first needed."""
    acm = cloud.client("acm")
    found = acm.list_certificates()["CertificateSummaryList"]
    arn = (
        found[0]["CertificateArn"] if found else acm.request_certificate(DomainName="www.example.com")["CertificateArn"]
    )
    return str(arn).rsplit("/", 1)[-1]


def acl(cloud: Cloud, name: str, *, override: str = "None", rules: bool = True, logs: bool = True) -> str:
    """A web ACL with AWS's common rules, which logs; its ARN."""
    waf = cloud.client("wafv2")
    visible = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}
    rule = {
        "Name": "common",
        "Priority": 1,
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": COMMON}},
        "OverrideAction": {override: {}},
        "VisibilityConfig": visible,
    }
    made = waf.create_web_acl(
        Name=name,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        Rules=[rule] if rules else [],
        VisibilityConfig=visible,
    )
    arn = str(made["Summary"]["ARN"])
    if logs:
        group = f"arn:aws:logs:{cloud.region}:{cloud.account}:log-group:aws-waf-logs-{name}"
        waf.put_logging_configuration(LoggingConfiguration={"ResourceArn": arn, "LogDestinationConfigs": [group]})
    return arn


def scaling(cloud: Cloud, name: str, *, zones: int = 2, size: int = 2) -> None:
    """An Auto Scaling group with an instance in each of so many zones, two at least; moto's own go to one zone."""
    client, template = cloud.client("autoscaling"), {"LaunchTemplateName": _template(cloud), "Version": "$Latest"}
    places = subnets(cloud, zones)
    client.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate=template,
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        VPCZoneIdentifier=",".join(places),
    )
    ids = [_instance(cloud, places[number % zones]) for number in range(max(zones, 2))]
    client.attach_instances(AutoScalingGroupName=name, InstanceIds=ids)
    client.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=size)


def _instance(cloud: Cloud, subnet: str) -> str:
    """An instance with an encrypted disk; moto takes no disks from a template."""
    disk = {"Encrypted": True, "VolumeSize": 8, "KmsKeyId": stores_key(cloud)}
    made = cloud.client("ec2").run_instances(
        LaunchTemplate={"LaunchTemplateName": _template(cloud)},
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": disk}],
        SubnetId=subnet,
        MinCount=1,
        MaxCount=1,
    )
    return str(made["Instances"][0]["InstanceId"])


def _template(cloud: Cloud) -> str:
    """The template of all groups, with version 2 of the metadata service alone; its name."""
    ec2 = cloud.client("ec2")
    if not ec2.describe_launch_templates()["LaunchTemplates"]:
        data = {
            "ImageId": "ami-12c6146b",
            "InstanceType": "t4g.small",
            "MetadataOptions": {"HttpTokens": "required"},
        }
        ec2.create_launch_template(LaunchTemplateName="mg-template", LaunchTemplateData=data)
    return "mg-template"


def canary(cloud: Cloud, name: str, *, schedule: str = "rate(5 minutes)") -> None:
    """A canary; one that is named so is stopped."""
    made = cloud.client("synthetics").create_canary(
        Name=name,
        Code={"Handler": "login.handler", "S3Bucket": "mg-trail-logs", "S3Key": "canary.zip"},
        ArtifactS3Location="s3://mg-trail-logs/canaries",
        ExecutionRoleArn=f"arn:aws:iam::{cloud.account}:role/mg-canary",
        Schedule={"Expression": schedule},
        RuntimeVersion="syn-nodejs-puppeteer-9.1",
    )
    tell_canaries(cloud, made["Canary"])


def tell_canaries(cloud: Cloud, *new: dict[str, Any], failed: str = "") -> None:
    """Answer about all canaries: moto starts none, and knows no runs. Each ran just now."""
    found = {one["Name"]: one for one in (*cloud.client("synthetics").describe_canaries()["Canaries"], *new)}
    if not found:
        return
    said = [
        {
            "Name": name,
            "Schedule": {"Expression": one["Schedule"]["Expression"]},
            "Status": {"State": "STOPPED" if "-stopped-" in name else "RUNNING"},
        }
        for name, one in found.items()
    ]
    now = datetime.now(UTC).timestamp()
    runs = [
        {
            "CanaryName": name,
            "LastRun": {
                "Name": name,
                "Status": {"State": "FAILED" if name == failed else "PASSED"},
                "Timeline": {"Started": now - 70, "Completed": now - 60},
            },
        }
        for name in found
    ]
    cloud.control.answer("synthetics:DescribeCanaries", {"Canaries": said})
    cloud.control.answer("synthetics:DescribeCanariesLastRun", {"CanariesLastRun": runs})
