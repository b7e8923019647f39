from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.packages.digest import directives
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.digest
NAMES = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz-*"), min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)


def read(text):
    return directives.read(text, "It")


def invalid(function, *arguments):
    with pytest.raises(SspiError) as caught:
        function(*arguments)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
    return caught.value.message


@given(st.dictionaries(NAMES, VALUES, max_size=20))
def test_what_is_written_is_read(values):
    parts = [f"{name}={directives.quoted(value)}" for name, value in values.items()]
    for separator in (", ", ",", " ,\t, "):
        assert read(directives.write(parts, separator).decode("latin-1")) == values


@given(VALUES)
def test_quoted_never_ends_early(value):
    written = directives.quoted(value)
    assert read(f"a={written},b=c") == {"a": value, "b": "c"}


@given(st.text(st.characters(max_codepoint=0xFF), max_size=200))
def test_any_text_is_read_or_refused(text):
    """Whatever is read is unambiguous: written in the one plain form it is read as the same again."""
    try:
        found = read(text)
    except SspiError:
        assert invalid(read, text).isprintable()
        return
    assert all(name == name.lower() for name in found)
    plain = {name: value for name, value in found.items() if "\t" not in value}
    assert read(", ".join(f"{name}={directives.quoted(value)}" for name, value in plain.items())) == plain


PIECES = ["a", "B", "=", "x=1", 'y="2"', ",", ", ", " ", '"', "\\", '\\"', "\t", "\n", "\x00", "ä", "x=", "=="]
PUT_TOGETHER = st.lists(st.sampled_from(PIECES)).map("".join)


@given(PUT_TOGETHER | st.text(st.characters(max_codepoint=0xFF), max_size=60))
def test_the_usual_form_is_read_as_any_other(text):
    """White space at the beginning changes nothing but the way in which a list is read."""

    def outcome(text):
        try:
            return read(text)
        except SspiError as failure:
            return failure.message.partition(" at ")[0]

    assert outcome(text) == outcome(" \t" + text)


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=5), min_size=1, max_size=4))
def test_challenges_are_told_apart(lists):
    texts = [", ".join(f"{name}={directives.quoted(value)}" for name, value in one.items()) for one in lists]
    value = "Negotiate, " + ", ".join(f"Digest {text}, Basic realm=x" for text in texts) + ", NTLM abc=="
    assert directives.challenges(value, "It") == lists


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        (" , ,", {}),
        ("a=b", {"a": "b"}),
        ('A = b ,\tC="d e"', {"a": "b", "c": "d e"}),
        (r'a="\"\\\x"', {"a": '"\\x'}),
        ('a=""', {"a": ""}),
        ("a==", {"a": "="}),
        ("uri=/a?b=c&d=e;f", {"uri": "/a?b=c&d=e;f"}),
    ],
)
def test_forms(text, values):
    assert read(text) == values


@pytest.mark.parametrize("text", ["a", "a=", "a=b c", 'a="b', 'a="b"c', 'a="b\\', "=b", "(=b", 'a"=b', "a=b;\x01", "a=\x00"])
def test_malformed(text):
    assert "malformed" in invalid(read, text)


@pytest.mark.parametrize("value", ["\n", "\x7f", "\\\n", "\0", "\x1f"])
def test_control_characters_are_malformed(value):
    assert "malformed" in invalid(read, f'a="{value}"')


def test_twice():
    assert "twice" in invalid(read, "a=1,A=2")
    assert directives.read("a=1,a=2,a=3", "It", several="a") == {"a": "1"}


def test_too_many():
    assert "more than 64" in invalid(read, ",".join(f"a{number}=1" for number in range(65)))
    assert "more than 64" in invalid(directives.challenges, "a=1," + "Digest a=1," * 65, "It")


def test_too_long():
    assert directives.text_of(b"x" * directives.LONGEST, "It")
    assert "16385 bytes" in invalid(directives.text_of, b"x" * (directives.LONGEST + 1), "It")


@pytest.mark.parametrize("value", ["\r", "\n", "\0", "\x1f", "\x7f"])
def test_control_characters_are_never_written(value):
    invalid(directives.quoted, f"a{value}b")


def test_escapes_are_kept_beside_the_value():
    found = read(r'a="DOM\user", b="plain"')
    assert (found["a"], found.escaped) == ("DOMuser", {"a": r"DOM\user"})


@pytest.mark.parametrize("text", ["Digest", "Basic realm=x", "Negotiate abc==", "NTLM", "Basic realm=x, Negotiate"])
def test_no_challenge_of_ours(text):
    assert directives.challenges(text, "It") == []


def test_huge_input_is_read_in_one_pass():
    """Possessive matching: neither unclosed quotes nor rows of escapes make the reader go back."""
    for text in ('a="' + "\\a" * 8000, 'a="' + "x" * 16000, "a" * 16000, ", " * 8000, 'a="' * 5000):
        invalid(read, text)
