"""What suppliers send: each invoice once, and its bytes as they came."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0012", "billing_0011", None, None

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
    """Create the tables; they are nobody's but the tenant's own people's, who see all customers."""
    migrate.run(f"""
        CREATE TABLE inbound_invoice (
            format text NOT NULL CHECK (format IN ('UBL', 'CII', 'ZUGFERD')),
            status text NOT NULL CHECK (status IN ('RECEIVED', 'ACCEPTED', 'REJECTED')),
            received_at timestamptz NOT NULL,
            file_name text,
            sha256 text NOT NULL,
            xml_sha256 text NOT NULL,
            number text,
            type_code text,
            profile text,
            issue_date date,
            due_date date,
            currency text,
            supplier text,
            supplier_vat_id text,
            supplier_tax_number text,
            buyer text,
            buyer_vat_id text,
            iban text,
            net numeric(14, 2),
            tax numeric(14, 2),
            gross numeric(14, 2),
            payable numeric(14, 2),
            valid boolean NOT NULL,
            findings jsonb NOT NULL,
            reason text,
            {ENTITY},
            CHECK ((status = 'REJECTED') = (reason IS NOT NULL))
        );
        CREATE UNIQUE INDEX inbound_invoice_once ON inbound_invoice (tenant_id, xml_sha256);
        CREATE INDEX inbound_invoice_of_number ON inbound_invoice (tenant_id, number);
        CREATE INDEX inbound_invoice_received ON inbound_invoice (tenant_id, status, received_at DESC);
        CREATE TABLE inbound_file (
            tenant_id uuid NOT NULL,
            inbound_invoice_id uuid NOT NULL,
            content bytea NOT NULL,
            xml bytea NOT NULL,
            PRIMARY KEY (tenant_id, inbound_invoice_id)
        );
    """)
    migrate.protect("inbound_invoice", grants="SELECT, INSERT, UPDATE")
    migrate.protect("inbound_file", grants="SELECT, INSERT")
    for table in ("inbound_invoice", "inbound_file"):
        migrate.run(
            f"CREATE POLICY internal_wall ON {table} AS RESTRICTIVE"
            f" USING ({FOR_ALL_CUSTOMERS}) WITH CHECK ({FOR_ALL_CUSTOMERS});"
        )
