CREATE OR REPLACE FUNCTION dvf_import.history_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'dvf_import.history is append-only: what was told is neither changed nor removed';
END $$
