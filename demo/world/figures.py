"""Made-up companies, people, opportunities and quotes. Pure: the same seed number gives the same data, everywhere.

Telephone numbers are from the ranges that the German and British regulators keep for films, and mail and web addresses
are below `.example`, so nothing here can reach anybody.
"""

import datetime
import random
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from . import words

COMPANIES = 190
PEOPLE = 150
OPPORTUNITIES = {"lead": 55, "opportunity": 75, "converted": 30, "won": 35, "lost": 40, "cancelled": 25}
FIRST_DAY = datetime.date(2025, 1, 6)
LAST_DAY = datetime.date(2026, 10, 30)


@dataclass(frozen=True)
class Place:
    city: str
    postal_code: str
    country: str  # ISO 3166 alpha-2
    phone: str  # prefix of the numbers reserved there; three digits follow


PLACES = (
    Place("Berlin", "10115", "DE", "+493023125"),
    Place("Berlin", "10967", "DE", "+493023125"),
    Place("Hamburg", "20457", "DE", "+494066969"),
    Place("Hamburg", "22767", "DE", "+494066969"),
    Place("München", "80331", "DE", "+498999998"),
    Place("München", "81667", "DE", "+498999998"),
    Place("Köln", "50667", "DE", "+492214710"),
    Place("Frankfurt am Main", "60311", "DE", "+496990009"),
    Place("London", "EC1A 1BB", "GB", "+442079460"),
    Place("Manchester", "M1 1AE", "GB", "+441614960"),
    Place("Leeds", "LS1 4AP", "GB", "+441134960"),
)
COUNTRIES = {"DE": "Germany", "GB": "United Kingdom"}


@dataclass(frozen=True)
class Party:
    name: str
    kind: str  # company, person
    category: str
    place: Place
    street: str
    employer: str  # of a person; else empty
    contacts: tuple  # (type, value) pairs


@dataclass(frozen=True)
class Opportunity:
    title: str
    party: int  # position in the parties
    amount: Decimal
    start: datetime.date
    end: datetime.date | None
    state: str
    probability: float
    comment: str
    lost_reason: str


@dataclass(frozen=True)
class QuoteLine:
    article: int  # position in words.ARTICLES
    quantity: int
    price: Decimal  # of one unit


def parties(seed):
    """Companies first, then people, most of whom work for one of the companies. Names are unique."""
    dice = random.Random(f"{seed} parties")
    companies = [_company(dice, name) for name in _company_names(dice)]
    people = [_person(dice, name, companies) for name in _people_names(dice)]
    return companies + people


def opportunities(seed, parties_):
    """Opportunities of companies, oldest first."""
    dice = random.Random(f"{seed} opportunities")
    companies = [i for i, party in enumerate(parties_) if party.kind == "company" and party.category != "Supplier"]
    favourites = dice.sample(companies, len(companies) // 3)  # some customers buy again and again
    states = [state for state, count in OPPORTUNITIES.items() for _ in range(count)]
    made = [_opportunity(dice, state, dice.choice(companies + favourites * 3)) for state in states]
    return sorted(made, key=lambda opportunity: opportunity.start)


def quote_lines(seed, quotes):
    """For each quote its lines: one to four, mostly at the list price."""
    dice = random.Random(f"{seed} quotes")
    return [[_quote_line(dice, article) for article in _articles(dice)] for _ in range(quotes)]


def _articles(dice):
    return sorted(dice.sample(range(len(words.ARTICLES)), dice.randrange(1, 5)))


def _quote_line(dice, article):
    discount = dice.choice((0, 0, 0, 3, 5))
    price = Decimal(words.ARTICLES[article].price) * (100 - discount) / 100
    return QuoteLine(article, dice.choice((1, 2, 4, 5, 10, 24)), price.quantize(Decimal("0.01")))


def _company_names(dice):
    every = [f"{stem} {branch}" for stem in words.STEMS for branch in words.BRANCHES]
    return [f"{name} {dice.choice(words.LEGAL_FORMS)}" for name in dice.sample(every, COMPANIES)]


def _people_names(dice):
    every = [f"{first} {last}" for first in words.FIRST_NAMES for last in words.LAST_NAMES]
    return dice.sample(every, PEOPLE)


def _company(dice, name):
    place = dice.choice(PLACES)
    domain = _plain("-".join(name.split()[:2])) + ".example"
    contacts = [
        ("phone", _phone(dice, place)),
        ("email", f"{dice.choice(('info', 'office', 'hello', 'contact'))}@{domain}"),
        ("website", f"https://www.{domain}"),
    ]
    category = dice.choices(("Customer", "Prospect", "Supplier", "Partner"), (50, 30, 12, 8))[0]
    return Party(name, "company", category, place, _street(dice, place), "", tuple(contacts))


def _person(dice, name, companies):
    employer = dice.choice(companies) if dice.random() < 0.8 else None
    place = employer.place if employer else dice.choice(PLACES)
    first, last = _plain(name.split()[0]), _plain(name.split()[-1])
    domain = employer.contacts[1][1].split("@")[1] if employer else "mail.example"
    contacts = [("email", f"{first}.{last}@{domain}"), ("mobile", _phone(dice, place))]
    if dice.random() < 0.4:
        contacts.append(("phone", _phone(dice, place)))
    return Party(
        name,
        "person",
        "Contact",
        place,
        employer.street if employer else _street(dice, place),
        employer.name if employer else "",
        tuple(contacts),
    )


def _opportunity(dice, state, party):
    subject = dice.choice(words.SUBJECTS)
    title = f"{subject.title} {dice.choice(words.SCOPES)}"
    closed = state not in ("lead", "opportunity")
    longest = 150 if closed else 0  # what is closed was closed by the last day; what is open may end after it
    start = FIRST_DAY + datetime.timedelta(days=dice.randrange((LAST_DAY - FIRST_DAY).days - longest))
    end = start + datetime.timedelta(days=dice.randrange(10, 150)) if closed or dice.random() < 0.6 else None
    probability = {
        "lead": dice.choice((0.1, 0.2, 0.3)),
        "opportunity": dice.choice((0.4, 0.5, 0.6, 0.75, 0.9)),
        "converted": 1.0,
        "won": 1.0,
    }.get(state, 0.0)
    amount = Decimal(dice.randrange(subject.least, subject.most, 250)) + dice.choice((Decimal(0), Decimal("0.50")))
    return Opportunity(
        title=title,
        party=party,
        amount=amount,
        start=start,
        end=end,
        state=state,
        probability=probability,
        comment=dice.choice(words.COMMENTS),
        lost_reason=dice.choice(words.LOST_REASONS) if state == "lost" else "",
    )


def _street(dice, place):
    names = words.GERMAN_STREETS if place.country == "DE" else words.BRITISH_STREETS
    number = dice.randrange(1, 180)
    name = dice.choice(names)
    return f"{name} {number}" if place.country == "DE" else f"{number} {name}"


def _phone(dice, place):
    return f"{place.phone}{dice.randrange(1000):03}"


def _plain(text):
    text = text.lower()
    for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(letter, plain)
    without_accents = unicodedata.normalize("NFKD", text)
    return "".join(c for c in without_accents if c.isascii() and (c.isalnum() or c == "-"))
