"""What kinds of questions can be asked about a document, by whom, in which style, and how hard and how long."""

from typing import Annotated, Literal, get_args

from pydantic import Field

QuestionType = Literal["single_hop", "multi_hop", "unanswerable", "multiple_choice", "true_false", "cloze"]
Style = Literal["plain", "formal", "casual", "search_query", "misspelt"]
Length = Literal["short", "medium", "long"]
Difficulty = Literal["easy", "medium", "hard"]
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Persona = Annotated[str, Field(min_length=1, max_length=200)]
SeedQuestion = Annotated[str, Field(min_length=3, max_length=300)]

QUESTION_TYPES: tuple[QuestionType, ...] = get_args(QuestionType)
OPEN_TYPES = frozenset({"single_hop", "multi_hop"})  # their questions are evolved, the others' are not

# Words for the prompts. A persona that is none of these is told to the model as it stands.
PERSONAS = {
    "newcomer": "someone who is new to the subject and knows none of its terms",
    "customer": "a customer who wants to get something done",
    "expert": "an expert who works with this every day",
    "auditor": "an auditor who checks rules, numbers and exceptions",
}
STYLES: dict[Style, str] = {
    "plain": "in plain words",
    "formal": "in formal, complete language",
    "casual": "in casual everyday language, as in a chat",
    "search_query": "as a search query: a few keywords, no sentence",
    "misspelt": "typed in a hurry, with two or three spelling mistakes (none in names and numbers)",
}
LENGTHS: dict[Length, str] = {
    "short": "a few words, no full sentence",
    "medium": "one or two full sentences",
    "long": "three to six full sentences",
}
DIFFICULTIES: dict[Difficulty, str] = {
    "easy": "easy: the answer is one fact that is stated in so many words",
    "medium": "of medium difficulty: worded differently from the text, so that one must understand it",
    "hard": "hard: the answer takes a conclusion, a comparison, a condition or an exception that is stated above",
}
