"""deploy/kubernetes: objects that fit Kubernetes' own schemas, and fit together."""

import warnings
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deployment.conftest import ROOT
from tests.deployment.settings_names import variables

OBJECTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "bookings.yaml").read_text())["items"]
DEPLOYMENTS = [described for described in OBJECTS if described["kind"] == "Deployment"]


def name_of(described: dict[str, Any]) -> str:
    return f"{described['kind']}-{described['metadata']['name']}"


@pytest.mark.parametrize("version", ["1.31", "1.34"])
@pytest.mark.parametrize("described", OBJECTS, ids=name_of)
def test_objects_fit_the_schema(described: dict[str, Any], version: str) -> None:
    validate(described, version)


def test_a_wrong_field_would_be_found() -> None:
    wrong = DEPLOYMENTS[0] | {"spec": DEPLOYMENTS[0]["spec"] | {"replica": 2}}

    with pytest.raises(kubernetes_validate.ValidationError):
        validate(wrong, "1.34")


def validate(described: dict[str, Any], version: str) -> None:
    """Raises ValidationError. The library leaves its schema's file to the garbage collector to close."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        kubernetes_validate.validate(described, version, strict=True)


def test_the_configuration_names_settings_that_exist() -> None:
    (configuration,) = (described for described in OBJECTS if described["kind"] == "ConfigMap")

    assert set(configuration["data"]) <= variables()


@pytest.mark.parametrize("described", DEPLOYMENTS, ids=name_of)
def test_deployments_find_their_own_pods(described: dict[str, Any]) -> None:
    labels = described["spec"]["template"]["metadata"]["labels"]

    assert described["spec"]["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("described", DEPLOYMENTS, ids=name_of)
def test_pods_run_as_nobody(described: dict[str, Any]) -> None:
    pod = described["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
