-- A transaction of the main connection, under the fence.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL synchronous_commit = on;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = :'lock_timeout';
SET LOCAL tcp_keepalives_idle = 30;
SET LOCAL tcp_keepalives_interval = 10;
SET LOCAL tcp_keepalives_count = 3;
SELECT set_config('transaction_timeout', '0', true) WHERE current_setting('server_version_num')::integer >= 170000;
SELECT token, holder, uuid FROM dvf_import.destination FOR SHARE
