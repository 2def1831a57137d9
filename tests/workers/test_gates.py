"""What the gates that read only the text say about single rows, in the languages they claim to know."""

import asyncio

import pytest

from app.domain import Chunk, Context, Sample
from app.prompts import load
from workers import gates
from workers.gates.common_words import LISTS, plainly_in
from workers.gates.echo import echo
from workers.gates.language import in_language
from workers.gates.length import words
from workers.gates.phrases import Phrases
from workers.gates.refusal import refusal, refusal_to_ask
from workers.gates.stop_words import says_something
from workers.recipes.work import Work

LANGUAGE_GATE = 0.1
GOOD = {
    "en": ("At what time does the ferry leave Norvik?", "It leaves at 07:40.", "No, it is free.", "Anna Lind."),
    "ru": (
        "Кто дежурит?",
        "В порту.",
        "Паром «Aurora» отходит из Норвика в 07:40.",
        "Команда `git clone` копирует код.",
    ),
    "de": (
        "Wer haftet?",
        "Das Ticket kostet 12 Euro.",
        "Die Fährverbindung Norvik–Tarnholm ist im Winter eingestellt.",
    ),
    "fr": (
        "Qui est responsable ?",
        "Le billet coûte 12 euros.",
        "Les enfants de moins de six ans voyagent gratuitement.",
    ),
    "es": ("¿Quién responde?", "No, es gratis.", "El transbordador Aurora sale de Norvik a las 07:40 los laborables."),
    "it": ("Chi è responsabile?", "No, è gratuito.", "Il traghetto parte dal porto ogni giorno feriale alle 07:40."),
    "pt": ("Quem é o responsável?", "No prazo de 14 dias.", "O barco parte do porto todos os dias úteis às 07:40."),
    "pl": ("Kto odpowiada?", "W ciągu 14 dni.", "Prom odpływa z portu codziennie o godzinie 07:40."),
    "uk": ("Хто чергує?", "Протягом 14 днів.", "Пором відходить із порту щодня о сьомій сорок ранку."),
    "zh": ("谁负责？", "票价为12欧元。", "渡轮每个工作日早上七点四十分离开港口。"),
    "ja": ("誰が責任者ですか。", "切符は12ユーロです。", "フェリーは平日の朝に港を出ます。"),
}
ENGLISH = (
    "The ferry leaves early, and the captain sells tickets.",
    "When does the ferry leave, and who sells tickets?",
)


@pytest.mark.parametrize("language", GOOD)
def test_good_rows_of_any_length_are_in_their_language(language: str) -> None:
    scores = {text: in_language(text, language) for text in GOOD[language]}
    assert {text: score for text, score in scores.items() if score < LANGUAGE_GATE} == {}


@pytest.mark.parametrize("language", sorted(set(GOOD) - {"en"}))
@pytest.mark.parametrize("text", ENGLISH)
def test_an_english_sentence_is_in_no_other_language(language: str, text: str) -> None:
    assert in_language(text, language) < LANGUAGE_GATE


@pytest.mark.parametrize("language", sorted(set(GOOD) - {"en"}))
def test_a_sentence_of_another_language_is_not_english(language: str) -> None:
    assert in_language(GOOD[language][-1], "en") < LANGUAGE_GATE


def test_half_an_answer_in_another_script_is_not_the_language() -> None:
    assert in_language("Паром отходит рано утром, and the captain sells the tickets on board.", "ru") < LANGUAGE_GATE


def test_an_answer_that_goes_over_to_another_language_half_way_is_not_in_the_first() -> None:
    french, english = (" ".join(GOOD[language] * 2) for language in ("fr", "en"))
    assert in_language(f"{french} {french}", "fr") >= LANGUAGE_GATE
    assert in_language(f"{french} {english}", "fr") < LANGUAGE_GATE


PLAIN = {
    "en": "Passengers who bring a bicycle must be at the gate before the ferry leaves, because there is no room.",
    "de": "Wer ein Fahrrad mitnimmt, muss vor der Abfahrt am Tor sein, weil auf dem Deck nicht für alle Platz ist.",
    "fr": "Les passagers qui ont un vélo doivent être au quai avant le départ, sans quoi ils ne sont pas admis.",
    "es": "Los pasajeros están en el muelle antes del viaje y pagan la bicicleta, pero hay sitio según el tiempo.",
    "ru": "Пассажиры, которые берут велосипед, должны быть у причала до отхода, и это не зависит от погоды или сезона.",
}


@pytest.mark.parametrize("language", PLAIN)
def test_a_text_is_plainly_in_its_own_language_and_in_no_other(language: str) -> None:
    found = {other for other in LISTS if plainly_in(other, PLAIN[language].rstrip(".").split())}
    assert found == {language}


def test_a_text_with_a_long_piece_in_another_language_is_not_plainly_in_the_first() -> None:
    english, german = PLAIN["en"].split(), PLAIN["de"].split()
    assert plainly_in("en", english * 3)
    assert not plainly_in("en", [*english, *german, *english])
    assert not plainly_in("en", ["the", "of"])


def test_phrases_are_found_in_either_case_and_as_they_are_written() -> None:
    phrases = Phrases((r"\bi cannot\b", "无法", r"\[/?inst\]"))
    assert list(phrases.find("Sorry, I CANNOT say. Mini cannot. [INST]我无法")) == ["I CANNOT", "[INST]", "无法"]
    assert list(phrases.find("İ cannot, I cannot")) == ["i cannot"], "a text that is longer in lower case"


def test_a_language_that_the_detector_does_not_know_is_not_measured() -> None:
    assert in_language("Yr oedd y llong yn gadael yr harbwr bob bore.", "xx") == 1


REFUSALS = {
    "en": "I'm sorry, I cannot help with that request.",
    "en unknown": "I do not have enough information to answer.",
    "en missing": "The provided text does not mention the fare.",
    "ru": "Извините, я не могу ответить на этот вопрос.",
    "ru missing": "В тексте не указано, сколько стоит билет.",
    "uk": "Вибачте, я не можу допомогти з цим.",
    "de": "Es tut mir leid, das kann ich nicht beantworten.",
    "fr": "Je suis désolé, je ne peux pas répondre à cette question.",
    "es": "Lo siento, no puedo ayudar con eso.",
    "it": "Mi dispiace, non posso rispondere.",
    "pt": "Desculpe, não posso ajudar com isso.",
    "pl": "Przepraszam, nie mogę odpowiedzieć na to pytanie.",
    "cs": "Omlouvám se, na to nemohu odpovědět.",
    "nl": "Het spijt me, ik kan die vraag niet beantwoorden.",
    "sv": "Tyvärr kan jag inte svara på det.",
    "tr": "Üzgünüm, bu konuda yardımcı olamam.",
    "zh": "抱歉，我无法回答这个问题。",
    "ja": "申し訳ありませんが、お答えできません。",
    "ko": "죄송하지만 답변할 수 없습니다.",
    "one word": "UNKNOWN",
}
ANSWERS = (
    "The operator says sorry and refunds 20 euros.",
    "A driver cannot help passengers with luggage.",
    "Refunds are not given after 14 days.",
    "Оператор приносит извинения и возвращает деньги.",
    "Пассажир не может вернуть билет в день поездки.",
    "Der Fahrer kann nicht haften.",
    "None of the ferries runs on Sundays.",
    "No.",
)


@pytest.mark.parametrize("language", REFUSALS)
def test_refusals_are_heard_in_many_languages(language: str) -> None:
    assert refusal(REFUSALS[language], "")


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_about_limits_are_no_refusals(answer: str) -> None:
    assert not refusal(answer, "")


def test_a_refusal_is_short_and_in_words_that_the_context_does_not_have() -> None:
    said = "I'm sorry, I cannot help with that request."
    assert not refusal(f"{said} {'The fare is twelve euros. ' * 20}", ""), "80 words and more are an answer"
    assert not refusal("The robot says: I don't know.", "When it is lost, it says: I don't know.")


def test_a_question_may_speak_of_what_one_cannot_do() -> None:
    assert refusal_to_ask("I'm sorry, I cannot help with that request.", "")
    assert refusal_to_ask("Извините, я не могу ответить на этот вопрос.", "")
    assert not refusal_to_ask("I cannot log in. What should I do?", "")
    assert not refusal_to_ask("Я не могу войти в личный кабинет, что делать?", "")


PROMPTS = ("ask/grounded@1", "answer/grounded@1", "evolve/deepen@1")


@pytest.mark.parametrize(
    "text",
    [
        "#Rewritten Prompt#: When does it leave?",
        "For the given prompt: when does it leave?",
        "Переписанный вопрос: когда отходит паром?",
        '{"answer": "At noon."}',
        "At noon. </document>",
        "Copy, word for word, the one sentence above that holds the answer.",
        "Rewrite the question so that it asks about the same matter in more depth or breadth.",
        "When does {{ question }} leave?",
    ],
)
def test_words_of_the_prompt_are_an_echo(text: str) -> None:
    assert echo(text, PROMPTS, "The ferry leaves at noon.")


@pytest.mark.parametrize(
    "text",
    [
        "When does the ferry leave?",
        "Which facts are known about the harbour of Norvik?",
        "The answer must be given within 14 days.",
        "На какой вопрос отвечает раздел о тарифах?",
        '{"ferry": {"name": "Aurora", "deck": {"cars": 8}}}',
        'f"{{{name}}}" and {{ user.name }} are code',
    ],
)
def test_words_of_its_own_are_none(text: str) -> None:
    assert not echo(text, PROMPTS, "The ferry leaves at noon.")


def test_bare_json_is_an_echo_unless_the_question_wants_json() -> None:
    answer = '```json\n{"question": "When does it leave?", "answer": "At noon."}\n```'
    assert echo(answer, PROMPTS, "", asked="When does the ferry leave?")
    assert not echo(answer, PROMPTS, "", asked="Give one question and its answer as JSON.")
    assert echo("#Rewritten Prompt#: {}", PROMPTS, "", asked="Write JSON."), "all other marks stay"


def test_what_the_document_says_is_no_echo() -> None:
    assert not echo("The given prompt is shown first.", PROMPTS, "On the screen the given prompt is shown first.")


@pytest.mark.parametrize(
    "text", ["12", "Yes.", "No.", "Нет", "B", "Anna Lind", "渡轮", "はい、港です", "It leaves at noon."]
)
def test_an_answer_of_one_word_says_something(text: str) -> None:
    assert says_something(text)


@pytest.mark.parametrize("text", ["", "...", "It is.", "и в на", "— это —", "das ist", "的。", "c'est", "です。"])
def test_punctuation_and_stop_words_say_nothing(text: str) -> None:
    assert not says_something(text)


@pytest.mark.parametrize(
    ("text", "count"), [("It leaves at 07:40.", 5), ("", 0), ("Кто дежурит?", 2), ("票价为12欧元", 4)]
)
def test_words_are_counted_in_every_script(text: str, count: int) -> None:
    assert words(text) == count


class NoModel:
    """The gates of these tests ask nobody."""

    async def ask(self, *_: object, **__: object) -> None:
        raise AssertionError("a text gate asked a model")


def checked(language: str, document: str, **row: str) -> str:
    """The reason for which the default text gates drop this row, or ""."""
    chunk = Chunk(id="c", document_id="d", document_name="a.txt", start=0, end=len(document), text=document)
    text_gates = {"stop_words": 1.0, "refusal": 1.0, "echo": 1.0, "length": 300.0, "question_length": 2.0}
    work = Work(
        task="grounded_qa",
        context=Context(id="x", chunks=(chunk,), language=language),
        options={},
        gates=text_gates | {"language": LANGUAGE_GATE, "numbers": 1.0, "standalone": 1.0},
        language=language,
        seed="0",
        model=NoModel(),  # type: ignore[arg-type]
        models={},
    )
    lineage = {"prompts": {"ask/grounded@1": load("ask/grounded@1").sha256}}
    found = asyncio.run(gates.check(work, Sample(kind="original", lineage=lineage, **row)))
    return getattr(found, "reason", "")


EN = "The ferry Aurora leaves Norvik at 07:40 every weekday."
RU = "Паром «Аврора» отходит из Норвика в 07:40 по будням."


@pytest.mark.parametrize(
    ("language", "document", "question", "answer", "reason"),
    [
        ("en", EN, "When does the ferry Aurora leave Norvik?", "It leaves Norvik at 07:40 on weekdays.", ""),
        ("ru", RU, "Когда паром «Аврора» отходит из Норвика?", "Он отходит в 07:40 по будням.", ""),
        ("en", EN, "When does it leave?", "Sorry, I cannot answer.", "refused"),
        ("ru", RU, "Когда отходит паром?", "Извините, я не могу ответить.", "refused"),
        ("en", EN, "#Rewritten Prompt#: When?", "It leaves at 07:40.", "copied_prompt"),
        ("ru", RU, "Когда отходит паром?", "The ferry leaves Norvik early in the morning.", "wrong_language"),
        ("en", EN, "Когда отходит утренний паром?", "It leaves at 07:40.", "wrong_language"),
        ("en", EN, "When does it leave?", "It is.", "says_nothing"),
        ("en", EN, "Why?", "It leaves Norvik at 07:40.", "question_too_short"),
        ("en", EN, "When does it leave?", "It leaves Norvik at 07:40. " * 80, "too_long"),
        ("en", EN, "When does it leave?", "It leaves Norvik at 08:40.", "unsupported_number"),
        ("en", EN, "When does it leave?", "According to the document, at 07:40.", "mentions_document"),
    ],
)
def test_a_row_is_dropped_for_what_is_wrong_with_it(
    language: str, document: str, question: str, answer: str, reason: str
) -> None:
    assert checked(language, document, question=question, answer=answer) == reason
