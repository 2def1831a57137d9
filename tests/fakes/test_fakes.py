"""The fake model server keeps its own promises: what it bills, what it answers, and how it breaks."""

import json
import threading
import time

import httpx
import pytest
from openai import OpenAI

from tests.fakes.faults import Decider, Script
from tests.fakes.garbage import NAMES
from tests.fakes.process import FakeModel
from tests.fakes.sample import (
    ENGLISH,
    PARENT,
    RUSSIAN,
    Answered,
    Asked,
    AskedItems,
    Evolved,
    Judged,
    ask,
    body_for,
    post,
    until,
)


@pytest.mark.parametrize("document", [ENGLISH, RUSSIAN], ids=["english", "russian"])
def test_every_reply_is_a_valid_instance_of_the_schema_it_was_asked_for(model: FakeModel, document: str) -> None:
    assert len(ask(model, AskedItems, "Write 5 questions.", document).questions) == 5
    assert ask(model, AskedItems, "Write 5 questions.", document).questions[0].label == "fact"
    verdict = ask(model, Judged, f"Grade.\n\nQuestion: {PARENT}\n\nAnswer: At 07:40.", document)
    assert (verdict.score, verdict.answerable) == (5, True)


@pytest.mark.parametrize("document", [ENGLISH, RUSSIAN], ids=["english", "russian"])
def test_questions_differ_even_beyond_the_number_of_sentences_and_avoid_those_already_asked(
    model: FakeModel, document: str
) -> None:
    first = ask(model, Asked, "Write questions.", document).questions
    avoid = "\n".join(f"- {question}" for question in first)
    second = ask(model, Asked, f"Write questions. Not these:\n{avoid}", document).questions
    assert len({*first, *second}) == 8


@pytest.mark.parametrize("document", [ENGLISH, RUSSIAN], ids=["english", "russian"])
def test_a_quote_is_verbatim_and_belongs_to_the_question(model: FakeModel, document: str) -> None:
    questions = ask(model, Asked, "Write questions.", document).questions
    answers = [ask(model, Answered, f"Answer.\n\nQuestion: {question}", document) for question in questions]
    assert all(answer.quote in document for answer in answers)
    assert all(answer.answer.endswith(" ".join(answer.quote.split())) for answer in answers)
    assert len({answer.quote for answer in answers}) == 4


def test_a_russian_document_gets_russian_wording(model: FakeModel) -> None:
    for question in ask(model, Asked, "Write questions in Russian.", RUSSIAN).questions:
        assert not any("a" <= letter <= "z" for letter in question.casefold())


def test_evolved_questions_differ_from_their_parents_and_from_each_other(model: FakeModel) -> None:
    parents = ask(model, Asked, "Write questions.").questions
    children = [ask(model, Evolved, f"Make it harder.\n\nQuestion: {parent}").question for parent in parents]
    assert len({*parents, *children}) == 8


def test_the_same_request_gets_the_same_reply(model: FakeModel) -> None:
    body = body_for(None, "Summarise.")
    replies = {post(model, body).json()["choices"][0]["message"]["content"] for _ in range(3)}
    assert len(replies) == 1
    assert model.bill().keys.most_common(1)[0][1] >= 3


def test_a_stream_carries_the_same_text_as_a_whole_reply(model: FakeModel) -> None:
    whole = post(model, body_for(Asked, "Write questions.")).json()
    client = OpenAI(base_url=model.url, api_key="none", max_retries=0)
    chunks = list(
        client.chat.completions.create(
            **body_for(Asked, "Write questions."), stream=True, stream_options={"include_usage": True}
        )
    )
    client.close()
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole["choices"][0]["message"]["content"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.model_dump(exclude_none=True) == whole["usage"]


def test_other_endpoints_answer_as_vllm_does(model: FakeModel) -> None:
    with httpx.Client(trust_env=False, base_url=model.base) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/version").json()["version"]
        assert client.get("/v1/models").json()["data"][0]["max_model_len"] == 32_768
        assert client.post("/tokenize", json={"model": "any", "prompt": "x" * 40}).json()["count"] == 10
        old = client.post("/v1/completions", json={"model": "any", "prompt": [ENGLISH, RUSSIAN], "n": 2}).json()
        assert [choice["index"] for choice in old["choices"]] == [0, 1, 2, 3]
        assert client.post("/v1/completions", content=b"{").status_code == 400


def test_a_server_with_one_model_refuses_other_names_and_prompts_that_are_too_long() -> None:
    with FakeModel(model="only", max_model_len=200) as model:
        unknown = post(model, body_for(None, "Summarise."))
        assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "NotFoundError")
        long = post(model, body_for(None, "Summarise.", ENGLISH * 3, model="only"))
        assert long.status_code == 400
        assert "maximum context length is 200 tokens" in long.json()["error"]["message"]
        assert post(model, body_for(None, "Summarise.", model="only")).json()["model"] == "only"
        assert model.bill().total == 1


def test_a_reply_that_runs_into_max_tokens_says_so(model: FakeModel) -> None:
    choice = post(model, body_for(Answered, f"Question: {PARENT}", max_tokens=5)).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert len(choice["message"]["content"]) == 20


def test_a_client_that_hangs_up_is_counted_and_not_billed(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "slow", "seconds": 30}]})
    before = model.bill().total
    with pytest.raises(httpx.ReadTimeout):
        post(model, body_for(None, "Summarise."), timeout=0.2)
    until(lambda: model.stats()["aborted"] == 1)
    assert model.stats()["running"] == 0
    assert model.bill().total == before


@pytest.mark.parametrize("where", ["before", "middle"])
def test_a_connection_closed_by_the_server_is_neither_billed_nor_called_aborted(model: FakeModel, where: str) -> None:
    model.set_script({"faults": [{"fault": "disconnect", "where": where, "first": 1}]})
    before = model.bill().total
    with pytest.raises(httpx.RemoteProtocolError):
        post(model, body_for(None, "Summarise."))
    assert model.bill().total == before
    assert model.stats()["aborted"] == 0
    assert post(model, body_for(None, "Summarise.")).status_code == 200
    assert model.bill().total == before + 1


def test_a_reader_too_slow_to_take_the_whole_reply_is_not_billed(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "garbage", "body": "whitespace_5mb"}]})
    before = model.bill().total
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("POST", f"{model.url}/chat/completions", json=body_for(None, "Summarise.")) as reply,
    ):
        assert reply.status_code == 200
        time.sleep(0.2)
        assert model.bill().total == before
    until(lambda: model.stats()["aborted"] == 1)
    assert model.bill().total == before


def test_retries_of_a_scripted_500_succeed_and_only_the_success_is_billed(model: FakeModel) -> None:
    model.set_script({"seed": 7, "faults": [{"fault": "http_500", "rate": 0.5}]})
    before, statuses = model.bill().total, []
    for number in range(20):
        while (status := post(model, body_for(None, f"Summarise {number}.")).status_code) != 200:
            statuses.append(status)
    assert set(statuses) == {500}
    assert model.stats()["faults"] == {"http_500": len(statuses)}
    assert model.bill().total == before + 20


def test_a_decision_depends_on_the_seed_and_the_request_and_not_on_the_order() -> None:
    def fated(seed: int, keys: list[str]) -> set[str]:
        decider = Decider(Script.model_validate({"seed": seed, "faults": [{"fault": "http_503", "rate": 0.3}]}))
        return {key for key in keys if decider.choose(key, 0, "", None, (), False)}

    keys = [f"key-{number}" for number in range(1000)]
    assert fated(1, keys) == fated(1, keys[::-1]) != fated(2, keys)
    assert 230 < len(fated(1, keys)) < 370


def test_the_bill_survives_kill_9_and_goes_on_after_a_restart_on_the_same_port() -> None:
    with FakeModel() as model:
        post(model, body_for(None, "One."), step="ask grounded")
        url = model.url
        assert model.bill().total == 1
        model.restart()
        assert model.url == url
        post(model, body_for(None, "One."))
        post(model, body_for(None, "Two."))
        bill = model.bill()
    assert (bill.total, bill.distinct, bill.repeated) == (3, 2, 1)
    assert bill.by_step == {"ask": 1, "test": 2}
    assert all(line.status == 200 and line.tokens > 0 for line in bill.lines)


def test_metrics_show_running_waiting_and_prefix_hits_with_the_model_name() -> None:
    with FakeModel(model="m", slots=1) as model:
        model.set_script({"faults": [{"fault": "slow", "seconds": 0.5, "match": "slowly"}]})
        threads = [
            threading.Thread(target=post, args=(model, body_for(None, f"Summarise slowly {number}.", model="m")))
            for number in range(2)
        ]
        for thread in threads:
            thread.start()
        until(lambda: 'vllm:num_requests_running{engine="0",model_name="m"} 1.0' in model.metrics())
        until(lambda: 'vllm:num_requests_waiting{engine="0",model_name="m"} 1.0' in model.metrics())
        for thread in threads:
            thread.join()
        values = dict(line.rsplit(" ", 1) for line in model.metrics().splitlines() if not line.startswith("#"))
    label = '{engine="0",model_name="m"}'
    hits, queries = (float(values[f"vllm:prefix_cache_{name}_total{label}"]) for name in ("hits", "queries"))
    assert 0.4 < hits / queries < 0.5
    assert float(values[f"vllm:generation_tokens_total{label}"]) > 0


def test_a_script_that_is_not_one_is_refused(model: FakeModel) -> None:
    for script in ({"faults": [{"fault": "no_such"}]}, {"faults": [{"fault": "hang", "rate": 0.1, "first": 2}]}):
        with httpx.Client(trust_env=False) as client:
            reply = client.post(f"{model.base}/fake/script", content=json.dumps(script))
        assert reply.status_code == 400
    assert len(NAMES) >= 30
