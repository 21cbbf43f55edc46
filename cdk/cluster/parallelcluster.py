"""The configuration of AWS ParallelCluster, from the description of the cluster: a pure function.

https://docs.aws.amazon.com/parallelcluster/latest/ug/cluster-configuration-file-v3.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cdk.cluster.settings import IDLE_SECONDS, MOUNT, ROOT_GIB, SUBMITTING_INSTANCE, Cluster, Queue

OUTPUTS = ("Region", "Subnet", "Nodes", "FileSystem", "Submits", "Stores")
"""What it needs of the deployed stacks, by the names of their outputs."""


def configuration(cluster: Cluster, deployment: str, outputs: Mapping[str, str]) -> dict[str, Any]:
    """What `pcluster create-cluster` takes; KeyError names an output that the stack lacks."""
    return {
        "Region": outputs["Region"],
        "Image": {"Os": "alinux2023", "CustomAmi": cluster.image},
        "Imds": {"ImdsSupport": "v2.0"},
        "HeadNode": _head_node(outputs),
        "Scheduling": {
            "Scheduler": "slurm",
            "SlurmSettings": {"ScaledownIdletime": IDLE_SECONDS // 60, "QueueUpdateStrategy": "DRAIN"},
            "SlurmQueues": [_queue(queue, outputs) for queue in cluster.queues],
        },
        "SharedStorage": [
            {
                "Name": "lustre",
                "MountDir": MOUNT,
                "StorageType": "FsxLustre",
                "FsxLustreSettings": {"FileSystemId": outputs["FileSystem"]},
            }
        ],
        "Monitoring": {"Logs": {"CloudWatch": {"Enabled": True, "RetentionInDays": 30}}},
        "Tags": [{"Key": "hourcast", "Value": deployment}],
    }


def _head_node(outputs: Mapping[str, str]) -> dict[str, Any]:
    """In a private subnet, without a key for SSH: Systems Manager is the way in. Its metadata are root's alone."""
    return {
        "InstanceType": SUBMITTING_INSTANCE,
        "Networking": {
            "SubnetId": outputs["Subnet"],
            "ElasticIp": False,
            "AdditionalSecurityGroups": [outputs["Nodes"]],
        },
        "LocalStorage": _disk(),
        "Iam": {"AdditionalIamPolicies": [{"Policy": outputs["Submits"]}]},
        "Imds": {"Secured": True},
    }


def _queue(queue: Queue, outputs: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Name": queue.name,
        "CapacityType": "ONDEMAND",
        "Networking": {
            "SubnetIds": [outputs["Subnet"]],
            "AssignPublicIp": False,
            "AdditionalSecurityGroups": [outputs["Nodes"]],
            "PlacementGroup": {"Enabled": True},
        },
        "ComputeSettings": {"LocalStorage": _disk()},
        "Iam": {"AdditionalIamPolicies": [{"Policy": outputs["Stores"]}]},
        "ComputeResources": [
            {
                "Name": queue.name,
                "Instances": [{"InstanceType": queue.instance}],
                "MinCount": 0,
                "MaxCount": queue.maximum_nodes,
                "Efa": {"Enabled": True},
            }
        ],
    }


def _disk() -> dict[str, Any]:
    return {"RootVolume": {"Size": ROOT_GIB, "VolumeType": "gp3", "Encrypted": True}}
