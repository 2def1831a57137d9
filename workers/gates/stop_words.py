"""Does the answer say anything? Rule 3 of Evol-Instruct (arXiv 2304.12244): not only punctuation and stop words.

"Yes" and "No" are answers in every language, so they are no stop words here; a number is an answer too.
"""

import re

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work

# English, Russian, Ukrainian, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Swedish, Turkish.
_LISTED = """
a an the this that these those it its he she they we you i and or but so if then than as at by for from in into
of on onto to up with without is are was were be been being am do does did has have had will would can could
should might what which who whom when where why how such also very just well и в во на с со к ко о об от до из
за по у не а но или же ли бы что это этот эта эти тот та те как то он она оно они мы вы я его её их есть был
была было были быть для при над под вот й і з зі від про але або чи це цей ця ці що як він вона воно вони ми ви
є був була було der die das den dem des ein eine einen einem einer und oder aber wenn als auf aus bei für mit
nach von zu zum zur im ist sind war waren sein wird werden hat haben nicht es er sie wir ihr ich dass wie wer wo
auch nur le la les un une du de et ou mais si que qui quoi dont où à au aux en dans par pour sur avec sans ce
cette ces est sont était été être il elle ils elles nous vous je pas plus se son sa ses el los las unos unas y o
pero del al con sin por para fue era ser su sus lo como más muy ya gli uno ed ma di da per tra fra non che chi
cui dove è sono essere suo sua os um uma uns umas e mas dos na nos nas em com sem é são foi seu het een maar dat
zijn niet van voor met op aan te om ook w z ze od dla po za ale lub czy ten ta że jak jest są był była było być
się v ve s pro nebo že jsou byl byla být och på av för med till från är var att det ett som inte men eller bir
bu şu ile için mi ki çok ama veya так такой です ます
"""
_STOP_WORDS = frozenset(_LISTED.split())
_STOP_SIGNS = frozenset("的了在和也就都而及与或着这那のはがをにでともですまるだした이그저은는을를의에와과")
_WORD = re.compile(r"[^\W_]+")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    said = says_something(row.answer)
    return {"stop_words": (float(said), "the answer has a word of its own" if said else "only stop words")}


def says_something(text: str) -> bool:
    """Is there a word that is no stop word of the languages we know? Capitals are names; one alone is a grade."""
    words = _WORD.findall(text)
    if len(words) == 1 and len(words[0]) == 1 and words[0].isupper():
        return True
    return any(_says(word) for word in words)


def _says(word: str) -> bool:
    if len(word) > 1 and word.isupper():
        return True
    plain = word.lower()
    one_letter = len(word) == 1 and word.isascii() and word.isalpha()
    return plain not in _STOP_WORDS and plain not in _STOP_SIGNS and not one_letter
