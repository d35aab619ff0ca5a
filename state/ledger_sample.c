#include "state/ledger_private.h"
#include "state_sql.h"

#define RUNS_KEPT 5

struct thinning {
	uint64_t every_ms;
};

static bool put_sample(struct ledger *ledger, const void *what, struct error *error)
{
	const struct run_sample *sample = what;
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_sample_put, "recording a sample", &query, error))
		return false;
	db_bind_number(query, 1, ledger->run);
	db_bind_size(query, 2, sample->at_ms);
	db_bind_size(query, 3, sample->rows);
	db_bind_size(query, 4, sample->memory);
	db_bind_size(query, 5, sample->memory_limit);
	return db_run(query, error);
}

bool ledger_sample_put(struct ledger *ledger, const struct run_sample *sample, struct error *error)
{
	return ledger_transact_spare(ledger, put_sample, sample, error);
}

static bool thin(struct ledger *ledger, const void *what, struct error *error)
{
	const struct thinning *thinning = what;
	struct db_query *query = NULL;
	if (!db_prepare(ledger->db, sql_samples_thin, "thinning samples", &query, error))
		return false;
	db_bind_number(query, 1, ledger->run);
	db_bind_size(query, 2, thinning->every_ms);
	return db_run(query, error);
}

bool ledger_samples_thin(struct ledger *ledger, uint64_t every_ms, struct error *error)
{
	struct thinning thinning = { every_ms };
	return ledger_transact_spare(ledger, thin, &thinning, error);
}

static bool forget(struct ledger *ledger, const void *what, struct error *error)
{
	struct db_query *query = NULL;
	(void)what;
	if (!db_prepare(ledger->db, sql_samples_forget, "forgetting samples", &query, error))
		return false;
	db_bind_number(query, 1, RUNS_KEPT);
	return db_run(query, error);
}

bool ledger_samples_forget(struct ledger *ledger, struct error *error)
{
	return ledger_transact_spare(ledger, forget, NULL, error);
}
