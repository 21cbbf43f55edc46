"""The cluster on AWS Parallel Computing Service: controller, node groups and queues from the same description."""

from __future__ import annotations

from typing import Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_pcs as pcs
from constructs import Construct

from cdk.cluster.settings import IDLE_SECONDS, MOUNT, ROOT_GIB, SUBMITTING_INSTANCE, Cluster, Queue, controller_size
from cdk.cluster.shared import Shared
from cdk.cluster.task import Submitter

SLURM = "25.05"
_MOUNT = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="BOUNDARY"

--BOUNDARY
Content-Type: text/cloud-config; charset="us-ascii"

runcmd:
  - mkdir -p {mount}
  - mount -t lustre -o noatime,flock {system}.fsx.{region}.amazonaws.com@tcp:/{name} {mount}
--BOUNDARY--
"""


class ParallelComputing(Stack):
    """A managed controller, one node to submit from, and a node group and queue of each partition, all private."""

    def __init__(self, scope: Construct, name: str, cluster: Cluster, *, shared: Shared, node: Submitter) -> None:
        super().__init__(scope, name)
        self._image, self._shared, self._node = cluster.image, shared, node
        nodes = 1 + sum(queue.maximum_nodes for queue in cluster.queues)
        self._cluster = pcs.CfnCluster(
            self,
            "Cluster",
            name=node.tags["hourcast:submits"],
            size=controller_size(nodes),
            scheduler=pcs.CfnCluster.SchedulerProperty(type="SLURM", version=SLURM),
            networking=pcs.CfnCluster.NetworkingProperty(
                subnet_ids=[shared.subnet.subnet_id], security_group_ids=[shared.nodes.security_group_id]
            ),
            slurm_configuration=pcs.CfnCluster.SlurmConfigurationProperty(scale_down_idle_time_in_seconds=IDLE_SECONDS),
        )
        submits, computes = self._profile("Submits", shared.submits), self._profile("Computes", shared.stores)
        self._group("submit", submits, SUBMITTING_INSTANCE, (1, 1), self._template("submit", None))
        for queue in cluster.queues:
            template = self._template(queue.name, queue)
            group = self._group(queue.name, computes, queue.instance, (0, queue.maximum_nodes), template)
            own = pcs.CfnQueue.ComputeNodeGroupConfigurationProperty(compute_node_group_id=group.attr_id)
            pcs.CfnQueue(
                self,
                f"Queue{queue.name}",
                name=queue.name,
                cluster_id=self._cluster.attr_id,
                compute_node_group_configurations=[own],
            )

    def _profile(self, name: str, *policies: iam.IManagedPolicy) -> iam.CfnInstanceProfile:
        """The service asks for this path, and for a permission that knows no resource.

        https://docs.aws.amazon.com/pcs/latest/userguide/security-instance-profiles.html
        """
        role = iam.Role(
            self, f"{name}Role", path="/aws-pcs/", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=list(policies),
        )  # fmt: skip
        role.add_to_policy(iam.PolicyStatement(actions=["pcs:RegisterComputeNodeGroupInstance"], resources=["*"]))
        profile = iam.CfnInstanceProfile(self, f"{name}Profile", path="/aws-pcs/", roles=[role.role_name])
        profile.node.add_dependency(role)  # with its policy, before a node starts
        return profile

    def _group(
        self,
        name: str,
        profile: iam.CfnInstanceProfile,
        instance: str,
        count: tuple[int, int],
        template: ec2.CfnLaunchTemplate,
    ) -> pcs.CfnComputeNodeGroup:
        group = pcs.CfnComputeNodeGroup
        return group(
            self,
            f"Group{name}",
            name=name,
            cluster_id=self._cluster.attr_id,
            ami_id=self._image,
            subnet_ids=[self._shared.subnet.subnet_id],
            purchase_option="ONDEMAND",
            iam_instance_profile_arn=profile.attr_arn,
            instance_configs=[group.InstanceConfigProperty(instance_type=instance)],
            scaling_configuration=group.ScalingConfigurationProperty(
                min_instance_count=count[0], max_instance_count=count[1]
            ),
            custom_launch_template=group.CustomLaunchTemplateProperty(
                template_id=template.attr_launch_template_id, version=template.attr_latest_version_number
            ),
        )

    def _template(self, name: str, queue: Queue | None) -> ec2.CfnLaunchTemplate:
        """Of a queue's machines, or of the one to submit from."""
        placement = None
        if queue:
            placement = {"groupName": ec2.CfnPlacementGroup(self, f"Placement{name}", strategy="cluster").ref}
        tags = [] if queue else [{"key": key, "value": value} for key, value in self._node.tags.items()]
        data: dict[str, Any] = {
            "networkInterfaces": _interfaces(queue, self._shared.nodes.security_group_id),
            "placement": placement,
            "metadataOptions": {"httpTokens": "required", "httpEndpoint": "enabled", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": [
                {"deviceName": "/dev/xvda", "ebs": {"encrypted": True, "volumeType": "gp3", "volumeSize": ROOT_GIB}}
            ],
            "tagSpecifications": [{"resourceType": "instance", "tags": tags}] if tags else None,
            "userData": Fn.base64(self._mount()),
        }
        return ec2.CfnLaunchTemplate(self, f"Template{name}", launch_template_data=data)

    def _mount(self) -> str:
        system = self._shared.file_system
        return _MOUNT.format(mount=MOUNT, system=system.ref, region=self.region, name=system.attr_lustre_mount_name)


def _interfaces(queue: Queue | None, group: str) -> list[dict[str, Any]]:
    """One a network card, by EFA; a plain one on the node to submit from. None has a public address."""
    cards = range(queue.network_cards if queue else 1)
    kind = {"interfaceType": "efa"} if queue else {}
    # AWS takes a wish about public addresses of a lone interface only; the subnet gives none.
    public = {} if len(cards) > 1 else {"associatePublicIpAddress": False}
    return [
        {"networkCardIndex": card, "deviceIndex": min(card, 1), "groups": [group], **kind, **public} for card in cards
    ]
