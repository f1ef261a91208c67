"""The walls ask who is asking once for a statement, where they asked for each row: counting 200,000 rows took three times as long.

`tenancy.customer_wall` and `tenancy.narrow` say it so from now on; here are the tables that were walled before.
"""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import customer_wall

revision, down_revision, depends_on, branch_labels = "kit_0008", "kit_0007", None, None

_NARROWED = r"""\(?'[a-z_:.]+'::text <> ALL \(string_to_array\(COALESCE\(current_setting\('psa\.narrowed'::text, true\), ''::text\), ','::text\)\)\)?"""


def upgrade() -> None:
    """Say the same conditions of every walled table anew."""
    wall = customer_wall()
    migrate.run(f"""
        DO $walls$
        DECLARE
            one record;
            wall text := $wall${wall}$wall$;
        BEGIN
            FOR one IN
                SELECT p.polname AS name, c.oid::regclass AS relation, p.polwithcheck IS NOT NULL AS checks
                  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                 WHERE c.relnamespace = current_schema()::regnamespace AND p.polname = 'customer_wall'
            LOOP
                EXECUTE format('ALTER POLICY %I ON %s USING (%s)', one.name, one.relation, wall)
                     || CASE WHEN one.checks THEN format(' WITH CHECK (%s)', wall) ELSE '' END;
            END LOOP;
            FOR one IN
                SELECT p.polname AS name, c.oid::regclass AS relation,
                       regexp_replace(pg_get_expr(p.polqual, c.oid), $re${_NARROWED}$re$, '(SELECT \\&)') AS reads,
                       regexp_replace(pg_get_expr(p.polwithcheck, c.oid), $re${_NARROWED}$re$, '(SELECT \\&)') AS writes
                  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                 WHERE c.relnamespace = current_schema()::regnamespace
                   AND p.polname IN ('own_reads', 'own_inserts', 'own_updates', 'own_deletes')
                   AND COALESCE(pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)) NOT LIKE '%SELECT (''%'
            LOOP
                EXECUTE format('ALTER POLICY %I ON %s', one.name, one.relation)
                     || COALESCE(' USING (' || one.reads || ')', '') || COALESCE(' WITH CHECK (' || one.writes || ')', '');
            END LOOP;
        END
        $walls$;
    """)
