"""Fills a fresh Tryton database through Tryton's own JSON-RPC: company, users, parties, opportunities, quotes."""

from dataclasses import dataclass
from decimal import Decimal

from . import figures, words

SEED = 20260105
COMPANY = "Figwood Supplies GmbH"
PASSWORD = "strangler-fig"


@dataclass(frozen=True)
class User:
    login: str
    name: str
    role: str
    groups: tuple  # names of Tryton's groups


ADMIN = User("admin", "Administrator", "administrator", ())
STAFF = (
    User("clara", "Clara Lehmann", "sales", ("Sales", "Sale Opportunity")),
    User("tomas", "Tomas Nowak", "sales", ("Sales", "Sale Opportunity")),
    User("ines", "Ines Petersen", "back office", ("Party Administration", "Sales")),
)
USERS = (ADMIN, *STAFF)
# The user that Banyan logs in as. Not an employee: staff meet its name where Tryton says who changed a record last, and
# nowhere else.
INTEGRATION = User("banyan", "Banyan", "integration", ("Party Administration", "Sales", "Sale Opportunity"))

# Buttons that lead from `lead`, where every opportunity begins, to the state wanted.
_BUTTONS = {
    "lead": (),
    "opportunity": ("opportunity",),
    "converted": ("opportunity", "convert"),
    "won": ("opportunity", "convert"),
    "lost": ("opportunity", "lost"),
    "cancelled": ("cancel",),
}


def apply(connect):
    """`connect` gives a new client that is not logged in."""
    admin = connect().login(ADMIN.login, PASSWORD)
    countries = _create_countries(admin)
    employees = _create_company_and_staff(admin)
    _close_wizards(admin)
    admin = connect().login(ADMIN.login, PASSWORD)  # the company is part of the context from here on
    parties = figures.parties(SEED)
    party_ids = _create_parties(admin, parties, countries)
    _create_opportunities(admin, figures.opportunities(SEED, parties), party_ids, employees)
    _fill_quotes(admin, _create_articles(admin), _create_payment_terms(admin))


def _create_countries(admin):
    codes = list(figures.COUNTRIES)
    ids = admin.model("country.country", "create", [{"code": code, "name": figures.COUNTRIES[code]} for code in codes])
    return dict(zip(codes, ids, strict=True))


def _create_company_and_staff(admin):
    [currency] = admin.model("currency.currency", "create", [{"name": "Euro", "symbol": "€", "code": "EUR"}])
    [party] = admin.model("party.party", "create", [{"name": COMPANY}])
    values = {"party": party, "currency": currency}
    [company] = admin.model("company.company", "create", [values])
    _employ(admin, admin.user, company, ADMIN.name)
    _create_user(admin, INTEGRATION, company)
    return [_employ(admin, _create_user(admin, user, company), company, user.name) for user in STAFF]


def _create_user(admin, user, company):
    """Makes a user who works in the company; returns its id."""
    groups = [admin.model("res.group", "search", [["name", "=", name]], 0, 1, None)[0] for name in user.groups]
    values = {
        "login": user.login,
        "name": user.name,
        "password": PASSWORD,
        "email": f"{user.login}@figwood.example",
        "groups": [["add", groups]],
    }
    [user_id] = admin.model("res.user", "create", [values])
    _join_company(admin, user_id, company)
    return user_id


def _join_company(admin, user_id, company):
    admin.model("res.user", "write", [user_id], {"companies": [["add", [company]]], "company": company})


def _employ(admin, user_id, company, name):
    """Makes the user an employee of the company; returns the employee."""
    _join_company(admin, user_id, company)
    [person] = admin.model("party.party", "create", [{"name": name}])
    [employee] = admin.model("company.employee", "create", [{"party": person, "company": company}])
    admin.model("res.user", "write", [user_id], {"employees": [["add", [employee]]], "employee": employee})
    return employee


def _close_wizards(admin):
    """Without this the web client opens its configuration wizard at each login of the administrator."""
    model = "ir.module.config_wizard.item"
    items = admin.model(model, "search", [["state", "=", "open"]], 0, None, None)
    admin.model(model, "write", items, {"state": "done"})


def _create_parties(admin, parties, countries):
    names = sorted({party.category for party in parties})
    ids = admin.model("party.category", "create", [{"name": name} for name in names])
    categories = dict(zip(names, ids, strict=True))
    return admin.model("party.party", "create", [_party_values(party, categories, countries) for party in parties])


def _party_values(party, categories, countries):
    address = {
        "party_name": party.employer,
        "street": party.street,
        "postal_code": party.place.postal_code,
        "city": party.place.city,
        "country": countries[party.place.country],
    }
    contacts = [{"type": kind, "value": value} for kind, value in party.contacts]
    return {
        "name": party.name,
        "categories": [["add", [categories[party.category]]]],
        "addresses": [["create", [address]]],
        "contact_mechanisms": [["create", contacts]],
    }


def _create_opportunities(admin, opportunities, party_ids, employees):
    parties = {party["id"]: party for party in admin.model("party.party", "read", party_ids, ["addresses"])}
    values = []
    for number, opportunity in enumerate(opportunities):
        party = party_ids[opportunity.party]
        values.append(
            {
                "description": opportunity.title,
                "party": party,
                "address": parties[party]["addresses"][0],
                "employee": employees[number % 2],  # the two who sell
                "amount": opportunity.amount,
                "start_date": opportunity.start,
                "conversion_probability": opportunity.probability,
                "comment": opportunity.comment,
                "lost_reason": opportunity.lost_reason or None,
            }
        )
    ids = admin.model("sale.opportunity", "create", values)
    for state, buttons in _BUTTONS.items():
        chosen = [id_ for id_, opportunity in zip(ids, opportunities, strict=True) if opportunity.state == state]
        for button in buttons:
            admin.model("sale.opportunity", button, chosen)
    # The buttons close with today's date, and `won` has none: a sale that is confirmed sets it.
    for id_, opportunity in zip(ids, opportunities, strict=True):
        late = {"end_date": opportunity.end} if opportunity.end else {}
        if opportunity.state == "won":
            late["state"] = "won"
        if late:
            admin.model("sale.opportunity", "write", [id_], late)


def _create_articles(admin):
    """The products, each with its unit, in the order of words.ARTICLES."""
    found = admin.model("product.uom", "search_read", [], 0, None, None, ["symbol"])
    units = {unit["symbol"]: unit["id"] for unit in found}
    values = [
        {
            "name": article.name,
            "code": article.code,
            "type": article.kind,
            "default_uom": units[article.unit],
            "sale_uom": units[article.unit],
            "list_price": Decimal(article.price),
            "salable": True,
            "products": [["create", [{}]]],
        }
        for article in words.ARTICLES
    ]
    templates = admin.model("product.template", "create", values)
    rows = {row["id"]: row["products"][0] for row in admin.model("product.template", "read", templates, ["products"])}
    return [(rows[template], units[article.unit]) for template, article in zip(templates, words.ARTICLES, strict=True)]


def _create_payment_terms(admin):
    terms = []
    for name, days in words.PAYMENT_TERMS.items():
        due = {"type": "remainder", "relativedeltas": [["create", [{"days": days}]]]}
        terms.append({"name": name, "lines": [["create", [due]]]})
    return admin.model("account.invoice.payment_term", "create", terms)


def _fill_quotes(admin, articles, payment_terms):
    """The sales that opportunities were converted into get lines; every third has been handed to the customer."""
    sales = admin.model("sale.sale", "search", [], 0, None, [["id", "ASC"]])
    for number, (sale, lines) in enumerate(zip(sales, figures.quote_lines(SEED, len(sales)), strict=True)):
        rows = []
        for line in lines:
            product, unit = articles[line.article]
            rows.append({"product": product, "unit": unit, "quantity": line.quantity, "unit_price": line.price})
        values = {"payment_term": payment_terms[number % len(payment_terms)], "lines": [["create", rows]]}
        admin.model("sale.sale", "write", [sale], values)
    admin.model("sale.sale", "quote", sales[::3])
