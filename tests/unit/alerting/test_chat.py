"""Chat robots: the shape each expects, how it is signed, and the codes they say no by."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.alerting import dingtalk, feishu, wecom
from pipeline.alerting.chat import TOO_MANY_S
from pipeline.alerting.dingtalk import DingTalkSink
from pipeline.alerting.feishu import FeishuSink
from pipeline.alerting.sentence import describe
from pipeline.alerting.sink import Sink
from pipeline.alerting.slack import SlackSink
from pipeline.alerting.wecom import WeComSink
from pipeline.errors import AlertRefused, ReceiverBusy, TransientError
from tests.unit.alerting.receiver import SMALL, Receiver, Said, an_alert, receiving

LINE = f"[FIRING page] {describe(an_alert())} docs/runbooks/service-level-drop.md"
ROBOTS: dict[str, tuple[Callable[[str], Sink], str]] = {
    "dingtalk": (DingTalkSink, '{"errcode":0,"errmsg":"ok"}'),
    "wecom": (WeComSink, '{"errcode":0,"errmsg":"ok"}'),
    "feishu": (FeishuSink, '{"code":0,"data":{},"msg":"success"}'),
    "older feishu": (FeishuSink, '{"StatusCode":0,"StatusMessage":"success"}'),
    "slack": (SlackSink, "ok"),
}


def sent(name: str, said: Said, *alerts: dict[str, Any]) -> tuple[Any, Receiver]:
    """Have a robot say the alerts; return what it was posted."""
    with receiving(said) as receiver:
        asyncio.run(ROBOTS[name][0](receiver.url).send(alerts or [an_alert()]))
    ((_, body),) = receiver.got
    return body, receiver


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("dingtalk", {"msgtype": "text", "text": {"content": LINE}}),
        ("wecom", {"msgtype": "text", "text": {"content": LINE}}),
        ("feishu", {"msg_type": "text", "content": {"text": LINE}}),
        ("older feishu", {"msg_type": "text", "content": {"text": LINE}}),
        ("slack", {"text": LINE}),
    ],
)
def test_the_shape_of_a_message(name: str, body: dict[str, Any]) -> None:
    assert sent(name, Said(200, ROBOTS[name][1]))[0] == body


def test_an_answer_that_comes_in_pieces_is_read_to_its_end() -> None:
    sent("feishu", Said(200, '{"code":0,"msg":"' + "x" * SMALL + '"}'))


@pytest.mark.parametrize("name", ROBOTS)
def test_alerts_that_come_together_share_a_message(name: str) -> None:
    ended = an_alert("b", status="resolved", queue="other")
    body, _ = sent(name, Said(200, ROBOTS[name][1]), an_alert("a"), ended)
    text = json.dumps(body)
    assert "[FIRING page] Service level of acme/north/service fell" in text
    assert "[RESOLVED page] Service level of acme/north/other is back" in text


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("dingtalk", '{"errcode":310000,"errmsg":"sign not match"}'),
        ("dingtalk", '{"errcode":300001,"errmsg":"token is not exist"}'),
        ("wecom", '{"errcode":93000,"errmsg":"invalid webhook url"}'),
        ("feishu", '{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}'),
        ("feishu", '{"code":19024,"msg":"Key Words Not Found"}'),
        ("slack", "no_text"),
        ("slack", "<html>"),
        ("dingtalk", "<html>a captive portal</html>"),
        ("wecom", "{}"),
        ("feishu", '{"code":"0"}'),
        ("feishu", "[]"),
    ],
)
def test_a_no_that_comes_as_200_is_a_refusal_and_says_why(name: str, answer: str) -> None:
    with pytest.raises(AlertRefused) as caught:
        sent(name, Said(200, answer))
    assert answer[:12] in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dingtalk", Said(200, '{"errcode":130101,"errmsg":"send too fast"}')),
        ("dingtalk", Said(200, '{"errcode":410100,"errmsg":"发送速度太快而限流"}')),
        ("wecom", Said(200, '{"errcode":45009,"errmsg":"api freq out of limit"}')),
        ("feishu", Said(200, '{"code":9499,"msg":"too many request"}')),
        ("feishu", Said(400, '{"code":11232,"msg":"frequency limited"}')),
    ],
)
def test_too_many_messages_wait_for_the_next_minute(name: str, said: Said) -> None:
    with pytest.raises(ReceiverBusy) as caught:
        sent(name, said)
    assert caught.value.after_s == TOO_MANY_S


@pytest.mark.parametrize("name", ROBOTS)
def test_http_says_too_many_in_its_own_way(name: str) -> None:
    with pytest.raises(ReceiverBusy) as caught:
        sent(name, Said(429, "slow down", {"Retry-After": "3"}))
    assert caught.value.after_s == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *[(name, Said(502, "<html>bad gateway</html>")) for name in ROBOTS],
        ("dingtalk", Said(200, '{"errcode":-1,"errmsg":"system busy"}')),
        ("wecom", Said(200, '{"errcode":-1,"errmsg":"system busy"}')),
    ],
)
def test_what_passes_is_worth_another_try(name: str, said: Said) -> None:
    with pytest.raises(TransientError):
        sent(name, said)


@pytest.mark.parametrize("name", ROBOTS)
def test_no_4xx_is_tried_again(name: str) -> None:
    with pytest.raises(AlertRefused, match="403"):
        sent(name, Said(403, "invalid_token"))


def test_dingtalk_is_signed_in_the_address() -> None:
    before = time.time_ns() // 1_000_000
    with receiving(Said(200, ROBOTS["dingtalk"][1])) as receiver:
        url = f"{receiver.url}?access_token=t"
        asyncio.run(DingTalkSink(url, "SECabc").send([an_alert()]))
    query = {k: v[0] for k, v in parse_qs(urlsplit(receiver.paths[0]).query).items()}
    assert query.keys() == {"access_token", "timestamp", "sign"}
    assert before <= int(query["timestamp"]) <= time.time_ns() // 1_000_000
    mac = hmac.new(b"SECabc", f"{query['timestamp']}\nSECabc".encode(), hashlib.sha256)
    assert base64.b64decode(query["sign"]) == mac.digest()
    assert dingtalk.signed("SECabc", 1) != dingtalk.signed("SECabc", 2)


def test_feishu_is_signed_in_the_body() -> None:
    before = int(time.time())
    with receiving(Said(200, ROBOTS["feishu"][1])) as receiver:
        asyncio.run(FeishuSink(receiver.url, "abc").send([an_alert()]))
    ((_, body),) = receiver.got
    assert before <= int(body["timestamp"]) <= time.time()
    mac = hmac.new(f"{body['timestamp']}\nabc".encode(), b"", hashlib.sha256)
    assert base64.b64decode(body["sign"]) == mac.digest()
    assert feishu.signed("abc", 1) != feishu.signed("abc", 2)


def test_a_queues_name_calls_nobody() -> None:
    everybody = an_alert(queue='<!channel> & <at user_id="all">')
    slack, _ = sent("slack", Said(200, "ok"), everybody)
    assert "&lt;!channel&gt; &amp; " in slack["text"]
    feishu_body, _ = sent("feishu", Said(200, ROBOTS["feishu"][1]), everybody)
    assert "<" not in feishu_body["content"]["text"]


def test_wecom_cuts_a_text_that_is_too_long_between_characters() -> None:
    def content(text: str) -> str:
        found = wecom.message(text)["text"]
        assert isinstance(found, dict)
        return str(found["content"])

    whole = "队" * (wecom.BYTES // 3)
    assert content(whole) == whole
    cut = content(whole + "列")
    assert cut == "队" * (wecom.BYTES // 3 - 1) + "…"
    assert len(cut.encode()) <= wecom.BYTES
