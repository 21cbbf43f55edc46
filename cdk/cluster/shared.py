"""What the cluster needs whichever service runs it: file system, who may what, and the command of the hour."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk.cluster.customers import customer_bucket
from cdk.cluster.settings import OUTPUT, RUNS, Cluster, Customer
from cdk.cluster.task import Place, document, submitter
from cdk.compute import Compute
from cdk.data import Data, reading
from cdk.service import Service
from cdk.settings import Settings

THROUGHPUT = 125
"""MB/s for each TiB: the least of persistent file systems, which alone may have a key of one's own."""
# The agent of Systems Manager; none of its actions knows a resource.
AGENT = [
    "ssm:UpdateInstanceInformation",
    *(f"ssmmessages:{action}{channel}Channel" for action in ("Create", "Open") for channel in ("Control", "Data")),
    *(f"ec2messages:{action}Message" for action in ("Acknowledge", "Delete", "Fail")),
    "ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply",
]  # fmt: skip


class Shared(Stack):
    """Lustre that is linked to the deployment's bucket and to the customers', in one private subnet."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        settings: Settings,
        cluster: Cluster,
        *,
        data: Data,
        compute: Compute,
        service: Service,
    ) -> None:
        super().__init__(scope, name)
        self.subnet = compute.network.private_subnets[cluster.zone]
        self.nodes = self._nodes(compute.network)
        self.file_system = self._file_system(cluster, data)
        self._link(RUNS, data.bucket, imported=True)
        self._customers(cluster.customers, settings.archive_after_days)
        self.submits = self._submits(service.machine_arn, data.bucket)
        self.stores = self._stores(data.bucket)
        node = submitter(f"hourcast-{settings.stage}", cluster.back_end)
        ssm.CfnDocument(
            self, "Physics", name=node.document, document_type="Command", document_format="JSON",
            target_type="/AWS::EC2::Instance", update_method="NewVersion", content=document(Place()),
        )  # fmt: skip
        _tell(compute, Region=self.region, Subnet=self.subnet.subnet_id)
        _tell(
            self,
            Nodes=self.nodes.security_group_id,
            FileSystem=self.file_system.ref,
            Submits=self.submits.managed_policy_arn,
            Stores=self.stores.managed_policy_arn,
        )

    def _nodes(self, network: ec2.IVpc) -> ec2.SecurityGroup:
        """Of the nodes and of Lustre: among themselves anything, as EFA needs it; out, HTTPS; in, nothing."""
        group = ec2.SecurityGroup(
            self, "NodeGroup", vpc=network, allow_all_outbound=False, description="Nodes of the cluster and Lustre"
        )
        group.add_ingress_rule(group, ec2.Port.all_traffic(), "among nodes")
        group.add_egress_rule(group, ec2.Port.all_traffic(), "among nodes")
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "services, packages")
        return group

    def _file_system(self, cluster: Cluster, data: Data) -> fsx.CfnFileSystem:
        system = fsx.CfnFileSystem(
            self,
            "Lustre",
            file_system_type="LUSTRE",
            file_system_type_version="2.15",
            storage_capacity=cluster.storage_gib,
            subnet_ids=[self.subnet.subnet_id],
            security_group_ids=[self.nodes.security_group_id],
            kms_key_id=data.key.key_arn,
            lustre_configuration=fsx.CfnFileSystem.LustreConfigurationProperty(
                deployment_type="PERSISTENT_2",
                per_unit_storage_throughput=THROUGHPUT,
                data_compression_type="LZ4",
            ),
        )
        # All that matters of it is in the buckets.
        system.apply_removal_policy(RemovalPolicy.DESTROY)
        return system

    def _link(self, folder: str, bucket: s3.IBucket, *, imported: bool) -> None:
        """What is written below the folder goes to the bucket by itself, and if `imported` the other way, too.

        What is deleted on Lustre, where room is dear, stays in the bucket.
        """
        association = fsx.CfnDataRepositoryAssociation
        out = association.AutoExportPolicyProperty(events=["NEW", "CHANGED"])
        back = association.AutoImportPolicyProperty(events=["NEW", "CHANGED", "DELETED"]) if imported else None
        fsx.CfnDataRepositoryAssociation(
            self,
            f"Link{folder.title().replace('/', '')}",
            file_system_id=self.file_system.ref,
            file_system_path=f"/{folder}",
            data_repository_path=f"s3://{bucket.bucket_name}/{folder}/",
            batch_import_meta_data_on_create=imported,
            s3=association.S3Property(auto_export_policy=out, auto_import_policy=back),
        )

    def _customers(self, customers: tuple[Customer, ...], archive_days: int) -> None:
        if not customers:
            return
        logs = s3.Bucket(
            self, "AccessLogs", encryption=s3.BucketEncryption.S3_MANAGED, enforce_ssl=True, minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        )  # fmt: skip
        for customer in customers:
            bucket = customer_bucket(self, customer, logs=logs, archive_days=archive_days)
            self._link(f"{OUTPUT}/{customer.name}", bucket, imported=False)

    def _submits(self, machine_arn: str, bucket: s3.IBucket) -> iam.ManagedPolicy:
        """Of the node that submits: be reached by Systems Manager, answer the hour's tasks, and read the published
        blend, which drives the waves."""
        answers = [f"states:SendTask{what}" for what in ("Success", "Failure", "Heartbeat")]
        return iam.ManagedPolicy(
            self,
            "SubmitsPolicy",
            statements=[
                iam.PolicyStatement(actions=answers, resources=[machine_arn]),
                iam.PolicyStatement(actions=AGENT, resources=["*"]),
                *reading(bucket),
            ],
        )

    def _stores(self, bucket: s3.IBucket) -> iam.ManagedPolicy:
        """Of the nodes that compute: store the output of a run as a source's, as ingest does."""
        folders = [bucket.arn_for_objects(f"{folder}/*") for folder in ("input", "quarantine")]
        objects = [f"s3:{action}" for action in ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")]
        return iam.ManagedPolicy(
            self,
            "StoresPolicy",
            statements=[
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]),
                iam.PolicyStatement(actions=objects, resources=folders),
            ],
        )


def _tell(stack: Stack, **outputs: str) -> None:
    """Outputs of the stack that has the resource, for `cdk.cluster.parallelcluster`."""
    for key, value in outputs.items():
        CfnOutput(stack, f"Out{key}", value=value).override_logical_id(key)
