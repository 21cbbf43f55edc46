"""Clients of AWS services, made without what takes longer than the clients: a look at all services that there are, and
the table of where each of them is an exception."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session
from msgspec import Raw, Struct, json

SERVICES = ("batch", "dynamodb", "lambda", "sns", "stepfunctions")


class _Endpoints(Struct):
    partitions: list[dict[str, Raw]]


class _Files(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        plain, packed = (Path(file_path + suffix) for suffix in (".json", ".json.gz"))
        if plain.name == "endpoints.json":
            return {"partitions": list(map(_regular, json.decode(plain.read_bytes(), type=_Endpoints).partitions))}
        if plain.is_file():
            return json.decode(plain.read_bytes())
        return json.decode(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


def _regular(partition: dict[str, Raw]) -> dict[str, Any]:
    """A partition's rules without exceptions, of which there is none for our services."""
    return {name: json.decode(value) for name, value in partition.items() if name != "services"} | {"services": {}}


class _FewServices(Loader):
    FILE_LOADER_CLASS = _Files

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
