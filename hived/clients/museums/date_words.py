"""What dates are written with besides their numbers: English, Dutch, German, French and some of their neighbours."""

from __future__ import annotations

import re

_PART = (
    r"(?:early|mid(?:dle)?|late|beginning|begin|end|start|anfang|mitte|ende|(?:früh|spät)e[sn]|début|milieu|fin"
    r"|midden|eind[ei]?|vroege?)"
)
_ORDINAL = (
    r"(?:[1-4](?:st|nd|rd|th|\.|e|ste|de|re|ère|er|ème)?|first|second|third|fourth|last|final|erste[sn]?|zweite[sn]?|dritte[sn]?"
    r"|vierte[sn]?|letzte[sn]?|eerste|tweede|derde|vierde|laatste|premi(?:er|ère)|deuxième|seconde?|troisième|quatrième"
    r"|derni(?:er|ère))"
)
_SHARE = (
    r"(?:half|third|quarter|decades?|years|hälfte|drittel|viertel|jahrzehnt|helft|derde|kwart|moitié|tiers|quart"
    r"|décennies?)"
)
# What says how sure, who did what then, or which part of a time: it leaves the years as they are.
ABOUT = re.compile(
    r"^(?:c(?:a|irca|irka)?(?=[\d. ]|$)\.?|[~±]|(?:approx(?:\.|imately)?|about|around|towards|between"
    r"|um|gegen|etwa|zwischen|vers|env\.?|environ|entre|ongeveer|rond|omstreeks|tussen|hacia|prob(?:\.|ably)?|poss(?:\.|ibly)?|likely|perhaps"
    r"|presumably|wohl|vermutlich|wahrscheinlich|vermoedelijk|waarschijnlijk|probablement|peut-être"
    r"|spring|summer|autumn|fall|winter|frühling|frühjahr|sommer|herbst|lente|zomer|herfst|printemps|été|automne|hiver"
    r"|dated|made|built|painted|drawn|printed|published|created|issued|signed|cast|taken|woven|carved|designed"
    r"|photographed|executed|produced|inscribed|engraved|model+ed|written|manufactured|datiert|gedateerd|daté|datée|entstanden"
    rf"|on|in|im|am|den|dans|le|les|op|en|the|{_PART}|{_ORDINAL}[ -]{_SHARE})(?:\b|(?<=\.)))"
    r"[ .,:-]*(?:(?:of|du|de|des|der|van|d') ?\b)?(?:(?:the|de|het|la|l') ?\b)?"
)
PARTS = re.compile(rf"\b{_PART}[ -]*(?:to|or|and|bis|und|tot|en|à|/|-)[ -]*(?={_PART}\b)")
"""One part of a time up to another: "early to mid "."""
PART_BEHIND = re.compile(rf"(?:, ?| )\(?(?:{_PART}|{_ORDINAL}[ -]{_SHARE})\)?$|(?<=\d{{4}}),? c(?:a|irca)?\.?$")
ASIDE = re.compile(
    r" ?\((?:(?:made|designed|printed|published|painted|drawn|carved|woven|photographed|built|manufactured|produced"
    r"|issued|cast|engraved|signed|dated|inscribed|probably|possibly|circa|ca?\.|and|or|[ ,/])+)\)"
)
WITHIN = re.compile(
    r"[^\d()]{0,50}\b(?:period|dynasty|era|reign|kingdom|age|epoch|dynastie|\w{0,20}zeit) ?\((?P<date>[^()]+)\)"
)
WEEKDAY = re.compile(
    r"^(?:(?:sun|mon|tues|wednes|thurs|fri|satur)day|(?:sonn|mon|diens|donners|frei|sams)tag|mittwoch|sonnabend"
    r"|(?:zon|maan|dins|woens|donder|vrij|zater)dag|(?:lun|mar|mercre|jeu|vendre|same)di|dimanche),? "
)

BEFORE = re.compile(
    r"^(?:in (?:or|of) (?:before|voor)|in oder vor|before|by|ante|pre|not after|no later than|not later than|up to"
    r"|until|till|vor|bis|spätestens|avant|jusqu'(?:en|à|au)|vóór|voor|tot|uiterlijk)\b[ .-]*(?:the )?"
)
AFTER = re.compile(
    r"^(?:in (?:or|of) (?:after|na)|in oder nach|after|post|not before|no earlier than|not earlier than|nach|après|na)"
    r"\b[ .-]*(?:the )?"
)
FROM = re.compile(r"^(?:from|since|ab|seit|dès|depuis|à partir de|vanaf|sinds)\b[ .-]*(?:the )?")
AND_BEFORE = re.compile(r"(?:,? (?:(?:and|but|und|et|en|maar) )?| ?- ?)(?=(?:not after|before|vor|avant|voor|vóór) )")
OR_LATER = re.compile(r",? (?:(?:or|and|of|oder|ou) (?:later|after|later|später|après)|onwards?|et après)$")
OR_EARLIER = re.compile(r",? (?:(?:or|and|of|oder|ou) (?:earlier|before|eerder|früher|avant))$")
NOW = re.compile(r"^(?:the )?(?:present(?: day)?|today|now|ongoing|heute|heden|nu|aujourd'hui)$")
JOINS = re.compile(
    r" ?\.\. ?| ?- ?| ?/ ?| & | (?:to|and|or|bis|until|till|through|und|oder|et|ou|à|au|tot|t/m|en|of) "
    r"|(?<=\d{4}), ?(?=\d{4}$)"
)

_NO_ERA = r"(?:(?<=\d)|\b)"
BC = re.compile(
    rf" ?{_NO_ERA}(?:b\.? ?c\.? ?(?:e\.?)?|v\.? ?chr\.?|v\. ?u\. ?z\.?|voor christus|v\. ?c\.?|av(?:\.|ant) ?j\.?-?c\.?"
    r"|avant notre ère|vor christus)$|^b\.? ?c\.? ?(?:e\.? ?)?(?=\d)"
)
AD = re.compile(
    rf" ?{_NO_ERA}(?:ce|ad|a\.d\.?|c\.e\.?|n\.? ?chr\.?|na chr(?:istus|\.)|nach christus|n\. ?c\.?"
    r"|ap(?:r\.?|\.|rès) ?j\.?-?c\.?|de notre ère)$|^(?:ad ?(?=\d| )|a\.d\. ?|anno |a° ?)"
)

MONTH = (
    r"(?:jan(?:uary|uari?|vier|eiro)?|jän(?:ner)?|ene(?:ro)?|gen(?:naio)?|feb(?:ruary|ruari?|rero|braio)?|fév(?:r|rier)?"
    r"|fev(?:ereiro)?|mar(?:ch|s|zo|ço)?|märz?|mrz|mrt|maart|apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|may|mai|mei|mayo|maggio|maio"
    r"|june?|juni?|juin|junio|giugno|junho|july?|juli?|juill?(?:et)?|julio|luglio|julho|aug(?:ust|ustus)?|août|aout"
    r"|ago(?:sto)?|sept?(?:ember|embre|tiembre)?|sett?(?:embre)?|setembro|o[ck]t(?:ober|obre|ubre)?|ott(?:obre)?|out(?:ubro)?"
    r"|nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre|embro)?|déc(?:embre)?|dic(?:iembre|embre)?)\.?"
)
MILLENNIUM = r"(?:mill?enn?ium|jahrtausends?|jt\.?|millénaire|mill\.)"
CENTURY = r"(?:century|centuries|cent\.?|c\.?|jahrhundert[se]?|jh\.?(?:dt?s?\.?)?|eeuw(?:en)?|siècles?|s\.?|secolo)"
ORDINALS = {
    word: number
    for number, word in enumerate((
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
        "twentieth", "twenty-first",
    ), 1)
}  # fmt: skip
