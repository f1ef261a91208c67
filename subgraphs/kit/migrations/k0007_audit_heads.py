"""The head of an audit chain moves once for each transaction, however much the transaction writes down.

A row that is changed again and again within one transaction leaves every version behind, and whoever reads it walks over all of them: ten
thousand entries of one transaction cost a hundred times as much as a thousand. So an entry finds the one before it in the audit itself,
by the index of the chain, and the head follows at the commit. What was taken away from the end behind our back is still noticed: the head
is asked, too, and the later one of both goes on.

    audit_head   ┌ 7 ┐                                          moved to 10 by the first of the deferred triggers; the others see it there
                   ▲
    audit        … 7 ◄── 8 ◄── 9 ◄── 10   of this transaction
"""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "kit_0007", "kit_0006", None, None


def upgrade() -> None:
    """Let entries follow each other in the audit, and the head follow at the end."""
    schema = migrate.schema()
    migrate.run(f"""
        CREATE OR REPLACE FUNCTION audit_chain() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $$
        DECLARE
            head audit_head;
            last record;
        BEGIN
            NEW.strand := 0;
            WHILE NOT pg_try_advisory_xact_lock(hashtextextended('psa.audit.{schema}.' || NEW.tenant_id, NEW.strand)) LOOP
                NEW.strand := NEW.strand + 1;
            END LOOP;
            SELECT * INTO head FROM audit_head WHERE tenant_id = NEW.tenant_id AND strand = NEW.strand;
            SELECT position, hash INTO last FROM audit
             WHERE tenant_id = NEW.tenant_id AND strand = NEW.strand ORDER BY position DESC LIMIT 1;
            IF last.position > COALESCE(head.position, 0) THEN
                head.position := last.position; head.hash := last.hash;
            END IF;
            NEW.position := COALESCE(head.position, 0) + 1;
            NEW.previous := COALESCE(head.hash, decode(repeat('00', 32), 'hex'));
            NEW.hash := audit_digest(NEW);
            RETURN NEW;
        END
        $$;

        CREATE FUNCTION audit_follow() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM audit_head
                            WHERE tenant_id = NEW.tenant_id AND strand = NEW.strand AND position >= NEW.position) THEN
                INSERT INTO audit_head
                SELECT tenant_id, strand, position, hash FROM audit
                 WHERE tenant_id = NEW.tenant_id AND strand = NEW.strand ORDER BY position DESC LIMIT 1
                ON CONFLICT (tenant_id, strand) DO UPDATE SET position = EXCLUDED.position, hash = EXCLUDED.hash;
            END IF;
            RETURN NULL;
        END
        $$;
        REVOKE ALL ON FUNCTION audit_follow() FROM PUBLIC;
        CREATE CONSTRAINT TRIGGER audit_follow AFTER INSERT ON audit
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_follow();
    """)
