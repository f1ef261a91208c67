"""What the register of VAT ids said: evidence, so it is appended and never changed."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0010", "billing_0009", None, None

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


def upgrade() -> None:
    """Create the table; a merge of customers alone may change whose it is."""
    migrate.run(f"""
        CREATE TABLE vat_id_check (
            customer_id uuid NOT NULL,
            vat_id text NOT NULL,
            asking_vat_id text,
            status text NOT NULL CHECK (status IN ('VALID', 'INVALID', 'UNAVAILABLE')),
            checked_at timestamptz NOT NULL,
            consultation_number text,
            name text,
            address text,
            matches jsonb NOT NULL,
            fault text,
            answer jsonb NOT NULL,
            {ENTITY}
        );
        CREATE INDEX vat_id_check_of_customer ON vat_id_check (tenant_id, customer_id, checked_at DESC);
    """)
    migrate.protect("vat_id_check", customer="customer_id", grants="SELECT, INSERT")
    migrate.run(f"""
        GRANT UPDATE (customer_id) ON vat_id_check TO "{migrate.schema()}";
        CREATE TRIGGER refuse_change_of_owner BEFORE UPDATE ON vat_id_check
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_owner();
    """)
