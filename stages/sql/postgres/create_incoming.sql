-- LIKE dvf, so columns people added come along; the CHECK lets ATTACH skip its scan.
CREATE TABLE dvf_import.:"incoming" (
    LIKE :dvf INCLUDING ALL EXCLUDING INDEXES,
    CONSTRAINT source_year_is CHECK (source_year = :year)
) WITH (autovacuum_enabled = off)
