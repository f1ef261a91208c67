"""The audit becomes a bundle of chains, in which no entry can be altered, removed or moved without being noticed.

`kit.audit` tells the theory. The hash is made by a trigger with the rights of the schema's owner, so that no program
can forget it, and the runtime role has no way at all to the heads of the chains.
"""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import TENANT_WALL, customer_wall

revision, down_revision, depends_on, branch_labels = "kit_0004", "kit_0003", None, None


def upgrade() -> None:
    """Say more about each entry, chain those that are there, and every one from now on."""
    _columns()
    _heads()
    _digest()
    _chain_what_is_there()
    _chain_what_comes()
    _walls()


def _columns() -> None:
    migrate.run("""
        ALTER TABLE audit
            ADD COLUMN customer_id uuid,
            ADD COLUMN impersonator_id uuid,
            ADD COLUMN api_key_id uuid,
            ADD COLUMN strand integer,
            ADD COLUMN position bigint,
            ADD COLUMN previous bytea,
            ADD COLUMN hash bytea,
            ALTER COLUMN resource DROP NOT NULL,
            ALTER COLUMN resource_id DROP NOT NULL,
            DROP CONSTRAINT audit_change_check,
            ADD CONSTRAINT audit_change_check
                CHECK (change IN ('CREATED', 'CHANGED', 'REMOVED', 'DONE', 'REFUSED'));
        CREATE INDEX audit_by_time ON audit (tenant_id, at DESC, id DESC);
        CREATE INDEX audit_of_actor ON audit (tenant_id, actor_id, at DESC);
    """)


def _heads() -> None:
    """The last link of each chain; no role but the owner has a grant, and the trigger works as the owner."""
    migrate.run("""
        CREATE TABLE audit_head (
            tenant_id uuid NOT NULL,
            strand integer NOT NULL,
            position bigint NOT NULL,
            hash bytea NOT NULL,
            PRIMARY KEY (tenant_id, strand)
        );
    """)


def _digest() -> None:
    """Every column as text with its length before it, so that no two entries read the same; absent is not empty."""
    migrate.run("""
        CREATE FUNCTION audit_digest(entry audit) RETURNS bytea LANGUAGE sql STABLE AS $$
            SELECT sha256(convert_to(string_agg(COALESCE(octet_length(part) || ':' || part, '-'), ',' ORDER BY place), 'UTF8'))
              FROM unnest(ARRAY[
                entry.tenant_id::text, entry.strand::text, entry.position::text, encode(entry.previous, 'hex'),
                entry.id::text, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
                entry.actor_kind, entry.actor_id::text, entry.impersonator_id::text, entry.api_key_id::text,
                entry.command, entry.change, entry.resource, entry.resource_id::text, entry.customer_id::text,
                entry.before::text, entry.after::text, entry.correlation, entry.address
              ]) WITH ORDINALITY AS parts (part, place)
        $$;
    """)


def _chain_what_is_there() -> None:
    """One strand for each tenant, in the order of the ids; walls that are forced would hide the rows from the owner."""
    migrate.run("""
        ALTER TABLE audit NO FORCE ROW LEVEL SECURITY;
        DO $$
        DECLARE
            entry audit;
            whose uuid;
            place bigint;
            link bytea;
        BEGIN
            FOR entry IN SELECT * FROM audit ORDER BY tenant_id, id LOOP
                IF entry.tenant_id IS DISTINCT FROM whose THEN
                    whose := entry.tenant_id; place := 0; link := decode(repeat('00', 32), 'hex');
                END IF;
                place := place + 1;
                entry.strand := 0; entry.position := place; entry.previous := link;
                link := audit_digest(entry);
                UPDATE audit SET strand = 0, position = place, previous = entry.previous, hash = link
                 WHERE tenant_id = entry.tenant_id AND id = entry.id;
                INSERT INTO audit_head VALUES (whose, 0, place, link)
                    ON CONFLICT (tenant_id, strand) DO UPDATE SET position = place, hash = link;
            END LOOP;
        END
        $$;
        ALTER TABLE audit
            FORCE ROW LEVEL SECURITY,
            ALTER COLUMN strand SET NOT NULL,
            ALTER COLUMN position SET NOT NULL,
            ALTER COLUMN previous SET NOT NULL,
            ALTER COLUMN hash SET NOT NULL;
        CREATE UNIQUE INDEX audit_link ON audit (tenant_id, strand, position);
    """)


def _chain_what_comes() -> None:
    schema = migrate.schema()
    migrate.run(f"""
        CREATE FUNCTION audit_chain() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $$
        DECLARE
            last audit_head;
        BEGIN
            NEW.strand := 0;
            WHILE NOT pg_try_advisory_xact_lock(hashtextextended('psa.audit.{schema}.' || NEW.tenant_id, NEW.strand)) LOOP
                NEW.strand := NEW.strand + 1;
            END LOOP;
            SELECT * INTO last FROM audit_head WHERE tenant_id = NEW.tenant_id AND strand = NEW.strand;
            NEW.position := COALESCE(last.position, 0) + 1;
            NEW.previous := COALESCE(last.hash, decode(repeat('00', 32), 'hex'));
            NEW.hash := audit_digest(NEW);
            INSERT INTO audit_head VALUES (NEW.tenant_id, NEW.strand, NEW.position, NEW.hash)
                ON CONFLICT (tenant_id, strand) DO UPDATE SET position = EXCLUDED.position, hash = EXCLUDED.hash;
            RETURN NEW;
        END
        $$;
        REVOKE ALL ON FUNCTION audit_chain() FROM PUBLIC;
        CREATE TRIGGER audit_chain BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chain();
    """)


def _walls() -> None:
    """Records are read by people of the tenant, each within their customers; the owner reads all, to verify them."""
    schema = migrate.schema()
    migrate.run(f"""
        CREATE POLICY customer_wall ON audit AS RESTRICTIVE FOR SELECT TO "{schema}" USING ({customer_wall()});
        CREATE POLICY records_are_internal ON audit AS RESTRICTIVE FOR SELECT TO "{schema}"
            USING (current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM'));
        CREATE POLICY verify ON audit FOR SELECT TO "{schema}_owner" USING (true);

        ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY;
        ALTER TABLE audit_head FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenant_wall ON audit_head USING ({TENANT_WALL}) WITH CHECK ({TENANT_WALL});
        CREATE POLICY verify ON audit_head FOR SELECT TO "{schema}_owner" USING (true);
    """)
