"""`python -m cdk.local FOLDER`: what `hourcast cloud up` runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cdk.local.cloud import CREDENTIALS
from cdk.local.up import up

if __name__ == "__main__":
    os.environ.update(CREDENTIALS)
    try:
        up(Path(sys.argv[1]).resolve())
    except KeyboardInterrupt:
        print("The local cloud has ended.")
