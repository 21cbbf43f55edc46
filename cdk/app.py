"""`cdk synth -a "python -m cdk.app"`: the stacks of `dev` (or of `-c stage=prod`), checked by cdk-nag."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Acknowledgment, App, Stack, Validations
from cdk_nag import AwsSolutionsChecks

from cdk.cluster.stacks import cluster_stacks
from cdk.cluster.task import submitter
from cdk.compute import Compute
from cdk.data import EXPORTED_BUCKET, Data
from cdk.functions import JOBS
from cdk.service import FIRED, SECONDS, Service
from cdk.settings import SETTINGS, Settings
from cdk.watch import Watch

ROOT = str(Path(__file__).resolve().parents[1])
CONTEXT = {"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True}
_ROLE = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
_LOGS = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_BUCKET = "arn:<AWS::Partition>:s3:::{}"
_JOB = "arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>:job-definition/{}-{}:*"


def stacks(app: App, settings: Settings) -> list[Stack]:
    """Every stack of a deployment, in the order in which they are deployed."""
    name = f"hourcast-{settings.stage}"
    data = Data(app, f"{name}-data", settings, arrival_seconds=SECONDS)
    compute = Compute(app, f"{name}-compute", settings, bucket=data.bucket, containers=ROOT)
    node = submitter(name, settings.cluster.back_end) if settings.cluster else None
    service = Service(app, f"{name}-service", data=data, compute=compute, containers=ROOT, cluster=node)
    watch = Watch(app, f"{name}-watch", settings, data=data, service=service)
    _acknowledge(settings, data, compute, service, watch)
    own = cluster_stacks(app, settings, data=data, compute=compute, service=service)
    return [data, compute, service, watch, *own]


def _acknowledge(settings: Settings, data: Data, compute: Compute, service: Service, watch: Watch) -> None:
    """The findings of cdk-nag that stay, each with its reason."""
    bucket = EXPORTED_BUCKET.format(data.stack_name)
    objects = "any object of the deployment's one bucket, or below a folder"
    exported = "what a customer has ordered, in a bucket of theirs"
    fired = [service.get_logical_id(service.functions[name].node.default_child) for name in FIRED]
    reasons: dict[Stack, dict[str, str]] = {
        data: {f"AwsSolutions-IAM4[Policy::{_LOGS}]": "CDK's own function, which says who pays; it may log"},
        compute: {
            f"AwsSolutions-IAM4[Policy::{_ROLE}]": "what ECS needs on an instance; AWS keeps it up to date",
            "AwsSolutions-EC23": "only the network's own addresses may enter, which the rule cannot evaluate",
            f"AwsSolutions-IAM5[Resource::{bucket}/*]": objects,
            **{f"AwsSolutions-IAM5[Resource::{_BUCKET.format(name)}/*]": exported for name in settings.export_buckets},
        },
        service: {
            **{f"AwsSolutions-IAM5[Resource::{bucket}/{name}*]": objects for name in ("", "work/", "journal/")},
            **{
                f"AwsSolutions-IAM5[Resource::{_JOB.format(compute.stack_name, job)}]": "any revision of the job"
                for job in (*(row.name for row in JOBS), *(f"{name}-nodes" for name in compute.node_definitions))
            },
            **{f"AwsSolutions-IAM5[Resource::<{name}.Arn>:*]": "any version of the function" for name in fired},
            "AwsSolutions-IAM5[Resource::*]": "DescribeJobs, TerminateJob, tracing and log delivery know no resource",
        },
        watch: {f"AwsSolutions-IAM5[Resource::{bucket}/forecast/*]": "customers read all that is published"},
    }
    for stack, findings in reasons.items():
        Validations.of(stack).acknowledge(
            *(Acknowledgment(id=finding, reason=reason) for finding, reason in findings.items())
        )


def synthesise(settings: Settings | None = None, folder: str | None = None) -> App:
    """The synthesised app, of these settings or a stage's; RuntimeError where cdk-nag objects without a reason."""
    app = App(context=CONTEXT, outdir=folder)
    stacks(app, settings or SETTINGS[app.node.try_get_context("stage") or "dev"])
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    return app


if __name__ == "__main__":
    synthesise()
