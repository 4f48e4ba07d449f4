"""The world of the demo and of the tests: PostgreSQL, Tryton, a seeded company, and Banyan in front."""
