-- Rejects that a person mended: their rows are in dvf, what the file has is here.
CREATE TABLE IF NOT EXISTS dvf_import.mended (
    edition     text NOT NULL,
    year        smallint NOT NULL,
    record      bigint NOT NULL,
    plain_first bigint NOT NULL,
    plain_end   bigint NOT NULL,
    column_name text,
    reason      text NOT NULL,
    raw         bytea NOT NULL,
    mended      bytea NOT NULL,
    mended_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (edition, record)
)
