"""Does the answer refuse, or say that it does not know? Rule 2 of Evol-Instruct (arXiv 2304.12244), in many languages.

The paper drops answers of under 80 words with the word "sorry". Here an answer must begin with an apology, refuse in
the first person, or speak of missing information; and not in words of the context: a document may say "no, sorry".
"""

import re
from itertools import chain

from app.domain import Sample
from workers.gates import Measured
from workers.gates.length import words
from workers.gates.phrases import Phrases
from workers.recipes.work import Work

SHORT = 80  # words


def _lines(text: str, **named: str) -> list[str]:
    """One alternative a line, in lower case; `named` parts are put in place of their names."""
    for name, part in named.items():
        text = text.replace(name, part)
    return [line.strip() for line in text.strip().splitlines()]


_APOLOGY = _lines(r"""
    (?:i['’]?m|i am|we['’]?re|we are) (?:very |so |really )?sorry\b
    sorry\b|my apologies|i apologi[sz]e|unfortunately, i\b
    извините|простите|прошу прощения|сожалею|к сожалению, я\b
    вибачте|пробачте|на жаль, я\b
    (?:es )?tut mir leid|entschuldigung|leider kann ich
    (?:je suis )?désolée?\b|je m['’]excuse
    lo siento|perdón\b|lamento|mi dispiace|spiacente|desculpe|sinto muito
    przepraszam|przykro mi|niestety nie mogę|omlouvám se|je mi líto
    het spijt me|helaas kan ik|jag är ledsen|tyvärr kan jag|üzgünüm|özür dilerim
    抱歉|对不起|對不起|很遗憾|申し訳|すみません|ごめんなさい|죄송|미안|عذر|क्षमा करें
    """)
_FIRST_PERSON = _lines(r"""
    \b(?:as|i am|i['’]m) an ai\b
    \bas a (?:large )?language model\b
    \bi (?:cannot|can['’]?t|can not|could not|couldn['’]t|won['’]?t|am not able to|am unable to) (?:\w+ly )?_VERB_\b
    \bi['’]m (?:unable|not able) to\b
    \bi (?:do not|don['’]t) know\b
    \bi (?:do not|don['’]t) have (?:\w+ )?(?:information|access|data)
    \bкак (?:языковая модель|ии|искусственный интеллект)\b
    \bу меня нет (?:информации|данных|доступа)
    \bя (?:не могу|не смогу|не в состоянии|не способ\w+|не знаю)\b
    \bне могу (?:ответить|помочь|предоставить|дать|сказать|определить|выполнить)\b
    \bяк мовна модель\b
    \bя не (?:можу|знаю|маю (?:інформації|доступу))\b
    \bне можу (?:відповісти|допомогти|надати)\b
    \bals (?:ki|sprachmodell)\b
    \bich kann (?:\w+ ){0,5}nicht\b
    \bich weiß (?:es )?nicht\b
    \ben tant qu['’]ia\b
    \ben tant que modèle de langage\b
    \bje ne (?:peux|sais|puis) pas\b
    \bje ne suis pas en mesure\b
    \bcomo modelo de (?:lenguaje|linguagem)\b
    \bno puedo (?:ayud|respond|proporcion|cumpl)\w*
    \bno tengo información\b
    \bcome modello linguistico\b
    \bnon posso (?:aiut|rispond|fornir|soddisf)\w*
    \bnon lo so\b
    \bnão (?:posso|consigo) (?:ajud|respond|fornec|cumpr)\w*
    \bnão sei\b
    \bnão tenho (?:acesso|informaç)\w*
    \bjako model językowy\b
    \bnie (?:mogę|jestem w stanie|wiem)\b
    \b(?:nemohu|nemůžu|nevím)\b
    \bik kan (?:\w+ ){0,4}niet\b
    \bik weet (?:het )?niet\b
    \bjag kan (?:\w+ ){0,4}inte\b
    \bjag vet inte\b
    \byardımcı olamam\b
    \bcevap veremem\b
    \bbilmiyorum\b
    我无法
    我不能
    我不知道
    作为(?:一个)?(?:ai|人工智能|语言模型)
    無法回答
    无法回答
    无法提供
    お答えできません
    回答できません
    提供できません
    お手伝いできません
    わかりません
    aiとして
    답변할 수 없
    도와드릴 수 없
    제공할 수 없
    모르겠습니다
    لا أستطيع
    لا يمكنني
    لا أعرف
    मुझे नहीं पता
    """, _VERB_="(?:help|assist|answer|provide|fulfil|fulfill|comply|respond|determine|find|give|share|say"
                 "|comment|generate|create|write|tell|confirm|discuss)")  # fmt: skip
_MISSING = _lines(r"""
    \bcannot be (?:answered|determined) (?:from|based|with)\b
    \b(?:not enough|insufficient|no) information (?:is |was )?(?:given|provided|available|to answer)\b
    \b(?:text|document|context|passage)s? (?:does not|doesn['’]t|do not|don['’]t) (?:\w+ly )?_SAY_\b
    \b(?:provided|given) (?:\w+ )?(?:does not|doesn['’]t) _SAY_\b
    \bnot (?:mentioned|stated|specified|provided|given) in the (?:text|document|context|passage|provided)\b
    \b(?:недостаточно|нет) (?:информации|данных)\b
    \bневозможно (?:ответить|определить)\b
    \b(?:тексте?|документе?|контексте?|отрывке?) [^.!?]{0,20}не (?:указан|сказан|упомина|упомянут|содерж|говорит)\w*
    \bне (?:указан|сказан|упомина|упомянут)\w* [^.!?]{0,20}в (?:тексте|документе|контексте|отрывке)\b
    \b(?:немає|недостатньо) (?:інформації|даних)\b
    \bkann nicht beantwortet werden\b
    \b(?:keine|nicht genug|nicht genügend) informationen\b
    \b(?:aucune|pas (?:assez )?d['’]) ?informations?\b
    \bno hay (?:suficiente )?información\b
    \bnon ci sono informazioni\b
    \bnão há informaç\w*
    \bbrak informacji\b
    \bnedostatek informací\b
    没有(?:提供|提到|足够的)信息
    情報[がは]ありません
    정보가 없
    """, _SAY_="(?:mention|say|state|specify|provide|contain|include|answer)")  # fmt: skip
_UNKNOWN = re.compile(r"\W*(?:unknown|n/?a|none|неизвестно|невідомо|unbekannt|inconnu|desconocido|不明|未知)\W*")
_APOLOGISES = re.compile(rf"\W*(?:{'|'.join(_APOLOGY)})")
_REFUSES = Phrases(_FIRST_PERSON + _MISSING)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    found = refusal(row.answer, work.context.text) or refusal_to_ask(row.question, work.context.text)
    return {"refusal": (0.0 if found else 1.0, found or "no refusal")}


def refusal(answer: str, context: str) -> str:
    """The words by which a short answer refuses or gives up, or ""."""
    if words(answer) >= SHORT:
        return ""
    low = answer.lower()
    at_once = (found[0] for found in (_APOLOGISES.match(low), _UNKNOWN.fullmatch(low)) if found)
    known = context.lower()
    found = (phrase.strip() for phrase in chain(at_once, _REFUSES.find(answer)))
    return next((phrase for phrase in found if phrase.lower() not in known), "")


def refusal_to_ask(question: str, context: str) -> str:
    """A refusal in place of a question, or "". People do ask "I cannot log in, what now?": that is none."""
    if any(mark in question for mark in "?？؟") and not _APOLOGISES.match(question.lower()):
        return ""
    return refusal(question, context)
