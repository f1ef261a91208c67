"""What the bank tells of: statements, and each credit once, with the payment that it became."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0006", "billing_0005", None, None

ENTITY = """
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
"""

FOR_STAFF = "current_setting('psa.kind', true) NOT IN ('CUSTOMER', 'COMANAGED')"
FOR_ALL_CUSTOMERS = f"{FOR_STAFF} AND current_setting('psa.customers', true) = '*'"


def upgrade() -> None:
    """Create the tables; whose money it is nobody knows at first, so it is for those who see all customers."""
    migrate.run(f"""
        CREATE TABLE bank_statement (
            matched integer NOT NULL,
            unmatched integer NOT NULL,
            known integer NOT NULL,
            {ENTITY}
        );
        CREATE TABLE bank_entry (
            statement_id uuid NOT NULL,
            key text NOT NULL,
            iban text,
            amount numeric(14, 2) NOT NULL CHECK (amount > 0),
            currency text NOT NULL,
            value_date date NOT NULL,
            debtor text,
            remittance text NOT NULL,
            status text NOT NULL CHECK (status IN ('MATCHED', 'UNMATCHED', 'IGNORED')),
            reason text,
            payment_id uuid,
            {ENTITY},
            UNIQUE (tenant_id, key),
            CHECK ((status = 'MATCHED') = (payment_id IS NOT NULL))
        );
        CREATE INDEX bank_entry_of_statement ON bank_entry (tenant_id, statement_id, value_date);
        CREATE INDEX bank_entry_of_status ON bank_entry (tenant_id, status, value_date);
    """)
    for table in ("bank_statement", "bank_entry"):
        migrate.protect(table, grants="SELECT, INSERT, UPDATE")
        migrate.run(
            f"CREATE POLICY internal_wall ON {table} AS RESTRICTIVE"
            f" USING ({FOR_ALL_CUSTOMERS}) WITH CHECK ({FOR_ALL_CUSTOMERS});"
        )
