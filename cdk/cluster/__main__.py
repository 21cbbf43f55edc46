"""`python -m cdk.cluster STAGE outputs.json > cluster.yaml`: what `pcluster create-cluster` takes, of a deployed stack.

outputs.json is what `cdk deploy --outputs-file` has written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from cdk.cluster.parallelcluster import configuration
from cdk.settings import SETTINGS


def main(stage: str, outputs: str) -> None:
    """Print the configuration; SystemExit if the stage has no cluster of this kind."""
    cluster = SETTINGS[stage].cluster
    if cluster is None or cluster.back_end != "parallelcluster":
        sys.exit(f"cdk/settings.py: {stage} has no cluster with the back end parallelcluster")
    deployment = f"hourcast-{stage}"
    told = json.loads(Path(outputs).read_text())
    deployed = told[f"{deployment}-compute"] | told[f"{deployment}-cluster"]
    print(yaml.safe_dump(configuration(cluster, deployment, deployed), sort_keys=False), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
