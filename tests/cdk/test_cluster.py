"""The cluster, on the synthesised templates: nothing public, all encrypted, nothing on while idle, few rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdk.cluster.settings import HPC7A, Cluster, Customer, Queue, controller_size

IMAGE = "ami-0123456789abcdef0"
Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def shared(folder: Path) -> Resources:
    """By logical name: file system, customers, command."""
    return _resources(folder, "cluster")


@pytest.fixture(scope="module")
def service(folder: Path) -> Resources:
    """By logical name: what Parallel Computing Service consists of."""
    return _resources(folder, "pcs")


def _resources(folder: Path, stack: str) -> Resources:
    template = json.loads((folder / f"hourcast-prod-{stack}.template.json").read_text())
    return {name: {"Type": part["Type"], **part.get("Properties", {})} for name, part in template["Resources"].items()}


def of_type(resources: Resources, kind: str) -> Resources:
    found = {name: part for name, part in resources.items() if part["Type"] == kind}
    assert found, kind
    return found


def templates(service: Resources) -> dict[str, dict[str, Any]]:
    """What the launch templates say, by queue, and `submit`."""
    found = of_type(service, "AWS::EC2::LaunchTemplate")
    return {name.removeprefix("Template"): part["LaunchTemplateData"] for name, part in found.items()}


def allowed(resources: Resources, role: str) -> Iterator[tuple[str, Any]]:
    """Actions and resources of the policies of a role, or of a managed policy, whose name begins so."""
    for name, part in resources.items():
        if name.startswith(role) and "PolicyDocument" in part:
            for statement in part["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    yield action, statement["Resource"]


def test_no_node_has_a_public_address_or_an_open_port(service: Resources, shared: Resources) -> None:
    for data in templates(service).values():
        wishes = [interface.get("AssociatePublicIpAddress") for interface in data["NetworkInterfaces"]]
        assert wishes == [False] if len(wishes) == 1 else not any(wishes)
        assert "KeyName" not in data
    places = of_type(service, "AWS::PCS::ComputeNodeGroup") | of_type(shared, "AWS::FSx::FileSystem")
    assert all("NetworkJobsSubnet" in json.dumps(part["SubnetIds"]) for part in places.values())
    (group,) = of_type(shared, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in shared[group]
    itself = {"Fn::GetAtt": [group, "GroupId"]}
    assert all(
        rule["SourceSecurityGroupId"] == itself for rule in of_type(shared, "AWS::EC2::SecurityGroupIngress").values()
    )


def test_metadata_need_a_token_and_disks_are_encrypted(service: Resources) -> None:
    for data in templates(service).values():
        assert data["MetadataOptions"] == {
            "HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1,
        }  # fmt: skip
        assert all(disk["Ebs"]["Encrypted"] for disk in data["BlockDeviceMappings"])


def test_lustre_has_a_key_and_is_linked_to_the_buckets(shared: Resources) -> None:
    (system,) = of_type(shared, "AWS::FSx::FileSystem").values()
    assert system["KmsKeyId"]
    assert system["LustreConfiguration"]["DeploymentType"].startswith("PERSISTENT"), "only these may have a key"
    links = of_type(shared, "AWS::FSx::DataRepositoryAssociation").values()
    both, out = sorted(links, key=lambda link: link["FileSystemPath"], reverse=True)
    assert both["FileSystemPath"] == "/physics"
    assert set(both["S3"]) == {"AutoImportPolicy", "AutoExportPolicy"}
    assert out["FileSystemPath"] == "/output/utility"
    assert set(out["S3"]) == {"AutoExportPolicy"}, "nothing of a customer's bucket enters the cluster"
    for link in (both, out):
        assert link["S3"]["AutoExportPolicy"] == {"Events": ["NEW", "CHANGED"]}, "what is deleted to make room is kept"


@pytest.mark.parametrize("queue", HPC7A, ids=lambda queue: queue.name)
def test_a_queue_begins_at_no_node_close_together_with_efa(service: Resources, queue: Queue) -> None:
    name = queue.name.replace("-", "")
    group = service[f"Group{name}"]
    assert group["ScalingConfiguration"] == {"MinInstanceCount": 0, "MaxInstanceCount": queue.maximum_nodes}
    assert group["InstanceConfigs"] == [{"InstanceType": queue.instance}]
    assert group["AmiId"] == IMAGE
    data = templates(service)[name]
    assert service[data["Placement"]["GroupName"]["Ref"]]["Strategy"] == "cluster"
    interfaces = data["NetworkInterfaces"]
    assert [one["InterfaceType"] for one in interfaces] == ["efa"] * queue.network_cards
    assert [one["NetworkCardIndex"] for one in interfaces] == list(range(queue.network_cards))
    (own,) = service[f"Queue{name}"]["ComputeNodeGroupConfigurations"]
    assert own["ComputeNodeGroupId"]["Fn::GetAtt"][0] == f"Group{name}"


def test_one_node_alone_is_always_on(service: Resources) -> None:
    groups = of_type(service, "AWS::PCS::ComputeNodeGroup").values()
    on = [group["Name"] for group in groups if group["ScalingConfiguration"]["MinInstanceCount"]]
    assert on == ["submit"]


def test_a_compute_node_may_join_the_cluster_and_store_runs_and_nothing_else(
    service: Resources, shared: Resources
) -> None:
    assert {action for action, _ in allowed(service, "ComputesRole")} == {"pcs:RegisterComputeNodeGroupInstance"}
    (role,) = (part for name, part in service.items() if name.startswith("ComputesRole") and "Path" in part)
    (policy,) = role["ManagedPolicyArns"]
    assert "StoresPolicy" in policy["Fn::ImportValue"]
    written = [json.dumps(place) for action, place in allowed(shared, "StoresPolicy") if action != "s3:ListBucket"]
    assert written
    assert all("/input/*" in place and "/quarantine/*" in place and '"/*"' not in place for place in written)


def test_the_submitting_node_may_answer_this_state_machine_only(shared: Resources) -> None:
    answers = [place for action, place in allowed(shared, "Submits") if action.startswith("states:")]
    assert len(answers) == 3
    assert all("stateMachine:hourcast-prod-service-hour" in json.dumps(place) for place in answers)


def test_the_submitting_node_may_read_the_blend_that_drives_the_waves_and_write_nothing(shared: Resources) -> None:
    objects = {action: json.dumps(place) for action, place in allowed(shared, "Submits") if action.startswith("s3:")}
    assert set(objects) == {"s3:ListBucket", "s3:GetObject"}
    assert "/forecast/*" in objects["s3:GetObject"]


def test_the_state_machine_may_send_one_command_to_tagged_nodes(folder: Path, shared: Resources) -> None:
    machine = _resources(folder, "service")
    places = [json.dumps(place) for action, place in allowed(machine, "MachineRole") if action == "ssm:SendCommand"]
    (document,) = (part["Name"] for part in of_type(shared, "AWS::SSM::Document").values())
    assert any(f"document/{document}" in place for place in places)
    (policy,) = (part for name, part in machine.items() if name.startswith("MachineRoleDefaultPolicy"))
    to_nodes = [one for one in policy["PolicyDocument"]["Statement"] if "instance/*" in json.dumps(one["Resource"])]
    assert [one["Condition"] for one in to_nodes] == [
        {"StringEquals": {"ssm:resourceTag/hourcast:submits": "hourcast-prod"}}
    ]
    assert len(places) == 2
    (tagged,) = templates(_resources(folder, "pcs"))["submit"]["TagSpecifications"]
    assert tagged == {"ResourceType": "instance", "Tags": [{"Key": "hourcast:submits", "Value": "hourcast-prod"}]}


def test_a_customer_has_a_bucket_and_a_key_of_its_own_that_end_in_glacier(shared: Resources) -> None:
    (name, bucket), *rest = [
        (name, part) for name, part in of_type(shared, "AWS::S3::Bucket").items() if name.startswith("utility")
    ]
    assert not rest
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    by_default = encryption["ServerSideEncryptionByDefault"]
    assert by_default["SSEAlgorithm"] == "aws:kms"
    (key,) = of_type(shared, "AWS::KMS::Key")
    assert by_default["KMSMasterKeyID"] == {"Fn::GetAtt": [key, "Arn"]}
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert [one["StorageClass"] for one in rule["Transitions"]] == ["GLACIER", "DEEP_ARCHIVE"]
    assert "ExpirationInDays" not in rule
    may = json.dumps(shared[key]["KeyPolicy"])
    assert "210987654321" in may
    assert "AWSServiceRoleForFSxS3Access_*" in may
    (policy,) = (part for part in of_type(shared, "AWS::S3::BucketPolicy").values() if part["Bucket"] == {"Ref": name})
    given = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert all("210987654321" in json.dumps(one["Principal"]) for one in given)
    assert not any("Put" in action or "Delete" in action for one in given for action in one["Action"])


@pytest.mark.parametrize(("nodes", "expected"), [(1, "SMALL"), (32, "SMALL"), (33, "MEDIUM"), (2048, "LARGE")])
def test_the_controller_is_no_larger_than_needed(nodes: int, expected: str) -> None:
    assert controller_size(nodes) == expected
    with pytest.raises(ValueError, match="2048"):
        controller_size(2049)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"image": "latest"}, "machine image"),
        ({"storage_gib": 3000}, "2400"),
        ({"customers": (Customer("Utility & Co", "210987654321"),)}, "small letters"),
        ({"queues": (Queue("hpc7a", "hpc7a.96xlarge", 192, 8, 2),)}, "mpas run: expected a queue hpc7a with 16 nodes"),
        ({"queues": (Queue("hpc7a", "hpc7a.48xlarge", 96, 16, 2),)}, "of 192 cores"),
        ({"queues": (Queue("other", "hpc7a.96xlarge", 192, 16, 2),)}, "found None"),
    ],
)
def test_what_aws_or_the_table_of_jobs_would_refuse_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Cluster(**({"back_end": "pcs", "image": IMAGE} | changed))
