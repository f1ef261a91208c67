"""The pipeline, opportunities and quotes; and words by which customers, contacts and sites are found."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0003", "crm_0002", None, None

ENTITY = """
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
"""
INSIDE = "current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM')"


def upgrade() -> None:
    """Create the tables; what was not sent yet, and what we hope for, is seen by nobody outside of the house."""
    _pipeline()
    _quote()
    migrate.protect("pipeline_stage")
    for table in ("opportunity", "quote"):
        migrate.protect(table, customer="customer_id")
    migrate.run(f"""
        CREATE POLICY hopes_are_internal ON opportunity AS RESTRICTIVE USING ({INSIDE});
        CREATE POLICY drafts_are_internal ON quote AS RESTRICTIVE
            USING (status NOT IN ('DRAFT', 'IN_APPROVAL', 'APPROVED') OR {INSIDE});
    """)
    _words("customer", "name", "legal_name", "number", "vat_id", "industry", "website", "billing_address->>'city'")
    _words("contact", "first_name", "last_name", "email", "phone", "mobile", "position")
    _words("site", "name", "address->>'line1'", "address->>'postal_code'", "address->>'city'")


def _pipeline() -> None:
    migrate.run(f"""
        CREATE TABLE pipeline_stage (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            position integer NOT NULL,
            probability integer NOT NULL CHECK (probability BETWEEN 0 AND 100),
            outcome text NOT NULL CHECK (outcome IN ('OPEN', 'WON', 'LOST')),
            {ENTITY}
        );
        CREATE UNIQUE INDEX pipeline_stage_name ON pipeline_stage (tenant_id, lower(name));
        CREATE TABLE opportunity (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            title text NOT NULL CHECK (title <> ''),
            stage_id uuid NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('OPEN', 'WON', 'LOST')),
            probability integer NOT NULL CHECK (probability BETWEEN 0 AND 100),
            expected_close date,
            amount numeric(14,2) NOT NULL CHECK (amount >= 0),
            mrr_amount numeric(14,2) NOT NULL CHECK (mrr_amount >= 0),
            currency text NOT NULL CHECK (length(currency) = 3),
            owner_id uuid,
            lost_reason text,
            closed_at timestamptz,
            {ENTITY},
            FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
            FOREIGN KEY (tenant_id, stage_id) REFERENCES pipeline_stage (tenant_id, id)
        );
        CREATE INDEX opportunity_of_customer ON opportunity (tenant_id, customer_id, created_at DESC);
        CREATE INDEX opportunity_open ON opportunity (tenant_id, expected_close, id) WHERE outcome = 'OPEN';
    """)


def _quote() -> None:
    migrate.run(f"""
        CREATE TABLE quote (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            number text NOT NULL,
            revision integer NOT NULL CHECK (revision > 0),
            opportunity_id uuid,
            title text NOT NULL CHECK (title <> ''),
            status text NOT NULL CHECK (status IN ('DRAFT', 'IN_APPROVAL', 'APPROVED', 'SENT', 'VIEWED', 'ACCEPTED',
                'REJECTED', 'EXPIRED', 'SUPERSEDED', 'CONVERTED')),
            valid_until date NOT NULL,
            currency text NOT NULL CHECK (length(currency) = 3),
            lines jsonb NOT NULL CHECK (jsonb_typeof(lines) = 'array'),
            terms_text text,
            token_hash text,
            accepted_by text,
            accepted_at timestamptz CHECK (status NOT IN ('ACCEPTED', 'CONVERTED') OR accepted_at IS NOT NULL),
            accepted_ip text,
            accepted_hash text,
            rejected_reason text,
            contract_id uuid,
            {ENTITY},
            CONSTRAINT quote_number UNIQUE (tenant_id, number, revision),
            FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id)
        );
        CREATE INDEX quote_of_customer ON quote (tenant_id, customer_id, number DESC, revision DESC);
    """)


def _words(table: str, *columns: str) -> None:
    """A column with the words of others, as German and English stem them, and without umlauts and accents as they are written.

    Mueller, Müller and Muller become one word, and so do Strasse and Straße. `service/search.py` folds what is asked in the same way.
    """
    words = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    folded = f"translate(lower({words}), 'äöüáàâãåéèêëíìîïóòôõúùûñçß', 'aouaaaaaeeeeiiiioooouuunc\x01')"
    for before, after in (("\x01", "ss"), ("ae", "a"), ("oe", "o"), ("ue", "u")):
        folded = f"replace({folded}, '{before}', '{after}')"
    migrate.run(f"""
        ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS (
            to_tsvector('simple'::regconfig, {folded})
            || to_tsvector('german'::regconfig, {words}) || to_tsvector('english'::regconfig, {words})) STORED;
        CREATE INDEX {table}_search ON {table} USING gin (search);
    """)
