-- Every edition that is served, incoming, or was judged.
CREATE TABLE IF NOT EXISTS dvf_import.source (
    edition        text PRIMARY KEY,
    year           smallint NOT NULL,
    sha256         text NOT NULL,
    url            text NOT NULL,
    etag           text,
    last_modified  text,
    packed_size    bigint NOT NULL,
    plain_size     bigint,
    rows           bigint,
    rejects        bigint,
    stage          text NOT NULL CHECK (stage IN ('incoming', 'ready', 'published', 'held', 'refused')),
    why            text,
    under          text,
    layout_version integer NOT NULL,
    parser_version integer NOT NULL,
    run            text NOT NULL,
    begun_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    ready_at       timestamptz,
    published_at   timestamptz
)
