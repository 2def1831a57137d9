"""The rules by which a failed evolution is told, in English, Russian and others."""

import pytest

from app import catalog, prompts
from workers.gates.refusal import refusal
from workers.gates.stop_words import says_something
from workers.steps import eliminate

PARENT = "At what time does the ferry Aurora leave Norvik on weekdays?"
DEEPEN, ALONE = "evolve/deepen@1", "evolve/instruction_deepen@1"


def fault(text: str, parent: str = PARENT, around: str = "", prompt: str = DEEPEN, most: float = 0.7) -> str | None:
    found = eliminate.of_question(text, parent, prompt=prompt, around=around, max_overlap=most)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("…?!", "says_nothing"),
        ("At what TIME does the ferry «Aurora» leave Norvik, on weekdays", "no_gain"),
        ("At what time does the ferry Aurora leave Norvik on weekdays in winter?", "near_copy"),
        ("I'm sorry, I cannot help with that request.", "refused"),
        ("Извините, я не могу ответить на этот вопрос.", "refused"),
        ("#Rewritten Prompt#: What else must a passenger of the Aurora know?", "copied_prompt"),
        ("For the given prompt: when can one travel?", "copied_prompt"),
        ("Переписанный вопрос: кто и когда может уехать из Норвика?", "copied_prompt"),
        ("Новый вопрос: кто и когда может уехать из Норвика?", "copied_prompt"),
        ("Кто может уехать из Норвика, как сказано выше?", "copied_prompt"),
        ("Welche Fähre fährt, wie in der gegebenen Frage, am Abend?", "copied_prompt"),
        ("重写后的问题：谁可以离开？", "copied_prompt"),
        ("How, when or for whom, as far as it is stated, does she sail?", "copied_prompt"),
        ("How long must somebody wait in the harbour who comes there at noon on a Sunday?", None),
        ("Сколько ждать тому, кто пришёл в порт в полдень?", None),
        ("Wer darf an Bord rauchen?", None),
    ],
)
def test_an_evolved_question_fails_by_the_first_rule_it_breaks(text: str, reason: str | None) -> None:
    assert fault(text) == reason


def test_words_that_stand_in_the_parent_or_the_document_are_no_copies_of_the_prompt() -> None:
    text = "Who answers a given question about the new timetable?"
    assert fault(text) == "copied_prompt"
    assert fault(text, around="A given question is answered by the harbour master.") is None
    assert fault(text, parent="Where does a given question go?") is None
    run = "Say when or for whom, as far as it is stated on the board, the gate opens."
    assert fault(run) == "copied_prompt"
    assert fault(run, around="when or for whom, as far as it is stated") is None


@pytest.mark.parametrize("name", list(catalog.EVOLUTIONS))
def test_each_operator_s_own_words_are_a_copy_and_its_example_is_not(name: str) -> None:
    evolution = catalog.EVOLUTIONS[name]
    for ref in (evolution.prompt, evolution.instruction_prompt):
        prompt = prompts.load(ref)
        example = prompt.example
        instruction = next(line for line in prompt.source.splitlines() if line.startswith(("Rewrite", "Write")))
        assert fault(instruction, prompt=ref) == "copied_prompt"
        asked = {"parent": example.inputs["question"], "around": example.document, "prompt": ref}
        found = fault(example.output["question"], **asked)
        assert found in (None, "near_copy")
        assert fault(example.output["question"], most=1, **asked) is None


def test_the_overlap_allowed_is_an_option() -> None:
    text = "At what time does the ferry Aurora leave Norvik on weekdays in winter?"
    assert fault(text, most=0.9) == "near_copy"
    assert fault(text, most=0.95) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("the cat sat on the mat", "the cat sat on the mat", 1.0),
        ("a b c d", "a x c y", 0.5),
        ("a b c d", "b a d c", 0.5),
        ("a b c d e f", "a b c", 2 * 3 / 9),
        ("Паром уходит утром", "паром, уходит вечером!", 2 * 2 / 6),
        ("渡轮几点出发", "渡轮何时出发", 2 * 4 / 12),
        ("...", "a", 0.0),
    ],
)
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence_of_words(one: str, other: str, expected: float) -> None:
    assert eliminate.rouge_l(one, other) == pytest.approx(expected)
    assert eliminate.rouge_l(other, one) == pytest.approx(expected)


def test_rouge_l_gives_the_values_of_the_paper_s_own_example() -> None:
    """Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, section 3.1."""
    assert eliminate.rouge_l("police killed the gunman", "police kill the gunman") == pytest.approx(0.75)
    assert eliminate.rouge_l("police killed the gunman", "the gunman kill police") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("I'm sorry, I cannot help with that request.", "en"),
        ("I’m really sorry, but this is beyond me.", "en"),
        ("As an AI language model, I have no opinion.", "en"),
        ("I am unable to answer this.", "en"),
        ("I'm sorry, I can't say.", "ru"),
        ("Извините, я не могу ответить на этот вопрос.", "ru"),
        ("К сожалению, я не располагаю такими сведениями.", "ru"),
        ("Как языковая модель, я не имею мнения.", "ru"),
        ("Es tut mir leid, dazu kann ich nichts sagen.", "de"),
        ("Leider kann ich das nicht beantworten.", "de"),
        ("Je suis désolé, mais je ne peux pas répondre.", "fr"),
        ("Lo siento, no puedo ayudar con eso.", "es"),
        ("抱歉，我无法回答这个问题。", "zh"),
        ("申し訳ありませんが、お答えできません。", "ja"),
        ("죄송합니다. 답변드릴 수 없습니다.", "ko"),
    ],
)
def test_a_refusal_is_heard_in_many_languages(answer: str, language: str) -> None:
    assert refusal(answer, "")


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("The captain says that he is sorry for the delay.", "en"),
        ("The library cannot lend more than five books.", "en"),
        ("Капитан не может изменить маршрут без разрешения.", "ru"),
        ("Служащий отвечает: «Мы проверим и вернём деньги», а если ошибся сам, говорит пассажиру ещё и слова, которые "
         "приняты в таких случаях на пароме, например: «Извините».", "ru"),
        ("I'm sorry for the wait is what the clerk says first. " + "Then the ticket is stamped and paid. " * 14, "en"),
        ("Yes.", "en"), ("No", "en"), ("Both.", "en"), ("In May.", "en"), ("12", "en"),
        ("The US.", "en"), ("WHO", "en"),
        ("Да.", "ru"), ("Нет", "ru"), ("Обе", "ru"), ("7:40", "ru"), ("На причале", "ru"),
        ("是", "zh"), ("すし", "ja"),
    ],
)  # fmt: skip
def test_short_answers_and_talk_about_apologies_are_answers(answer: str, language: str) -> None:
    assert not refusal(answer, "")
    assert says_something(answer)


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("", "en"), ("... — !", "en"), ("It is the.", "en"), ("And so, of it", "en"), ("Это он и был.", "ru"),
        ("И так…", "ru"), ("Das ist es.", "de"), ("。。。", "zh"), ("¿?", "xx"),
    ],
)  # fmt: skip
def test_an_answer_of_punctuation_and_stop_words_is_empty(answer: str, language: str) -> None:
    assert not says_something(answer)
