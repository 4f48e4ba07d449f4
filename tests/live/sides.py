"""What the two databases hold, read with SQL alone, and in the same words: those of the CRM ontology.

Nothing here goes through Banyan's code, and nothing is taken from its mapping: what equals what is stated again.
"""

import dataclasses
from decimal import Decimal

import psycopg2.extras

# Per entity: what Tryton holds. Columns have the names of the record's fields; `id` is Tryton's.
LEGACY = {
    "account": """
        select p.id, p.name, p.code, p.active, replace(l.code, '_', '-') as language
        from party_party p
        left join (select party, min(lang) as lang from party_party_lang group by party) pl on pl.party = p.id
        left join ir_lang l on l.id = pl.lang
        where p.replaced_by is null""",
    "address": """
        select a.id, a.party as account, a.name, a.party_name as addressee, a.street, a.postal_code, a.city, c.code as country,
               s.code as subdivision, a.active
        from party_address a
        left join country_country c on c.id = a.country
        left join country_subdivision s on s.id = a.subdivision""",
    "contact_point": """
        select id, party as account, type as kind, value, name, comment, active from party_contact_mechanism""",
    "opportunity": """
        select o.id, o.description as name, o.number, o.reference, o.party as account, o.address,
               case o.state when 'won' then 'converted' else o.state end as stage,
               o.amount, cu.code as currency, round((o.conversion_probability * 100)::numeric, 6) as probability,
               o.start_date, o.end_date, person.name as owner, o.lost_reason, o.comment
        from sale_opportunity o
        left join company_company co on co.id = o.company
        left join currency_currency cu on cu.id = co.currency
        left join company_employee e on e.id = o.employee
        left join party_party person on person.id = e.party""",
    "product": """
        select p.id, t.name, p.code, t.type as kind, p.description, u.symbol as unit, t.salable
        from product_product p
        join product_template t on t.id = p.template
        left join product_uom u on u.id = t.default_uom""",
    "quote": """
        select s.id, s.number, s.reference, s.description as name, s.party as account, s.invoice_address,
               s.shipment_address as delivery_address, s.state, s.sale_date as date, s.shipping_date,
               cu.code as currency, t.name as payment_term, s.comment,
               case when s.origin like 'sale.opportunity,%' then split_part(s.origin, ',', 2) end as opportunity,
               coalesce((select sum(round(l.quantity::numeric * l.unit_price, 2))
                         from sale_line l where l.sale = s.id and l.type = 'line'), 0) as untaxed_amount
        from sale_sale s
        left join account_invoice_payment_term t on t.id = s.payment_term
        left join currency_currency cu on cu.id = s.currency""",
    "quote_line": """
        select l.id, l.sale as quote, l.sequence, l.type as kind, l.product, l.description, l.quantity,
               u.symbol as unit, l.unit_price, l.note as comment
        from sale_line l
        left join product_uom u on u.id = l.unit""",
}

# Fields that name another record: on the legacy side by Tryton's id, on the modern side by the record's.
REFERENCES = {
    "address": {"account": "account"},
    "contact_point": {"account": "account"},
    "opportunity": {"account": "account", "address": "address"},
    "quote": {
        "account": "account",
        "invoice_address": "address",
        "delivery_address": "address",
        "opportunity": "opportunity",
    },
    "quote_line": {"quote": "quote", "product": "product"},
}

NUMBERS = {"amount", "probability", "quantity", "unit_price", "untaxed_amount"}

# The field that holds the mark of an item for ever.
MARKED = {
    "account": "name",
    "address": "name",
    "contact_point": "name",
    "opportunity": "reference",
    "quote": "reference",
    "quote_line": "description",
}

_MODERN = "select entity, id::text, data from banyan.record where not deleted"
# A link may have been made anew: the two were a couple when the first thing of the legacy side was taken in.
_LINKS = """
    with met as (select stream, ref, min(at) as at from banyan.inbox group by 1, 2),
         heard as (select entity, id, min(at) as at from banyan.record_history where side = 'legacy' group by 1, 2)
    select s.entity, l.legacy_id, l.record_id::text, l.base is not null,
           extract(epoch from least(l.created_at, met.at, heard.at))
    from banyan.link l join banyan.stream s on s.id = l.stream
    left join met on met.stream = l.stream and met.ref = l.record_id::text
    left join heard on heard.entity = s.entity and heard.id = l.record_id"""
_MATTERS = """
    select s.entity, p.legacy_id, p.record_id::text, p.kind, p.state, p.error_class, p.message,
           p.legacy, p.modern, p.answer
    from banyan.parked p join banyan.stream s on s.id = p.stream"""
# Records that are not written because they refer to one that is not in Tryton and that a person has to decide about, or
# to one that waits so itself: nothing more happens to them before that.
HELD_BACK = """
    with recursive lacking (id) as (
      select r.id::text from banyan.record r
      where not exists (select from banyan.link l where l.record_id = r.id and l.base is not null)
    ), held (id) as (
      select p.record_id::text from banyan.parked p join lacking on lacking.id = p.record_id::text
      where p.state in ('open', 'answered')
      union
      select o.record_id::text
      from held h cross join banyan.outbox o join banyan.stream s on s.id = o.stream
      join banyan.record r on r.entity = s.entity and r.id = o.record_id join lacking on lacking.id = r.id::text
      where exists (select from jsonb_each_text(r.data) f where f.value = h.id)
    ), held_back as (
      select o.*, s.entity from banyan.outbox o join banyan.stream s on s.id = o.stream
      join banyan.record r on r.entity = s.entity and r.id = o.record_id
      where exists (select from jsonb_each_text(r.data) f join held h on h.id = f.value)
    ) """
_HELD_BACK = HELD_BACK + "select entity, record_id::text from held_back"
_UNFINISHED = HELD_BACK + """
    select 'outbox', count(*) from banyan.outbox where (stream, record_id) not in (select stream, record_id from held_back)
    union all select 'waiting', count(*) from banyan.waiting
    union all select 'intents', count(*) from banyan.intent
    union all select 'in flight', coalesce(sum(in_flight), 0) from banyan.sync_count
    union all select 'open in the inbox', count(*) from banyan.inbox where outcome = 'in_flight'"""


@dataclasses.dataclass
class Matter:
    entity: str
    legacy_id: str
    record_id: str  # or None
    kind: str
    state: str
    error_class: str
    message: str
    legacy: object
    modern: object
    answer: object

    @property
    def is_open(self):
        return self.state in ("open", "answered")


@dataclasses.dataclass
class Sides:
    legacy: dict  # entity -> legacy id -> field -> value; references as (entity, legacy id)
    modern: dict  # entity -> record id -> field -> value; references as (entity, record id)
    record_of: dict  # (entity, legacy id) -> record id
    legacy_of: dict  # (entity, record id) -> legacy id
    coupled_at: dict  # (entity, record id) -> seconds since 1970
    matters: list
    unfinished: dict
    held_back: set = dataclasses.field(default_factory=set)  # (entity, record id)


def read(legacy, store):
    """Both sides, each in one snapshot. The arguments are psycopg2 cursors."""
    sides = Sides({}, {}, {}, {}, {}, [], {})
    for entity, sql in LEGACY.items():
        legacy.execute(sql)
        names = [column.name for column in legacy.description]
        rows = (dict(zip(names, row, strict=True)) for row in legacy.fetchall())
        sides.legacy[entity] = {str(row.pop("id")): _values(entity, row) for row in rows}
        sides.modern[entity] = {}
    psycopg2.extras.register_default_jsonb(store, loads=_load_json)
    store.execute(_MODERN)
    for entity, id_, data in store.fetchall():
        if entity in LEGACY:
            known = {field: value for field, value in data.items() if field in _fields(entity)}
            sides.modern[entity][id_] = _values(entity, known)
    store.execute(_LINKS)
    for entity, legacy_id, record_id, is_live, coupled_at in store.fetchall():
        if is_live:
            sides.record_of[entity, legacy_id] = record_id
            sides.legacy_of[entity, record_id] = legacy_id
            sides.coupled_at[entity, record_id] = float(coupled_at)
    store.execute(_MATTERS)
    sides.matters = [Matter(*row) for row in store.fetchall() if row[0] in LEGACY]
    store.execute(_HELD_BACK)
    sides.held_back = set(store.fetchall())
    store.execute(_UNFINISHED)
    sides.unfinished = {what: int(count) for what, count in store.fetchall() if count}
    return sides


def _load_json(text):
    return psycopg2.extras.json.loads(text, parse_float=Decimal)


def _fields(entity):
    return _COMPARED[entity]


def _values(entity, row):
    """Empty and absent are the same; numbers have one form; all else is text."""
    references = REFERENCES.get(entity, {})
    values = {}
    for field, value in row.items():
        if value is None or value == "":
            continue
        if field in references:
            values[field] = (references[field], str(value))
        elif field in NUMBERS:
            values[field] = format(Decimal(str(value)).normalize(), "f")
        elif isinstance(value, bool):
            values[field] = "true" if value else "false"
        else:
            values[field] = str(value)
    return values


# The words of each statement's select list that are fields of the record: what is compared.
_COMPARED = {
    "account": {"name", "code", "active", "language"},
    "address": {"account", "name", "addressee", "street", "postal_code", "city", "country", "subdivision", "active"},
    "contact_point": {"account", "kind", "value", "name", "comment", "active"},
    "opportunity": {
        *("name", "number", "reference", "account", "address", "stage", "amount", "currency", "probability"),
        *("start_date", "end_date", "owner", "lost_reason", "comment"),
    },
    "product": {"name", "code", "kind", "description", "unit", "salable"},
    "quote": {
        *("number", "reference", "name", "account", "invoice_address", "delivery_address", "state", "date"),
        *("shipping_date", "currency", "payment_term", "comment", "opportunity", "untaxed_amount"),
    },
    "quote_line": {
        *("quote", "sequence", "kind", "product", "description", "quantity", "unit", "unit_price", "comment"),
    },
}
