"""Which characters the bytes of a page stand for.

Order: byte order mark, HTTP header, declaration in the first 1,024 bytes, UTF-8 if it is valid, the letters that
languages of Europe use, a detector, windows-1252. Labels mean what browsers take them for (WHATWG Encoding): "latin1"
is windows-1252, UTF-7 is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_DECLARATION = 1024  # where HTML lets a declaration stand
MAX_SAMPLE = 16 * 1024  # for the detector, whose time grows with it
FALLBACK = "windows-1252"

_LABELS = {  # Python's codec: the labels for it
    "utf_8": "utf-8 utf8 unicode-1-1-utf-8",
    "utf_16_le": "utf-16 utf-16le unicode ucs-2",
    "utf_16_be": "utf-16be",
    "cp1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 iso_8859-1 latin1 latin-1 l1 ascii us-ascii",
    "cp1250": "windows-1250 cp1250 x-cp1250",
    "cp1251": "windows-1251 cp1251 x-cp1251",
    "cp1253": "windows-1253 cp1253 x-cp1253",
    "cp1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 latin5",
    "cp1255": "windows-1255 cp1255 x-cp1255",
    "cp1256": "windows-1256 cp1256 x-cp1256",
    "cp1257": "windows-1257 cp1257 x-cp1257",
    "cp1258": "windows-1258 cp1258 x-cp1258",
    "cp866": "ibm866 cp866 866",
    "cp874": "windows-874 tis-620 iso-8859-11",
    "iso8859_2": "iso-8859-2 iso8859-2 iso_8859-2 latin2",
    "iso8859_3": "iso-8859-3",
    "iso8859_4": "iso-8859-4",
    "iso8859_5": "iso-8859-5 cyrillic",
    "iso8859_6": "iso-8859-6 arabic",
    "iso8859_7": "iso-8859-7 greek",
    "iso8859_8": "iso-8859-8 iso-8859-8-i hebrew",
    "iso8859_10": "iso-8859-10",
    "iso8859_13": "iso-8859-13",
    "iso8859_14": "iso-8859-14",
    "iso8859_15": "iso-8859-15 iso8859-15 latin-9",
    "iso8859_16": "iso-8859-16",
    "koi8_r": "koi8-r koi8 koi",
    "koi8_u": "koi8-u",
    "mac_roman": "macintosh mac x-mac-roman",
    "mac_cyrillic": "x-mac-cyrillic",
    "gb18030": "gb18030 gbk gb2312 x-gbk gb_2312-80 chinese",
    "big5hkscs": "big5 big5-hkscs x-x-big5",
    "cp932": "shift_jis shift-jis sjis x-sjis windows-31j ms_kanji",
    "euc_jp": "euc-jp x-euc-jp",
    "iso2022_jp": "iso-2022-jp",
    "cp949": "euc-kr ks_c_5601-1987 korean windows-949",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
_NAMES = {codec: labels.split()[0] for codec, labels in _LABELS.items()}
_MARKS = ((b"\xef\xbb\xbf", "utf_8"), (b"\xff\xfe", "utf_16_le"), (b"\xfe\xff", "utf_16_be"))
_GUESSED = [codec for codec in _LABELS if not codec.startswith("utf")]

# What each language writes beside a to z. Between charsets that give nothing but letters, a detector throws dice.
_LETTERS = {
    "fr": "àâæçéèêëîïôœùûüÿ", "de": "äöüß", "es": "áéíóúüñªº", "pt": "áâãàçéêíóôõúüªº", "it": "àèéìíîòóùú",
    "nl": "áéíóúèëïöüê", "sv": "åäöéüà", "fi": "äöåšž", "da": "æøåéö", "no": "æøåéòô", "is": "áðéíóúýþæö",
    "ca": "àçèéíïòóúü·", "en": "éèêëïöüçñàâôåäøœæ", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "hr": "čćđšž", "sl": "čšž", "ro": "ăâîşţ", "tr": "çğıöşüâîûi̇",
    "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "et": "äöõüšž",
}  # fmt: skip
_WESTERN = ("fr", "de", "es", "pt", "it", "nl", "sv", "fi", "da", "no", "is", "ca", "en")
_CENTRAL = ("pl", "cs", "sk", "hu", "hr", "sl", "ro")
_LATIN = {  # the most frequent first: where two fit alike, it counts
    "cp1252": _WESTERN, "cp1250": _CENTRAL, "iso8859_2": _CENTRAL, "cp1254": ("tr",), "cp1257": ("lt", "lv", "et"),
}  # fmt: skip
CLEARLY, ENOUGH = 0.1, 0.6  # better than windows-1252; of the letters, to be that language's
_BY_LANGUAGE = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk"), ("cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp866")),
    "el": ("cp1253", "iso8859_7"), "he": ("cp1255", "iso8859_8"), "ar": ("cp1256", "iso8859_6"), "fa": ("cp1256",),
    "vi": ("cp1258",), "th": ("cp874",), "ja": ("cp932", "euc_jp"), "zh": ("gb18030", "big5hkscs"), "ko": ("cp949",),
}  # fmt: skip

_LANGUAGE = re.compile(rb"<html\b[^>]{0,500}?\blang\s*=\s*[\"']?\s*([a-z]{2})\b", re.IGNORECASE)
_TAG = re.compile(rb"<[^>]{0,2000}>")
_RUNS = re.compile(rb"[\x80-\xff]+")
_SIGN_IN_WORD = re.compile(r"(?<=[^\W\d_])[¹²³¼½¾¥£¯¿¡¤¦§¨©¬±µ¶¸×÷°˛˘˙˝](?=[^\W\d_])")
_CAPITAL_IN_WORD = re.compile(r"(?<=[a-zß-ÿ])[À-ÞŸŒŠŽ](?=[a-z])")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/][^>]*?charset\s*=\s*[\"']?\s*([a-z0-9_.:-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([a-z0-9_.:-]{1,40})[\"']", re.IGNORECASE)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_HEADER = re.compile(r";\s*charset\s*=\s*[\"']?\s*([^\s\"';,]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text and the charset that it was read in, by its usual name; `told` says what told so."""

    text: str
    charset: str
    told: str


def decode(body: bytes, content_type: str = "") -> Decoded:
    """Return the text of `body`; whatever the bytes are, there is one. `content_type` is the HTTP header."""
    for mark, marked in _MARKS:
        if body.startswith(mark):
            return Decoded(body[len(mark) :].decode(marked, "replace"), _NAMES[marked], "byte order mark")
    for told, codec in (("header", _in_header(content_type)), ("declaration", _in_body(body))):
        if codec is None or (codec.startswith("utf_16") and b"\0" not in body[:MAX_DECLARATION]):
            continue  # markup is ASCII, whose every other byte is 0 in UTF-16
        text = body.decode(codec, "replace")
        if _is_believable(text):
            return Decoded(text, _NAMES[codec], told)
    try:
        return Decoded(body.decode("utf-8"), "utf-8", "valid UTF-8")
    except UnicodeDecodeError:
        pass
    guess = _guess(body)
    if guess is not None:
        text = body.decode(guess, "replace")
        if _is_believable(text):
            return Decoded(text, _NAMES[guess], "detector")
    return Decoded(body.decode("cp1252", "replace"), FALLBACK, "nothing")


def _in_header(content_type: str) -> str | None:
    found = _HEADER.search(content_type)
    return None if found is None else _CODECS.get(found[1].lower())


def _in_body(body: bytes) -> str | None:
    start = body[:MAX_DECLARATION]
    found = _XML.search(start) or _META.search(_COMMENT.sub(b"", start))
    codec = None if found is None else _CODECS.get(found[1].decode("ascii").lower())
    # Whoever could read the declaration byte by byte has no UTF-16 before him.
    return "utf_8" if codec in ("utf_16_le", "utf_16_be") else codec


def _is_believable(text: str) -> bool:
    """Say whether a declared charset fits: a few broken bytes do no harm, most of what is not ASCII must be read."""
    broken = text.count("\ufffd")
    if not broken:
        return True
    return len(text) - len(text.encode("ascii", "ignore")) >= 5 * broken


def _guess(body: bytes) -> str | None:
    first = _NOT_ASCII.search(body)
    if first is None:
        return None
    start = max(0, first.start() - 200)  # with the words around it
    sample = body[start : start + MAX_SAMPLE]
    if len(sample) == MAX_SAMPLE:  # not in the middle of a character
        sample = sample[: max((at for at in range(len(sample)) if sample[at] < 0x80), default=len(sample))]
    sample = _TAG.sub(b" ", sample)
    told = _LANGUAGE.search(body[:MAX_DECLARATION])
    language = told[1].decode("ascii").lower() if told is not None else ""
    return _by_letters(sample, language) or _by_detector(sample, _BY_LANGUAGE.get(language, _GUESSED))


def _by_letters(sample: bytes, language: str) -> str | None:
    """Return the charset of a text in Latin letters; None for others, whose letters beyond ASCII come in long runs."""
    runs = _RUNS.findall(sample)
    if language in _BY_LANGUAGE or not runs or sum(map(len, runs)) > 2 * len(runs):
        return None
    found = {codec: _covered(sample, codec, (language,)) for codec, of in _LATIN.items() if language in of}
    if max(found.values(), default=0.0) < ENOUGH:
        found = {codec: _covered(sample, codec, of) for codec, of in _LATIN.items()}
    best = max(found, key=lambda codec: found[codec] + (CLEARLY if codec == "cp1252" else 0.0))
    return best if found[best] >= ENOUGH else None


def _covered(sample: bytes, codec: str, languages: Sequence[str]) -> float:
    """Return how much of the letters beyond ASCII one language uses, 0 to 1; signs within words are no letters."""
    text = sample.decode(codec, "replace")
    letters = [char for char in text.lower() if not char.isascii() and char.isalpha()]
    odd = len(_SIGN_IN_WORD.findall(text)) + len(_CAPITAL_IN_WORD.findall(text)) + text.count("\ufffd")
    if not letters:
        return 0.0 if odd else 1.0
    most = max(sum(char in _LETTERS[language] for char in letters) for language in languages)
    return most / (len(letters) + odd)


def _by_detector(sample: bytes, codecs: Sequence[str]) -> str | None:
    from charset_normalizer import from_bytes  # here: few pages need it, and it takes memory

    best = from_bytes(sample, cp_isolation=list(codecs), enable_fallback=False).best()
    return best.encoding if best is not None and best.encoding in _LABELS else None
