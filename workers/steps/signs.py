"""What refusals, copied prompts and empty answers look like, language by language."""

import re

# Of someone who declines, in the first person. A model refuses in English whatever it was asked in: all are tried.
_REFUSALS = (
    # English
    r"\b(?:i'?m|i am|we are|we're) (?:\w+ )?sorry\b",
    r"^\W*(?:sorry|apologies)\b",
    r"\bi apologi[sz]e\b",
    r"\bi(?:'m| am)? (?:can'?t|cannot|can not|won'?t|will not|unable to|not able to)"
    r" (?:help|assist|answer|provide|comply|fulfil+|do|create|write|generate|give|carry|complete|discuss)\b",
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b",
    r"\bunfortunately,? i\b",
    # Russian, Ukrainian
    r"\b(?:извините|извиняюсь|прошу прощения|вибачте|перепрошую)\b",
    r"\bпростите, (?:но )?я\b",
    r"\bк сожалению, я\b",
    r"\bна жаль, я\b",
    r"\bя не (?:могу|смогу|в состоянии|вправе)"
    r" (?:ответить|отвечать|помочь|выполнить|предоставить|создать|написать|дать|обсуждать)\b",
    r"\bя не (?:можу|зможу) (?:відповісти|допомогти|виконати)\b",
    r"\b(?:как|я) (?:языковая модель|искусственный интеллект|ии)\b",
    # German, Dutch
    r"\b(?:es )?tut mir (?:\w+ )?leid\b",
    r"\bleider kann ich\b",
    r"\bich kann (?:\w+ ){0,3}nicht (?:helfen|beantworten|beantwortet|erfüllen|bereitstellen)\b",
    r"\bals (?:ki|künstliche intelligenz|sprachmodell)\b",
    r"\bhet spijt (?:me|mij)\b",
    r"\bik kan (?:\w+ ){0,3}(?:niet|geen) (?:helpen|beantwoorden|geven)\b",
    # French, Spanish, Italian, Portuguese
    r"\b(?:je suis|nous sommes) (?:\w+ )?désolée?s?\b",
    r"^\W*désolée?\b",
    r"\bje ne (?:peux|puis) pas (?:\w+ )?(?:répondre|aider|fournir|faire|accéder|créer|écrire)\b",
    r"\ben tant qu(?:e modèle|'ia|'intelligence)",
    r"\blo siento\b",
    r"\bno puedo (?:ayudar|responder|proporcionar|cumplir|crear|escribir)",
    r"\bcomo (?:un )?(?:modelo de lenguaje|modelo de linguagem|ia|inteligencia artificial|inteligência artificial)\b",
    r"\bmi dispiace\b",
    r"\bnon posso (?:aiutar|rispondere|fornire|creare|scrivere)",
    r"\bsinto muito\b|^\W*desculpe\b",
    r"\bnão posso (?:ajudar|responder|fornecer|criar|escrever)",
    # Polish, Turkish
    r"^\W*(?:przykro mi|przepraszam)\b",
    r"\bnie mogę (?:\w+ )?(?:pomóc|odpowiedzieć|spełnić)",
    r"\büzgünüm\b",
    # Chinese, Japanese, Korean
    r"^\W*(?:很|非常)?(?:抱歉|对不起|對不起)",
    r"我(?:无法|無法|不能)(?:回答|提供|帮助|幫助|协助|完成|满足)",
    r"作为(?:一个|一名)?(?:ai|人工智能|语言模型)",
    r"申し訳(?:ありません|ございません)|お答えできません|お手伝いできません",
    r"죄송(?:합니다|하지만)|(?:도와드릴|답변드릴|답변할) 수 없",
)
REFUSAL = re.compile("|".join(_REFUSALS), re.I)

# Names that prompts and papers give to what is evolved, and pointers to a place the reader does not see.
_PROMPT_WORDS = (
    r"#+ ?(?:the )?(?:given|rewritten|new|created|evolved)\b",
    r"</?(?:instruction|document|evolved|answer)>",
    r"\b(?:given|rewritten|evolved|original) (?:prompt|question|instruction)\b",
    r"\b(?:new|old|evolved) (?:prompt|question|instruction)\s*:",
    r"\b(?:stands?|stated|given|mentioned|described) above\b",
    r"\b(?:данн|исходн|переписанн|изначальн|усложн[её]нн)\w+ (?:вопрос|запрос|промпт|инструкци|задани)\w*",
    r"\b(?:нов|стар)\w+ (?:вопрос|запрос|промпт|инструкци|задани)\w*\s*:",
    r"\b(?:сказан|указан|изложен|привед[её]н|описан|упомянут)\w* выше\b",
    r"\bвыше(?:указанн|изложенн|приведенн|описанн)\w+",
    r"\b(?:gegebene|ursprüngliche|umgeschriebene|umformulierte)[nrs]? (?:frage|anweisung|aufgabe|prompt)\b",
    r"\b(?:oben (?:steht|stehend|genannt|beschrieben)\w*|wie oben)\b",
    r"\b(?:question|instruction|consigne) (?:donnée|réécrite|d'origine|initiale)\b|\bci-dessus\b",
    r"\b(?:pregunta|instrucción) (?:dada|reescrita|original)\b",
    r"\b(?:mencionad|indicad|descrit)\w+ (?:arriba|anteriormente)\b",
    r"(?:给定|改写后|重写后|原始|上述)的?(?:问题|提示|指令)",
)
PROMPT_WORDS = re.compile("|".join(_PROMPT_WORDS), re.I)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that say nothing alone. Words that can be an answer (yes, both, after, one, May) are not among them.
STOP_WORDS: dict[str, frozenset[str]] = {
    "en": _words(
        "a an the and or but if so as at by for from in into of onto to with about than then there here this that "
        "these those it its is are was were be been being am do does did has have had he she they we you i me him "
        "her them us my your his our their whom which what would shall should could might must just also very too"
    ),
    "ru": _words(
        "и а но или же бы ли в во на с со у о об от из к ко за для по при про через что чтобы как так то это этот "
        "эта эти тот та те его её ее их он она оно они мы вы я ты мне меня тебя вам нам нас вас им ей который "
        "которая которое которые был была было были будет если где там тут ещё еще лишь очень сам сама само свой "
        "своя свои"
    ),
    "uk": _words(
        "і й та а але або ж би чи в у на про від із з за для по при щоб як так це той він вона воно вони ми ви я ти"
    ),
    "de": _words(
        "der die das den dem des und oder aber wenn als am auf bei bis durch für im in mit ob über von vor zu zum "
        "zur ist sind war waren sein bin hat haben hatte wird werden es er sie wir ihr ich mich ihn ihm uns euch "
        "unser dieser diese dieses jener was wer wie so auch"
    ),
    "fr": _words(
        "le la les l des du de d et ou mais si que qui quoi dont à au aux en dans par pour sur avec est sont était "
        "être a ont avait il elle ils elles on nous vous je tu me te se ce cet cette ces son sa ses leur leurs mon "
        "ma mes y ne aussi comme c s n j qu"
    ),
    "es": _words(
        "el la los las lo de del y o pero si que quien en a al con por para es son era eran ser está están ha han "
        "había él ella ellos ellas nosotros yo tú me te se su sus mi mis este esta estos estas eso también como"
    ),
    "it": _words(
        "il lo la i gli le di del della dei e o ma se che chi in al alla con per da su è sono era essere ha hanno "
        "io tu lui lei noi voi loro mi ti ci vi questo questa questi queste anche come"
    ),
    "pt": _words(
        "o a os as de do da das e ou mas se que quem em no na ao à com por para é são era ser está há eu tu ele "
        "ela eles nós me te seu sua este esta isso também como"
    ),
    "pl": _words("i a ale lub albo że w we na o od z ze za dla po przy jak tak to ten ta te jest są był on ona ono"),
    "nl": _words("de het en of maar als in aan bij van voor met naar om te is zijn was er dat die dit deze ook"),
    "zh": _words("的 了 和 与 及 而 就 也 着 或 这 那 之 其 吗 呢 吧 啊"),
}
