"""Secrets and personal data in planted texts: what is found, what is left alone, and what masking leaves."""

import random
import string

import pytest

from tests.select.texts import Writer
from workers.select import pii, secrets
from workers.select.screen import DETECTORS, Policies, mask, screen

ALNUM = string.ascii_letters + string.digits


def token(seed: int, length: int, letters: str = ALNUM) -> str:
    return "1" + "".join(random.Random(seed).choices(letters, k=length - 1))


PERSONAL = {
    "EMAIL": ["jane.doe@example.org", "ivan+news@mail.example.co.uk", "иван@почта.рф", "a_b-c@x1.io"],
    "PHONE": ["+47 22 33 44 55", "+7 (495) 123-45-67", "8 800 555-35-35", "8(912)345-67-89", "(212) 555-0147",
              "212-555-0147", "+442079460958", "+49 30 901820-15", "0171 1234567", "00 33 1 42 68 53 00"],
    "IBAN": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NO93 8601 1117 947",
             "FR14 2004 1010 0505 0001 3M02 606"],
    "CARD": ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"],
    "IP_ADDRESS": ["192.168.10.24", "8.8.4.4", "2001:db8:85a3::8a2e:370:7334"],
    "US_SSN": ["219-09-9999"],
}  # fmt: skip
CREDENTIALS = {
    "AWS_ACCESS_KEY": ["AKIA" + token(1, 16, string.ascii_uppercase + string.digits)],
    "GITHUB_TOKEN": ["ghp_" + token(2, 36), "github_pat_" + token(3, 60)],
    "GITLAB_TOKEN": ["glpat-" + token(4, 20)],
    "SLACK_TOKEN": ["xoxb-" + token(5, 40)],
    "SLACK_WEBHOOK": ["https://hooks.slack.com/services/T" + token(6, 8) + "/B" + token(7, 8) + "/" + token(8, 24)],
    "STRIPE_KEY": ["sk_live_" + token(9, 24)],
    "OPENAI_KEY": ["sk-" + token(10, 48), "sk-proj-" + token(11, 80), "sk-ant-api03-" + token(12, 80)],
    "GOOGLE_KEY": ["AIza" + token(13, 35)],
    "HUGGINGFACE_TOKEN": ["hf_" + token(14, 34)],
    "NPM_TOKEN": ["npm_" + token(15, 36)],
    "PYPI_TOKEN": ["pypi-" + token(16, 80)],
    "SENDGRID_KEY": ["SG." + token(17, 22) + "." + token(18, 43)],
    "TELEGRAM_TOKEN": ["123456789:AA" + token(19, 33)],
    "CORPUSMITH_KEY": ["csk_" + token(20, 43)],
    "JWT": ["eyJ" + token(21, 30) + ".eyJ" + token(22, 60) + "." + token(23, 43)],
    "PRIVATE_KEY": [
        f"-----BEGIN RSA PRIVATE KEY-----\n{token(24, 64)}\n{token(25, 64)}\n-----END RSA PRIVATE KEY-----"
    ],
}
BEHIND_A_WORD = {
    "password: Tr0ub4dor&3x": "Tr0ub4dor&3x",
    "DB_PASSWORD=k9#mQ2!vLp": "k9#mQ2!vLp",
    "the API key is 8f14e45fceea167a5a36dedd4bea2543": "8f14e45fceea167a5a36dedd4bea2543",
    "пароль: Зима2024!снег": "Зима2024!снег",
    "postgres://app:s3cr3tpw@db.example/main": "s3cr3tpw",
}
HARMLESS = [
    "The ferry leaves at 07:40 and again at 10:20:30 on 2024-11-05.",
    "In 1939-1945 the fleet lost 12 345 678 tonnes; 2,000,000 1 000 000 3.141592653.",
    "ISBN 978-3-16-148410-0, order 20241105-0001, section 12.4.1, version 2.13.0.",
    "Write to the harbour master @ Norvik, room 4-117, before 3 November.",
    "The password is required for access; choose a password: it must be long.",
    "A risk-assessment-of-the-whole-system-design and the package sk-learn-contrib-extra-modules.",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "The card number 1234 5678 9012 3456 is not a real one, nor is DE00370400440532013000.",
    "The basic secret of the trade is patience, and its key is understanding.",
]


@pytest.mark.parametrize(("type_", "text"), [(t, x) for t, texts in PERSONAL.items() for x in texts])
def test_personal_data_is_found_whole_in_a_sentence(type_: str, text: str) -> None:
    sentence = f"As agreed, {text}, and nothing else."
    assert [(found.type, sentence[found.start : found.end]) for found in pii.find(sentence)] == [(type_, text)]


@pytest.mark.parametrize(("type_", "text"), [(t, x) for t, texts in CREDENTIALS.items() for x in texts])
def test_a_credential_is_found_whole_in_a_sentence(type_: str, text: str) -> None:
    sentence = f"Use {text} for it."
    assert [(found.type, sentence[found.start : found.end]) for found in secrets.find(sentence)] == [(type_, text)]


@pytest.mark.parametrize(("sentence", "secret"), BEHIND_A_WORD.items())
def test_what_stands_behind_password_is_a_secret(sentence: str, secret: str) -> None:
    found = secrets.find(f"Then enter {sentence} and wait.")
    assert [f"Then enter {sentence} and wait."[one.start : one.end] for one in found] == [secret]


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_dates_versions_and_words_are_left_alone(text: str) -> None:
    assert pii.find(text) == []
    assert secrets.find(text) == []


def test_ordinary_rows_hold_nothing() -> None:
    writer = Writer(1)
    rows = [writer.row() for _ in range(2000)]
    assert [row for row in rows if pii.find(row) or secrets.find(row)] == []


@pytest.mark.parametrize("policy", ["redact", "drop"])
def test_masked_text_holds_placeholders_and_nothing_that_was_found(policy: str) -> None:
    everything = [x for texts in (PERSONAL | CREDENTIALS).values() for x in texts]
    text = " ; ".join(everything)
    masked, findings = screen(text, "answer", Policies(secret=policy, pii=policy))
    assert not [x for x in everything if x in masked]
    assert [masked[f.start : f.end] for f in findings] == [f"[{f.type}]" for f in findings]
    assert len(findings) == len(everything)
    assert mask(masked, Policies(secret=policy, pii=policy)) == masked, "masking twice changes nothing more"


def test_a_report_changes_nothing_and_says_where() -> None:
    text = "Mail jane@example.org."
    masked, findings = screen(text, "question", Policies(secret="drop", pii="report"))
    assert masked == text
    assert [(f.detector, f.type, f.field, text[f.start : f.end], f.action) for f in findings] == [
        ("pii", "EMAIL", "question", "jane@example.org", "report")
    ]


def test_offsets_of_a_report_fit_the_text_from_which_secrets_were_taken() -> None:
    text = f"Key {CREDENTIALS['GITHUB_TOKEN'][0]}, mail jane@example.org."
    masked, findings = screen(text, "answer", Policies(secret="redact", pii="report"))
    assert [masked[f.start : f.end] for f in findings] == ["[GITHUB_TOKEN]", "jane@example.org"]


def test_a_password_in_a_url_is_a_secret_and_not_a_mail_address() -> None:
    masked, findings = screen(
        "https://app:s3cr3tpw@db.example.org/x", "answer", Policies(secret="redact", pii="redact")
    )
    assert masked == "https://app:[URL_PASSWORD]@db.example.org/x"
    assert [f.detector for f in findings] == ["secret"]


def test_what_is_off_is_not_looked_for() -> None:
    assert screen("jane@example.org, password: Tr0ub4dor&3x", "a", Policies(secret="off", pii="off"))[1] == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("detector", DETECTORS)
def test_no_text_keeps_a_detector_busy_for_ever(detector: str) -> None:
    pieces = (
        "1 ",
        "a.",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN A ",
        "+1-",
        "A1 ",
        ":",
        "password ",
        "eyJ",
        "a@",
        "0.",
    )
    for piece in pieces:
        text = piece * (20_000 // len(piece))
        assert all(0 <= one.start < one.end <= len(text) + 20 for one in DETECTORS[detector](f"{text}@-----END"))
