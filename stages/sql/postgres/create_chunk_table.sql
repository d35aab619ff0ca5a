-- Overlapping chunks cannot commit, whatever else goes wrong.
CREATE TABLE dvf_import.:"chunk" PARTITION OF dvf_import.chunk (
    EXCLUDE USING gist (int8range(plain_first, plain_end) WITH &&)
) FOR VALUES IN (:'edition')
