"""What matters of the stacks, on the synthesised templates: secrecy, permissions, and the table of stages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdk.functions import HEAVY, JOBS, LIGHT, STAGE_FUNCTIONS
from cdk.jobs import BACKGROUND_JOBS, MAY_PASS, YIELDED_MINUTES, Background
from cdk.lanes import WEIGHTS
from pipeline import paths
from pipeline.stages import STAGES, stage

ROOT = Path(__file__).parents[2]
CUSTOMER = "210987654321"
REDUNDANT = "W3005"
"""CDK says twice that something needs its role."""
KNOW_NO_RESOURCE = (
    "batch:DescribeJobs", "batch:TerminateJob", "xray:", "logs:", "ecr:GetAuthorizationToken",
    "ssm:UpdateInstanceInformation", "ssmmessages:", "ec2messages:", "pcs:RegisterComputeNodeGroupInstance",
)  # fmt: skip


@pytest.fixture(scope="module")
def resources(folder: Path) -> list[dict[str, Any]]:
    """Every resource of every stack."""
    templates = [json.loads(path.read_text()) for path in sorted(folder.glob("*.template.json"))]
    assert len(templates) == 6
    return [resource for template in templates for resource in template["Resources"].values()]


@pytest.fixture(scope="module")
def others(folder: Path) -> list[dict[str, Any]]:
    """Every resource of a deployment on arm64 whose customers pay for what they read."""
    templates = [json.loads(path.read_text()) for path in sorted((folder / "other").glob("*.template.json"))]
    assert len(templates) == 4
    return [resource for template in templates for resource in template["Resources"].values()]


def of_type(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [resource["Properties"] for resource in resources if resource["Type"] == kind]
    assert found, kind
    return found


def statements(resources: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for resource in resources:
        properties = resource.get("Properties", {})
        documents = [properties.get("PolicyDocument"), *(p["PolicyDocument"] for p in properties.get("Policies", []))]
        for document in filter(None, documents):
            yield from document["Statement"]


def test_buckets_are_private_encrypted_and_refuse_http(resources: list[dict[str, Any]]) -> None:
    buckets = of_type(resources, "AWS::S3::Bucket")
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    policies = of_type(resources, "AWS::S3::BucketPolicy")
    refused = [
        part
        for policy in policies
        for part in policy["PolicyDocument"]["Statement"]
        if part["Effect"] == "Deny" and part["Condition"].get("Bool") == {"aws:SecureTransport": "false"}
    ]
    assert len(refused) == len(buckets)
    assert any(bucket.get("VersioningConfiguration") == {"Status": "Enabled"} for bucket in buckets)


def test_the_pointer_is_moved_by_conditional_writes_only(resources: list[dict[str, Any]]) -> None:
    denied = [
        part
        for policy in of_type(resources, "AWS::S3::BucketPolicy")
        for part in policy["PolicyDocument"]["Statement"]
        if "Null" in part.get("Condition", {})
    ]
    (statement,) = denied
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:PutObject", {"AWS": "*"})
    assert statement["Condition"]["Null"] == {"s3:if-match": "true", "s3:if-none-match": "true"}
    assert json.dumps(statement["Resource"]).endswith(f'/{paths.LATEST}"]]}}')


def test_what_is_stored_is_listed_and_what_is_written_is_told(resources: list[dict[str, Any]]) -> None:
    (bucket,) = (part for part in of_type(resources, "AWS::S3::Bucket") if "InventoryConfigurations" in part)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["InventoryConfigurations"][0]["Enabled"]
    assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"]


def test_no_wildcard_action_on_a_wildcard_resource(resources: list[dict[str, Any]]) -> None:
    for statement in statements(resources):
        if statement["Effect"] != "Allow" or "Principal" in statement:
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert "*" not in actions
        if statement["Resource"] == "*" or "*" in statement["Resource"]:
            assert all(action.startswith(KNOW_NO_RESOURCE) and "*" not in action for action in actions), actions


def test_queues_topics_and_tables_are_encrypted(resources: list[dict[str, Any]]) -> None:
    assert all(topic["KmsMasterKeyId"] for topic in of_type(resources, "AWS::SNS::Topic"))
    assert all(queue["SqsManagedSseEnabled"] for queue in of_type(resources, "AWS::SQS::Queue"))
    assert all(table["SSESpecification"]["SSEEnabled"] for table in of_type(resources, "AWS::DynamoDB::Table"))


def test_jobs_are_as_the_table_says_and_have_no_privileges(resources: list[dict[str, Any]]) -> None:
    defined = of_type(resources, "AWS::Batch::JobDefinition")
    jobs = {job["Parameters"]["stage"]: job for job in defined if job["Type"] == "container"}
    rows = (*JOBS, *(work.row for work in BACKGROUND_JOBS))
    assert set(jobs) == {row.name for row in rows}
    for row in rows:
        job, container = jobs[row.name], jobs[row.name]["ContainerProperties"]
        assert job["Timeout"]["AttemptDurationSeconds"] == row.timeout_seconds
        assert job["RetryStrategy"]["Attempts"] == 1 + row.retries
        assert job["SchedulingPriority"] >= 0, "a queue with a scheduling policy refuses jobs without one"
        needs = {need["Type"]: int(need["Value"]) for need in container["ResourceRequirements"]}
        assert needs == {"VCPU": row.vcpus, "MEMORY": row.memory_mib} | ({"GPU": row.gpus} if row.gpus else {})
        assert container["ReadonlyRootFilesystem"]
        assert not container["Privileged"]
        assert container["User"] != "0"


@pytest.mark.parametrize("work", BACKGROUND_JOBS, ids=lambda work: work.row.name)
def test_work_in_the_background_yields_before_its_time_is_up_and_is_repeated(
    work: Background, resources: list[dict[str, Any]]
) -> None:
    defined = of_type(resources, "AWS::Batch::JobDefinition")
    (job,) = (job for job in defined if job["Parameters"]["stage"] == work.row.name)
    assert job["ContainerProperties"]["Command"] == [*work.command, "--minutes", str(YIELDED_MINUTES)]
    begun = max(row.timeout_seconds for row in STAGES) if work.row.name == "rerun" else 0
    assert job["Timeout"]["AttemptDurationSeconds"] >= 60 * YIELDED_MINUTES + begun
    assert {"Action": "RETRY", "OnExitCode": MAY_PASS} in job["RetryStrategy"]["EvaluateOnExit"]


def test_the_blend_s_nodes_are_as_the_table_says_and_let_in_only_each_other(resources: list[dict[str, Any]]) -> None:
    (job,) = (job for job in of_type(resources, "AWS::Batch::JobDefinition") if job["Type"] == "multinode")
    row, workers = stage(job["Parameters"]["stage"]), int(job["Parameters"]["workers"])
    assert row.name == "forecast"
    assert job["Timeout"]["AttemptDurationSeconds"] == row.timeout_seconds
    assert job["RetryStrategy"]["Attempts"] == 1 + row.retries
    (nodes,) = job["NodeProperties"]["NodeRangeProperties"]
    needs = {need["Type"]: int(need["Value"]) for need in nodes["Container"]["ResourceRequirements"]}
    assert needs == {"VCPU": workers * row.vcpus, "MEMORY": workers * row.memory_mib}
    assert nodes["Container"]["ReadonlyRootFilesystem"]
    assert not nodes["Container"]["Privileged"]
    (queue,) = (queue for queue in of_type(resources, "AWS::Batch::JobQueue") if "SchedulingPolicyArn" not in queue)
    assert len(queue["ComputeEnvironmentOrder"]) == 1, "no Spot: Batch refuses multi-node jobs there"
    environments = of_type(resources, "AWS::Batch::ComputeEnvironment")
    (machines,) = (
        environment["ComputeResources"]
        for environment in environments
        if "m7a.4xlarge" in environment["ComputeResources"]["InstanceTypes"]
    )
    assert machines["Type"] == "EC2"
    let_in = [rule for rule in of_type(resources, "AWS::EC2::SecurityGroupIngress") if "dask" in rule["Description"]]
    assert [rule["GroupId"] for rule in let_in] == [rule["SourceSecurityGroupId"] for rule in let_in]
    assert machines["SecurityGroupIds"] == [rule["GroupId"] for rule in let_in]


def test_functions_of_stages_have_the_size_and_time_of_the_table(resources: list[dict[str, Any]]) -> None:
    functions = {
        function["ImageConfig"]["Command"][0].split(".")[1]: function
        for function in of_type(resources, "AWS::Lambda::Function")
        if function.get("PackageType") == "Image"
    }
    for name, function in STAGE_FUNCTIONS.items():
        row = stage(name)
        assert (functions[function]["MemorySize"], functions[function]["Timeout"]) == (
            row.memory_mib,
            row.timeout_seconds,
        )


def test_the_watchdog_may_begin_a_publication_and_nothing_else(resources: list[dict[str, Any]]) -> None:
    (watchdog,) = (
        function["Environment"]["Variables"]
        for function in of_type(resources, "AWS::Lambda::Function")
        if function.get("ImageConfig", {}).get("Command") == ["lambdas.watchdog.handler"]
    )
    called = {watchdog[name]["Ref"] for name in ("PLAN_FUNCTION", "PUBLISH_FUNCTION")}
    (allowed,) = (
        statement["Resource"]
        for policy in of_type(resources, "AWS::IAM::Policy")
        if any("watchdog" in role["Ref"] for role in policy["Roles"])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    )
    assert {function["Fn::GetAtt"][0] for function in allowed} == called


def test_a_function_that_does_a_thing_once_may_note_that_it_has(resources: list[dict[str, Any]]) -> None:
    doing = [path.stem for path in (ROOT / "lambdas").glob("*.py") if re.search(r"import .*\bonce\b", path.read_text())]
    needing = {
        name for name in (*LIGHT, *HEAVY)
        if re.search(rf"lambdas\.({'|'.join(doing)}) import", (ROOT / "lambdas" / f"{name}.py").read_text())
    }  # fmt: skip
    may = {
        name
        for policy in of_type(resources, "AWS::IAM::Policy")
        for name in needing
        if any(name.replace("_", "") in role["Ref"] for role in policy["Roles"])
        and any("dynamodb:PutItem" in statement["Action"] for statement in policy["PolicyDocument"]["Statement"])
    }
    assert may == needing == {"notify", "watchdog", "source_arrived"}


def test_every_queue_shares_its_machines_among_the_lanes(resources: list[dict[str, Any]]) -> None:
    (policy,) = of_type(resources, "AWS::Batch::SchedulingPolicy")
    shares = policy["FairsharePolicy"]["ShareDistribution"]
    assert {share["ShareIdentifier"]: share["WeightFactor"] for share in shares} == WEIGHTS
    assert policy["FairsharePolicy"]["ComputeReservation"] > 0
    queues = of_type(resources, "AWS::Batch::JobQueue")
    assert sum("SchedulingPolicyArn" in queue for queue in queues) == 2
    assert len(queues) == 3, "the blend's nodes have machines of their own"


def test_every_alarm_tells_somebody_and_is_in_the_runbook(resources: list[dict[str, Any]]) -> None:
    runbook = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm"):
        assert alarm["AlarmActions"]
        name = alarm["AlarmDescription"].rsplit(" ", 1)[-1].rstrip(".")
        assert f"## {name}" in runbook


def test_the_dashboard_shows_what_the_functions_count(resources: list[dict[str, Any]]) -> None:
    (board,) = of_type(resources, "AWS::CloudWatch::Dashboard")
    shown, sources = json.dumps(board), [path.read_text() for path in (ROOT / "lambdas").glob("*.py")]
    counted = {name for text in sources for name in re.findall(r'count(?:_of)?\("(\w+)"', text)}
    assert counted >= {"HoursPublished", "MinutesToPublication", "StageSeconds", "HourDollars", "GpuBusyPercent"}
    alarms = json.dumps(of_type(resources, "AWS::CloudWatch::Alarm"))
    assert {name for name in counted if name not in shown + alarms} == {"ShardsRun"}, "which the log alone tells"
    assert all(f'\\"stage\\",\\"{row.name}\\"' in shown.replace("\\\\", "\\") for row in STAGES)


def machines(resources: list[dict[str, Any]]) -> set[str]:
    """Families of the machines of all queues."""
    environments = of_type(resources, "AWS::Batch::ComputeEnvironment")
    types = [name for environment in environments for name in environment["ComputeResources"]["InstanceTypes"]]
    return {name.split(".")[0] for name in types}


def images(folder: Path, stack: str) -> dict[str, str]:
    """The platform of each image that a stack asks for, by its container."""
    assets = json.loads((folder / f"{stack}.assets.json").read_text())["dockerImages"].values()
    return {Path(asset["source"]["dockerFile"]).parent.name: asset["source"]["platform"] for asset in assets}


def test_a_deployment_has_one_processor_but_for_gpus(
    resources: list[dict[str, Any]], others: list[dict[str, Any]], folder: Path
) -> None:
    graviton = re.compile(r"[cm]\d+g")
    assert not any(graviton.fullmatch(family) for family in machines(resources))
    assert all(graviton.fullmatch(family) for family in machines(others) - {"g6e"})
    assert machines(resources) & machines(others) == {"g6e"}
    for found, name in ((resources, "x86_64"), (others, "arm64")):
        functions = [part for part in of_type(found, "AWS::Lambda::Function") if part.get("PackageType") == "Image"]
        assert {function["Architectures"][0] for function in functions} == {name}
    assert {*images(folder, "hourcast-prod-compute").values()} == {"linux/amd64"}
    own = images(folder / "other", "hourcast-dev-compute") | images(folder / "other", "hourcast-dev-service")
    assert own == {"array": "linux/arm64", "lambda": "linux/arm64", "gpu": "linux/amd64"}


def test_the_job_that_exports_alone_may_write_into_a_customer_s_bucket(others: list[dict[str, Any]]) -> None:
    outside = [
        (statement["Action"], {role["Ref"] for role in policy["Roles"]})
        for policy in of_type(others, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "acme-weather" in json.dumps(statement["Resource"])
    ]
    assert [action for action, _ in outside] == [
        "s3:ListBucket", ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
    ]  # fmt: skip
    (role,) = set.union(*(roles for _, roles in outside))
    with_it = [
        part["JobDefinitionName"]
        for part in of_type(others, "AWS::Batch::JobDefinition")
        if role in json.dumps(part["ContainerProperties"]["JobRoleArn"])
    ]
    assert with_it == ["hourcast-dev-compute-export"]


def test_a_customer_reads_what_is_published_and_nothing_else(resources: list[dict[str, Any]]) -> None:
    (role,) = (
        part
        for part in of_type(resources, "AWS::IAM::Role")
        if CUSTOMER in json.dumps(part["AssumeRolePolicyDocument"])
    )
    assert not {"Policies", "ManagedPolicyArns"} & set(role)
    (policy,) = (
        part
        for part in of_type(resources, "AWS::IAM::Policy")
        if any(f"Customer{CUSTOMER}" in name["Ref"] for name in part["Roles"])
    )
    only_reads_forecasts(policy["PolicyDocument"]["Statement"])


def only_reads_forecasts(allowed: list[dict[str, Any]]) -> None:
    listing, reading = sorted(allowed, key=lambda statement: statement["Action"], reverse=True)
    assert (listing["Action"], reading["Action"]) == ("s3:ListBucket", "s3:GetObject")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["forecast/*"]}}
    assert json.dumps(reading["Resource"]).endswith('"/forecast/*"]]}')


def test_customers_who_pay_read_as_their_own_account(others: list[dict[str, Any]]) -> None:
    """Who assumes a role of the bucket's owner reads at the owner's cost."""
    (payer,) = of_type(others, "Custom::AWS")
    assert '\\"Payer\\":\\"Requester\\"' in json.dumps(payer["Create"])
    assert payer["Create"] == payer["Update"]
    assert '\\"Payer\\":\\"BucketOwner\\"' in json.dumps(payer["Delete"])
    assert not any(
        CUSTOMER in json.dumps(part["AssumeRolePolicyDocument"]) for part in of_type(others, "AWS::IAM::Role")
    )
    whole = [
        statement
        for policy in of_type(others, "AWS::S3::BucketPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if CUSTOMER in json.dumps(statement)
    ]
    only_reads_forecasts(whole)


def test_a_month_has_a_budget_of_which_somebody_is_told(others: list[dict[str, Any]]) -> None:
    (budget,) = of_type(others, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 200, "Unit": "USD"}
    (told,) = budget["NotificationsWithSubscribers"]
    assert told["Subscribers"] == [{"Address": "a@example.org", "SubscriptionType": "EMAIL"}]


def test_machines_run_in_private_subnets(resources: list[dict[str, Any]]) -> None:
    for environment in of_type(resources, "AWS::Batch::ComputeEnvironment"):
        assert all(
            "Private" in str(subnet) or "Jobs" in str(subnet) for subnet in environment["ComputeResources"]["Subnets"]
        )


def test_cfn_lint_has_nothing_to_say(folder: Path) -> None:
    templates = [str(path) for path in folder.glob("**/*.template.json")]
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", REDUNDANT, "--", *templates]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
