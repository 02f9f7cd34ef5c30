"""Dates as museums write them, in several languages and by machines: the right years, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.museums import dates

Span = tuple[int | None, int | None]
NONE: Span = (None, None)

PLAIN: list[tuple[str | None, Span]] = [
    ("1642", (1642, 1642)), ("c. 1642", (1642, 1642)), ("ca. 1640–50", (1640, 1650)), ("1640–1650", (1640, 1650)),
    ("1640 - 1650", (1640, 1650)), ("between 1640 and 1650", (1640, 1650)), ("1640-11", (1640, 1640)),
    ("1650-1640", NONE), ("1700s", (1700, 1799)), ("1920s", (1920, 1929)), ("18th century", (1700, 1799)),
    ("late 17th century", (1600, 1699)), ("5th century BCE", (-500, -401)), ("300 BC", (-300, -300)),
    ("300-200 b.c.", (-300, -200)), ("12", NONE), ("1642-05-01", (1642, 1642)), ("2012-09-25 16:23:02", (2012, 2012)),
    ("2012-13-40", NONE), ("undated", NONE), ("", NONE), (None, NONE), ("1" * 200, NONE), ("٣٤٥٦", NONE),
    ("12 May 1889", (1889, 1889)), ("May 12, 1889", (1889, 1889)), ("May 1889", (1889, 1889)),
    ("18th–19th century", (1700, 1899)), ("c1650", (1650, 1650)), ("0000-01-01", NONE), ("ca. 1650–60", (1650, 1660)),
    ("c. 1650-c. 1660", (1650, 1660)), ("1640/50", (1640, 1650)), ("1650s", (1650, 1659)),
    ("1650s–1660s", (1650, 1669)), ("1800s", (1800, 1899)), ("early 18th century", (1700, 1799)),
    ("late 19th–early 20th century", (1800, 1999)), ("18. Jh.", (1700, 1799)), ("17. Jahrhundert", (1600, 1699)),
    ("XVIIIe siècle", (1700, 1799)), ("fin du Xe siècle", (900, 999)), ("18e eeuw", (1700, 1799)),
    ("siglo XVIII", (1700, 1799)), ("XVIII century", (1700, 1799)), ("1650 or later", (1650, None)),
    ("before 1650", (None, 1650)), ("after 1650", (1650, None)), ("[1650?]", (1650, 1650)),
    ("1650 (?)", (1650, 1650)), ("dated 1650", (1650, 1650)), ("published 1889", (1889, 1889)),
    ("500 BC", (-500, -500)), ("500-400 BC", (-500, -400)), ("5th-4th century B.C.", (-500, -301)),
    ("50 BC–AD 50", (-50, 50)), ("AD 100", (100, 100)), ("A.D. 79", (79, 79)), ("100 CE", (100, 100)),
    ("1889-05-12", (1889, 1889)), ("1889-05-12/1890-01-01", (1889, 1890)), ("12.05.1889", (1889, 1889)),
    ("12/5/1889", (1889, 1889)), ("12. Mai 1889", (1889, 1889)), ("12 mai 1889", (1889, 1889)),
    ("1er mai 1889", (1889, 1889)), ("12 de mayo de 1889", (1889, 1889)), ("Spring 1889", (1889, 1889)),
    ("between 1650 and 1660", (1650, 1660)), ("1650 to 1660", (1650, 1660)), ("1650 or 1651", (1650, 1651)),
    ("1889 May 12", (1889, 1889)), ("first half of the 18th century", (1700, 1799)),
    ("2nd half 18th century", (1700, 1799)), ("n.d.", NONE), ("unknown", NONE), ("1660-1650", NONE),
    ("Ming dynasty", NONE), ("9999", NONE), ("1889-1890", (1889, 1890)), ("19th c.", (1800, 1899)),
    ("1st century", (1, 99)), ("2nd millennium", NONE), ("1889-13-01", NONE), ("3-5", NONE), ("May 12", NONE),
    ("Oct. 3-Nov. 2, 1889", NONE), ("12 May–3 June 1889", NONE), ("c.1650", (1650, 1650)), ("ca 1650", (1650, 1650)),
    ("circa 1650", (1650, 1650)), ("Sept. 1889", (1889, 1889)), ("1st half of 2nd century AD", (100, 199)),
    ("2nd–3rd century AD", (100, 299)), ("um 1650", (1650, 1650)), ("1920er Jahre", (1920, 1929)),
    ("1650-1660 CE", (1650, 1660)), ("10–20 AD", (10, 20)), ("v", NONE), ("x", NONE), ("-", NONE), ("c", NONE),
]  # fmt: skip

ENGLISH: list[tuple[str, Span]] = [
    ("12th May 1889", (1889, 1889)), ("12th of May, 1889", (1889, 1889)), ("the 12 May 1889", (1889, 1889)),
    ("Sunday, 12 May 1889", (1889, 1889)), ("May 12th 1889", (1889, 1889)), ("May, 1889", (1889, 1889)),
    ("12–13 May 1889", (1889, 1889)), ("May 12-13, 1889", (1889, 1889)), ("12-May-1889", (1889, 1889)),
    ("05/1889", (1889, 1889)), ("12.V.1889", (1889, 1889)), ("c. May 1889", (1889, 1889)),
    ("1889, May", (1889, 1889)), ("c1650", (1650, 1650)), ("C.1650", (1650, 1650)), ("Ca 1650-60", (1650, 1660)),
    ("~1650", (1650, 1650)), ("± 1650", (1650, 1650)), ("approximately 1650", (1650, 1650)),
    ("1650 ca.", (1650, 1650)), ("1650 c.", (1650, 1650)), ("[ca. 1650]", (1650, 1650)), ("c. A.D. 100", (100, 100)),
    ("1650–c. 1660", (1650, 1660)), ("c.1650s", (1650, 1659)), ("1650-1", (1650, 1651)), ("1885–6", (1885, 1886)),
    ("1650/51", (1650, 1651)), ("10 February 1650/51", (1650, 1651)), ("1898–1902", (1898, 1902)), ("1898–02", NONE),
    ("1650-49", NONE), ("1650—1660", (1650, 1660)), ("1650−1660", (1650, 1660)), ("1650--1660", (1650, 1660)),
    ("1650 ‒ 1660", (1650, 1660)), ("1889, 1890", (1889, 1890)), ("1889 & 1890", (1889, 1890)),
    ("1650 through 1660", (1650, 1660)), ("from 1650 to 1660", (1650, 1660)), ("from 1650", (1650, None)),
    ("since 1889", (1889, None)), ("1889–present", (1889, None)), ("1889 to the present", (1889, None)),
    ("1889-", (1889, None)), ("by 1650", (None, 1650)), ("not after 1650", (None, 1650)), ("pre-1650", (None, 1650)),
    ("ante 1650", (None, 1650)), ("before c. 1650", (None, 1650)), ("before 1650–60", (None, 1660)),
    ("before the 12th century", (None, 1199)), ("1650 or before", (None, 1650)), ("before 300 BC", (None, -300)),
    ("in or before 1642", (None, 1642)), ("after 1650–60", (1650, None)), ("post-1650", (1650, None)),
    ("1650 or after", (1650, None)), ("1650 onwards", (1650, None)), ("in or after 1642", (1642, None)),
    ("after 1500 BC", (-1500, None)), ("after 1500, before 1510", (1500, 1510)),
    ("after 1500 and before 1510", (1500, 1510)), ("after 1510, before 1500", NONE), ("after Rembrandt, 1650", NONE),
    ("after a design of 1650", NONE), ("copy of a lost work (1650)", NONE), ("1889, printed 1920", NONE),
    ("before the Edo period (1615–1868)", NONE), ("Edo period (1615–1868)", (1615, 1868)),
    ("Late Period (664–332 B.C.)", (-664, -332)), ("Ming dynasty, Wanli period (1573–1620)", (1573, 1620)),
    ("1885 (made)", (1885, 1885)), ("ca. 1885 (designed and made)", (1885, 1885)), ("1650 (probably)", (1650, 1650)),
    ("1965 (produced and reprinted 1988)", NONE), ("made in 1650", (1650, 1650)), ("signed and dated 1650", NONE),
    ("in the 1650s", (1650, 1659)), ("the 1880s", (1880, 1889)), ("1880's", (1880, 1889)),
    ("mid-1880s", (1880, 1889)), ("early 1880s", (1880, 1889)), ("1880s–90s", (1880, 1899)),
    ("1880–90s", (1880, 1899)), ("late 1880s–early 1890s", (1880, 1899)), ("80s", NONE), ("20s", NONE),
    ("'20s", NONE), ("1900s", (1900, 1999)), ("1920s or 1930s", (1920, 1939)), ("mid-19th century", (1800, 1899)),
    ("mid 19th-century", (1800, 1899)), ("early to mid 19th century", (1800, 1899)),
    ("mid- to late 19th century", (1800, 1899)), ("mid/late 19th century", (1800, 1899)),
    ("19th century, late", (1800, 1899)), ("19th century (early)", (1800, 1899)),
    ("19th century, first half", (1800, 1899)), ("19th Century?", (1800, 1899)),
    ("last quarter of the 18th century", (1700, 1799)), ("3rd quarter 19th century", (1800, 1899)),
    ("18th-19th century", (1700, 1899)), ("18th — 19th century", (1700, 1899)), ("18th/19th century", (1700, 1899)),
    ("17th or early 18th century", (1600, 1799)), ("18th to 19th centuries", (1700, 1899)),
    ("18th century–19th century", (1700, 1899)), ("late 18th–early 19th century", (1700, 1899)),
    ("eighteenth century", (1700, 1799)), ("late nineteenth century", (1800, 1899)),
    ("twentieth-century", (1900, 1999)), ("19th–18th century", NONE), ("40th century", NONE), ("0th century", NONE),
    ("3rd millennium BCE", (-3000, -2001)), ("4th–3rd millennium B.C.", (-4000, -2001)),
    ("late 2nd millennium BC", (-2000, -1001)), ("1st millennium AD", (1, 999)),
    ("third millennium BC", (-3000, -2001)), ("12th millennium BC", NONE), ("3rd millennium", NONE),
    ("500BC", (-500, -500)), ("AD79", (79, 79)), ("B.C. 300", (-300, -300)), ("ca. 300–200 BCE", (-300, -200)),
    ("200–300 BC", NONE), ("10,000–8,000 BC", (-10000, -8000)), ("12000 B.C.", (-12000, -12000)), ("10,000", NONE),
    ("5000 BP", NONE), ("5th century BC–1st century AD", (-500, 99)), ("late 1st c. BC/early 1st c. AD", (-100, 99)),
    ("0", NONE), ("0 AD", NONE), ("1st century B.C.", (-100, -1)), ("2 million years ago", NONE),
    ("50–30 BC", (-50, -30)), ("ca. 5 BC–AD 5", (-5, 5)), ("MDCCLXXVI", (1776, 1776)), ("MDCLXVI.", (1666, 1666)),
    ("M.DCC.LXXVI", (1776, 1776)), ("M DCC LXXVI", (1776, 1776)), ("anno MDCLXVI", (1666, 1666)),
    ("MDCCCCX", (1910, 1910)), ("MCMXCIX", (1999, 1999)), ("MDCL–MDCLX", (1650, 1660)), ("MIX", NONE), ("MD", NONE),
    ("CIVIC", NONE), ("DCM", NONE), ("mdcdc", NONE), ("MMMM", NONE), ("MMXXVI", (2026, 2026)), ("marble 1889", NONE),
    ("Mayor 1850", NONE), ("novel, 1850", NONE), ("circa", NONE), ("c", NONE), ("ca.", NONE), ("?", NONE),
    ("12?", NONE), ("165?", NONE), ("AD 79?", (79, 79)), ("45.67.1889", NONE), ("1889.5", NONE), ("12/5/89", NONE),
    ("32 May 1889", NONE),
]  # fmt: skip
DUTCH: list[tuple[str, Span]] = [
    ("12 mei 1889", (1889, 1889)), ("mrt. 1889", (1889, 1889)), ("circa 1650 - circa 1660", (1650, 1660)),
    ("ca.1650", (1650, 1650)), ("voor 1650", (None, 1650)), ("vóór 1650", (None, 1650)), ("na 1650", (1650, None)),
    ("in of voor 1650", (None, 1650)), ("in of na 1650", (1650, None)), ("tussen 1650 en 1660", (1650, 1660)),
    ("1650 tot 1660", (1650, 1660)), ("tot 1650", (None, 1650)), ("vanaf 1650", (1650, None)),
    ("omstreeks 1650", (1650, 1650)), ("rond 1650", (1650, 1650)), ("waarschijnlijk 1650", (1650, 1650)),
    ("17de eeuw", (1600, 1699)), ("17e-18e eeuw", (1600, 1799)), ("17de of 18de eeuw", (1600, 1799)),
    ("begin 17e eeuw", (1600, 1699)), ("eerste helft 17de eeuw", (1600, 1699)), ("2e helft 19e eeuw", (1800, 1899)),
    ("laatste kwart van de 18e eeuw", (1700, 1799)), ("midden 18de eeuw", (1700, 1799)),
    ("eind 19e eeuw", (1800, 1899)), ("jaren 1920", (1920, 1929)), ("jaren 20", NONE),
    ("5de eeuw v.Chr.", (-500, -401)), ("300 v. Chr.", (-300, -300)), ("300 voor Christus", (-300, -300)),
    ("79 na Christus", (79, 79)), ("1e eeuw n.Chr.", (1, 99)), ("3e eeuw v. Chr. - 1e eeuw n. Chr.", (-300, 99)),
    ("1650 of later", (1650, None)), ("z.j.", NONE),
]  # fmt: skip
GERMAN: list[tuple[str, Span]] = [
    ("12. Mai 1889", (1889, 1889)), ("den 12. März 1889", (1889, 1889)), ("Jänner 1889", (1889, 1889)),
    ("12.5.1889", (1889, 1889)), ("um 1650", (1650, 1650)), ("um 1650/60", (1650, 1660)),
    ("wohl um 1650", (1650, 1650)), ("vor 1650", (None, 1650)), ("nach 1650", (1650, None)),
    ("ab 1650", (1650, None)), ("seit 1889", (1889, None)), ("bis 1650", (None, 1650)),
    ("zwischen 1650 und 1660", (1650, 1660)), ("1650 bis 1660", (1650, 1660)), ("1650 oder später", (1650, None)),
    ("17. Jh.", (1600, 1699)), ("17.Jh.", (1600, 1699)), ("17./18. Jh.", (1600, 1799)),
    ("17.–18. Jahrhundert", (1600, 1799)), ("1. Hälfte 17. Jh.", (1600, 1699)),
    ("erste Hälfte des 17. Jahrhunderts", (1600, 1699)), ("2. Viertel 18. Jh.", (1700, 1799)),
    ("letztes Drittel 19. Jh.", (1800, 1899)), ("Anfang 17. Jh.", (1600, 1699)),
    ("Mitte 18. Jahrhundert", (1700, 1799)), ("Ende 18./Anfang 19. Jh.", (1700, 1899)),
    ("spätes 17. Jahrhundert", (1600, 1699)), ("frühes 18. Jh.", (1700, 1799)), ("5. Jh. v. Chr.", (-500, -401)),
    ("3. Jahrtausend v. Chr.", (-3000, -2001)), ("79 n. Chr.", (79, 79)), ("300 v.u.Z.", (-300, -300)),
    ("1920er", (1920, 1929)), ("1920er Jahre", (1920, 1929)), ("20er Jahre", NONE), ("datiert 1650", (1650, 1650)),
    ("o. J.", NONE), ("Edo-Zeit (1603–1868)", (1603, 1868)), ("1889–heute", (1889, None)), ("nicht datiert", NONE),
]  # fmt: skip
FRENCH: list[tuple[str, Span]] = [
    ("12 mai 1889", (1889, 1889)), ("le 12 août 1889", (1889, 1889)), ("1er janvier 1889", (1889, 1889)),
    ("févr. 1889", (1889, 1889)), ("vers 1650", (1650, 1650)), ("vers 1650-1660", (1650, 1660)),
    ("avant 1650", (None, 1650)), ("après 1650", (1650, None)), ("à partir de 1650", (1650, None)),
    ("jusqu'en 1650", (None, 1650)), ("entre 1650 et 1660", (1650, 1660)), ("XVIIe siècle", (1600, 1699)),
    ("XVIIIe s.", (1700, 1799)), ("18e siècle", (1700, 1799)), ("XVIII ème siècle", (1700, 1799)),
    ("XVIIe-XVIIIe siècles", (1600, 1799)), ("fin XVIIe - début XVIIIe siècle", (1600, 1799)),
    ("XVIIe ou XVIIIe siècle", (1600, 1799)), ("1re moitié du XVIIe siècle", (1600, 1699)),
    ("première moitié du XVIIIe siècle", (1700, 1799)), ("2e quart du 18e siècle", (1700, 1799)),
    ("dernier tiers du XIXe siècle", (1800, 1899)), ("milieu du XIXe siècle", (1800, 1899)),
    ("début XVIIe siècle", (1600, 1699)), ("Ier siècle av. J.-C.", (-100, -1)),
    ("IIe siècle après J.-C.", (100, 199)), ("Ier-IIe siècle apr. J.-C.", (1, 199)),
    ("IIIe millénaire avant J.-C.", (-3000, -2001)), ("500 avant notre ère", (-500, -500)),
    ("79 ap. J.-C.", (79, 79)), ("années 1920", (1920, 1929)), ("dans les années 1920", (1920, 1929)),
    ("début des années 1920", (1920, 1929)), ("s.d.", NONE), ("daté 1650", (1650, 1650)),
    ("1650 ou après", (1650, None)), ("sans date", NONE),
]  # fmt: skip
MACHINES: list[tuple[str, Span]] = [
    ("1889-05-12T10:00:00Z", (1889, 1889)), ("1889-05-12T10:00:00.123+01:00", (1889, 1889)),
    ("1889-05-12 10:00", (1889, 1889)), ("1889:05:12 10:00:00", (1889, 1889)), ("1889-00-00", (1889, 1889)),
    ("1889-05-00", (1889, 1889)), ("1889/05/12", (1889, 1889)), ("1889.05.12", (1889, 1889)), ("0000", NONE),
    ("0000-00-00", NONE), ("0000-01-01T00:00:00Z", NONE), ("00", NONE), ("18890512", NONE), ("0079", (79, 79)),
    ("0079-08-24", (79, 79)), ("-0499", (-500, -499)), ("-0499-01-01", (-500, -499)), ("−500", (-501, -500)),
    ("–1650", NONE), ("1911-12", (1911, 1912)), ("1905-06", (1905, 1906)), ("1911-10", (1911, 1911)),
    ("1911-12/1912-01", (1911, 1912)), ("1909-10/1909-11", (1909, 1909)), ("1650~", (1650, 1650)),
    ("1650?", (1650, 1650)), ("1650%", (1650, 1650)), ("1650-05~", (1650, 1650)), ("165X", (1650, 1659)),
    ("16XX", (1600, 1699)), ("165u", (1650, 1659)), ("16??", (1600, 1699)), ("[16--]", (1600, 1699)),
    ("[165-]", (1650, 1659)), ("[165-?]", (1650, 1659)), ("165-", NONE), ("160X", (1600, 1609)),
    ("165X/166X", (1650, 1669)), ("XXXX", NONE), ("1650/1660", (1650, 1660)), ("1650~/1660?", (1650, 1660)),
    ("[1650..]", (1650, None)), ("[..1650]", (None, 1650)), ("[1650..1660]", (1650, 1660)),
    ("{1650..1660}", (1650, 1660)), ("[1650,1655]", (1650, 1655)), ("1650..", (1650, None)),
    ("1650/..", (1650, None)), ("../1650", (None, 1650)), ("1650/", (1650, None)), ("/1650", (None, 1650)),
    ("1650-21", (1650, 1650)), ("1650-24", (1650, 1650)), ("1650-25", NONE), ("1650-01-01/1660-12-31", (1650, 1660)),
    ("1650-02-30T99", NONE), ("1889-5-12", (1889, 1889)), ("1650-01-01/P10Y", NONE), ("../..", NONE), ("..", NONE),
    ("/", NONE), ("1650/1651/1652", NONE), ("Y-17000002", NONE), ("20190101120000", NONE), ("1889.12.3.45", NONE),
    ("3000", NONE), ("2201", NONE), ("2200", (2200, 2200)),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected"), [*PLAIN, *ENGLISH, *DUTCH, *GERMAN, *FRENCH, *MACHINES])
def test_years_are_read_where_they_are_plain(told: str | None, expected: Span) -> None:
    assert dates.span(told) == expected


KNOWN = [told or "" for told, _ in (*PLAIN, *ENGLISH, *MACHINES)]
WORDS = st.sampled_from([*"0123456789-–/.,?~[](){}'’ ", *KNOWN])


@given(st.text(max_size=100) | st.lists(WORDS, max_size=6).map("".join) | st.lists(WORDS, max_size=4).map(" ".join))
def test_no_date_gets_past_the_reader(told: str) -> None:
    first, last = dates.span(told)
    assert first is None or last is None or first <= last
    assert 0 not in (first, last)


@given(
    st.integers(1001, 2200),
    st.sampled_from(["{}", "c. {}", "[{}]", "{}?", "12 May {}", "{}-05-12", "um {}", "vers {}", "{}~"]),
)
def test_a_year_is_the_same_in_every_writing(year: int, form: str) -> None:
    assert dates.span(form.format(year)) == (year, year)


@given(
    st.integers(1001, 2100),
    st.integers(0, 99),
    st.sampled_from(["{}–{}", "{}/{}", "{} to {}", "zwischen {} und {}", "{}..{}"]),
)
def test_a_span_is_the_same_in_every_writing(first: int, more: int, form: str) -> None:
    assert dates.span(form.format(first, first + more)) == (first, first + more)


@pytest.mark.parametrize(
    ("begin", "end", "told", "expected"),
    [
        (1667, 1682, "late 17th century", (1667, 1682)), (0, 0, "n.d.", NONE), (0, 0, "1650", (1650, 1650)),
        (0, 99, None, (1, 99)), (-100, 0, None, (-100, -1)), (None, 0, None, (None, -1)), (1700, 1600, "1650", NONE),
        (None, None, "ca. 1650", (1650, 1650)), (1650, None, "before 1700", (1650, None)), (1e300, 2**60, "x", NONE),
        ("1650", True, "1651", (1651, 1651)),
    ],
)  # fmt: skip
def test_years_told_as_numbers_count_before_the_text_and_none_of_them_is_0(
    begin: object, end: object, told: str | None, expected: Span
) -> None:
    assert dates.years(begin, end, told) == expected
