#include "cmd/page_words.h"

#include <string.h>

struct pair {
	const char *english, *french;
};

static const struct pair words[W_WORDS] = {
	[W_TITLE] = { "DVF import", "Import DVF" },
	[W_SKIP] = { "Skip to the years", "Aller aux années" },
	[W_AS_OF] = { "as of", "état au" },
	[W_LIVE] = { "live", "en direct" },
	[W_SNAPSHOT] = { "a snapshot", "instantané" },
	[W_RELOAD] = { "reload for a newer one", "recharger pour actualiser" },
	[W_OTHER] = { "Français", "English" },
	[W_OTHER_CODE] = { "fr", "en" },
	[W_NOTHING] = { "Nothing yet.", "Rien pour l’instant." },
	[W_YEARS] = { "Years", "Années" },
	[W_INTO] = { "Into", "Vers" },
	[W_YEAR] = { "Year", "Année" },
	[W_STANDS] = { "Stage", "Étape" },
	[W_FETCHED] = { "Fetched", "Téléchargée" },
	[W_LOADED] = { "Loaded", "Chargée" },
	[W_INDEXED] = { "Indexed", "Indexée" },
	[W_PUBLISHED] = { "Published", "Publiée" },
	[W_ROWS] = { "Rows", "Lignes" },
	[W_ROWS_LOW] = { "rows", "lignes" },
	[W_REJECTS_LOW] = { "rejects", "rejets" },
	[W_REJECTS] = { "Rejects", "Rejets" },
	[W_TOOK] = { "Took", "Durée" },
	[W_PLOTS] = { "Speed and memory", "Débit et mémoire" },
	[W_SPEED] = { "Rows a second", "Lignes par seconde" },
	[W_MEMORY] = { "Memory in use, MiB", "Mémoire utilisée, Mio" },
	[W_LIMIT] = { "limit", "limite" },
	[W_FIGURES] = { "The figures", "Les chiffres" },
	[W_SECONDS] = { "Seconds", "Secondes" },
	[W_ROWS_S] = { "rows/s", "lignes/s" },
	[W_MIB] = { "MiB", "Mio" },
	[W_OF_RUN] = { "of run", "de l’exécution" },
	[W_MAP] = { "Chunk map", "Carte des lots" },
	[W_MAP_OF] = { "What is loaded of", "Ce qui est chargé de" },
	[W_OTHER_YEARS] = { "Map of another year", "Carte d’une autre année" },
	[W_DONE] = { "done", "fait" },
	[W_FLIGHT] = { "in flight", "en cours" },
	[W_MISSING] = { "missing", "manquant" },
	[W_WITH_REJECTS] = { "with rejects", "avec rejets" },
	[W_PLACE_UNKNOWN] = { "rejects whose place is not known", "rejets de place inconnue" },
	[W_SIZE_GUESSED] = { "the size is a guess until the file was read once",
		"la taille est estimée jusqu’à la première lecture du fichier" },
	[W_RUNS] = { "Last runs", "Dernières exécutions" },
	[W_RUN] = { "Run", "Exécution" },
	[W_COMMAND] = { "Command", "Commande" },
	[W_BEGAN] = { "Began", "Début" },
	[W_ENDED] = { "Ended", "Fin" },
	[W_OUTCOME] = { "Outcome", "Issue" },
	[W_CODE] = { "Exit code", "Code de sortie" },
	[W_PEAK] = { "Peak memory", "Pic de mémoire" },
	[W_HOST] = { "Host", "Machine" },
	[W_AT_WORK] = { "at work", "au travail" },
	[W_SWAPS] = { "Promotions", "Promotions" },
	[W_NO_SWAPS] = { "None: nothing was promoted or reverted with this state folder.",
		"Aucune : rien n’a été promu ni annulé avec ce dossier d’état." },
	[W_AT] = { "When", "Quand" },
	[W_WHAT] = { "What", "Quoi" },
	[W_FACTS] = { "Facts", "Faits" },
	[W_EVENT] = { "Event", "Événement" },
	[W_RECORD] = { "Record", "Enregistrement" },
	[W_COLUMN] = { "Column", "Colonne" },
	[W_REASON] = { "Reason", "Motif" },
	[W_FIRST_ONLY] = { "The first of each year; all of them:",
		"Les premiers de chaque année ; tous :" },
	[W_NO_REJECTS] = { "None: every record could be loaded.",
		"Aucun : chaque enregistrement a pu être chargé." },
	[W_REJECTS_LATER] = { "They are shown once their year is loaded; now:",
		"Ils sont montrés une fois leur année chargée ; dès maintenant :" },
	[W_HISTORY] = { "History", "Historique" },
	[W_WHOLE] = { "The chain is whole; events:", "La chaîne est intacte ; événements :" },
	[W_BROKEN] = { "The history does not verify.", "L’historique n’est pas vérifié." },
	[W_NOT_WALKED] = { "Not checked.", "Non contrôlé." },
	[W_NOT_COMPARED] = { "What the destination was told is compared by",
		"La comparaison avec la destination se fait par" },
	[W_EVENTS] = { "Newest events", "Derniers événements" },
	[W_HELP] = { "For programs:", "Pour les programmes :" },
	[W_PLOT_OFF] = { "The plots are drawn by a script, which does not run here: the figures are below.",
		"Les courbes sont tracées par un script, qui ne s’exécute pas ici : les chiffres sont ci-dessous." },
	[W_LOST] = { "no connection; trying again", "connexion perdue ; nouvel essai" },
};

static const struct {
	const char *said, *french;
} said_words[] = {
	{ "waiting", "en attente" },
	{ "fetching", "téléchargement" },
	{ "loading", "chargement" },
	{ "indexing", "indexation" },
	{ "checking", "contrôle" },
	{ "publishing", "publication" },
	{ "copying", "copie" },
	{ "ready", "prête" },
	{ "published", "publiée" },
	{ "held", "retenue" },
	{ "refused", "refusée" },
	{ "failed", "échec" },
	{ "gone", "retirée du site" },
	{ "stopped", "interrompue" },
	{ "done", "terminée" },
	{ "partial", "partielle" },
	{ "killed", "tuée" },
	{ "run started", "exécution commencée" },
	{ "run ended", "exécution terminée" },
	{ "run killed", "exécution tuée" },
	{ "state repaired", "état réparé" },
	{ "destination first seen", "nouvelle destination" },
	{ "year loaded", "année chargée" },
	{ "chunks loaded", "lots chargés" },
	{ "year published", "année publiée" },
	{ "year found published", "année déjà publiée" },
	{ "year copied", "année copiée" },
	{ "year given up", "année abandonnée" },
	{ "year lost", "année perdue" },
	{ "year failed", "échec d’une année" },
	{ "year not published", "année non publiée" },
	{ "year verified", "année vérifiée" },
	{ "edition held", "édition retenue" },
	{ "edition refused", "édition refusée" },
	{ "edition begun afresh", "édition recommencée" },
	{ "rejects kept", "rejets conservés" },
	{ "rejects mended", "rejets corrigés" },
	{ "history continues", "l’historique continue" },
	{ "other history seen", "autre historique vu" },
	{ "history is behind", "l’historique est en retard" },
	{ "history differs", "l’historique diffère" },
	{ "promoted", "promue" },
	{ "promote found done", "promotion déjà faite" },
	{ "reverted", "annulée" },
	{ "revert found done", "annulation déjà faite" },
};

static const struct pair standings[] = {
	[STANDING_UNKNOWN] = { "Not known", "Inconnu" },
	[STANDING_NEW] = { "No run yet", "Aucune exécution" },
	[STANDING_BEGINS] = { "Beginning", "Commence" },
	[STANDING_WORKS] = { "At work", "Au travail" },
	[STANDING_STALLED] = { "Stalled", "Bloquée" },
	[STANDING_DONE] = { "All is in", "Tout est importé" },
	[STANDING_UNDONE] = { "Not all is in", "Import incomplet" },
	[STANDING_KILLED] = { "Killed", "Tuée" },
};

const char *word_of(const struct html *html, enum word word)
{
	return html->french ? words[word].french : words[word].english;
}

void html_word(struct html *html, enum word word)
{
	html_text(html, word_of(html, word));
}

const char *word_said(const struct html *html, const char *said)
{
	for (size_t i = 0; html->french && i < sizeof(said_words) / sizeof(said_words[0]); i++)
		if (strcmp(said, said_words[i].said) == 0)
			return said_words[i].french;
	return said;
}

const char *word_standing(const struct html *html, enum standing_state state)
{
	return html->french ? standings[state].french : standings[state].english;
}

static void add_work(struct html *html, const struct standing *standing, const char *how)
{
	html_print(html, "exécution %lld au travail%s", (long long)standing->run, how);
	if (standing->year == 0)
		return;
	html_print(html, "\u00a0: %d, %s, ", standing->year, word_said(html, standing->stage));
	html_number(html, standing->rows);
	html_raw(html, " lignes");
}

static void add_end(struct html *html, const struct standing *standing)
{
	html_print(html, "exécution %lld terminée le ", (long long)standing->run);
	html_time(html, standing->at);
	if (standing->state == STANDING_DONE) {
		html_raw(html, "\u00a0: chaque année demandée est importée");
		return;
	}
	html_print(html, ", code de sortie %d (", standing->exit_code);
	html_text(html, word_said(html, standing->outcome));
	html_raw(html, ")\u00a0: <code>dvf-import history</code> dit pourquoi");
}

void word_reason(struct html *html, const struct standing *standing)
{
	if (!html->french || standing->state == STANDING_UNKNOWN) {
		html_raw(html, "<span lang=\"en\">");
		html_text(html, standing->reason);
		html_raw(html, "</span>");
	} else if (standing->state == STANDING_NEW) {
		html_raw(html, "aucune exécution n’a commencé");
	} else if (standing->state == STANDING_BEGINS) {
		html_raw(html,
			"quelque chose travaille sur le dossier d’état sans avoir encore dit quoi");
	} else if (standing->state == STANDING_KILLED) {
		html_print(html,
			"exécution %lld tuée, et aucune ne continue\u00a0: <code>dvf-import run</code> "
			"reprend",
			(long long)standing->run);
	} else if (standing->state == STANDING_DONE || standing->state == STANDING_UNDONE) {
		add_end(html, standing);
	} else {
		add_work(html, standing, standing->healthy ? "" : ", et rien n’a bougé");
	}
}
