"""Whether an external engine is ready: its folder, its Python, its programs, its options, its models, its provider."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lianpu.engines.swap.external.flags import MappedFlags, given_flags, map_flags
from lianpu.engines.swap.external.interpreter import Interpreter, look_at_interpreter
from lianpu.engines.swap.external.models import model_finding
from lianpu.engines.swap.external.process import Ending, Limits, run_program
from lianpu.engines.swap.external.program import Program
from lianpu.engines.swap.integrations import ExternalIntegration
from lianpu.engines.swap.swapper import EngineReport, Finding, Readiness
from lianpu.runtime.providers import Provider
from lianpu.settings import child_environment

_HELP_S = 120.0
_LOW_DISK_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Examination:
    report: EngineReport
    flags: MappedFlags | None
    """None: its help could not be read."""
    providers: tuple[Provider, ...]
    """Those asked for that really run."""


@dataclass
class _Look:
    findings: list[Finding] = field(default_factory=list[Finding])
    readiness: Readiness = Readiness.READY

    def add(self, finding: Finding, otherwise: Readiness) -> bool:
        """The first thing that keeps it from running decides; what does not only degrades."""
        self.findings.append(finding)
        worse = self.readiness in {Readiness.READY, Readiness.DEGRADED} and otherwise is not Readiness.DEGRADED
        if not finding.is_ok and (worse or self.readiness is Readiness.READY):
            self.readiness = otherwise
        return finding.is_ok


def engine_environment(integration: ExternalIntegration, home: Path | None = None) -> dict[str, str]:
    """All variables that the engine's processes get. `home`: a folder for temporary files."""
    environment = child_environment({"QT_QPA_PLATFORM": "offscreen", "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1"})
    if integration.path:
        environment["PATH"] = _joined([*map(str, integration.path), environment.get("PATH", "")])
    if home is not None:
        environment |= {"TMPDIR": str(home), "TEMP": str(home), "TMP": str(home)}
    return environment


def examine(name: str, program: Program, integration: ExternalIntegration, *, deep: bool) -> Examination:
    """No network is used. `deep` reads the models whole."""
    facts, look = program.facts, _Look()
    script = integration.folder / facts.script
    environment = engine_environment(integration)
    version = program.version(integration.folder)
    is_there = look.add(_folder_finding(script, facts.title, version), Readiness.NOT_INSTALLED)
    python = integration.interpreter
    is_python = look.add(_python_finding(python, name), Readiness.NOT_INSTALLED)
    if not (is_there and is_python):
        return Examination(EngineReport(name, look.readiness, version, None, look.findings), None, ())
    for wanted in facts.programs:
        look.add(_program_finding(wanted, environment), Readiness.BROKEN)
    providers = _look_at_python(program, integration, environment, look)
    flags = _look_at_flags(program, integration, environment, look)
    folder = integration.models or integration.folder / facts.models_folder
    for model in program.models(integration):
        otherwise = Readiness.MODEL_MISSING if model.is_needed else Readiness.DEGRADED
        look.add(model_finding(folder, model, integration.digests, deep=deep), otherwise)
    free = shutil.disk_usage(integration.folder).free
    look.add(Finding("disk", free > _LOW_DISK_BYTES, f"{free / 1e9:.1f} GB free"), Readiness.DEGRADED)
    provider = providers[0].ort_name if providers else None
    return Examination(EngineReport(name, look.readiness, version, provider, look.findings), flags, providers)


def _folder_finding(script: Path, title: str, version: str | None) -> Finding:
    if not script.is_file():
        advice = f"Clone {title} there, or name its folder in integrations.toml."
        return Finding("folder", False, f"{script} is not there", advice)
    return Finding("folder", True, f"{script.parent}, version {version or 'unknown'}")


def _python_finding(python: Path, name: str) -> Finding:
    if not python.is_file():
        advice = f'Make an environment there, or name it: [{name}] python = "…" in integrations.toml.'
        return Finding("python", False, f"{python} is not there", advice)
    return Finding("python", True, str(python))


def _program_finding(wanted: str, environment: Mapping[str, str]) -> Finding:
    found = shutil.which(wanted, path=environment.get("PATH"))
    if found is None:
        advice = f"Install {wanted}, or name its folder by `path` in integrations.toml."
        return Finding(wanted, False, "it is on no path", advice)
    return Finding(wanted, True, found)


def _look_at_python(
    program: Program, integration: ExternalIntegration, environment: Mapping[str, str], look: _Look
) -> tuple[Provider, ...]:
    asked = integration.providers or (Provider.CPU,)
    names = [provider.ort_name for provider in asked]
    found = look_at_interpreter(integration.interpreter, integration.folder, environment, names)
    if isinstance(found, str):
        look.add(Finding("interpreter", False, found), Readiness.BROKEN)
        return ()
    look.add(_version_finding(program, found), Readiness.DEGRADED)
    if found.error is not None:
        advice = "Install the engine's requirements into its environment."
        look.add(Finding("onnxruntime", False, found.error, advice), Readiness.BROKEN)
        return ()
    look.add(Finding("onnxruntime", True, f"{found.onnxruntime}"), Readiness.BROKEN)
    running: list[Provider] = []
    for provider in asked:
        problem = _provider_problem(provider, found)
        if problem is None:
            running.append(provider)
            look.add(Finding(f"provider {provider}", True, "a session runs on it"), Readiness.BROKEN)
        else:
            otherwise = Readiness.PROVIDER_MISSING if integration.strict else Readiness.DEGRADED
            advice = f"In the engine's own environment: {provider.remedy}."
            look.add(Finding(f"provider {provider}", False, problem, advice), otherwise)
    if not running and Provider.CPU.ort_name in found.available and not integration.strict:
        running.append(Provider.CPU)
    return tuple(running)


def _version_finding(program: Program, found: Interpreter) -> Finding:
    facts = program.facts
    text = ".".join(str(part) for part in found.version)
    span = f"{'.'.join(map(str, facts.python_from))} or newer, below {'.'.join(map(str, facts.python_to))}"
    is_ok = facts.python_from <= found.version[:2] < facts.python_to
    return Finding("interpreter", is_ok, f"Python {text}" + ("" if is_ok else f", where {facts.title} needs {span}"))


def _provider_problem(provider: Provider, found: Interpreter) -> str | None:
    if provider.ort_name not in found.available:
        there = ", ".join(found.available) or "none"
        return f"the engine's ONNX Runtime does not have it (it has {there})"
    runs = found.runs.get(provider.ort_name, "")
    return None if runs == provider.ort_name else f"it is listed, and a session that asks for it runs on {runs}"


def _look_at_flags(
    program: Program, integration: ExternalIntegration, environment: Mapping[str, str], look: _Look
) -> MappedFlags | None:
    facts = program.facts
    command = [str(integration.interpreter), facts.script, *facts.help_arguments]
    outcome = run_program(
        command, folder=integration.folder, environment=environment, limits=Limits(_HELP_S), cancelled=lambda: False
    )
    if outcome.ending is not Ending.EXITED or outcome.exit_code != 0:
        last = (outcome.log.splitlines()[-1:] or [outcome.ending.value])[0][:300]
        look.add(Finding("options", False, f"its help cannot be read: {last}"), Readiness.BROKEN)
        return None
    flags = map_flags(outcome.log, facts.options)
    if flags.missing:
        spelt = ", ".join("/".join(facts.options[name].flags) for name in flags.missing)
        advice = "This version is too old or too new for Lianpu: see docs/engines.md."
        look.add(Finding("options", False, f"its help does not know {spelt}", advice), Readiness.BROKEN)
    else:
        look.add(Finding("options", True, f"{len(flags.names)} of {len(facts.options)} known"), Readiness.BROKEN)
    for name in flags.lacking:
        detail = f"its help does not know {'/'.join(facts.options[name].flags)}: {facts.options[name].why}"
        look.add(Finding(f"option {name}", False, detail), Readiness.DEGRADED)
    own = given_flags(integration.extra_flags) & {flag for option in facts.options.values() for flag in option.flags}
    if own:
        detail = f"extra_flags holds {', '.join(sorted(own))}, which Lianpu sets itself"
        look.add(Finding("extra_flags", False, detail, "Take them out of integrations.toml."), Readiness.BROKEN)
    return flags


def _joined(parts: Sequence[str]) -> str:
    return os.pathsep.join(part for part in parts if part)
