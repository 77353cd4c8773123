"""Settings: which source wins, what is refused and how that is said, and the documentation that lists them all."""

import itertools
import json
import re
import tempfile
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.errors import SettingsError
from lianpu.settings import LoadedSettings, default_settings, known_keys, load_settings

KEY = "k" * 31 + "7"
# What sets server.port in each source, weakest first; `{}` is the value.
SOURCES = ("defaults.yaml", "lianpu.yaml", ".env", "environment", "command line")
PORTS = dict(zip(SOURCES, (8000, 9001, 9002, 9003, 9004), strict=True))


class Sources:
    """The five sources of settings, of which a test fills some."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"

    def load(
        self,
        *,
        yaml: str | bytes | None = None,
        dotenv: str | bytes | None = None,
        env: dict[str, str] | None = None,
        overrides: dict[str, Any] | None = None,
        config: Path | None = None,
    ) -> LoadedSettings:
        for name, content in (("lianpu.yaml", yaml), (".env", dotenv)):
            if content is not None:
                (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        environment = {"LIANPU_HOME": str(self.home), **(env or {})}
        return load_settings(overrides, config=config, environment=environment, folder=self.folder)

    def refused(self, **sources: Any) -> SettingsError:
        with pytest.raises(SettingsError) as caught:
            self.load(**sources)
        return caught.value


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path)


def _port_in(source: str, value: object) -> dict[str, Any]:
    return {
        "defaults.yaml": {},
        "lianpu.yaml": {"yaml": f"server:\n  port: {value}\n"},
        ".env": {"dotenv": f"LIANPU_SERVER__PORT={value}\n"},
        "environment": {"env": {"LIANPU_SERVER__PORT": str(value)}},
        "command line": {"overrides": {"server.port": value}},
    }[source]


def _shown_as(source: str, folder: Path) -> str:
    return str(folder / "lianpu.yaml") if source == "lianpu.yaml" else source


@pytest.mark.parametrize(("weaker", "stronger"), list(itertools.combinations(SOURCES, 2)))
def test_R_OPS_4_later_source_wins(sources: Sources, weaker: str, stronger: str) -> None:
    loaded = sources.load(**_port_in(weaker, PORTS[weaker]), **_port_in(stronger, PORTS[stronger]))
    assert loaded.settings.server.port == PORTS[stronger]
    explained = {item.key: item for item in loaded.explain()}["server.port"]
    assert (explained.value, explained.source) == (PORTS[stronger], _shown_as(stronger, sources.folder))


def test_R_OPS_4_sources_are_merged_key_by_key(sources: Sources) -> None:
    loaded = sources.load(
        yaml="server:\n  port: 9001\n  host: localhost\nlogging:\n  level: debug\n",
        dotenv="LIANPU_LOGGING__LEVEL=error\n",
        env={"LIANPU_GALLERY__MAX_FACES": "7"},
        overrides={"server.port": 9004},
    )
    merged = loaded.settings
    assert (merged.server.port, merged.server.host, merged.logging.level) == (9004, "localhost", "error")
    assert merged.gallery.max_faces == 7
    by_key = {item.key: item.source for item in loaded.explain()}
    yaml = str(sources.folder / "lianpu.yaml")
    assert [by_key[key] for key in ("server.port", "server.host", "logging.level", "gallery.max_faces")] == [
        "command line",
        yaml,
        ".env",
        "environment",
    ]
    assert by_key["images.max_pixels"] == "defaults.yaml"
    assert list(by_key) == [*known_keys()]


def test_R_OPS_4_explain_masks_secrets_and_home_without_source_is_default(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_url = "postgresql+asyncpg://me:hunter2@db/faces"
    loaded = sources.load(env={"LIANPU_SERVER__API_KEY": KEY, "LIANPU_DATABASE__URL": secret_url})
    shown = {item.key: item for item in loaded.explain()}
    assert shown["server.api_key"].value == shown["database.url"].value == "**********"
    assert shown["database.url"].source == "environment"
    everything = repr(loaded.explain()) + repr(loaded.settings) + str(loaded.settings.model_dump(mode="json"))
    assert KEY not in everything
    assert "hunter2" not in everything
    monkeypatch.setenv("HOME", str(sources.folder))
    without_home = load_settings(environment={}, folder=sources.folder)
    assert {item.key: item.source for item in without_home.explain()}["home"] == "default"


@pytest.mark.parametrize("source", SOURCES[1:])
def test_R_OPS_4_unknown_key_is_refused_with_source_key_and_nearest_name(sources: Sources, source: str) -> None:
    given = {
        "lianpu.yaml": {"yaml": "server:\n  prot: 9000\n"},
        ".env": {"dotenv": "LIANPU_SERVER__PROT=9000\n"},
        "environment": {"env": {"LIANPU_SERVER__PROT": "9000"}},
        "command line": {"overrides": {"server.prot": 9000}},
    }[source]
    error = sources.refused(**given)
    assert error.code == "settings_invalid"
    assert error.detail == (
        f"{_shown_as(source, sources.folder)}: unknown setting server.prot; did you mean server.port?"
    )
    assert [(item.field, item.code) for item in error.errors] == [("server.prot", "setting_unknown")]


@pytest.mark.parametrize(
    ("yaml", "key"),
    [
        ("server: 5\n", "server"),
        ("server: [1]\n", "server"),
        ("server:\n  port:\n    number: 1\n", "server.port.number"),
        ("zzz: {}\n", "zzz"),
        ("1: 2\n", "1"),
        ("home:\n  path: x\n", "home.path"),
    ],
)
def test_R_OPS_4_key_at_a_wrong_place_is_unknown(sources: Sources, yaml: str, key: str) -> None:
    assert f"unknown setting {key};" in sources.refused(yaml=yaml).detail


def test_R_OPS_4_single_underscore_is_unknown_and_lower_case_is_not(sources: Sources) -> None:
    assert "did you mean server.port?" in sources.refused(env={"LIANPU_SERVER_PORT": "9000"}).detail
    assert sources.load(env={"lianpu_server__port": "9000"}).settings.server.port == 9000


def test_R_OPS_4_variables_of_build_and_tests_are_no_settings(sources: Sources) -> None:
    loaded = sources.load(env={"LIANPU_SKIP_CONSOLE": "1", "LIANPU_TESTKIT": "/kit", "OTHER__THING": "x"})
    assert loaded.settings.server.port == 8000


@pytest.mark.parametrize("source", SOURCES[1:])
def test_R_OPS_4_wrong_value_names_source_key_and_value(sources: Sources, source: str) -> None:
    error = sources.refused(**_port_in(source, 70000))
    assert error.detail.startswith(f"{_shown_as(source, sources.folder)}: server.port: ")
    assert "less than or equal to 65535" in error.detail
    assert re.search(r"\(given: '?70000'?\)$", error.detail)


@pytest.mark.parametrize(
    "key", ["s3cret-short", "with space in the middle", "密钥" * 9], ids=["short", "space", "Chinese"]
)
def test_R_OPS_4_wrong_secret_is_not_repeated(sources: Sources, key: str) -> None:
    error = sources.refused(dotenv=f'LIANPU_SERVER__API_KEY="{key}"\n')
    assert error.detail == (
        ".env: server.api_key: must be at least 16 characters, all of them printable ASCII and no space"
    )
    assert key not in repr(error.errors)


def test_R_OPS_4_wrong_database_url_is_not_repeated(sources: Sources) -> None:
    error = sources.refused(yaml="database:\n  url: [postgresql, hunter2]\n")
    assert "database.url" in error.detail
    assert "hunter2" not in error.detail


def test_R_OPS_4_all_problems_are_told_at_once(sources: Sources) -> None:
    error = sources.refused(
        yaml="server:\n  hsot: x\nlogging:\n  level: loud\n",
        dotenv="LIANPU_IMAGES__MAX_PIXELS=many\n",
        env={"LIANPU_SERVER__PORT": "0", "LIANPU_GALERY__MAX_FACES": "3"},
        overrides={"runtime.threads": 0},
    )
    assert {item.field for item in error.errors} == {
        "server.hsot",
        "logging.level",
        "images.max_pixels",
        "server.port",
        "galery.max_faces",
        "runtime.threads",
    }
    assert len(error.detail.splitlines()) == 6


def test_R_OPS_4_only_the_deciding_source_is_blamed(sources: Sources) -> None:
    """A wrong value that a stronger source replaces does no harm."""
    assert sources.load(yaml="server:\n  port: 0\n", env={"LIANPU_SERVER__PORT": "9003"}).settings.server.port == 9003
    error = sources.refused(yaml="server:\n  port: 9001\n", env={"LIANPU_SERVER__PORT": "nine"})
    assert error.detail.startswith("environment: server.port")


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("server:\n  port: [9000\n", "line 3: expected ',' or ']'"),
        ("server:\n\tport: 9000\n", "line 2: found character '\\t' that cannot start any token (indent with spaces"),
        ("server:\n  port: 1\n  port: 2\n", "line 3: the key 'port' stands twice"),
        ("server.port: 1\nserver:\n  port: 2\n", "the key 'server.port' stands twice"),
        ("- server\n", "must hold keys and values"),
        ("just text", "must hold keys and values"),
        ("? [a, b]\n: 1\n", "line 1: a key must be text"),
        ("server:\n  port: 2020-99-99\n", "line 2: a value that cannot be read"),
        ("server:\n  port: !!bool perhaps\n", "line 2: a value that cannot be read"),
        ("server:\n  host: !!python/name:os.system\n", "line 2: could not determine a constructor"),
        ("server: &again\n  port: *again\n", "nested without end"),
        ("server: {}\n---\nserver: {}\n", "line 2: but found another document"),
        (b"server:\n  host: \xff\n", "cannot be read"),
        (b"server:\n  host: \x00\n", "cannot be read"),
    ],
)
def test_R_OPS_4_yaml_that_cannot_be_read_names_file_and_line(sources: Sources, yaml: str | bytes, told: str) -> None:
    detail = sources.refused(yaml=yaml).detail
    assert detail.startswith(str(sources.folder / "lianpu.yaml"))
    assert told in detail


@pytest.mark.parametrize(
    "yaml", ["", "# nothing\n", "server:\n", "server: {}\nlogging:\n", "\ufeffserver:\n  port: 8000\n"]
)
def test_R_OPS_4_empty_file_and_empty_section_change_nothing(sources: Sources, yaml: str) -> None:
    assert sources.load(yaml=yaml).settings == default_settings(sources.home)


def test_R_OPS_4_yaml_anchors_and_merges_work(sources: Sources) -> None:
    merged = sources.load(yaml="server: &s {port: 9001}\nlogging:\n  <<: {level: debug}\n  file: false\n").settings
    assert (merged.server.port, merged.logging.level, merged.logging.file) == (9001, "debug", False)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ('["a.example", "b.example"]', ["a.example", "b.example"]),
        ("a.example,b.example", ["a.example", "b.example"]),
        (" a.example , b.example ,", ["a.example", "b.example"]),
        ("a.example", ["a.example"]),
        ("[]", []),
    ],
)
def test_R_OPS_4_list_in_a_variable_is_json_or_has_commas(sources: Sources, text: str, hosts: list[str]) -> None:
    assert sources.load(env={"LIANPU_SERVER__ALLOWED_HOSTS": text}).settings.server.allowed_hosts == hosts
    assert sources.load(dotenv=f"LIANPU_SERVER__ALLOWED_HOSTS='{text}'\n").settings.server.allowed_hosts == hosts


def test_R_OPS_4_auto_stays_auto_and_one_provider_becomes_a_list(sources: Sources) -> None:
    assert sources.load(env={"LIANPU_RUNTIME__PROVIDERS": "auto"}).settings.runtime.providers == "auto"
    assert sources.load(env={"LIANPU_RUNTIME__PROVIDERS": "cuda,cpu"}).settings.runtime.providers == ["cuda", "cpu"]
    assert sources.load(yaml="runtime:\n  providers: cpu\n").settings.runtime.providers == ["cpu"]


@pytest.mark.parametrize("text", ["[a.example]", "[" * 100_000, '["a", 5]'], ids=["bare", "deep", "number"])
def test_R_OPS_4_list_that_is_no_json_is_refused(sources: Sources, text: str) -> None:
    detail = sources.refused(env={"LIANPU_SERVER__ALLOWED_HOSTS": text}).detail
    assert detail.startswith("environment: server.allowed_hosts: ")
    assert len(detail) < 400


@pytest.mark.parametrize("text", ["null", ""])
def test_R_OPS_4_null_in_a_variable_takes_a_value_back(sources: Sources, text: str) -> None:
    yaml = f"server:\n  api_key: {KEY}\nruntime:\n  threads: 3\npacks:\n  generate: [dlib]\n"
    names = ("LIANPU_SERVER__API_KEY", "LIANPU_RUNTIME__THREADS", "LIANPU_PACKS__GENERATE")
    loaded = sources.load(yaml=yaml, env=dict.fromkeys(names, text)).settings
    assert (loaded.server.api_key, loaded.runtime.threads, loaded.packs.generate) == (None, None, None)
    assert "server.port: Input should be a valid integer (given: null)" in (
        sources.refused(env={"LIANPU_SERVER__PORT": text}).detail
    )


def test_R_OPS_4_api_key_is_taken_as_it_stands(sources: Sources) -> None:
    for key in ("[1,2,3,4,5,6,7,8,9]", "${HOME}-0123456789", "1234567890123456"):
        for sent in ({"env": {"LIANPU_SERVER__API_KEY": key}}, {"dotenv": f"LIANPU_SERVER__API_KEY={key}\n"}):
            api_key = sources.load(**sent).settings.server.api_key
            assert api_key is not None
            assert api_key.get_secret_value() == key


def test_R_OPS_4_dotenv_that_cannot_be_read_is_refused(sources: Sources) -> None:
    assert ".env cannot be read" in sources.refused(dotenv=b"LIANPU_SERVER__HOST=\xff\n").detail
    assert "LIANPU_SERVER__API_KEY has no value" in sources.refused(dotenv="LIANPU_SERVER__API_KEY\n").detail


def test_R_OPS_4_dotenv_from_notepad(sources: Sources) -> None:
    assert sources.load(dotenv=b"\xef\xbb\xbfLIANPU_SERVER__PORT=9002\r\n").settings.server.port == 9002


def test_R_OPS_4_config_file_is_found_by_option_variable_folder_then_home(sources: Sources) -> None:
    places = {"option.yaml": 1001, "variable.yaml": 1002, "lianpu.yaml": 1003, "home/lianpu.yaml": 1004}
    sources.home.mkdir()
    for name, port in places.items():
        (sources.folder / name).write_text(f"server:\n  port: {port}\n")
    env = {"LIANPU_CONFIG": str(sources.folder / "variable.yaml")}
    assert sources.load(config=sources.folder / "option.yaml", env=env).settings.server.port == 1001
    assert sources.load(env=env).settings.server.port == 1002
    assert sources.load(env={"LIANPU_CONFIG": "variable.yaml"}).settings.server.port == 1002
    assert sources.load().settings.server.port == 1003
    (sources.folder / "lianpu.yaml").unlink()
    found = sources.load()
    assert found.settings.server.port == 1004
    assert {item.key: item.source for item in found.explain()}["server.port"] == str(sources.home / "lianpu.yaml")
    (sources.home / "lianpu.yaml").unlink()
    assert sources.load().settings.server.port == 8000
    assert sources.load(dotenv="LIANPU_CONFIG=variable.yaml\n").settings.server.port == 1002


def test_R_OPS_4_missing_config_file_is_told_and_config_ini_gets_a_hint(sources: Sources) -> None:
    missing = sources.folder / "missing.yaml"
    assert sources.refused(config=missing).detail == f"The configuration file {missing} does not exist."
    assert "does not exist" in sources.refused(config=sources.folder).detail
    (sources.folder / "config.ini").write_text("[server]\nport = 80\n")
    for sent in ({"config": missing}, {"env": {"LIANPU_CONFIG": str(missing)}}):
        assert "There is a config.ini: move its values into lianpu.yaml" in sources.refused(**sent).detail


def test_R_OPS_4_home_is_expanded_and_absolute(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(sources.folder / "me"))
    monkeypatch.setenv("USERPROFILE", str(sources.folder / "me"))
    monkeypatch.chdir(sources.folder)
    for sent in ({"env": {"LIANPU_HOME": "~/faces"}}, {"yaml": "home: ~/faces\n", "env": {"LIANPU_HOME": "~/faces"}}):
        assert sources.load(**sent).settings.home == sources.folder / "me" / "faces"
    assert sources.load(overrides={"home": "relative"}).settings.home == sources.folder / "relative"
    (sources.folder / "me" / "faces").mkdir(parents=True)
    (sources.folder / "lianpu.yaml").unlink()
    (sources.folder / "me" / "faces" / "lianpu.yaml").write_text("server:\n  port: 1004\n")
    assert sources.load(env={"LIANPU_HOME": "~/faces"}).settings.server.port == 1004


@pytest.mark.parametrize("home", ["~no-such-user-anywhere/x", "a\0b", 5, [5], None])
def test_R_OPS_4_home_that_is_no_path_is_refused(sources: Sources, home: object) -> None:
    assert sources.refused(overrides={"home": home}).detail.startswith("command line: home: ")


def test_R_OPS_4_defaults_look_at_nothing_else(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    (sources.folder / "lianpu.yaml").write_text("server:\n  port: 9001\n")
    monkeypatch.chdir(sources.folder)
    monkeypatch.setenv("LIANPU_SERVER__PORT", "9003")
    assert default_settings(sources.folder).server.port == 8000


@settings(deadline=None)
@given(content=st.binary(max_size=400))
def test_R_OPS_4_any_bytes_as_yaml_load_or_are_refused(content: bytes) -> None:
    _loads_or_is_refused(content)


_SCALARS = st.sampled_from(
    ["9000", "0", "-1", "null", "~", "yes", "1e999", "2020-13-40", "!!int ''", "!!float x", "!!timestamp x", "&a [*a]"]
)
_LINES = st.tuples(
    st.sampled_from(["", "  ", "\t", "    ", "- ", "? "]),
    st.sampled_from([*known_keys(), "server", "port", "host", "<<", "[a]", "{a: b}", "!!set", "*x", "&x", "a b"]),
    st.sampled_from([":", ": ", "", ": |", ": >-", ": {", ": ["]),
    _SCALARS | st.text(max_size=8),
).map("".join)


@settings(deadline=None)
@given(lines=st.lists(_LINES, max_size=8))
def test_R_OPS_4_any_lines_as_yaml_load_or_are_refused(lines: list[str]) -> None:
    _loads_or_is_refused("\n".join(lines).encode("utf-8", "replace"))


@settings(deadline=None, max_examples=10)
@given(text=st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_R_OPS_4_any_text_in_any_variable_loads_or_is_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for key in known_keys():
            environment = {"LIANPU_HOME": folder, f"LIANPU_{key.upper().replace('.', '__')}": text}
            refusal = _refusal(environment, Path(folder))
            assert refusal is None or refusal.startswith(f"environment: {key}: ")


def _loads_or_is_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "lianpu.yaml").write_bytes(content)
        assert _refusal({"LIANPU_HOME": folder}, Path(folder)) != ""


def _refusal(environment: dict[str, str], folder: Path) -> str | None:
    try:
        load_settings(environment=environment, folder=folder)
    except SettingsError as error:
        return error.detail
    return None


def test_R_OPS_4_documentation_names_every_key_with_its_default() -> None:
    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| `([^`]*)` \|", page, re.MULTILINE))
    defaults = default_settings(Path("/home")).model_dump(mode="json")

    def default_of(key: str) -> str:
        if key == "home":
            return "~/.local/share/lianpu"
        return json.dumps(reduce(lambda section, name: section[name], key.split("."), defaults)).strip('"')

    assert rows == {key: default_of(key) for key in known_keys()}


def test_R_OPS_4_a_section_inside_a_section_is_set_like_any_other(sources: Sources) -> None:
    variables = {"LIANPU_STREAMS__INBOX__ENABLED": "true"}
    loaded = sources.load(env=variables, yaml="streams:\n  inbox:\n    max_faces: 7\n")
    inbox = loaded.settings.streams.inbox
    assert (inbox.enabled, inbox.max_faces) == (True, 7)
    explained = {item.key: item for item in loaded.explain()}
    assert explained["streams.inbox.enabled"].source == "environment"
    assert explained["streams.inbox.max_faces"].source.endswith("lianpu.yaml")
    assert explained["streams.inbox.min_quality"].source == "defaults.yaml"
    # A section that says nothing is no mistake.
    assert sources.load(yaml="streams:\n  inbox:\n").settings.streams.inbox == default_settings(Path()).streams.inbox
