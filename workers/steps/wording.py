"""The few words that rows need in their own language and that no model has to write."""

# ruff: noqa: E501

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """`question` opens a true-or-false row, `cloze` a gap; `unknown` is a refusal; `negation` tells one (a pattern)."""

    question: str
    true: str
    false: str
    cloze: str
    unknown: str
    negation: str


_PHRASES = {
    "en": Phrases(
        "True or false?", "True", "False", "Fill in the gap:", "I do not know that; I have no information about it.",
        r"\bnot\b|n['’]t\b|\bno\b|\bcannot\b|\bunknown\b|\bunable\b|\bwithout\b|\bneither\b",
    ),
    "ru": Phrases(
        "Верно или неверно?", "Верно", "Неверно", "Заполните пропуск:", "Я этого не знаю: у меня нет таких сведений.",
        r"\bне\b|\bнет\b|\bни\b|\bнеизвестн|\bотсутству",
    ),
    "de": Phrases(
        "Richtig oder falsch?", "Richtig", "Falsch", "Füllen Sie die Lücke:",
        "Das weiß ich nicht; dazu habe ich keine Angaben.", r"\bnicht\b|\bkein|\bunbekannt|\bweder\b",
    ),
    "fr": Phrases(
        "Vrai ou faux ?", "Vrai", "Faux", "Complétez :", "Je ne le sais pas ; je n'ai pas d'information à ce sujet.",
        r"\bpas\b|\baucun|\bne\b|\bn['’]|\binconnu",
    ),
    "es": Phrases(
        "¿Verdadero o falso?", "Verdadero", "Falso", "Complete el espacio:", "No lo sé; no tengo información sobre eso.",
        r"\bno\b|\bningun|\bningún|\bdesconoc|\bsin\b",
    ),
    "it": Phrases(
        "Vero o falso?", "Vero", "Falso", "Completa lo spazio:", "Non lo so; non ho informazioni al riguardo.",
        r"\bnon\b|\bnessun|\bsenza\b|\bsconosciut",
    ),
    "pt": Phrases(
        "Verdadeiro ou falso?", "Verdadeiro", "Falso", "Complete a lacuna:", "Não sei; não tenho informação sobre isso.",
        r"\bnão\b|\bnenhum|\bsem\b|\bdesconhec",
    ),
    "nl": Phrases(
        "Waar of niet waar?", "Waar", "Niet waar", "Vul in:", "Dat weet ik niet; daar heb ik geen informatie over.",
        r"\bniet\b|\bgeen\b|\bonbekend",
    ),
    "pl": Phrases(
        "Prawda czy fałsz?", "Prawda", "Fałsz", "Uzupełnij lukę:", "Nie wiem tego; nie mam na ten temat informacji.",
        r"\bnie\b|\bbrak|\bżadn|\bnieznan",
    ),
    "uk": Phrases(
        "Правда чи неправда?", "Правда", "Неправда", "Заповніть пропуск:", "Я цього не знаю: не маю таких відомостей.",
        r"\bне\b|\bнемає\b|\bнема\b|\bневідом|\bвідсутн",
    ),
    "cs": Phrases(
        "Pravda, nebo nepravda?", "Pravda", "Nepravda", "Doplňte mezeru:", "To nevím; nemám o tom žádné informace.",
        r"\bne|\bžádn",
    ),
    "sv": Phrases(
        "Sant eller falskt?", "Sant", "Falskt", "Fyll i luckan:", "Det vet jag inte; jag har ingen uppgift om det.",
        r"\binte\b|\bingen\b|\binga\b|\binget\b|\bsaknar\b|\bokän",
    ),
    "tr": Phrases(
        "Doğru mu, yanlış mı?", "Doğru", "Yanlış", "Boşluğu doldurun:", "Bunu bilmiyorum; bu konuda bilgim yok.",
        r"\byok|miyor|mıyor|\bdeğil|bilinm|bilmi",
    ),
    "ja": Phrases(
        "正しいですか、誤りですか。", "正しい", "誤り", "空欄を埋めてください:", "わかりません。それについての情報がありません。",
        "ません|ない|不明",
    ),
    "ko": Phrases(
        "참입니까, 거짓입니까?", "참", "거짓", "빈칸을 채우세요:", "모릅니다. 그에 관한 정보가 없습니다.", "없|모르|모릅|않",
    ),
    "zh": Phrases("判断对错:", "对", "错", "填空:", "我不知道,我没有这方面的信息。", "不|没|無|无|未"),
    "ar": Phrases(
        "صواب أم خطأ؟", "صواب", "خطأ", "املأ الفراغ:", "لا أعرف ذلك؛ ليست لدي معلومات عنه.", "لا|ليس|لم|غير",
    ),
    "hi": Phrases(
        "सही या गलत?", "सही", "गलत", "रिक्त स्थान भरें:", "मुझे यह नहीं पता; मेरे पास इसकी जानकारी नहीं है।", "नहीं|अज्ञात",
    ),
}  # fmt: skip


def phrases(language: str) -> Phrases:
    """Those of an ISO 639-1 code; English ones for a language that is not among them."""
    return _PHRASES.get(language, _PHRASES["en"])


def denies(language: str, text: str) -> bool:
    """Does the text deny anything? What cannot be told, because the language is not known here, counts as yes."""
    return language not in _PHRASES or re.search(_PHRASES[language].negation, text, re.I) is not None
