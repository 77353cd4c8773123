"""deploy/kubernetes rendered by kubectl's own kustomize, and held to the schemas of Kubernetes."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from lianpu.settings import load_settings

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
KUBECTL = shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(sys.executable).parent))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed: see install_kubectl of .ci/run"),
]
OVERLAYS = ("base", "overlays/gpu", "overlays/scaled", "with-workers")
# The oldest that knows `sleep` before the stop without a switch, and the newest whose schemas are at hand.
VERSIONS = ("1.30", "1.37")
WITH_WORKERS = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../overlays/scaled]
components: [../components/workers]
"""
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    folder = tmp_path_factory.mktemp("kustomize") / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    scaled = folder / "overlays" / "scaled"
    shutil.copy(scaled / "secret.example.yaml", scaled / "secret.yaml")
    (folder / "with-workers").mkdir()
    (folder / "with-workers" / "kustomization.yaml").write_text(WITH_WORKERS)
    return {name: rendered(folder / name) for name in OVERLAYS}


def rendered(folder: Path) -> list[Manifest]:
    assert KUBECTL is not None
    built = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, timeout=60)
    assert (built.returncode, built.stderr) == (0, "")
    return list(yaml.safe_load_all(built.stdout))


def pods(found: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for one in found:
        if one["kind"] in {"StatefulSet", "Deployment"}:
            yield one["metadata"]["name"], one["spec"]["template"]


def of_kind(found: list[Manifest], kind: str) -> list[Manifest]:
    return [one for one in found if one["kind"] == kind]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OVERLAYS)
def test_R_OPS_2_manifests_fit_the_schemas(manifests: dict[str, list[Manifest]], name: str, version: str) -> None:
    for manifest in manifests[name]:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_R_OPS_2_mistake_in_a_manifest_is_seen(manifests: dict[str, list[Manifest]]) -> None:
    [budget] = of_kind(manifests["base"], "PodDisruptionBudget")
    wrong = {**budget, "spec": {**budget["spec"], "maxUnavailabel": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[1], strict=True)


@pytest.mark.parametrize("name", OVERLAYS)
def test_R_OPS_2_pods_are_restricted(manifests: dict[str, list[Manifest]], name: str) -> None:
    """The Pod Security Standard `restricted`, which the namespace enforces; and a root that cannot be written."""
    found = list(pods(manifests[name]))
    assert found
    for known, pod in found:
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, known
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
            assert re.search(r":\d[\w.-]+(@sha256:[0-9a-f]{64})?$", container["image"]), container["image"]
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            claimed = {volume["name"] for volume in spec.get("volumes", [])}
            assert mounted <= claimed | {"home", "data"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_R_OPS_2_what_selects_pods_finds_them(manifests: dict[str, list[Manifest]], name: str) -> None:
    found = manifests[name]
    labels = [pod["metadata"]["labels"] for _, pod in pods(found)]

    def finds(selector: dict[str, str]) -> bool:
        return any(selector.items() <= known.items() for known in labels)

    for service in of_kind(found, "Service"):
        assert finds(service["spec"]["selector"]), service["metadata"]["name"]
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        for one in of_kind(found, kind):
            selector = one["spec"].get("selector", one["spec"].get("podSelector"))
            assert finds(selector.get("matchLabels", {})), one["metadata"]["name"]
    for one in (*of_kind(found, "StatefulSet"), *of_kind(found, "Deployment")):
        own = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= own.items()
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in of_kind(found, "HorizontalPodAutoscaler")}
    assert scaled <= {one["metadata"]["name"] for one in of_kind(found, "Deployment")}
    # Everything of one namespace, which denies what is not allowed.
    assert {one["metadata"].get("namespace") for one in found if one["kind"] != "Namespace"} == {"lianpu"}
    assert any(one["metadata"]["name"] == "nothing" for one in of_kind(found, "NetworkPolicy"))


def test_R_OPS_3_probes_ask_for_what_they_mean(manifests: dict[str, list[Manifest]]) -> None:
    [(_, pod)] = list(pods(manifests["base"]))
    [container] = pod["spec"]["containers"]
    asked = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert asked == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
    for kind in asked:
        # The kubelet calls a pod by its address, which is no name of the server.
        assert container[f"{kind}Probe"]["httpGet"]["httpHeaders"] == [{"name": "Host", "value": "localhost"}]


@pytest.mark.parametrize("name", OVERLAYS)
def test_R_OPS_2_settings_are_settings_of_this_version(
    manifests: dict[str, list[Manifest]], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [(_, server)] = [(known, pod) for known, pod in pods(manifests[name]) if known == "lianpu"]
    [config] = of_kind(manifests[name], "ConfigMap")
    for key, value in config["data"].items():
        monkeypatch.setenv(key, value)
    path = None
    if name not in {"base", "overlays/gpu"}:
        [secret] = [one for one in of_kind(manifests[name], "Secret") if one["metadata"]["name"] == "lianpu-settings"]
        path = tmp_path / "given.yaml"
        path.write_text(secret["stringData"]["lianpu.yaml"])
    settings = load_settings({"home": str(tmp_path)}, config=path).settings
    assert server["spec"]["terminationGracePeriodSeconds"] >= settings.server.drain_s + 30
    assert settings.runtime.providers == (["cuda", "cpu"] if name == "overlays/gpu" else "auto")


def test_R_OPS_2_prometheus_reaches_the_numbers_of_workers(
    manifests: dict[str, list[Manifest]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = manifests["with-workers"]
    [(_, pod)] = [(known, pod) for known, pod in pods(found) if known == "lianpu-worker"]
    [container] = pod["spec"]["containers"]
    for variable in container["env"]:
        if variable["name"] != "LIANPU_CONFIG":
            monkeypatch.setenv(variable["name"], variable["value"])
    told = load_settings({"home": str(tmp_path)}).settings.observability
    assert container["ports"] == [{"name": "metrics", "containerPort": told.worker_metrics_port}]
    assert told.worker_metrics_host == "0.0.0.0"
    assert told.metrics_networks
    [policy] = [one for one in of_kind(found, "NetworkPolicy") if one["metadata"]["name"] == "lianpu-worker"]
    [rule] = policy["spec"]["ingress"]
    assert rule["ports"] == [{"port": "metrics"}]


def test_R_OPS_2_no_secret_is_in_the_repository() -> None:
    assert not (KUBERNETES / "overlays" / "scaled" / "secret.yaml").exists()
    for path in KUBERNETES.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        for value in re.findall(r"(?:secret: |requirepass |://\w*:)([\w$]+)", text):
            assert value.startswith("CHANGE_ME"), path
