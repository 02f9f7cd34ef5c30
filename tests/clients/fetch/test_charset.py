"""What is told of a charset, and what to believe of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.fetch.charset import decode

GERMAN = "Große Kanne aus Böhmen, für Gäste: Höhe 32 cm. " * 8
RUSSIAN = "Портрет неизвестной женщины, холст, масло, собрание музея. " * 8
JAPANESE = "葛飾北斎の冨嶽三十六景より、神奈川沖浪裏。木版画。" * 8
GREEK = "Αμφορέας με μελανόμορφη παράσταση, αρχαία Αθήνα. " * 8


def page(text: str, charset: str, declaration: str = "") -> bytes:
    return f"<!doctype html><html><head>{declaration}<title>{text}</title>".encode(charset)


TABLE = [
    # what the bytes are, what the header says -> charset, what told so
    (page(GERMAN, "utf-8"), "text/html", "utf-8", "valid UTF-8"),
    (page(GERMAN, "utf-8"), "text/html; charset=utf-8", "utf-8", "header"),
    (page(GERMAN, "utf-8-sig"), "text/html; charset=iso-8859-1", "utf-8", "byte order mark"),
    (b"\xff\xfe" + page(GERMAN, "utf-16-le"), "text/html; charset=utf-8", "utf-16", "byte order mark"),
    (b"\xfe\xff" + page(GERMAN, "utf-16-be"), "", "utf-16be", "byte order mark"),
    (page(GERMAN, "utf-16-le"), "text/html; charset=UTF-16LE", "utf-16", "header"),
    (page(GERMAN, "cp1252"), "text/html; charset=ISO-8859-1", "windows-1252", "header"),
    (page(GERMAN, "cp1252"), 'text/html; charset="latin1"; x=y', "windows-1252", "header"),
    (page(GERMAN, "cp1252"), "text/html; charset='us-ascii'", "windows-1252", "header"),
    (page(RUSSIAN, "cp1251"), "text/html;charset=windows-1251", "windows-1251", "header"),
    (page(RUSSIAN, "koi8-r", "<meta charset=koi8-r>"), "text/html", "koi8-r", "declaration"),
    (page(JAPANESE, "shift_jis", '<META Charset="Shift_JIS">'), "text/html", "shift_jis", "declaration"),
    (page(JAPANESE, "euc-jp", "<meta charset='euc-jp'/>"), "text/html", "euc-jp", "declaration"),
    (
        page(GREEK, "iso8859-7", '<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-7">'),
        "text/html",
        "iso-8859-7",
        "declaration",
    ),
    (page("中国青铜器" * 8, "gb2312", "<meta charset=gb2312>"), "text/html", "gb18030", "declaration"),
    (
        ('<?xml version="1.0" encoding="ISO-8859-2"?><a>Žďár</a>').encode("iso8859-2"),
        "text/xml",
        "iso-8859-2",
        "declaration",
    ),
    # who is told from the bytes
    (page(RUSSIAN, "cp1251"), "text/html", "windows-1251", "detector"),
    (page(JAPANESE, "shift_jis"), "text/html", "shift_jis", "detector"),
    (page(JAPANESE, "euc-jp"), "text/html", "euc-jp", "detector"),
    # what is not to be believed
    (page(GERMAN, "utf-8", "<!-- <meta charset=koi8-r> -->"), "text/html", "utf-8", "valid UTF-8"),
    (page(GERMAN, "utf-8", " " * 1100 + "<meta charset=koi8-r>"), "text/html", "utf-8", "valid UTF-8"),
    (page(GERMAN, "utf-8", "<meta charset=utf-16>"), "text/html", "utf-8", "declaration"),
    (page(GERMAN, "utf-8", "<meta name=charset content=koi8-r>"), "text/html", "utf-8", "valid UTF-8"),
    (page(GERMAN, "cp1252", "<meta charset=utf-8>"), "text/html; charset=utf-8", None, None),
    (page(GERMAN, "cp1252"), "text/html; charset=utf-16", None, None),
    *(
        (page(GERMAN, "utf-8"), f"text/html; charset={label}", "utf-8", "valid UTF-8")
        for label in ("utf-7", "zlib_codec", "rot13", "unicode_escape", "idna", "undefined", "no-such", "..", "%s")
    ),
    (b"", "text/html", "utf-8", "valid UTF-8"),
    (bytes(range(128, 256)), "", None, None),
]


@pytest.mark.parametrize(("body", "header", "charset", "told"), TABLE)
def test_a_page_is_read_in_the_charset_that_is_told_and_fits(
    body: bytes, header: str, charset: str | None, told: str | None
) -> None:
    decoded = decode(body, header)
    if charset is None:  # several are as good; what matters is that the lie was not believed
        assert decoded.charset not in ("utf-8", "utf-16", "utf-16be")
    else:
        assert (decoded.charset, decoded.told) == (charset, told)
        assert "\ufffd" not in decoded.text


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, JAPANESE, GREEK])
def test_the_text_is_what_was_written(text: str) -> None:
    assert text in decode(page(text, "utf-8"), "").text


@pytest.mark.parametrize(
    ("text", "codec"), [(GERMAN, "cp1252"), (RUSSIAN, "cp1251"), (JAPANESE, "shift_jis"), (JAPANESE, "euc-jp")]
)
def test_a_text_whose_charset_nobody_tells_is_read_all_the_same(text: str, codec: str) -> None:
    assert text in decode(page(text, codec), "text/html").text


WESTERN = [
    "…à la fin du Xe siècle…", "Château", "Légion d’honneur – œuvre donnée", "Größe: 20 cm, Tür", "Niño con sombrero",
    "coleção de azulejos", "Målning på duk", "København, gave fra familien Sørensen", "così com'è, città",
    "Þjóðminjasafn Íslands", "näyttely Jyväskylässä", "l’été où l’on fêta Noël", "120 cm², 3 m³, 5° — peint à l’œuf",
]  # fmt: skip
OTHERS = [
    ("cp1250", "pl", "na płótnie, szkoła krakowska"), ("cp1250", "pl", "Gęś i źrebię, rzeźba"),
    ("cp1250", "pl", "był książę"), ("iso8859_2", "pl", "święty Mikołaj, gąska, źródło"),
    ("cp1250", "cs", "Žlutý kůň úpěl"), ("cp1250", "cs", "dar městského muzea, příběh"),
    ("cp1250", "hu", "hősök és nők, gyűjtemény"), ("cp1250", "sk", "ľudové umenie, vŕšok, kôň"),
    ("cp1250", "hr", "žena i čovjek, kuća, đak"), ("cp1250", "ro", "pânză, donaţie, ţărani şi"),
    ("cp1254", "tr", "yağlıboya, müzeye bağış, çağdaş"), ("cp1257", "lt", "tapyba ant drobės, šventė, ąžuolas"),
]  # fmt: skip
SCRIPTS = [
    ("cp932", "ja", "油彩、キャンバス。"), ("gb18030", "zh", "布面油画，捐赠给博物馆。"),
    ("cp1255", "he", "שמן על בד, מתנה"),
    ("koi8_r", "ru", "Картина маслом"), ("cp1251", "uk", "Картина олією"), ("cp949", "ko", "캔버스에 유채, 박물관"),
]  # fmt: skip


@pytest.mark.parametrize("text", WESTERN)
def test_a_page_of_western_europe_without_a_label_is_windows_1252(text: str) -> None:
    decoded = decode(page(text, "cp1252"), "text/html")
    assert (text in decoded.text, decoded.charset) == (True, "windows-1252")


@pytest.mark.parametrize(("codec", "language", "text"), OTHERS)
@pytest.mark.parametrize("is_told", [False, True])
def test_a_page_of_other_latin_letters_is_known_by_them(codec: str, language: str, text: str, is_told: bool) -> None:
    body = (f'<html class="x" lang="{language}">' if is_told else "<html>") + f"<p>{text}</p>"
    assert text in decode(body.encode(codec)).text


@pytest.mark.parametrize(("codec", "language", "text"), SCRIPTS)
def test_the_language_of_a_page_helps_where_a_few_letters_fit_everywhere(codec: str, language: str, text: str) -> None:
    assert text in decode(f"<html lang={language}><p>{text}".encode(codec)).text


def test_one_broken_byte_in_a_utf8_page_costs_one_character() -> None:
    broken = page(GERMAN, "utf-8").replace(b"Kanne", b"Kan\xff\xffe", 1)
    decoded = decode(broken, "text/html; charset=utf-8")
    assert decoded.charset == "utf-8"
    assert decoded.text.count("\ufffd") == 2
    assert "Böhmen" in decoded.text


def test_the_detector_looks_where_the_text_is_and_not_at_a_whole_page() -> None:
    body = b"<p>plain</p>" * 100_000 + RUSSIAN.encode("cp1251") * 50
    assert RUSSIAN in decode(body, "text/html").text


@given(st.binary(max_size=300), st.text(max_size=30) | st.sampled_from(["utf-8", "utf-16", "gbk", "iso-2022-jp"]))
def test_any_bytes_are_a_text(body: bytes, label: str) -> None:
    decode(body, f"text/html; charset={label}").text.encode("utf-8")
