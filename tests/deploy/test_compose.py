"""deploy/compose by the schema of the Compose Specification, and by what `docker compose config` would find."""

import json
import os
import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lianpu.cli import app
from lianpu.settings import load_settings

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
SCHEMA = json.loads((Path(__file__).parent / "compose-spec.schema.json").read_text(encoding="utf-8"))
FILES = ("compose.yaml", "scaled.yaml")
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
OURS = {"lianpu", "worker"}


def variables() -> dict[str, str]:
    lines = (COMPOSE / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def resolved(name: str, given: dict[str, str] | None = None) -> dict[str, Any]:
    """
    Raises:
        KeyError: a variable that must be given is not.
    """
    values = variables() if given is None else given

    def value(match: re.Match[str]) -> str:
        found, kind, default = match.groups()
        if values.get(found):
            return values[found]
        if kind != "-":
            raise KeyError(found)
        return default

    text = (COMPOSE / name).read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, text))
    return {key: part for key, part in document.items() if not key.startswith("x-")}


def services(name: str) -> dict[str, dict[str, Any]]:
    return resolved(name)["services"]


@pytest.mark.parametrize("name", FILES)
def test_R_OPS_2_file_fits_the_specification(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(resolved(name))


def test_R_OPS_2_key_that_compose_does_not_know_is_seen() -> None:
    document = resolved("compose.yaml")
    document["services"]["lianpu"]["readonly"] = True
    with pytest.raises(jsonschema.ValidationError, match="readonly"):
        jsonschema.Draft7Validator(SCHEMA).validate(document)


@pytest.mark.parametrize("name", FILES)
def test_R_OPS_2_every_variable_is_explained_and_what_must_be_given_is_asked_for(name: str) -> None:
    text = (COMPOSE / name).read_text(encoding="utf-8")
    assert {found for found, _, _ in VARIABLE.findall(text)} <= variables().keys()
    if name == "compose.yaml":
        assert resolved(name, {})["services"]["lianpu"]["ports"] == ["127.0.0.1:8000:8000"]
    else:
        with pytest.raises(KeyError, match="LIANPU_SITE"):
            resolved(name, {})


@pytest.mark.parametrize("name", FILES)
def test_R_OPS_2_everything_that_is_named_is_declared_and_there(name: str) -> None:
    document = resolved(name)
    for service in document["services"].values():
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            assert (COMPOSE / source).exists() if source.startswith(".") else source in document["volumes"], mount
        assert set(service.get("networks", [])) <= document.get("networks", {}).keys()
        assert set(service.get("secrets", [])) <= document.get("secrets", {}).keys()
        assert set(service.get("depends_on", [])) <= document["services"].keys()
    used = {mount.partition(":")[0] for one in document["services"].values() for mount in one.get("volumes", [])}
    assert document["volumes"].keys() <= used


@pytest.mark.parametrize("name", FILES)
def test_R_OPS_2_containers_have_no_more_rights_than_they_need(name: str) -> None:
    for known, service in services(name).items():
        assert service["read_only"] is True, known
        assert service["cap_drop"] == ["ALL"], known
        assert service["security_opt"] == ["no-new-privileges:true"], known
        assert service["restart"] == "unless-stopped", known
        assert service["mem_limit"], known
        assert not service.get("privileged"), known
        # A tag of its own, or the digest.
        assert re.search(r":v?\d+\.\d+(\.\d+)?[\w.-]*(@sha256:[0-9a-f]{64})?$", service["image"]), known
        if known in OURS:
            assert service["user"] == "10001:10001"
            assert service["memswap_limit"] == service["mem_limit"]
            assert int(service["stop_grace_period"].rstrip("s")) >= load_settings().settings.server.drain_s + 30
    open_to_all = [port for one in services(name).values() for port in one.get("ports", []) if port.count(":") < 2]
    assert open_to_all == (["80:8080", "443:8443"] if name == "scaled.yaml" else [])


def test_R_OPS_2_secrets_are_files_and_in_no_environment() -> None:
    document = resolved("scaled.yaml")
    for service in document["services"].values():
        for key, value in service.get("environment", {}).items():
            assert not re.search(r"(?i)password|secret|://", str(value)) or str(value).startswith("/run/secrets/"), key
    assert all(secret["file"].startswith("./secrets/") for secret in document["secrets"].values())
    ignored = (COMPOSE.parents[1] / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "deploy/compose/secrets/" in ignored


@pytest.mark.skipif(os.name == "nt", reason="a script of a shell")
def test_R_OPS_2_secrets_that_are_made_are_settings_of_this_version(tmp_path: Path) -> None:
    shutil.copy(COMPOSE / "make_secrets.sh", tmp_path)
    made = subprocess.run(["sh", "make_secrets.sh"], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert made.returncode == 0, made.stderr
    secrets = tmp_path / "secrets"
    assert secrets.stat().st_mode & 0o077 == 0
    settings = load_settings({"home": str(tmp_path / "home")}, config=secrets / "lianpu.yaml").settings
    password = (secrets / "postgresql_password").read_text()
    url = settings.database.url
    assert url is not None
    assert url.get_secret_value() == f"postgresql+asyncpg://lianpu:{password}@postgresql:5432/lianpu"
    [redis] = re.findall(r"^requirepass (\w{64})$", (secrets / "redis.conf").read_text(), re.MULTILINE)
    assert settings.enhance.storage != "memory"
    assert settings.enhance.storage.get_secret_value() == f"redis://:{redis}@redis:6379/1"
    needed = {Path(secret["file"]).name for secret in resolved("scaled.yaml")["secrets"].values()}
    assert needed - {path.name for path in secrets.iterdir()} == {"tls.crt", "tls.key"}
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    again = subprocess.run(["sh", "make_secrets.sh"], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert again.returncode == 1
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


@pytest.mark.parametrize("name", FILES)
def test_R_OPS_2_settings_in_the_environment_are_settings_of_this_version(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for service in (one for known, one in services(name).items() if known in OURS):
        for key, value in service["environment"].items():
            if key != "LIANPU_CONFIG":
                monkeypatch.setenv(key, str(value))
        load_settings({"home": str(tmp_path)})


@pytest.mark.parametrize("name", FILES)
def test_R_OPS_2_commands_are_commands_of_this_version(name: str) -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    for known, service in services(name).items():
        if known in OURS:
            [command] = service.get("command", ["serve"])
            assert command in commands


def test_R_OPS_2_nginx_finds_the_server_and_the_server_believes_it() -> None:
    document = resolved("scaled.yaml")
    server, edge = document["services"]["lianpu"], document["networks"]["edge"]
    address = ip_address(server["networks"]["edge"]["ipv4_address"])
    [configuration] = edge["ipam"]["config"]
    assert address in ip_network(configuration["subnet"])
    assert f"server {address}:8000 " in (COMPOSE / "nginx.conf").read_text(encoding="utf-8")
    assert server["environment"]["LIANPU_SERVER__TRUSTED_PROXIES"] == configuration["subnet"]
    [metrics] = document["networks"]["metrics"]["ipam"]["config"]
    for known in OURS:
        asked = document["services"][known]
        assert asked["environment"]["LIANPU_OBSERVABILITY__METRICS_NETWORKS"] == metrics["subnet"]
        assert "metrics" in asked["networks"]


def test_R_OPS_2_prometheus_asks_servers_and_workers_and_grafana_asks_prometheus() -> None:
    prometheus = yaml.safe_load((COMPOSE / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = prometheus["scrape_configs"]
    known = services("scaled.yaml")
    [target] = job["static_configs"][0]["targets"]
    assert (job["job_name"], target) == ("lianpu", "lianpu:8000")
    [workers] = job["dns_sd_configs"]
    port = int(known["worker"]["environment"]["LIANPU_OBSERVABILITY__WORKER_METRICS_PORT"])
    assert workers == {"names": ["worker"], "type": "A", "port": port}
    # It calls the server by this name.
    assert target.partition(":")[0] in known["lianpu"]["environment"]["LIANPU_SERVER__ALLOWED_HOSTS"].split(",")
    rules = mounted(known["prometheus"])
    assert {str(Path(place).parent) for place in prometheus["rule_files"]} <= rules.keys()
    [source] = yaml.safe_load((COMPOSE / "grafana/datasources/prometheus.yaml").read_text(encoding="utf-8"))[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((COMPOSE / "grafana/dashboards/lianpu.yaml").read_text(encoding="utf-8"))["providers"]
    assert provider["options"]["path"] in mounted(known["grafana"])


def mounted(service: dict[str, Any]) -> dict[str, str]:
    """Folder in the container -> what is there."""
    return {mount.split(":")[1]: mount.split(":")[0] for mount in service["volumes"]}
