-- A chunk's transaction: its fence is read first. One message, so one way there and back.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL synchronous_commit = off;
SET LOCAL statement_timeout = '10min';
SET LOCAL idle_in_transaction_session_timeout = '2min';
SET LOCAL lock_timeout = 0;
SET LOCAL tcp_keepalives_idle = 30;
SET LOCAL tcp_keepalives_interval = 10;
SET LOCAL tcp_keepalives_count = 3;
SELECT set_config('transaction_timeout', '0', true) WHERE current_setting('server_version_num')::integer >= 170000;
SELECT token, holder, uuid FROM dvf_import.destination FOR SHARE
