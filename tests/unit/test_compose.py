"""``docker-compose.yml`` and ``Dockerfile``: what they say exists, and nothing floats.

The file is read as podman-compose reads it; each check is seen to fail on a file made bad.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import podman_compose
import pytest
import yaml
from typer.testing import CliRunner

from pipeline import kernel
from pipeline.broker import server_properties
from pipeline.cli import app
from pipeline.settings import load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"

Json = dict[str, Any]

OURS: Final = re.compile(r"vane-(worker|batch|desk):(?P<version>.+)")
PINNED: Final = re.compile(r"[a-z0-9./-]+:v?\d[\w.-]*")
ENDS: Final = {"topics", "desk-schema", "month"}  # the other services run until stopped
# Addresses and places of the local broker: they differ in a container.
LOOPBACK_SETTINGS: Final = ("listeners", "quorum", "advertised", "protocol.map", "log.dirs")


@cache
def interpolated() -> Json:
    """Return the file with its variables filled in; slow."""
    found: Json = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return dict(podman_compose.rec_subs(found, {"VANE_MONTH": "2025-11"}))


def raw() -> Json:
    """Return a copy of the file, variables and anchors resolved."""
    return copy.deepcopy(interpolated())


@cache
def help_of(*words: str) -> str | None:
    """Return the help of a vane command, or None if there is no such command."""
    result = CliRunner().invoke(app, [*words, "--help"])
    return result.output if result.exit_code == 0 else None


def images(compose: Json) -> list[str]:
    """Find images without a version."""
    return [
        f"{name}: image {service.get('image')} is not pinned"
        for name, service in compose["services"].items()
        if not PINNED.fullmatch(str(service["image"]))
    ]


def commands(compose: Json) -> list[str]:
    """Find commands and options that the command line does not know."""
    wrong = []
    for name, service in compose["services"].items():
        if not OURS.fullmatch(str(service.get("image"))):
            continue
        program, *rest = service["command"]
        options = [i for i, word in enumerate(rest) if word.startswith("-")]
        words = rest[: options[0]] if options else rest
        text = help_of(*words)
        if program != "vane" or not words or text is None:
            wrong.append(f"{name}: {' '.join(service['command'])} is no command")
            continue
        wrong += [
            f"{name}: {rest[i]} is no option of vane {' '.join(words)}"
            for i in options
            if not re.search(rf"{rest[i]}\b", text)
        ]
    return wrong


def variables(compose: Json) -> list[str]:
    """Find variables of ours that the settings do not read."""
    settings = (ROOT / "pipeline" / "settings.py").read_text(encoding="utf-8")
    known = set(re.findall(r"VANE_[A-Z_]+", settings))
    return [
        f"{name}: {variable} is not in settings.py"
        for name, service in compose["services"].items()
        for variable in service.get("environment", {})
        if variable.startswith("VANE_") and variable not in known
    ]


def health(compose: Json) -> list[str]:
    """Find services that run for long and nobody looks after, or end and are started again."""
    wrong = []
    for name, service in compose["services"].items():
        if name not in ENDS and "test" not in service.get("healthcheck", {}):
            wrong.append(f"{name}: no healthcheck")
        asked = re.search(r":6066(/[^\"]*)", str(service.get("healthcheck")))
        if name == "worker" and (asked is None or asked[1] != "/healthz"):
            wrong.append(f"{name}: its health is not asked at /healthz")
        allowed = {"on-failure", "no"} if name in ENDS else {"unless-stopped"}
        if service.get("restart") not in allowed:
            wrong.append(f"{name}: restart is {service.get('restart')}")
    return wrong


def dependencies(compose: Json) -> list[str]:
    """Find services waited for that do not exist or can never be as they are waited for."""
    wrong, services = [], compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            condition = how.get("condition")
            fits = other in services and (
                (condition == "service_healthy" and "healthcheck" in services[other])
                or (condition == "service_completed_successfully" and other in ENDS)
            )
            if not fits:
                wrong.append(f"{name}: waits for {other} to be {condition}")
    return wrong


def places(compose: Json) -> list[str]:
    """Find volumes and folders that are not there, ports open to the world."""
    wrong = []
    for name, service in compose["services"].items():
        for volume in service.get("volumes", ()):
            source = str(volume).split(":")[0]
            is_there = (
                (ROOT / source).is_dir() if source[0] == "." else source in compose["volumes"]
            )
            if not is_there:
                wrong.append(f"{name}: volume {source} is not there")
        wrong += [
            f"{name}: port {port} is open to the world"
            for port in service.get("ports", ())
            if not str(port).startswith("127.0.0.1:")
        ]
    return wrong


CHECKS: Final[tuple[Callable[[Json], list[str]], ...]] = (
    *(images, commands, variables, health, dependencies, places),
)

BAD: Final[list[tuple[str, str, object, str]]] = [
    ("kafka", "image", "apache/kafka", "kafka: image apache/kafka is not pinned"),
    ("kafka", "image", "apache/kafka:latest", "kafka: image apache/kafka:latest is not pinned"),
    ("worker", "image", None, "worker: image None is not pinned"),
    ("worker", "command", ["vane", "work"], "worker: vane work is no command"),
    ("worker", "command", ["vane"], "worker: vane is no command"),
    ("topics", "command", ["vane", "topics", "aply"], "topics: vane topics aply is no command"),
    ("lander", "command", ["vane", "land", "--folow"], "lander: --folow is no option of vane land"),
    ("live", "command", ["vane", "life", "--follow"], "live: vane life --follow is no command"),
    ("live", "healthcheck", {}, "live: no healthcheck"),
    ("desk", "command", ["vane", "server"], "desk: vane server is no command"),
    ("desk-follow", "healthcheck", {}, "desk-follow: no healthcheck"),
    ("desk", "ports", ["6067:6067"], "desk: port 6067:6067 is open to the world"),
    ("desk", "environment", {"VANE_SERVE": "x"}, "desk: VANE_SERVE is not in settings.py"),
    (
        "month",
        "command",
        ["vane", "month", "run", "-m"],
        "month: -m is no option of vane month run",
    ),
    ("worker", "environment", {"VANE_BROKER": "x"}, "worker: VANE_BROKER is not in settings.py"),
    ("lander", "healthcheck", {}, "lander: no healthcheck"),
    ("kafka", "healthcheck", {"interval": "1s"}, "kafka: no healthcheck"),
    (
        "worker",
        "healthcheck",
        {"test": ["CMD", "curl", '"http://127.0.0.1:6066/status.json"']},
        "worker: its health is not asked at /healthz",
    ),
    ("worker", "restart", None, "worker: restart is None"),
    ("topics", "restart", "unless-stopped", "topics: restart is unless-stopped"),
    (
        "worker",
        "depends_on",
        {"topic": {"condition": "service_completed_successfully"}},
        "worker: waits for topic to be service_completed_successfully",
    ),
    (
        "lander",
        "depends_on",
        {"topics": {"condition": "service_healthy"}},
        "lander: waits for topics to be service_healthy",
    ),
    (
        "month",
        "depends_on",
        {"lander": {"condition": "service_completed_successfully"}},
        "month: waits for lander to be service_completed_successfully",
    ),
    ("lander", "volumes", ["lakes:/data"], "lander: volume lakes is not there"),
    ("worker", "volumes", ["./conf:/app/config"], "worker: volume ./conf is not there"),
    ("kafka", "ports", ["29092:29092"], "kafka: port 29092:29092 is open to the world"),
]


def test_the_compose_file_has_no_fault() -> None:
    compose = podman_compose.normalize(raw())
    assert set(compose["services"]) == {
        *("kafka", "topics", "worker", "lander", "live", "month"),
        *("desk-schema", "desk-follow", "desk"),
    }
    assert [fault for check in CHECKS for fault in check(compose)] == []


@pytest.mark.parametrize(("service", "key", "value", "fault"), BAD, ids=[b[3] for b in BAD])
def test_a_compose_file_made_bad_is_noticed(
    service: str, key: str, value: object, fault: str
) -> None:
    compose = raw()
    compose["services"][service][key] = value
    read = podman_compose.normalize(compose)
    assert fault in [found for check in CHECKS for found in check(read)]


def test_nothing_has_to_be_set_to_start_the_services_without_profile() -> None:
    lines = [x for x in COMPOSE.read_text("utf-8").splitlines() if x.lstrip()[:1] != "#"]
    assert re.findall(r"\$\{\w+:?\?", "".join(lines)) == []
    with pytest.raises(ValueError, match="VANE_MONTH is missing"):
        podman_compose.rec_subs({"command": "${VANE_MONTH:?}"}, {})


def test_images_of_ours_have_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [OURS.fullmatch(service["image"]) for service in raw()["services"].values()]
    assert {match["version"] for match in found if match} == {project["version"]}


def test_the_broker_in_a_container_is_set_as_the_local_one() -> None:
    lines = server_properties._TEMPLATE.splitlines()
    pairs = [line.split("=", 1) for line in lines if line and line[0] != "#"]
    local = {
        f"KAFKA_{key.upper().replace('.', '_')}": value
        for key, value in pairs
        if not any(word in key for word in LOOPBACK_SETTINGS)
    }
    assert len(local) > 10
    assert local.items() <= raw()["services"]["kafka"]["environment"].items()


def kernel_stage(dockerfile: str) -> list[str]:
    """Find what keeps the compiled fold out of the worker's image, or lets a compiler in."""
    stages = {
        found[1]: (found[0], text.partition("\n")[2])
        for text in re.split(r"(?m)^FROM ", dockerfile)[1:]
        if (found := text.partition("\n")[0].split(" AS "))
    }
    image, body = stages.get("kernel", ("", ""))
    wrong = [] if "kernel" in stages else ["there is no stage kernel"]
    if image != stages["worker"][0]:
        wrong.append("kernel and worker have not the same base, so not the same Python")
    if "kernel.build()" not in body:
        wrong.append("the kernel is not built")
    wrong += [
        f"{name} has a compiler"
        for name, (_, text) in stages.items()
        if name != "kernel" and re.search(r"\bgcc\b|build-essential|kernel\.txt", text)
    ]
    version = re.search(r"(?m)^FROM python:(\d+\.\d+)", dockerfile)
    folder = f"/usr/local/lib/python{version and version[1]}/site-packages/vane_kernel/"
    _, copied, after = stages["worker"][1].partition(f"COPY --from=kernel {folder} {folder}\n")
    if not copied:
        wrong.append("the worker has no kernel")
    if "RUN vane kernel status\n" not in after:
        wrong.append("nobody asks whether the worker's kernel is of its source")
    return wrong


BAD_KERNELS: Final[list[tuple[str, str, list[str]]]] = [
    (
        "FROM base AS kernel",
        "FROM base AS kernels",
        [
            "there is no stage kernel",
            "kernel and worker have not the same base, so not the same Python",
            "the kernel is not built",
            "kernels has a compiler",
        ],
    ),
    (
        "FROM base AS kernel",
        "FROM python:3.11-bookworm AS kernel",
        ["kernel and worker have not the same base, so not the same Python"],
    ),
    ("kernel.build()", "kernel.folder()", ["the kernel is not built"]),
    (
        "COPY --from=kernel /",
        "COPY --from=kernel /x/",
        ["the worker has no kernel", "nobody asks whether the worker's kernel is of its source"],
    ),
    (
        "python:3.11-slim",
        "python:3.12-slim",
        [
            "the worker has no kernel",
            "nobody asks whether the worker's kernel is of its source",
        ],
    ),
    (
        "RUN vane kernel status",
        "RUN vane kernel status || true",
        ["nobody asks whether the worker's kernel is of its source"],
    ),
    ("streaming.txt\n", "streaming.txt gcc\n", ["worker has a compiler"]),
]


def test_the_workers_image_has_the_compiled_fold_and_no_compiler() -> None:
    assert kernel_stage(DOCKERFILE.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("old", "new", "faults"), BAD_KERNELS, ids=[b[1] for b in BAD_KERNELS])
def test_a_dockerfile_without_a_whole_kernel_is_noticed(
    old: str, new: str, faults: list[str]
) -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert old in text
    assert kernel_stage(text.replace(old, new)) == faults


def test_what_the_kernel_stage_copies_is_all_that_the_build_reads(tmp_path: Path) -> None:
    stage = (
        DOCKERFILE.read_text(encoding="utf-8").partition(" AS kernel\n")[2].partition("FROM ")[0]
    )
    for line in re.findall(r"(?m)^COPY (pipeline/.*)$", stage):
        *sources, target = line.split()
        for source in sources:
            if source.endswith("/"):
                shutil.copytree(ROOT / source, tmp_path / target)
            else:
                (tmp_path / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, tmp_path / target)
    code = "from pipeline import kernel; print(kernel.__file__, kernel.fingerprint())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    expected = f"{tmp_path / 'pipeline' / 'kernel.py'} {kernel.fingerprint()}\n"
    assert (done.stderr, done.stdout) == ("", expected)


def test_targets_built_are_stages_and_files_copied_are_there() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE))
    built = {s["build"]["target"] for s in raw()["services"].values() if "build" in s}
    assert built == stages - {"base", "kernel"}
    lines = [line for line in text.splitlines() if line.startswith("COPY ")]
    copied = [line.split()[1:-1] for line in lines if "--from" not in line]
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source).exists(), source


def test_images_are_built_from_pinned_packages_and_do_not_run_as_root() -> None:
    _, *stages = re.split(r"(?m)^FROM ", DOCKERFILE.read_text(encoding="utf-8"))
    base, kernel_, worker, desk, batch = stages
    assert PINNED.fullmatch(base.split()[0])
    of_stages = {"kernel": kernel_, "streaming": worker, "desk": desk, "batch": batch}
    for packages, stage in of_stages.items():
        assert f"pip install --require-hashes --requirement requirements/{packages}.txt" in stage
        assert set(re.findall(r"requirements/(\w+)\.txt", stage)) == {packages}
        assert re.search(r"(?m)^USER vane$", stage) or stage is kernel_
        installs = [x for x in stage.split("RUN ")[1:] if "pip install" in x]
        assert all("--no-deps" in x or "--require-hashes" in x for x in installs)


def cache_faults(dockerfile: str, compose: Json) -> list[str]:
    """Find what keeps a month run from keeping its parsed models where the next one looks."""
    kept = load_settings({}).parsed_models.relative_to(ROOT)
    batch = dockerfile.partition(" AS batch\n")[2].partition("\nFROM ")[0]
    as_root, _, _ = batch.partition("USER vane\n")
    made = re.findall(r"(?m)^RUN install --directory --owner=vane --group=vane (.+)$", as_root)
    folders = {folder for line in made for folder in line.split()}
    wrong = [
        f"{folder} is not the image's user's"
        for folder in (str(kept.parent), str(kept))
        if folder not in folders
    ]
    mounts = [str(v).split(":")[1] for v in compose["services"]["month"]["volumes"]]
    if f"/app/{kept.parent}" not in mounts:
        wrong.append("it goes with the container")
    return wrong


def test_a_month_run_in_a_container_can_keep_its_parsed_models() -> None:
    assert cache_faults(DOCKERFILE.read_text(encoding="utf-8"), raw()) == []


@pytest.mark.parametrize(
    ("old", "new", "faults"),
    [
        (
            "RUN install --directory --owner=vane --group=vane .cache",
            "RUN install --directory .cache",
            [".cache is not the image's user's", ".cache/dbt is not the image's user's"],
        ),
        (" .cache/dbt\n", "\n", [".cache/dbt is not the image's user's"]),
        (" .cache .cache/dbt", " .cache/dbt", [".cache is not the image's user's"]),
    ],
)
def test_a_cache_that_the_images_user_cannot_write_is_noticed(
    old: str, new: str, faults: list[str]
) -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert old in text
    assert cache_faults(text.replace(old, new), raw()) == faults


def test_a_cache_that_goes_with_the_container_is_noticed() -> None:
    compose = raw()
    compose["services"]["month"]["volumes"].pop()
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert cache_faults(text, compose) == ["it goes with the container"]
