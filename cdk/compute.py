"""Network and Batch: where the jobs of the stages run."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.functions import JOBS, SHARED
from cdk.jobs import BACKGROUND_JOBS, Background, background_definition, job_definition, nodes_definition
from cdk.lanes import DECAY_SECONDS, RESERVED_PERCENT, WEIGHTS
from cdk.settings import CPU_FAMILIES, Processor, Settings
from pipeline.stages import Stage, stage

OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
"""What whoever runs a shard does with objects of the deployment's bucket."""
EXPORT = "export"
"""The stage that may write into customers' buckets."""
GPU_FAMILY = "g6e"
NODE_SIZE, NODE_FAMILY, NODE_WORKERS, NODE_VCPUS = "4xlarge", "m", 7, 16
"""A node has 64 GiB, of which seven shards of the blend leave the system some."""
PLATFORMS: dict[Processor, assets.Platform] = {
    "x86_64": assets.Platform.LINUX_AMD64, "arm64": assets.Platform.LINUX_ARM64,
}  # fmt: skip
_INTERFACES = {
    "Registry": ec2.InterfaceVpcEndpointAwsService.ECR, "Images": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS, "Ecs": ec2.InterfaceVpcEndpointAwsService.ECS,
    "EcsAgent": ec2.InterfaceVpcEndpointAwsService.ECS_AGENT,
    "EcsTelemetry": ec2.InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
}  # fmt: skip


class Compute(Stack):
    """Private subnets, Spot first and on demand after it, and a job definition a stage.

    Production, customers and background share the machines of a queue, each in its lane (see `cdk.lanes`).
    """

    def __init__(self, scope: Construct, name: str, settings: Settings, *, bucket: s3.IBucket, containers: str) -> None:
        super().__init__(scope, name)
        self.processor = settings.processor
        families = CPU_FAMILIES[self.processor]
        self.network = self._network()
        self._images = {
            name: assets.DockerImageAsset(
                self,
                f"{name.title()}Image",
                directory=containers,
                file=f"containers/{name}/Dockerfile",
                platform=PLATFORMS["x86_64" if name == "gpu" else self.processor],
            )
            for name in sorted({row.image for row in JOBS})
        }
        self._lanes = batch.FairshareSchedulingPolicy(
            self,
            "Lanes",
            compute_reservation=RESERVED_PERCENT,
            share_decay=Duration.seconds(DECAY_SECONDS),
            shares=[batch.Share(share_identifier=lane, weight_factor=weight) for lane, weight in WEIGHTS.items()],
        )
        self.queues = {
            "array": self._queue("Cpu", settings.maximum_vcpus, families),
            "gpu": self._queue("Gpu", settings.maximum_gpu_vcpus, (GPU_FAMILY,)),
        }
        role = self._job_role("JobRole", bucket)
        roles = {EXPORT: self._export_role(bucket, settings.export_buckets)} if settings.export_buckets else {}
        self.definitions = {row.name: self._definition(row, roles.get(row.name, role), bucket) for row in JOBS}
        for work in BACKGROUND_JOBS:
            self._background_definition(work, role, bucket)
        self.node_queue: batch.JobQueue | None = None
        self.node_definitions: dict[str, batch.CfnJobDefinition] = {}
        if settings.blend_nodes:
            self.node_queue = self._node_queue(settings.blend_nodes)
            self.node_definitions[SHARED] = self._nodes_definition(stage(SHARED), role, bucket, settings.blend_nodes)

    def _network(self) -> ec2.Vpc:
        """Two zones; a NAT gateway, because open data and observations lie on the public Internet too."""
        private = ec2.SubnetConfiguration(name="Jobs", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20)
        public = ec2.SubnetConfiguration(name="Out", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=26)
        group = logs.LogGroup(
            self, "Flows", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        network = ec2.Vpc(
            self,
            "Network",
            max_azs=2,
            nat_gateways=1,
            subnet_configuration=[private, public],
            flow_logs={"All": ec2.FlowLogOptions(destination=ec2.FlowLogDestination.to_cloud_watch_logs(group))},
        )
        network.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        network.add_gateway_endpoint("Tables", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        for name, service in _INTERFACES.items():
            network.add_interface_endpoint(name, service=service)
        return network

    def _queue(self, name: str, maximum_vcpus: int, families: tuple[str, ...]) -> batch.JobQueue:
        order = [
            batch.OrderedComputeEnvironment(
                order=number,
                compute_environment=batch.ManagedEc2EcsComputeEnvironment(
                    self,
                    f"{name}{'Spot' if spot else 'OnDemand'}",
                    vpc=self.network,
                    vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                    spot=spot,
                    minv_cpus=0,
                    maxv_cpus=maximum_vcpus,
                    instance_classes=[ec2.InstanceClass[family.upper()] for family in families],
                    use_optimal_instance_classes=False,
                ),
            )
            for number, spot in ((1, True), (2, False))
        ]
        return batch.JobQueue(self, name, compute_environments=order, scheduling_policy=self._lanes)

    def _node_queue(self, nodes: int) -> batch.JobQueue:
        """Machines of multi-node jobs: on demand, for Batch has them on no others. They alone may call each other."""
        group = ec2.SecurityGroup(self, "NodesGroup", vpc=self.network, description="The nodes of a job")
        group.connections.allow_internally(ec2.Port.all_tcp(), "dask, which runs what it is sent")
        environment = batch.ManagedEc2EcsComputeEnvironment(
            self,
            "NodesOnDemand",
            vpc=self.network,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[group],
            minv_cpus=0,
            maxv_cpus=nodes * NODE_VCPUS,
            instance_types=[
                ec2.InstanceType(f"{family}.{NODE_SIZE}")
                for family in CPU_FAMILIES[self.processor]
                if family.startswith(NODE_FAMILY)
            ],
            use_optimal_instance_classes=False,
        )
        return batch.JobQueue(
            self,
            "Nodes",
            compute_environments=[batch.OrderedComputeEnvironment(order=1, compute_environment=environment)],
        )

    def _export_role(self, bucket: s3.IBucket, others: tuple[str, ...]) -> iam.Role:
        """What the job that exports may besides: read and write customers' own buckets, and remove nothing."""
        role = self._job_role("ExportRole", bucket)
        wholes = [self.format_arn(service="s3", region="", account="", resource=name) for name in others]
        role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=wholes))
        kept = [action for action in OBJECTS if action != "s3:DeleteObject"]
        role.add_to_policy(iam.PolicyStatement(actions=kept, resources=[f"{whole}/*" for whole in wholes]))
        return role

    def _job_role(self, name: str, bucket: s3.IBucket) -> iam.Role:
        """What a job may: read and write the deployment's bucket, nothing else. Open data are read unsigned."""
        role = iam.Role(self, name, assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]))
        role.add_to_policy(iam.PolicyStatement(actions=OBJECTS, resources=[bucket.arn_for_objects("*")]))
        return role

    def _definition(self, row: Stage, role: iam.Role, bucket: s3.IBucket) -> batch.CfnJobDefinition:
        properties = job_definition(
            row,
            name=f"{self.stack_name}-{row.name}",
            image=self._images[row.image].image_uri,
            environment=self._environment(bucket),
        )
        properties["ContainerProperties"]["JobRoleArn"] = role.role_arn
        return self._defined(f"Job{row.name.title()}", properties)

    def _background_definition(self, work: Background, role: iam.Role, bucket: s3.IBucket) -> batch.CfnJobDefinition:
        """Submitted by hand, to the queue of processors: that of the gpu image where these are x86_64, as it is."""
        properties = background_definition(
            work,
            name=f"{self.stack_name}-{work.row.name}",
            image=self._images[work.row.image].image_uri,
            environment=self._environment(bucket),
        )
        properties["ContainerProperties"]["JobRoleArn"] = role.role_arn
        return self._defined(f"Job{work.row.name.title()}", properties)

    def _nodes_definition(self, row: Stage, role: iam.Role, bucket: s3.IBucket, nodes: int) -> batch.CfnJobDefinition:
        properties = nodes_definition(
            row,
            name=f"{self.stack_name}-{row.name}-nodes",
            nodes=nodes,
            workers=NODE_WORKERS,
            image=self._images[row.image].image_uri,
            environment=self._environment(bucket),
        )
        (container,) = properties["NodeProperties"]["NodeRangeProperties"]
        container["Container"]["JobRoleArn"] = role.role_arn
        return self._defined(f"Nodes{row.name.title()}", properties)

    def _environment(self, bucket: s3.IBucket) -> dict[str, str]:
        return {"HOURCAST_STORE": f"s3://{bucket.bucket_name}", "AWS_REGION": self.region}

    def _defined(self, identifier: str, properties: dict[str, Any]) -> batch.CfnJobDefinition:
        definition = batch.CfnJobDefinition(self, identifier, type=properties["Type"])
        for key, value in properties.items():
            definition.add_property_override(key, value)
        return definition
