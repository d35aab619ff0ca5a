-- CREATE OR REPLACE TRIGGER came with PostgreSQL 14.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = 'dvf_import.history'::regclass AND tgname = 'history_kept') THEN
        CREATE TRIGGER history_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON dvf_import.history
            FOR EACH STATEMENT EXECUTE FUNCTION dvf_import.history_kept();
    END IF;
END $$
