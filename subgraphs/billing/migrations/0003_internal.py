"""What is ours alone: customers' people see their documents, and nothing of how we sell, run and keep the books."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0003", "billing_0002", None, None

FOR_STAFF = "current_setting('psa.kind', true) NOT IN ('CUSTOMER', 'COMANAGED')"
FOR_ALL_CUSTOMERS = f"{FOR_STAFF} AND current_setting('psa.customers', true) = '*'"

CATALOGUE = ("legal_entity", "tax_code", "product", "base_rate", "dunning_policy", "price_list", "rate_card")
OVER_ALL = ("billing_run", "dunning_run", "number_range", "export_batch", "export_file")


def upgrade() -> None:
    """Hide the catalogue from customers' people, and what sums up over all customers from whoever sees only some."""
    rules = dict.fromkeys(CATALOGUE, FOR_STAFF) | dict.fromkeys(OVER_ALL, FOR_ALL_CUSTOMERS)
    for table, rule in rules.items():
        migrate.run(f"CREATE POLICY internal_wall ON {table} AS RESTRICTIVE USING ({rule}) WITH CHECK ({rule});")
