"""Clients of AWS services, made without a look at all services that there are: that takes longer than the clients."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.session import Session

SERVICES = ("batch", "dynamodb", "lambda", "sns", "stepfunctions")


class _FewServices(Loader):
    def list_available_services(self, type_name: str) -> list[str]:
        return list(SERVICES)


@cache
def _session() -> Session:
    session = Session()
    session.register_component("data_loader", _FewServices())
    return session


@cache
def client(service: str) -> Any:
    """A client of one of the services, from the environment."""
    return _session().create_client(service)
