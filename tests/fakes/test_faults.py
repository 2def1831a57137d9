"""Every scripted fault reaches the client as the script says, is counted by name, and ends when the script does."""

import json
import time

import httpx
import pytest
from pydantic import BaseModel

from tests.fakes.garbage import NAMES
from tests.fakes.process import FakeModel
from tests.fakes.sample import (
    ENGLISH,
    PARENT,
    RUSSIAN,
    Answered,
    Asked,
    Evolved,
    Judged,
    ask,
    body_for,
    post,
    until,
)

BOTH = pytest.mark.parametrize("document", [ENGLISH, RUSSIAN], ids=["english", "russian"])


def content(reply: httpx.Response) -> str:
    said = reply.json()["choices"][0]["message"]["content"]
    assert isinstance(said, str)
    return said


def question_of(document: str) -> str:
    return PARENT if document is ENGLISH else "Когда отходит паром Аврора?"


@BOTH
def test_a_wrong_fact_is_in_no_document_and_its_quote_stays_verbatim(model: FakeModel, document: str) -> None:
    model.set_script({"faults": [{"fault": "wrong_fact"}]})
    answer = ask(model, Answered, f"Question: {question_of(document)}", document)
    assert answer.quote in document
    numbers = {word for word in answer.answer.replace(":", " ").split() if word.isdigit()}
    assert any(number not in document for number in numbers)


@BOTH
def test_an_invented_quote_is_in_no_document(model: FakeModel, document: str) -> None:
    model.set_script({"faults": [{"fault": "invented_quote"}]})
    assert ask(model, Answered, f"Question: {question_of(document)}", document).quote not in document


def test_question_faults_spoil_evolved_questions(model: FakeModel) -> None:
    task = f"Make it harder.\n\nQuestion: {PARENT}"
    model.set_script({"faults": [{"fault": "copied_question"}]})
    assert ask(model, Evolved, task).question == PARENT
    model.set_script({"faults": [{"fault": "prompt_echo"}]})
    assert "prompt" in ask(model, Evolved, task).question.casefold()
    model.set_script({"faults": [{"fault": "wrong_language"}]})
    assert ask(model, Evolved, task).question.startswith("Когда")
    assert ask(model, Evolved, task, RUSSIAN).question.startswith("When")


def test_answer_and_judge_faults(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "refusal"}]})
    assert ask(model, Answered, f"Question: {PARENT}").answer.startswith("I'm sorry, I cannot")
    assert ask(model, Answered, f"Question: {PARENT}", RUSSIAN).answer.startswith("Извините")
    model.set_script({"faults": [{"fault": "low_score"}]})
    assert ask(model, Judged, f"Question: {PARENT}").score == 1
    model.set_script({"faults": [{"fault": "unanswerable"}]})
    assert not ask(model, Judged, f"Question: {PARENT}").answerable


@pytest.mark.parametrize("shape", [Asked, Answered, Judged])
def test_same_answer_says_the_same_to_every_prompt_and_stays_valid(model: FakeModel, shape: type[BaseModel]) -> None:
    model.set_script({"faults": [{"fault": "same_answer"}]})
    assert ask(model, shape, f"Question: {PARENT}") == ask(model, shape, "Something else.", RUSSIAN)


def test_a_content_fault_passes_replies_that_have_no_place_for_it(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "invented_quote"}, {"fault": "copied_question"}]})
    ask(model, Judged, "Grade.")
    ask(model, Evolved, "No parent here.")
    assert model.stats()["faults"] == {}


def test_planted_faults_are_written_down_with_prompt_and_text(model: FakeModel) -> None:
    before = len(model.planted())
    model.set_script({"faults": [{"fault": "refusal", "every": 2}]})
    for number in range(6):
        post(model, body_for(Answered, f"Question: {number}?"), step="answer")
    planted = model.planted()[before:]
    assert [line["fault"] for line in planted] == ["refusal"] * 3
    assert model.stats()["faults"] == {"refusal": 3}
    assert {line["prompt_sha"] for line in planted} < {line.prompt_sha for line in model.bill().lines}
    assert all("sorry" in line["said"] and line["step"] == "answer" for line in planted)


def test_cut_replies_are_no_json_and_only_length_admits_it(model: FakeModel) -> None:
    for fault, reason in (("truncated_json", "stop"), ("length", "length")):
        model.set_script({"faults": [{"fault": fault}]})
        reply = post(model, body_for(Answered, f"Question: {PARENT}"))
        assert reply.json()["choices"][0]["finish_reason"] == reason
        with pytest.raises(json.JSONDecodeError):
            json.loads(content(reply))


@pytest.mark.parametrize("name", NAMES)
def test_each_piece_of_garbage_arrives_with_status_200(model: FakeModel, name: str) -> None:
    model.set_script({"faults": [{"fault": "garbage", "body": name}]})
    assert post(model, body_for(Answered, f"Question: {PARENT}")).status_code == 200
    assert model.stats()["faults"] == {"garbage": 1, f"garbage:{name}": 1}


def test_wrong_model_names_another_model(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "wrong_model"}]})
    assert post(model, body_for(None, "Summarise.")).json()["model"] == "any-other"


def test_a_429_says_when_to_come_back_and_ends_in_time(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "http_429", "for_seconds": 0.5, "seconds": 3}]})
    reply = post(model, body_for(None, "Summarise."))
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")
    time.sleep(0.5)
    assert post(model, body_for(None, "Summarise.")).status_code == 200


def test_poison_kills_one_prompt_always_and_no_other(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "poison", "match": "arsenic"}]})
    assert [post(model, body_for(None, "Take arsenic.")).status_code for _ in range(3)] == [500] * 3
    assert post(model, body_for(None, "Take tea.")).status_code == 200


def test_context_too_long_reads_as_vllm_writes_it(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "context_too_long", "step": "ask"}]})
    reply = post(model, body_for(None, "Summarise."), step="ask")
    assert reply.status_code == 400
    assert "maximum context length" in reply.json()["error"]["message"]
    assert post(model, body_for(None, "Summarise."), step="judge").status_code == 200


def test_a_hang_and_an_endless_drip_free_their_slot_when_the_client_gives_up(model: FakeModel) -> None:
    for fault in ({"fault": "hang"}, {"fault": "drip", "endless": True, "seconds": 0.02}):
        model.set_script({"faults": [fault]})
        with (
            httpx.Client(trust_env=False, timeout=0.3) as client,
            pytest.raises((httpx.ReadTimeout, TimeoutError)),
            client.stream("POST", f"{model.url}/chat/completions", json=body_for(None, "Summarise.")) as reply,
        ):
            started = time.monotonic()
            for _ in reply.iter_raw():
                if time.monotonic() - started > 0.3:
                    raise TimeoutError
        until(lambda: model.stats()["running"] == 0)
    assert model.stats()["aborted"] == 2


def test_a_drip_gives_the_whole_reply_in_the_end(model: FakeModel) -> None:
    honest = content(post(model, body_for(None, "Summarise.")))
    model.set_script({"faults": [{"fault": "drip", "seconds": 0.0005}]})
    assert content(post(model, body_for(None, "Summarise."))) == honest


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_slow_is_late_and_right(model: FakeModel, stream: bool) -> None:
    model.set_script({"faults": [{"fault": "slow", "seconds": 0.3}]})
    started = time.monotonic()
    assert post(model, body_for(None, "Summarise.", stream=stream)).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_a_server_that_refuses_resets_every_connection_for_a_time_and_then_is_back(model: FakeModel) -> None:
    model.set_script({"faults": [{"fault": "refuse", "first": 1, "seconds": 0.5}]})
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            post(model, body_for(None, "Summarise."))
    with pytest.raises(httpx.ReadError, match="reset"):
        httpx.get(f"{model.base}/health", trust_env=False)
    assert model.stats()["faults"] == {"refuse": 4}
    time.sleep(0.5)
    assert post(model, body_for(None, "Summarise.")).status_code == 200
