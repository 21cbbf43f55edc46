"""ParallelCluster itself judges its configuration: by its schema, and in an account, as `--dryrun` does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from cdk.cluster import __main__ as program
from cdk.cluster.parallelcluster import OUTPUTS, configuration
from cdk.cluster.settings import HPC7A, MOUNT, Cluster, Queue
from cdk.settings import SETTINGS

TOOL = Path(sys.prefix) / "parallelcluster"
"""The tool without what it depends on: this environment has all that reading and judging needs."""
REGION, ZONE, ACCOUNT = "us-east-2", "us-east-2b", "123456789012"
DEPLOYMENT = "hourcast-prod"
UNKNOWN_HERE = {"HeadNodeLaunchTemplateValidator", "ComputeResourceLaunchTemplateValidator"}
"""These start instances in dry run with block devices that moto does not know."""


@pytest.fixture(scope="module", autouse=True)
def patch() -> Iterator[pytest.MonkeyPatch]:
    """The tool can be imported, and asks no real account."""
    if not TOOL.exists():
        pytest.skip(f"ParallelCluster is not in {TOOL}: make .venv/ready")
    names = {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOL))
        for name, value in names.items():
            patch.setenv(name, value)
        yield patch


IMAGE = "ami-0123456789abcdef0"
TOLD = {
    "Region": REGION, "Subnet": "subnet-0123456789abcdef0", "Nodes": "sg-0123456789abcdef0",
    "FileSystem": "fs-0123456789abcdef0", "Submits": f"arn:aws:iam::{ACCOUNT}:policy/submits",
    "Stores": f"arn:aws:iam::{ACCOUNT}:policy/stores",
}  # fmt: skip
"""Outputs of deployed stacks."""


def configured(image: str = IMAGE, **told: str) -> dict[str, Any]:
    return configuration(Cluster("parallelcluster", image), DEPLOYMENT, TOLD | told)


def load(document: dict[str, Any]) -> Any:
    from pcluster.schemas.cluster_schema import ClusterSchema

    return ClusterSchema(cluster_name=DEPLOYMENT).load(document)


def test_the_schema_reads_what_was_meant() -> None:
    cluster = load(configured())
    assert not cluster.head_node.networking.elastic_ip
    assert cluster.head_node.imds.secured
    assert cluster.imds.imds_support == "v2.0"
    assert cluster.head_node.local_storage.root_volume.encrypted
    assert cluster.shared_storage[0].mount_dir == MOUNT
    for queue, meant in zip(cluster.scheduling.queues, HPC7A, strict=True):
        (resource,) = queue.compute_resources
        assert (queue.name, resource.instance_types) == (meant.name, [meant.instance])
        assert (resource.min_count, resource.max_count) == (0, meant.maximum_nodes)
        assert resource.efa.enabled
        assert queue.networking.placement_group.enabled
        assert not queue.networking.assign_public_ip
        assert queue.compute_settings.local_storage.root_volume.encrypted


def test_the_schema_refuses_what_it_does_not_know() -> None:
    from marshmallow import ValidationError

    document = configured()
    document["Scheduling"]["SlurmQueues"][0]["Efa"] = {"Enabled": True}
    with pytest.raises(ValidationError, match="Unknown field"):
        load(document)


@pytest.mark.parametrize("queue", HPC7A, ids=lambda queue: queue.name)
def test_a_machine_has_the_cores_and_network_cards_that_ec2_describes(queue: Queue) -> None:
    from moto.ec2.models.instance_types import INSTANCE_TYPES  # a second's work, which every process would do

    described = INSTANCE_TYPES[queue.instance]
    assert queue.cores == described["VCpuInfo"]["DefaultCores"]
    assert queue.network_cards == described["NetworkInfo"]["EfaInfo"]["MaximumEfaInterfaces"]
    assert queue.network_cards == described["NetworkInfo"]["MaximumNetworkCards"]


@pytest.fixture(scope="module")
def account(patch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An account in which the stacks are deployed: what they tell, and the machine image."""
    with mock_aws():
        ec2, fsx, iam = (boto3.client(service) for service in ("ec2", "fsx", "iam"))
        network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            ec2.modify_vpc_attribute(VpcId=network, **{name: {"Value": True}})
        subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/20", AvailabilityZone=ZONE)["Subnet"]["SubnetId"]
        nodes = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=network)["GroupId"]
        rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": nodes}]}]
        ec2.authorize_security_group_ingress(GroupId=nodes, IpPermissions=rule)
        ec2.authorize_security_group_egress(GroupId=nodes, IpPermissions=rule)
        lustre = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}
        system = fsx.create_file_system(
            FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=[subnet], LustreConfiguration=lustre
        )["FileSystem"]["FileSystemId"]
        interface = ec2.create_network_interface(SubnetId=subnet, Groups=[nodes])["NetworkInterface"]
        yield {
            "Subnet": subnet, "Nodes": nodes, "image": _image(ec2, subnet),
            **{name: _policy(iam, name) for name in ("Submits", "Stores")},
            "FileSystem": _as_aws_has_it(system, network, interface["NetworkInterfaceId"], patch),
        }  # fmt: skip


def _policy(iam: Any, name: str) -> str:
    text = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}]}'
    return iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]


def _image(ec2: Any, subnet: str) -> str:
    """Of one's own, as `pcluster build-image` leaves it."""
    (instance,) = ec2.run_instances(MinCount=1, MaxCount=1, SubnetId=subnet, ImageId="ami-12c6146b")["Instances"]
    image = ec2.create_image(InstanceId=instance["InstanceId"], Name="hourcast")["ImageId"]
    facts = {"version": "3.16.1", "os": "alinux2023", "build_status": "available"}
    tags = [{"Key": f"parallelcluster:{key}", "Value": value} for key, value in facts.items()]
    ec2.create_tags(Resources=[image], Tags=tags)
    return image


def _as_aws_has_it(system: str, network: str, interface: str, patch: pytest.MonkeyPatch) -> str:
    """moto's file systems have a short name, and no network interface that a node could reach."""
    from moto.fsx.models import FileSystem, fsx_backends

    systems = fsx_backends[ACCOUNT][REGION].file_systems
    own = systems.pop(system)
    own.file_system_id = "fs-0123456789abcdef0"
    systems[own.file_system_id] = own
    described, more = FileSystem.to_dict, {"VpcId": network, "NetworkInterfaceIds": [interface]}
    patch.setattr(FileSystem, "to_dict", lambda self: described(self) | more)
    return own.file_system_id


def dry_run(document: dict[str, Any]) -> dict[str, str]:
    """What `pcluster create-cluster --dryrun true` objects to: validator to message; warnings are left out."""
    from pcluster.config.common import TypeMatchValidatorsSuppressor
    from pcluster.models.cluster import Cluster as Judged
    from pcluster.models.cluster import ConfigValidationError
    from pcluster.validators.common import FailureLevel

    judged, left_out = Judged(DEPLOYMENT, config=yaml.safe_dump(document)), TypeMatchValidatorsSuppressor(UNKNOWN_HERE)
    try:
        judged.validate_create_request({left_out}, FailureLevel.ERROR)
    except ConfigValidationError as error:
        failed = [found for found in error.validation_failures if found.level == FailureLevel.ERROR]
        return {found.validator_type: found.message for found in failed}
    return {}


def test_an_account_with_the_stacks_takes_the_cluster(account: dict[str, str]) -> None:
    assert dry_run(configured(**account)) == {}


def test_an_account_refuses_nodes_that_do_not_reach_lustre(account: dict[str, str]) -> None:
    network = boto3.client("ec2").describe_subnets(SubnetIds=[account["Subnet"]])["Subnets"][0]["VpcId"]
    closed = boto3.client("ec2").create_security_group(GroupName="closed", Description="closed", VpcId=network)
    assert "ExistingFsxNetworkingValidator" in dry_run(configured(**account | {"Nodes": closed["GroupId"]}))


def test_the_program_prints_what_the_stacks_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {"compute": ("Region", "Subnet"), "cluster": ("Nodes", "FileSystem", "Submits", "Stores")}
    assert {name for names in parts.values() for name in names} == set(OUTPUTS)
    outputs = {f"{DEPLOYMENT}-{stack}": {name: TOLD[name] for name in names} for stack, names in parts.items()}
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    own = Cluster("parallelcluster", IMAGE)
    monkeypatch.setitem(SETTINGS, "prod", replace(SETTINGS["prod"], cluster=own))
    program.main("prod", str(tmp_path / "outputs.json"))
    assert yaml.safe_load(capsys.readouterr().out) == configured()
    monkeypatch.setitem(SETTINGS, "prod", replace(SETTINGS["prod"], cluster=replace(own, back_end="pcs")))
    with pytest.raises(SystemExit, match="parallelcluster"):
        program.main("prod", str(tmp_path / "outputs.json"))
