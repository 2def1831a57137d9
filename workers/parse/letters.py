"""How likely a text is as writing of some language: what tells the right decoding of bytes from the wrong ones.

A rough model on purpose. The letters of each language by their rank, three grades of Chinese characters and of
Korean syllables, and what stands next to what. Wrong decodings miss by much more than the model does.
"""

import math
import unicodedata
from collections import Counter
from functools import cache

# The letters beyond ASCII of each language, the frequent ones first.
_LATIN = {
    "en": "éïèêçñöüáô",
    "fr": "éèàêçôîûùâœëïüæÿ",
    "de": "üäößé",
    "es": "óíáéñúü",
    "pt": "ãçáéíóêõúâôàü",
    "it": "èàùòìéî",
    "ca": "àóéèíçòúïü",
    "nl": "ëéïöüèê",
    "sv": "äåöéà",
    "da": "åøæéòôó",
    "is": "íðáéóþöúæý",
    "sq": "ëç",
    "pl": "łąężśóćńź",
    "cs": "íáěéřžšýčůúťóďň",
    "sk": "áíčéšžúýťľóôňäďĺŕ",
    "hu": "áéöőóíüúű",
    "hr": "čšžćđ",
    "ro": "ăîâşţșț",
    "tr": "ıüşçöğâîû",
    "et": "äõüöšž",
    "lv": "āēīšļņūžčķģ",
    "lt": "ėšųįžūčąę",
    "eo": "ŭĝĉŝĵĥ",
}
_OTHER = {
    "ru": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "uk": "оаинівтерсклудмпязьбгйчхцжїюшєщфґ",
    "be": "аіонеярстлкудмпвзьыгбчўцёхйжшюэф",
    "bg": "аиоетнрсвлкдпмзгъбуячцхжшщфйюь",
    "sr": "аоиеунрстјдквлмпзгбшчцжњћхђљф џ",
    "mk": "аоиетнрсвкдлпумјзгбшчцжќњфхѓѕљџ",
    "el": "αοιετσνηυρπκμλςωδγάίόέήύώχθφβξζψϊϋΐΰ",
    "he": "יוהלאמרתבשנעםדחקפגטסזכןצךףץ",
    "ar": "الينمتوربةعدسفهكقحجطصأشضخذزثىظغئءإآؤ",
    "fa": "اینردهموتبشسدکزلخفگقپعحچآجصژطضغئذظثء",
    "th": "านรกอเงมยลวดทสตะปบคหแจพชขใไโผซถฟศธภณฉญ่้ิีัืุู็์ำึๆฯ",
}
_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当"
    "没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物"
    "手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认"
    "条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则"
)
_TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多經麼去法學如都同現當"
    "沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物"
    "手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認"
    "條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則"
)
_JAPANESE = (
    "日一国人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土木聞食車何南万毎白"
    "天会同事自社発者地業方新場員立開手力問代明動京目通言理体田主題意不作用度強公持野以思家世多正安院心界教文元重近考画海売知道集別物使品計死特私始"
)
_KOREAN = (
    "이다는을의에가고하지한은로기를사어아대도자리나그스시인서라수일해있정부들과보장원전제여상게면주소구것조만위유동성으음안없었등적되관계무니까요습내때말"
    "모합오국중며신진경실세공화생비연문마우할된와거드러용려네간습였던더르트않방"
)
# Of one alphabet.
_ALIKE = {"bs": "hr", "sl": "hr", "nb": "da", "nn": "da", "fi": "sv", "la": "en"}
_LEAD = 6
# The most frequent characters, the encoding in which the frequent ones come first, and where they end there.
_IDEOGRAPHIC = {
    "zh": (frozenset(_SIMPLIFIED), "gb2312", 0xD8),
    "zh-tw": (frozenset(_TRADITIONAL), "big5", 0xC7),
    "ja": (frozenset(_JAPANESE), "euc_jp", 0xD0),
    "ko": (frozenset(_KOREAN), "euc_kr", 0xC9),
}
# What stands between letters, before them, and after them, and is no mistake.
_JOINS = frozenset("’‘·–—-ー・\xa0\u200c\u200d/")
_OPENS = _JOINS | frozenset("«»“”„‚‘¡¿№§•°©€£™『「（《〈【、。，：；！？…")
_CLOSES = _JOINS | frozenset("«»“”’…•·°©®™€£²³ªº』」）》〉】、。，．：；！？（「『《")
_PUNCTUATION = _OPENS | _CLOSES | frozenset("±×½¼¾（）\u3000")
_SPACE = frozenset("\t\n\r ")

_ASCII, _ASCII_SIGN, _TYPICAL, _FRAME, _SIGN, _FOREIGN, _IDEOGRAM, _NONSENSE = -3, -4, -4.5, -9, -8, -8, -12.5, -15
_STEEP, _STEEPER = 2.0, 3.5  # by so many powers of e the last letter is rarer: beyond ASCII, of a whole alphabet
_BEYOND_ASCII = math.log(0.06)  # the share of such letters in languages of Latin script
_CAPITAL, _CAPITAL_INSIDE, _SCRIPTS_MEET, _SIGN_INSIDE, _FRAME_GOES_ON = -1.0, -5, -5, -3, 8
_HIRAGANA, _KATAKANA, _FREQUENT, _GRADE_ONE, _GRADE_TWO = -3.6, -4.6, -5.2, -8, -11


def likelihood(text: str, expected: str | None = None, *, latin: bool = False) -> float:
    """The logarithm of how probable `text` is, in the language in which it is likeliest.

    The language `expected` has a lead; in a text that is `latin` by and large, other letters are no surer than accents.
    """
    counts = Counter(text)
    total = 0.0
    small: Counter[str] = Counter()  # letters without their case
    ideograms: Counter[str] = Counter()
    for character, times in counts.items():
        if _is_ideogram(character):
            ideograms[character] = times
        elif character > "\x7f" and character.isalpha():
            small[character if character == "İ" else character.lower()] += times
        else:
            total += times * _sign(character)
    total += sum(times * _beside(*pair) for pair, times in Counter(zip(" " + text, text, strict=False)).items())
    alphabetic = max(
        sum(times * known.get(letter, _FOREIGN) for letter, times in small.items())
        + (_BEYOND_ASCII * small.total() if latin and language in _OTHER else 0.0)
        + (_LEAD if language == _ALIKE.get(expected or "", expected) else 0.0)
        for language, known in _models().items()
    )
    if not ideograms:
        return total + alphabetic
    total += _BEYOND_ASCII * ideograms.total() if latin else 0.0
    written = [sum(times * _graded(kind, one) for one, times in ideograms.items()) for kind in _IDEOGRAPHIC]
    return total + max(alphabetic + _IDEOGRAM * ideograms.total(), max(written) + _FOREIGN * small.total())


@cache
def _models() -> dict[str, dict[str, float]]:
    """For each alphabetic language the logarithm of the probability of each letter beyond ASCII."""
    latin = {language: _ranked(letters, _BEYOND_ASCII, _STEEP) for language, letters in _LATIN.items()}
    return latin | {language: _ranked(letters, 0.0, _STEEPER) for language, letters in _OTHER.items()}


def _ranked(letters: str, share: float, steepness: float) -> dict[str, float]:
    weights = [math.exp(-steepness * rank / len(letters)) for rank in range(len(letters))]
    return {letter: share + math.log(weight / sum(weights)) for letter, weight in zip(letters, weights, strict=True)}


def _is_ideogram(character: str) -> bool:
    return "\u3041" <= character <= "\u30fa" or "\u3400" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3"


def _graded(kind: str, character: str) -> float:
    if character <= "\u30fa":
        if kind != "ja":
            return _GRADE_TWO
        return _HIRAGANA if character < "\u30a0" else _KATAKANA
    frequent, name, end = _IDEOGRAPHIC[kind]
    if character in frequent:
        return _FREQUENT
    try:
        code = character.encode(name)
    except UnicodeEncodeError:
        return _IDEOGRAM
    if kind == "ko" and character < "\uac00":
        return _GRADE_TWO
    return _GRADE_ONE if code[0] < end else _GRADE_TWO


@cache
def _sign(character: str) -> float:
    """What is no letter, or a letter of ASCII."""
    if " " <= character <= "~" or character in "\t\n\r":
        return _ASCII if character.isalnum() or character in _SPACE else _ASCII_SIGN
    if character in _PUNCTUATION:
        return _TYPICAL
    if "\u2500" <= character <= "\u259f":
        return _FRAME
    return _NONSENSE if unicodedata.category(character)[0] == "C" or character == "\ufffd" else _SIGN


def _beside(left: str, right: str) -> float:
    """What it takes off, or adds, that these two are neighbours."""
    if left < "\x80" and right < "\x80":
        return 0.0
    if left.isalpha() and right.isalpha():
        if _is_ideogram(left) or _is_ideogram(right):
            return 0.0 if _is_ideogram(left) and _is_ideogram(right) else _SCRIPTS_MEET / 2
        if right.isupper():
            return _CAPITAL_INSIDE if left.islower() else _CAPITAL / 5
        return 0.0 if _script(left) == _script(right) else _SCRIPTS_MEET
    if right.isalpha():
        return (_CAPITAL if right.isupper() else 0.0) + (0.0 if left < "\x80" or left in _OPENS else _SIGN_INSIDE)
    if left.isalpha():
        return 0.0 if right < "\x80" or right in _CLOSES else _SIGN_INSIDE
    return _FRAME_GOES_ON if left == right and "\u2500" <= left <= "\u259f" else 0.0


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split(" ")[0]
