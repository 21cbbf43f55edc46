"""The stacks of a cluster, by its back end, with the findings of cdk-nag that stay."""

from __future__ import annotations

from aws_cdk import Acknowledgment, App, Stack, Validations

from cdk.cluster.pcs import ParallelComputing
from cdk.cluster.shared import Shared
from cdk.cluster.task import submitter
from cdk.compute import Compute
from cdk.data import EXPORTED_BUCKET, Data
from cdk.service import Service
from cdk.settings import Settings

_NO_RESOURCE = "AwsSolutions-IAM5[Resource::*]"
_INSTANCES = "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*]"


def cluster_stacks(app: App, settings: Settings, *, data: Data, compute: Compute, service: Service) -> list[Stack]:
    """None without a cluster; with ParallelCluster, which makes a stack of its own, only what that one needs."""
    cluster, deployment = settings.cluster, f"hourcast-{settings.stage}"
    if cluster is None:
        return []
    _acknowledge(service, _INSTANCES, "only instances with the tags of the node that submits")
    shared = Shared(app, f"{deployment}-cluster", settings, cluster, data=data, compute=compute, service=service)
    _acknowledge(shared, _NO_RESOURCE, "the agent of Systems Manager, whose actions know no resource")
    stored, driving = "what a run that is stored consists of", "the published blend, which drives the waves"
    for folder, reason in {"input": stored, "quarantine": stored, "forecast": driving}.items():
        objects = f"AwsSolutions-IAM5[Resource::{EXPORTED_BUCKET.format(data.stack_name)}/{folder}/*]"
        _acknowledge(shared, objects, reason)
    if cluster.back_end == "parallelcluster":
        return [shared]
    node = submitter(deployment, cluster.back_end)
    own = ParallelComputing(app, f"{deployment}-pcs", cluster, shared=shared, node=node)
    _acknowledge(own, _NO_RESOURCE, "RegisterComputeNodeGroupInstance, which AWS documents without a resource")
    return [shared, own]


def _acknowledge(stack: Stack, finding: str, reason: str) -> None:
    Validations.of(stack).acknowledge(Acknowledgment(id=finding, reason=reason))
