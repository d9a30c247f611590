"""What posts have around their words, and other texts have not: whom they name, where they link to."""

import re

_LINK = re.compile(r"(?:https?://|www\.)\S+")
_HANDLE = re.compile(r"(?<![\w@])@\w+:?")
_PASSED_ON = re.compile(r"^\s*RT\b")
_HASHTAG = re.compile(r"#(\w+)")
_INNER_CAPITAL = re.compile(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])")


def words_of(text: str) -> str:
    """Return a text without handles and links, and hashtags as the words they are made of."""
    bare = _PASSED_ON.sub("", _HANDLE.sub(" ", _LINK.sub(" ", text)))
    spelled = _HASHTAG.sub(lambda tag: _INNER_CAPITAL.sub(" ", tag[1]), bare)
    return re.sub(r"[ \t]+", " ", spelled).strip()
