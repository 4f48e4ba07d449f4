#!/usr/bin/python3
"""Quotes, their lines and products in a real Tryton and in Banyan's store: what either side does arrives on the other,
and what Tryton's own screens would refuse is refused, with nothing lost.

usage: tryton_quotes_test.py BANYAN [OPTIONS OF UNITTEST]
"""

import decimal
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "demo"), str(ROOT / "tests/live")]

from rig import Site  # noqa: E402
from world import seed  # noqa: E402
from world.world import World  # noqa: E402

BANYAN = ""
PATIENCE_SECONDS = 300
CLARA = seed.STAFF[0].login
D = decimal.Decimal
TERM = "14 days net"
TWO_LINES = ({"quantity": 1.5, "unit_price": D("5.5"), "description": "One"}, {"quantity": 2, "unit_price": D("7")})


def number(value):
    """A decimal of Tryton's JSON, or a text of the records API."""
    return D(value["decimal"] if isinstance(value, dict) else str(value))


class Quotes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        world = cls.enterClassContext(World())
        cls.site = cls.enterClassContext(Site(world, Path(BANYAN).absolute(), 1, database=world.database))
        cls.site.wait_for_backfill(PATIENCE_SECONDS)
        cls.node = cls.site.nodes[0]
        cls.staff = world.client().login(CLARA, seed.PASSWORD)
        admin = world.client().login(seed.ADMIN.login, seed.PASSWORD)
        [cls.term] = admin.model("account.invoice.payment_term", "search", [["name", "=", TERM]], 0, 1, None)
        cls.unit = admin.model("product.uom", "search", [["symbol", "=", "h"]], 0, 1, None)[0]
        values = {"name": "Inspection", "type": "service", "default_uom": cls.unit, "sale_uom": cls.unit}
        values |= {"list_price": D("80"), "salable": True, "code": "INSP", "products": [["create", [{}]]]}
        [template] = admin.model("product.template", "create", [values])
        [cls.product] = admin.model("product.product", "search", [["template", "=", template]], 0, 1, None)
        values = {"name": "Rowan Foods KG", "addresses": [["create", [{"city": "Berlin"}]]]}
        [cls.party] = cls.staff.model("party.party", "create", [values])
        [cls.address] = cls.staff.model("party.party", "read", [cls.party], ["addresses"])[0]["addresses"]
        cls.admin = admin

    # ---- both sides

    def api(self, method, path, data=None, headers=None, expected=(200, 201, 204)):
        status, _, answer = self.node.api(method, path, data, headers)
        self.assertIn(status, expected, answer)
        return answer

    def create(self, entity, **data):
        return self.api("POST", f"/api/records/{entity}", {"data": data})["id"]

    def edit(self, entity, id_, **data):
        self.api("PATCH", f"/api/records/{entity}/{id_}", {"data": data}, {"If-Match": "*"})

    def record(self, entity, id_):
        return self.api("GET", f"/api/records/{entity}/{id_}")["data"]

    def eventually(self, look, what):
        """What `look` gives as soon as it is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()):
            if time.monotonic() > end:
                self.fail(f"never: {what}")
            time.sleep(0.05)
        return found

    def links(self, entity, column, value):
        other = {"legacy_id": "record_id::text", "record_id": "legacy_id"}[column]
        sql = (
            f"select {other} from banyan.link l join banyan.stream s on s.id = l.stream "
            f"where s.entity = %s and l.{column}::text = %s and l.base is not null"
        )
        return self.site.rows(sql, entity, str(value))

    def record_of(self, entity, legacy_id):
        found = self.eventually(lambda: self.links(entity, "legacy_id", legacy_id), f"record of {entity} {legacy_id}")
        return found[0][0]

    def legacy_of(self, entity, record_id):
        found = self.eventually(lambda: self.links(entity, "record_id", record_id), f"{entity} {record_id} in Tryton")
        return int(found[0][0])

    def row(self, model, id_, *names):
        found = self.staff.model(model, "read", [id_], list(names))
        return found[0]

    def matters(self, *records):
        """What is left to a person, of these records."""
        return self.site.rows(
            "select s.entity, p.kind, p.error_class, p.message from banyan.parked p join banyan.stream s "
            "on s.id = p.stream where p.state in ('open', 'answered') and p.record_id::text = any(%s)",
            list(records),
        )

    def dead_letter(self, record_id):
        sql = (
            "select id, error_class, message from banyan.parked "
            "where record_id::text = %s and kind = 'dead_letter' and state = 'open'"
        )
        return self.eventually(lambda: self.site.rows(sql, record_id), f"dead letter of {record_id}")[0]

    def quote_of_an_agent(self, *lines, **more):
        quote = self.create("quote", account=self.record_of("account", self.party), state="draft", **more)
        given = {"quote": quote, "product": self.record_of("product", self.product), "unit": "h"}
        return quote, [self.create("quote_line", **{**given, **line}) for line in lines]

    def sale_of_staff(self, *lines):
        lines = [{"product": self.product, "unit": self.unit, **line} for line in lines]
        values = {"party": self.party, "invoice_address": self.address, "shipment_address": self.address}
        [sale] = self.staff.model("sale.sale", "create", [{**values, "lines": [["create", lines]]}])
        ids = self.row("sale.sale", sale, "lines")["lines"]
        return sale, sorted(ids)

    def records_of(self, sale, *lines):
        return self.record_of("quote", sale), *(self.record_of("quote_line", line) for line in lines)

    def is_gone(self, entity, id_):
        return self.node.api("GET", f"/api/records/{entity}/{id_}")[0] == 410

    def edit_in_form(self, sale, *commands, **values):
        """As the web client saves a sale: the lines go with it."""
        self.staff.model("sale.sale", "write", [sale], {**values, "lines": list(commands)})

    # ---- from an agent to staff

    def test_a_quote_of_an_agent_becomes_a_draft_sale_with_its_lines(self):
        opportunity = self.staff.model("sale.opportunity", "create", [{"party": self.party, "description": "Hall"}])[0]
        quote, lines = self.quote_of_an_agent(
            {"quantity": "2.5", "unit_price": "80.25", "description": "Inspection of the hall", "sequence": 1},
            {"quantity": "1", "unit_price": "0.0001", "description": "Report", "sequence": 2},
            reference="PO 77",
            name="Inspection",
            date="2026-11-02",
            shipping_date="2026-11-20",
            currency="EUR",
            payment_term=TERM,
            comment="As agreed",
            invoice_address=self.record_of("address", self.address),
            delivery_address=self.record_of("address", self.address),
            opportunity=self.record_of("opportunity", opportunity),
        )
        sale = self.legacy_of("quote", quote)
        header = ("party", "reference", "description", "sale_date", "shipping_date", "currency.code", "payment_term")
        header += ("comment", "invoice_address", "shipment_address", "origin", "state", "company")
        held = self.row("sale.sale", sale, *header)
        self.assertEqual((held["party"], held["state"], held["reference"]), (self.party, "draft", "PO 77"))
        self.assertEqual((held["description"], held["comment"]), ("Inspection", "As agreed"))
        self.assertEqual([held[date]["day"] for date in ("sale_date", "shipping_date")], [2, 20])
        self.assertEqual((held["payment_term"], held["currency."]["code"]), (self.term, "EUR"))
        self.assertEqual(held["company"], self.staff.context["company"])
        self.assertEqual((held["invoice_address"], held["shipment_address"]), (self.address, self.address))
        self.assertEqual(held["origin"], f"sale.opportunity,{opportunity}")
        columns = ("sale", "product", "quantity", "unit", "unit_price", "description", "type", "sequence")
        first, second = (self.row("sale.line", self.legacy_of("quote_line", line), *columns) for line in lines)
        self.assertEqual((first["sale"], first["product"], first["unit"]), (sale, self.product, self.unit))
        self.assertEqual((first["quantity"], number(first["unit_price"]), first["type"]), (2.5, D("80.25"), "line"))
        self.assertEqual((first["description"], first["sequence"]), ("Inspection of the hall", 1))
        self.assertEqual((second["sale"], number(second["unit_price"])), (sale, D("0.0001")))

    def test_what_tryton_works_out_comes_back(self):
        quote, [line] = self.quote_of_an_agent({"quantity": "2", "unit_price": "10"})
        self.eventually(lambda: self.record("quote", quote).get("total_amount") == "20", "the sum of the new lines")
        self.eventually(lambda: self.record("quote_line", line).get("amount") == "20", "the amount of the line")
        self.assertEqual(self.record("quote", quote)["currency"], "EUR")
        self.assertEqual(self.record("quote_line", line)["kind"], "line")
        self.edit("quote_line", line, quantity="3")
        self.eventually(lambda: self.record("quote", quote).get("total_amount") == "30", "the sum after an edit")
        self.api("DELETE", f"/api/records/quote_line/{line}")
        self.eventually(lambda: self.record("quote", quote).get("total_amount") == "0", "the sum after a delete")

    def test_an_agents_state_and_number_do_not_stay(self):
        quote, _ = self.quote_of_an_agent(number="4711")
        self.edit("quote", quote, state="confirmed")
        sale = self.legacy_of("quote", quote)
        self.eventually(lambda: self.record("quote", quote)["state"] == "draft", "the state is Tryton's")
        self.eventually(lambda: "number" not in self.record("quote", quote), "the number is Tryton's")
        self.assertEqual(self.row("sale.sale", sale, "state", "number"), {"id": sale, "state": "draft", "number": None})

    def test_an_agents_edits_of_a_draft_arrive(self):
        sale, [first, second] = self.sale_of_staff(*TWO_LINES)
        quote, line, other = self.records_of(sale, first, second)
        self.edit("quote", quote, name="Second offer", date="2026-12-24")
        self.edit("quote_line", line, quantity="4.5", unit_price="6.125", description="Longer")
        self.api("DELETE", f"/api/records/quote_line/{other}")
        self.eventually(lambda: self.row("sale.sale", sale, "lines")["lines"] == [first], "one line is left")
        self.eventually(lambda: self.row("sale.line", first, "quantity")["quantity"] == 4.5, "the quantity")
        held = self.row("sale.line", first, "unit_price", "description")
        self.assertEqual((number(held["unit_price"]), held["description"]), (D("6.125"), "Longer"))
        self.eventually(lambda: self.row("sale.sale", sale, "description")["description"] == "Second offer", "the name")

    def test_a_delete_of_a_quote_by_an_agent_deletes_the_sale_with_its_lines(self):
        quote, lines = self.quote_of_an_agent(
            {"quantity": "2", "unit_price": "10"}, {"quantity": "1", "unit_price": "3"}
        )
        sale = self.legacy_of("quote", quote)
        self.eventually(lambda: self.record("quote", quote).get("total_amount") == "23", "the sum")
        self.api("DELETE", f"/api/records/quote/{quote}")
        self.eventually(lambda: not self.staff.model("sale.line", "search", [["sale", "=", sale]], 0, 9, None), "lines")
        self.eventually(lambda: not self.staff.model("sale.sale", "search", [["id", "=", sale]], 0, 1, None), "the sale")
        self.assertEqual(self.matters(quote, *lines), [])

    # ---- from staff to agents

    def test_what_staff_do_to_a_sale_arrives(self):
        sale, [first, second] = self.sale_of_staff(*TWO_LINES)
        quote, line, other = self.records_of(sale, first, second)
        held = self.record("quote_line", line)
        self.assertEqual((held["quote"], held["product"]), (quote, self.record_of("product", self.product)))
        self.assertEqual((held["quantity"], held["unit"], held["unit_price"]), ("1.5", "h", "5.5"))
        self.edit_in_form(sale, ["write", [first], {"quantity": 3.25, "unit_price": D("4")}], ["delete", [second]],
                          payment_term=self.term)
        self.eventually(lambda: self.record("quote_line", line)["quantity"] == "3.25", "the quantity")
        self.assertEqual(self.record("quote_line", line)["unit_price"], "4")
        self.eventually(lambda: self.record("quote", quote).get("payment_term") == TERM, "the terms")
        self.eventually(lambda: self.record("quote", quote).get("total_amount") == "13", "the sum")
        self.eventually(lambda: self.is_gone("quote_line", other), "the delete")
        self.staff.model("sale.sale", "quote", [sale])
        self.eventually(lambda: self.record("quote", quote)["state"] == "quotation", "the state")
        self.assertTrue(self.record("quote", quote)["number"])

    def test_a_product_and_its_edits_arrive(self):
        record = self.record_of("product", self.product)
        held = self.record("product", record)
        self.assertEqual((held["name"], held["kind"], held["unit"]), ("Inspection", "service", "h"))
        self.assertEqual((held["list_price"], held["code"], held["salable"]), ("80", "INSP", True))
        self.admin.model("product.product", "write", [self.product], {"description": "By two people"})
        self.eventually(lambda: self.record("product", record).get("description") == "By two people", "the edit")

    # ---- what Tryton would not let staff do

    def test_an_edit_of_a_closed_sale_waits_for_a_person_and_goes_when_it_is_open_again(self):
        sale, [first, second] = self.sale_of_staff(*TWO_LINES)
        quote, line, other = self.records_of(sale, first, second)
        self.staff.model("sale.sale", "quote", [sale])
        self.edit("quote_line", line, quantity="9")
        self.edit("quote", quote, name="Late")
        added = self.create("quote_line", quote=quote, quantity="1", unit_price="1")
        self.api("DELETE", f"/api/records/quote_line/{other}")
        letters = {record: self.dead_letter(record) for record in (line, quote, added, other)}
        for record, (_, error_class, message) in letters.items():
            self.assertEqual(error_class, "rejected")
            field = "description" if record == quote else "lines"
            self.assertIn(f"sale.sale {sale}: {field} cannot be changed now, Tryton has it read-only", message)
            self.assertIn("(state: quotation)", message)
        self.assertEqual(self.row("sale.line", first, "quantity")["quantity"], 1.5)
        self.assertEqual(sorted(self.row("sale.sale", sale, "lines")["lines"]), sorted([first, second]))
        self.assertEqual(self.record("quote_line", line)["quantity"], "9")  # what the agent wrote is kept
        self.edit("quote", quote, comment="A note may always be written")
        self.staff.model("sale.sale", "draft", [sale])
        for letter, *_ in letters.values():
            self.api("POST", f"/api/sync/dead-letters/{letter}/replay", {}, expected=(200, 202))
        self.eventually(lambda: self.row("sale.line", first, "quantity")["quantity"] == 9, "the edit goes after all")
        self.eventually(lambda: self.row("sale.sale", sale, "description")["description"] == "Late", "the name too")
        third = self.legacy_of("quote_line", added)
        self.eventually(lambda: sorted(self.row("sale.sale", sale, "lines")["lines"]) == [first, third], "the lines")
        self.eventually(lambda: self.row("sale.sale", sale, "comment")["comment"], "the note")
        self.eventually(lambda: not self.matters(*letters), "nothing is left to a person")

    def test_what_tryton_cannot_take_waits_with_its_own_words(self):
        quote, _ = self.quote_of_an_agent()
        half = self.create("quote_line", quote=quote, product=self.record_of("product", self.product), quantity="1")
        _, error_class, message = self.dead_letter(half)
        self.assertEqual(error_class, "rejected")
        self.assertRegex(message, "A value is required for field .*Unit")
        self.edit("quote_line", half, unit="h", unit_price="1")
        self.assertTrue(self.legacy_of("quote_line", half))
        self.eventually(lambda: not self.matters(half), "nothing is left to a person")


if __name__ == "__main__":
    BANYAN = sys.argv.pop(1)
    unittest.main()
