"""Is a text plainly in a language? Small words that only this one has stand all through it.

A quick yes for good texts; where it is not plain, a detector has to look. Lists may share words: what two languages
have says little about either.
"""

from collections import Counter

RUN = 12  # words; so long a piece in another language is not overlooked
OF_ITS_OWN, OF_ITS_LIST = 2, 3  # at least so many words in each run that it alone has, and that it has
_LISTED = {
    "en": """the of and to that with for this from which are was were been have has had not would could should what when
        where how their there they them these those than then into about between each every only other such both before
        after during while because through must can any its it is by be at or an if you your who will does did more most
        some but he she his her we our on as in a do may than why whose within without until over under per""",
    "de": """der die das und ist nicht ein eine einen einem einer mit für auf den dem des zu von sich auch werden wird
        wurde wurden haben hat bei nach aus wie oder aber wenn kann muss müssen können über durch vor zum zur im am an
        es sie wir ihr ich was wer wo warum welche welcher welches als dass noch nur bis um sind war sein ihre seine""",
    "fr": """le la les des une est et dans pour avec sur pas qui que dont où au aux ce cette ces sont été être il elle
        ils elles nous vous je ne plus sans par chez leur leurs ses son sa très mais ou donc comme après avant entre
        quel quelle quels quelles quand comment pourquoi doit peut fait lors depuis jusqu""",
    "es": """el los las una unos del al y es con por para que se su sus lo como más muy pero sin sobre entre desde hasta
        cuando donde qué cuál cómo también este esta estos estas ese esa son está están fue ser han hay puede debe o
        según durante cada todo todos después antes ya""",
    "it": """il lo gli della dello delle degli dei nel nella nei nelle sul sulla dal dalla alla agli che è sono con per
        non più come anche essere stato questo questa questi queste quando dove perché chi cosa quale deve può viene
        ogni prima dopo suo sua loro ma ed tra fra un uno una""",
    "pt": """o os as uma uns do da dos das no na nos nas ao aos à às é são não com por para que em um mais como também
        pelo pela foi ser está estão quando onde qual quais seu sua seus suas este esta isso pode deve ou mas até entre
        desde depois antes cada todos já""",
    "nl": """de het een en van is niet met voor op aan te om ook zijn dat die wordt worden werd naar bij uit door maar
        als dan nog wel geen deze dit hun haar wij zij hoe waar wanneer welke wie wat kan moet kunnen moeten heeft
        hebben over tot""",
    "pl": """i w z na do nie się jest są to że od dla po przez jak ale czy który która które oraz ich jego jej być może
        tylko przed podczas gdy ten ta te tego tej co kto gdzie kiedy lub za przy musi był była było""",
    "cs": """a v s na do se je jsou že od pro po jak ale nebo který která které jejich jeho její být může pouze před
        během když ten ta to toho co kdo kde kdy za při musí byl byla bylo také není podle jako""",
    "sv": """och att det som är på för med av till från den ett en inte har var vid om eller men kan ska måste när hur
        vad vem vilken vilket vilka deras sin sitt sina efter före under mellan också blir blev hade de man""",
    "tr": """ve bir bu için ile olan olarak da de ne kadar nasıl hangi kim mi mu daha en çok ise gibi sonra önce veya
        ancak değil var yok her tüm şu o olduğu tarafından göre""",
    "ru": """и в не на что с по как для это из от за к но или он она они его её их был была было были быть при о до
        если только может должен когда где кто какой какие который которая которые также этот эта эти после перед чем
        чтобы во все уже есть под между через нужно можно""",
    "uk": """і в не на що з по як для це із від за до але або він вона вони його її їх був була було були бути при про
        якщо тільки може повинен коли де хто який які котрий також цей ця ці після перед ніж щоб у все вже є під між
        через потрібно можна та й""",
}
LISTS = {language: frozenset(words.split()) for language, words in _LISTED.items()}
_KNOWN_TO = Counter(word for words in LISTS.values() for word in words)
_OWN = {language: frozenset(word for word in words if _KNOWN_TO[word] == 1) for language, words in LISTS.items()}


def plainly_in(language: str, words: list[str]) -> bool:
    """Has every run of `RUN` words enough of the language's small words? False for a text of fewer than it takes."""
    low = [word.lower() for word in words]
    own, listed = (_runs(low, lists.get(language, frozenset())) for lists in (_OWN, LISTS))
    return min(own) >= OF_ITS_OWN and min(listed) >= OF_ITS_LIST


def _runs(words: list[str], known: frozenset[str]) -> list[int]:
    """How many words are known, of each run."""
    found = [word in known for word in words]
    return [sum(found[i : i + RUN]) for i in range(max(1, len(found) - RUN + 1))]
