"""Texts as people wrote them before Unicode are read as they were meant."""

import pytest

from workers.parse import encoding
from workers.parse.failure import ParseFailed

RUSSIAN = """Памятка пассажиру. Паром отходит от причала ровно в семь утра, посадка заканчивается за десять минут.
Выходить на автомобильную палубу во время рейса запрещено. В тумане судно подаёт один длинный гудок каждые две минуты.
— А если я опоздаю? — спросил мальчик. — Тогда, — ответил кассир, — поедешь вечерним: билет действует весь день.
"""
UKRAINIAN = """Пам'ятка пасажирові. Пором відходить від причалу о сьомій ранку, а посадка закінчується за десять хвилин.
Їжа та напої є в кают-компанії; її відчинено щодня. Якщо ви запізнилися, квиток дійсний і на вечірній рейс.
"""
CROATIAN = """Trajekt polazi s pristaništa točno u sedam sati ujutro, a ukrcaj završava deset minuta ranije.
Tijekom vožnje zabranjeno je boravljenje na garaži. Putnici koji žele noćiti na otoku trebaju kupiti povratnu kartu.
Što ako zakasnim? Karta vrijedi cijeli dan, pa možete čekati sljedeći brod. Djeca do šest godina ne plaćaju prijevoz.
"""
CZECH = """Přívoz odplouvá od přístaviště přesně v sedm hodin ráno, nástup končí o deset minut dříve.
Během plavby je zakázáno zdržovat se na palubě pro vozidla. Žádáme cestující, aby střežili svá zavazadla a děti.
"""
HUNGARIAN = """A komp reggel hét órakor indul a kikötőből, a beszállás tíz perccel előbb véget ér.
Menet közben tilos a járműfedélzeten tartózkodni. Sűrű ködben a hajó kétpercenként egy hosszú kürtjelet ad. Őrizze meg!
"""
POLISH = """Prom odpływa z przystani punktualnie o siódmej rano, a wejście na pokład kończy się kwadrans wcześniej.
Podczas rejsu nie wolno przebywać na pokładzie samochodowym. Dzieci do lat sześciu podróżują bezpłatnie, źrebięta.
"""
FRENCH = """Le bac quitte l'embarcadère à sept heures précises ; l'embarquement s'achève dix minutes plus tôt.
Pendant la traversée, il est interdit de rester près des véhicules. Où dîner ? À bord, bien sûr : la cuisine est très
réputée, même chez les naïfs. Le billet aller-retour coûte vingt francs, gratuit pour les élèves de moins de six ans.
"""
ITALIAN = """Il traghetto parte dal molo alle sette in punto; l'imbarco termina dieci minuti prima. Perché? Così è più
sicuro. Durante la traversata è vietato restare vicino ai veicoli. La città è lontana, però il viaggio sarà bello.
"""
GREEK = "Το πλοίο αναχωρεί από το λιμάνι στις επτά το πρωί και η επιβίβαση τελειώνει δέκα λεπτά νωρίτερα. " * 2
TURKISH = "Feribot sabah yedide iskeleden ayrılır; biniş on dakika önce biter. Güvertede sigara içmek yasaktır. "
SIMPLIFIED = "渡轮早上七点离开码头，登船在开船前结束。航行期间，旅客不得留在汽车甲板上。如果来晚了，这张票当天都有效。"
TRADITIONAL = "渡輪早上七點離開碼頭，登船在開船前結束。航行期間，旅客不得留在汽車甲板上。如果來晚了，這張票當天都有效。"
JAPANESE = "フェリーは朝七時ちょうどに桟橋を出発します。乗船は先に終わります。航行中は車両甲板に残らないでください。"
KOREAN = "여객선은 아침 일곱 시에 부두를 떠나며 승선은 출발 십 분 전에 끝납니다. 운항 중에는 갑판에 있을 수 없습니다."


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (RUSSIAN, "utf-8 utf-16-le utf-16-be utf-32-le cp1251"),
        (RUSSIAN.replace("—", "-"), "koi8-r cp866 iso8859-5"),
        (RUSSIAN.upper(), "cp1251"),
        (UKRAINIAN, "cp1251 koi8-u"),
        (CROATIAN, "cp1250 iso8859-2 utf-8"),
        (CZECH, "cp1250 iso8859-2"),
        (HUNGARIAN, "cp1250 iso8859-2"),
        (POLISH, "cp1250 iso8859-2"),
        (FRENCH, "cp1252 latin-1 utf-16-le"),
        (ITALIAN, "cp1252 latin-1"),
        (GREEK, "cp1253 iso8859-7"),
        (TURKISH, "cp1254"),
        (SIMPLIFIED, "gb18030 gb2312 utf-16-le"),
        (TRADITIONAL, "big5"),
        (JAPANESE, "shift_jis euc-jp utf-16-be"),
        (KOREAN, "euc-kr"),
    ],
)
def test_a_text_is_read_in_the_encodings_of_its_language(text: str, encodings: str) -> None:
    for name in encodings.split():
        assert encoding.decode(text.encode(name))[0] == text, name


@pytest.mark.parametrize("rule", ["=" * 78, "─" * 78, "*  *  *"])
def test_rules_and_frames_do_not_hide_what_a_text_is_written_in(rule: str) -> None:
    framed = f"{rule}\n\n" + f"\n\n{rule}\n\n".join(RUSSIAN.replace("—", "-").splitlines()) + f"\n{rule}\n"
    name = "cp866" if "─" in rule else "cp1251"
    assert encoding.decode(framed.encode(name))[0] == framed


def test_a_few_words_among_much_code_decide() -> None:
    code = "for (int at = 0; at < size; ++at) { total += prices[at]; }\n" * 40
    text = f"{code}// Считаем сумму всех билетов, кроме детских\n{code}// и печатаем её на экране кассира\n{code}"
    for name in ("cp1251", "koi8-r", "cp866"):
        assert encoding.decode(text.encode(name))[0] == text


@pytest.mark.parametrize(("text", "name"), [(RUSSIAN, "utf-8"), (TRADITIONAL * 5, "big5"), (JAPANESE * 5, "euc-jp")])
def test_one_damaged_byte_does_not_spoil_the_rest(text: str, name: str) -> None:
    data = bytearray(text.encode(name))
    data[len(data) // 2] = 0xFF
    read, _ = encoding.decode(bytes(data))
    assert "\ufffd" in read
    assert read[:100] == text[:100]
    assert read[-50:] == text[-50:]


def test_a_declaration_decides_between_likely_readings_and_not_against_all_likelihood() -> None:
    assert encoding.decode(b"caf\xe9", "cp1250")[1] == "cp1250"
    assert encoding.decode(RUSSIAN.encode("cp1251"), "cp1252") == (RUSSIAN, "cp1251")
    assert encoding.decode(FRENCH.encode("cp1252"), "no-such-thing") == (FRENCH, "cp1252")


def test_bytes_that_are_no_writing_are_corrupt() -> None:
    scrambled = bytes((number * number * 197 + number * 31) % 251 for number in range(5_000))
    with pytest.raises(ParseFailed, match="corrupt"):
        encoding.decode(scrambled)


def test_a_long_line_without_a_blank_is_no_burden() -> None:
    assert encoding.decode(b"A" * 200_000 + "é".encode("cp1252"))[0].endswith("é")
