-- Records that could not be loaded, raw.
CREATE TABLE IF NOT EXISTS dvf_import.reject (
    edition     text NOT NULL,
    year        smallint NOT NULL,
    record      bigint NOT NULL,
    plain_first bigint NOT NULL,
    plain_end   bigint NOT NULL,
    column_name text,
    reason      text NOT NULL,
    raw         bytea NOT NULL,
    PRIMARY KEY (edition, record)
)
