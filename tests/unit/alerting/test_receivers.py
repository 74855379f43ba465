"""Which receivers the settings ask for, and what is said when they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.alerting.receivers import sinks_of
from pipeline.errors import ConfigError
from pipeline.settings import load_settings

ALL = {
    "VANE_ALERTMANAGER_URL": "http://am-1:9093, https://u:am-secret@am-2/prefix",
    "VANE_ALERTMANAGER_RESEND_S": "30",
    "VANE_WEBHOOK_URL": "http://127.0.0.1/hook?token=hook-secret",
    "VANE_WEBHOOK_SECRET": "sign-secret",
    "VANE_SMTP_URL": "smtp://vane%40acme@mail:2525",
    "VANE_SMTP_PASSWORD": "mail-secret",
    "VANE_MAIL_FROM": "vane@acme.example",
    "VANE_MAIL_TO": "floor@acme.example, duty@acme.example",
    "VANE_DINGTALK_URL": "https://ding.example/robot/send?access_token=ding-secret",
    "VANE_DINGTALK_SECRET": "SEC-secret",
    "VANE_WECOM_URL": "https://wecom.example/send?key=wecom-secret",
    "VANE_FEISHU_URL": "https://feishu.example/hook/feishu-secret",
    "VANE_FEISHU_SECRET": "feishu-sign-secret",
    "VANE_SLACK_URL": "https://slack.example/services/slack-secret",
}


def names(**variables: str) -> list[str]:
    return [sink.name for sink in sinks_of(load_settings(variables).receivers)]


def problems(**variables: str) -> list[str]:
    """Return what is said of the variables, a line each."""
    with pytest.raises(ConfigError) as caught:
        load_settings(variables)
    return [line.strip() for line in str(caught.value).splitlines() if "VANE_" in line]


def test_without_receivers_alerts_are_in_the_log() -> None:
    assert names() == ["log"]
    assert names(**dict.fromkeys(ALL, "")) == ["log"]


def test_all_of_them_at_once() -> None:
    assert names(**ALL) == [
        "log",
        "alertmanager-am-1:9093",
        "alertmanager-am-2",
        "webhook",
        "mail",
        "dingtalk",
        "wecom",
        "feishu",
        "slack",
    ]


def test_no_secret_is_in_what_settings_print() -> None:
    assert "secret" not in repr(load_settings(ALL))


@pytest.mark.parametrize("name", [n for n in ALL if n.endswith(("_SECRET", "PASSWORD"))])
def test_a_secret_may_be_in_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{ALL[name]}\n")
    others = {other: value for other, value in ALL.items() if other != name}
    assert load_settings({**others, f"{name}_FILE": str(file)}) == load_settings(ALL)
    both = problems(**ALL, **{f"{name}_FILE": str(file)})
    assert both == [f"environment variable {name}_FILE: expected it or {name}, got both"]
    (absent,) = problems(**others, **{f"{name}_FILE": str(tmp_path / "absent")})
    assert absent.startswith(f"environment variable {name}_FILE: expected a file with a ")


@pytest.mark.parametrize(
    "name",
    ["ALERTMANAGER", "WEBHOOK", "DINGTALK", "WECOM", "FEISHU", "SLACK"],
)
@pytest.mark.parametrize(
    "url", ["secret", "ftp://host/secret", "http:///secret", "http://h:99999/secret"]
)
def test_what_is_no_address_is_named_and_not_shown(name: str, url: str) -> None:
    (said,) = problems(**{f"VANE_{name}_URL": url})
    assert said == (
        f"environment variable VANE_{name}_URL: expected http:// or https:// and a host"
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"VANE_ALERTMANAGER_RESEND_S": "often"}, "expected seconds, got 'often'"),
        ({"VANE_ALERTMANAGER_RESEND_S": "0"}, "expected from 1 to 7200 seconds, got 0"),
        ({"VANE_ALERTMANAGER_RESEND_S": "nan"}, "expected from 1 to 7200 seconds, got nan"),
        ({"VANE_ALERTMANAGER_URL": "http://am,http://am"}, "expected each Alertmanager once"),
        ({"VANE_WEBHOOK_URL": "http://h/a b"}, "expected an address without spaces"),
        ({"VANE_WEBHOOK_SECRET": "s"}, "expected VANE_WEBHOOK_URL with it, got none"),
        ({"VANE_DINGTALK_SECRET": "s"}, "expected VANE_DINGTALK_URL with it, got none"),
        ({"VANE_SMTP_PASSWORD": "s"}, "expected VANE_SMTP_URL with it, got none"),
    ],
)
def test_what_cannot_be_is_said(variables: dict[str, str], expected: str) -> None:
    (name,) = variables
    assert problems(**variables) == [f"environment variable {name}: {expected}"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"VANE_SMTP_URL": ""}, "VANE_SMTP_URL with it"),
        ({"VANE_MAIL_FROM": ""}, "VANE_MAIL_FROM: expected it beside the other settings of mail"),
        ({"VANE_MAIL_TO": ""}, "VANE_MAIL_TO: expected it beside the other settings of mail"),
        ({"VANE_MAIL_FROM": "vane"}, "VANE_MAIL_FROM: expected a mail address, got 'vane'"),
        ({"VANE_MAIL_TO": "a@b, c"}, "VANE_MAIL_TO: expected a mail address, got 'c'"),
        ({"VANE_SMTP_URL": "mail:25"}, "VANE_SMTP_URL: expected smtp://, smtps://, smtp+plain://"),
        ({"VANE_SMTP_URL": "smtp://u:secret@mail"}, "the password in VANE_SMTP_PASSWORD"),
        ({"VANE_SMTP_URL": "smtp://mail"}, "expected USER@ in it and VANE_SMTP_PASSWORD, or"),
        ({"VANE_SMTP_PASSWORD": ""}, "expected USER@ in it and VANE_SMTP_PASSWORD, or"),
        ({"VANE_SMTP_URL": "smtp+plain://u@mail"}, "expected smtp:// or smtps:// where there"),
        ({"VANE_SMTP_URL": "smtp://us%C3%A9r@mail"}, "VANE_SMTP_URL: expected a user of ASCII"),
        ({"VANE_SMTP_PASSWORD": "secrét"}, "VANE_SMTP_PASSWORD: expected ASCII characters"),
        ({"VANE_SMTP_CA_FILE": "/absent.pem"}, "expected a PEM file, got '/absent.pem'"),
    ],
)
def test_what_mail_takes(changed: dict[str, str], expected: str) -> None:
    said = problems(**(ALL | changed))
    assert any(expected in line for line in said), said
    assert not any("secr" in line for line in said)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(problems(**dict.fromkeys(ALL, "nothing good") | {"VANE_SMTP_PASSWORD": ""})) >= 9
