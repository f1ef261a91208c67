"""Direct debits: mandates, files for the bank, and what is taken with each."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0011", "billing_0010", None, None

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
    """Create the tables: a customer has one mandate that holds, and a document is in one file that waits."""
    migrate.run(f"""
        CREATE TABLE sepa_mandate (
            customer_id uuid NOT NULL,
            reference text NOT NULL,
            type text NOT NULL CHECK (type IN ('CORE', 'B2B')),
            status text NOT NULL CHECK (status IN ('ACTIVE', 'REVOKED')),
            holder text NOT NULL,
            iban text NOT NULL,
            bic text,
            signed_on date NOT NULL,
            prenotification_days integer NOT NULL CHECK (prenotification_days BETWEEN 1 AND 60),
            last_used_on date,
            revoked_on date,
            {ENTITY},
            CHECK ((status = 'REVOKED') = (revoked_on IS NOT NULL))
        );
        CREATE UNIQUE INDEX sepa_mandate_reference ON sepa_mandate (tenant_id, reference);
        CREATE INDEX sepa_mandate_of_customer ON sepa_mandate (tenant_id, customer_id, status);

        CREATE TABLE sepa_batch (
            legal_entity_id uuid NOT NULL,
            type text NOT NULL CHECK (type IN ('CORE', 'B2B')),
            status text NOT NULL CHECK (status IN ('CREATED', 'BOOKED', 'CANCELLED')),
            collection_date date NOT NULL,
            file_name text NOT NULL,
            sha256 text NOT NULL,
            debits integer NOT NULL CHECK (debits > 0),
            total numeric(14, 2) NOT NULL CHECK (total > 0),
            {ENTITY}
        );
        CREATE TABLE sepa_file (
            tenant_id uuid NOT NULL,
            batch_id uuid NOT NULL,
            content bytea NOT NULL,
            PRIMARY KEY (tenant_id, batch_id)
        );
        CREATE TABLE sepa_debit (
            customer_id uuid NOT NULL,
            batch_id uuid NOT NULL,
            mandate_id uuid NOT NULL,
            invoice_id uuid NOT NULL,
            number text NOT NULL,
            sequence text NOT NULL CHECK (sequence IN ('FRST', 'RCUR')),
            amount numeric(14, 2) NOT NULL CHECK (amount > 0),
            pending boolean NOT NULL,
            payment_id uuid,
            {ENTITY}
        );
        CREATE INDEX sepa_debit_of_batch ON sepa_debit (tenant_id, batch_id, number);
        CREATE UNIQUE INDEX sepa_debit_once ON sepa_debit (tenant_id, invoice_id) WHERE pending;
        CREATE INDEX sepa_debit_of_mandate ON sepa_debit (tenant_id, mandate_id) WHERE pending;
    """)
    for table in ("sepa_mandate", "sepa_debit"):
        migrate.protect(table, customer="customer_id", grants="SELECT, INSERT, UPDATE")
    migrate.protect("sepa_batch", grants="SELECT, INSERT, UPDATE")
    migrate.protect("sepa_file", grants="SELECT, INSERT")
    for table in ("sepa_batch", "sepa_file"):
        migrate.run(
            f"CREATE POLICY internal_wall ON {table} AS RESTRICTIVE"
            f" USING ({FOR_ALL_CUSTOMERS}) WITH CHECK ({FOR_ALL_CUSTOMERS});"
        )
