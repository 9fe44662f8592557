// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_dumps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "boot/destination.h"
#include "boot/lastcapture.h"
#include "boot/text.h"
#include "boot/words.h"
#include "capture/dumpdir.h"
#include "cmd/ctl_crash.h"
#include "cmd/ctl_known.h"
#include "cmd/ctl_mail.h"
#include "cmd/ctl_metrics.h"
#include "cmd/ctl_partition.h"
#include "cmd/ctl_parts.h"
#include "cmd/ctl_place.h"
#include "report/dumps.h"
#include "report/pstore.h"

enum { NOTIFY_TIMEOUT_MS = 60000, OUTPUT_MAX_BYTES = 64 * 1024 };

struct walk {
	const struct host *host;
	const struct config *config;
	const char *hostname;
	bool is_new_only;
	struct words known; // Keys of what was told of, now or before.
	struct words there; // Keys of what is there now.
	struct words places; // What was looked at.
	struct ctl_parts parts; // Of dumps that are split over several targets.
	bool is_for_parts; // The first walk, which finds these and tells nothing.
	struct json *json; // NULL: for a person.
	struct words problems; // What goes to standard error too.
	struct words servers; // Which are not looked at.
	bool is_partial; // Not every target could be looked at.
	size_t untold; // Dumps of which no mail could be sent.
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the list of dumps");
}

// What they print may not stand in a document of ours.
static struct error *tell_program(const struct walk *walk, const char *program, const char *path,
                                  const struct dumps_about *about)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	_cleanup_words_ struct words environment = {0};
	const char *const argv[] = {program, NULL};
	struct host_command command = {
		.argv = argv, .timeout_ms = NOTIFY_TIMEOUT_MS, .output_max_bytes = walk->json ? OUTPUT_MAX_BYTES : 0};
	struct error *err;

	words_addf(&environment, "KDUMP_DIRECTORY=%s", path);
	words_addf(&environment, "KDUMP_STATE=%s", dumps_state_name(about->state));
	words_addf(&environment, "KDUMP_PANIC=%s", about->panic ? about->panic : "");
	words_addf(&environment, "KDUMP_PROBLEM=%s", about->problem ? about->problem : "");
	err = words_check(&environment);
	command.environment = (const char *const *)environment.list;
	if (!err)
		err = host_run(walk->host, &command, &result);
	if (result.output)
		fputs(result.output, stderr);
	if (!err && result.status)
		err = error_new(ERROR_OS, "%s: it failed with status %d", program, result.status);
	return err;
}

// What fails is told, and keeps nobody else from being told.
static void tell_programs(const struct walk *walk, const char *path, const struct dumps_about *about)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(walk->host, CTL_NOTIFY_DIRECTORY, &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *program = NULL;
		struct error *late = NULL;
		struct stat info;

		if (asprintf(&program, CTL_NOTIFY_DIRECTORY "/%s", *name) < 0) {
			program = NULL;
			err = no_memory();
			break;
		}
		late = host_stat(walk->host, program, &info);
		if (!late && S_ISREG(info.st_mode) && info.st_mode & 0111)
			late = tell_program(walk, program, path, about);
		if (late)
			fprintf(stderr, "kdump: %s\n", late->text);
		error_free(late);
	}
	if (err)
		fprintf(stderr, "kdump: %s\n", err->text);
	error_free(err);
}

// What is told: where it is, for a program and for a person, whose it is, and how it looks.
struct news {
	const char *path, *shown, *key;
	char *hostname;
	struct dumps_about about;
};

static void news_deinit(struct news *news)
{
	free(news->hostname);
	dumps_deinit(&news->about);
}

static struct error *tell_people(const struct walk *walk, const struct news *news)
{
	const struct dumps_about *about = &news->about;
	_cleanup_text_ struct text subject = {0}, body = {0};
	_cleanup_free_ char *subject_text = NULL, *body_text = NULL;
	struct error *err;

	text_add(&subject, "kdump: %s crashed%s%s", news->hostname, about->panic ? ": " : "",
	         about->panic ? about->panic : "");
	text_add(&body, "The kernel of %s crashed.\n\nDump:   %s\nState:  %s%s%s\nSize:   %.1f MiB\n", news->hostname,
	         news->shown, dumps_state_name(about->state), about->problem ? "; " : "",
	         about->problem ? about->problem : "", (double)about->size_bytes / 1024 / 1024);
	text_add(&body, "Reason: %s\n\nThe kernel's log is there, and in a dump README.txt says what else.\n",
	         about->panic          ? about->panic
	         : about->is_encrypted ? "(its log is encrypted)"
	                               : "(not in its log)");
	err = text_take(&subject, &subject_text);
	if (!err)
		err = text_take(&body, &body_text);
	return err ? err : ctl_mail(walk->config, walk->hostname, subject_text, body_text);
}

// What could not be looked at, for a person and for a program that reads the list.
static void complain(struct walk *walk, const char *where, struct error *err)
{
	fprintf(stderr, "kdump: %s%s%s\n", where ? where : "", where ? ": " : "", err->text);
	words_addf(&walk->problems, "%s%s%s", where ? where : "", where ? ": " : "", err->text);
	error_free(err);
}

static void write_news(struct walk *walk, const struct news *news)
{
	const struct dumps_about *about = &news->about;
	struct json *json = walk->json;

	json_open_object(json, NULL);
	json_text(json, "path", news->shown);
	json_text(json, "host", news->hostname);
	json_text(json, "state", dumps_state_name(about->state));
	json_number(json, "size_bytes", about->size_bytes);
	json_bool(json, "is_encrypted", about->is_encrypted);
	json_text(json, "panic", about->panic);
	json_text(json, "problem", about->problem);
	json_number(json, "part_count", about->part_count ? about->part_count : 1);
	ctl_parts_write(&walk->parts, news->key, json);
	json_close(json);
}

static void print_news(struct walk *walk, const struct news *news)
{
	const struct dumps_about *about = &news->about;

	printf("%s%s: %s, %.1f MiB%s%s%s%s%s\n", walk->is_new_only ? "new dump " : "", news->shown,
	       dumps_state_name(about->state), (double)about->size_bytes / 1024 / 1024,
	       about->is_encrypted ? ", encrypted" : "", about->problem ? "; " : "",
	       about->problem ? about->problem : "", about->panic ? "; panic: " : "", about->panic ? about->panic : "");
	ctl_parts_print(&walk->parts, news->key);
}

static struct error *tell(struct walk *walk, const struct news *news)
{
	struct lastcapture capture;
	struct error *err;

	if (walk->json)
		write_news(walk, news);
	else
		print_news(walk, news);
	fflush(stdout);
	if (!walk->is_new_only)
		return NULL;
	tell_programs(walk, news->path, &news->about);
	err = tell_people(walk, news);
	if (err) {
		// Not known: the next time is another try.
		complain(walk, NULL, err);
		walk->untold++;
		return NULL;
	}
	words_add(&walk->known, news->key);
	err = ctl_known_write(walk->host, &walk->known);
	if (err || strcmp(news->hostname, walk->hostname) != 0)
		return err;
	if (news->about.memory && lastcapture_parse(news->about.memory, &capture))
		err = lastcapture_write(walk->host, &capture);
	return err ? err : ctl_known_note_last(walk->host, news->key, news->about.state);
}

// Notes that it is there. Returns whether it is to be told of.
static bool is_wanted(struct walk *walk, const char *key)
{
	words_add(&walk->there, key);
	return !walk->is_new_only || !words_has(&walk->known, key);
}

static struct error *tell_dump(struct walk *walk, const struct ctl_place *place, const char *name)
{
	_cleanup_(news_deinit) struct news news = {0};
	_cleanup_free_ char *path = NULL, *shown = NULL, *key = strndup(name, strlen(name));
	const char *slash = place->path[strlen(place->path) - 1] == '/' ? "" : "/";
	char *end = key ? strstr(key, DUMPDIR_INCOMPLETE) : NULL;
	struct error *err;

	if (!key)
		return no_memory();
	// One that is being removed has another name than before, and is no news.
	if (end)
		*end = '\0';
	if (!is_wanted(walk, key))
		return NULL;
	err = dumps_look(place->fd, name, &news.about);
	if (!err)
		err = ctl_parts_judge(&walk->parts, place, name, &news.about);
	if (err)
		return err;
	if (asprintf(&path, "%s%s%s", place->path, slash, name) < 0)
		path = NULL;
	if (asprintf(&shown, "%s%s%s", place->shown, slash, name) < 0)
		shown = NULL;
	news.hostname = strndup(name, dumpdir_host_size(name));
	news.path = path;
	news.shown = shown;
	news.key = key;
	return path && shown && news.hostname ? tell(walk, &news) : no_memory();
}

static struct error *walk_target(struct walk *walk, const struct destination *target)
{
	_cleanup_(ctl_place_deinit) struct ctl_place place = CTL_PLACE_NONE;
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = ctl_place_open(walk->host, walk->config, target, &place);

	// Of two raw partitions, or one and the directory itself.
	if (!err && words_has(&walk->places, place.shown))
		return NULL;
	if (!err)
		words_add(&walk->places, place.shown);
	if (!err && place.fd >= 0)
		err = walk->is_for_parts ? ctl_parts_add(&walk->parts, &place) : dumps_list(place.fd, &names);
	for (char **name = names; !err && name && *name; name++) {
		struct error *late = tell_dump(walk, &place, *name);

		// One that cannot be looked at must not hide the others.
		if (late)
			complain(walk, place.shown, late);
	}
	return err;
}

static struct error *walk_pstore(struct walk *walk)
{
	_cleanup_pstore_ struct pstore pstore = {0};
	struct error *err = pstore_find(walk->host, &pstore);

	for (size_t i = 0; i < pstore.count && !err; i++) {
		const struct pstore_place *place = &pstore.places[i];
		struct news news = {
			.path = place->path, .shown = place->path, .key = place->key, .about = place->about};

		news.hostname = (char *)walk->hostname;
		if (is_wanted(walk, place->key))
			err = tell(walk, &news);
	}
	return err;
}

// A target that cannot be found or reached now must not hide the others.
static void walk_or_tell(struct walk *walk, struct error *err, const struct destination *target)
{
	// Nothing that could be mended, so not for each boot.
	if (!err && target->address) {
		if (!walk->is_new_only && !walk->is_for_parts && !walk->json)
			printf("%s: dumps on a server are not looked at from here\n", target->tag);
		if (!walk->is_for_parts)
			words_addf(&walk->servers, "%s", target->tag);
		return;
	}
	if (!err)
		err = walk_target(walk, target);
	if (!err)
		return;
	walk->is_partial = true;
	// The second walk tells of it.
	if (walk->is_for_parts)
		error_free(err);
	else
		complain(walk, target->tag, err);
}

static void walk_next(struct walk *walk, enum config_key key, const char *word)
{
	_cleanup_destination_ struct destination target = {0};
	struct error *err = destination_find_next(walk->host, walk->config, key, word, &target);

	walk_or_tell(walk, err, &target);
}

static struct error *walk_targets(struct walk *walk)
{
	_cleanup_words_ struct words parts = {0}, fallbacks = {0};
	_cleanup_destination_ struct destination first = {0};
	struct error *err = destination_find(walk->host, walk->config, &first);

	walk_or_tell(walk, err, &first);
	err = destination_names(walk->config, &parts);
	for (size_t i = 1; i < parts.count && !err; i++)
		walk_next(walk, KEY_TARGET, parts.list[i]);
	words_split(&fallbacks, config_text(walk->config, KEY_FALLBACK));
	for (size_t i = 0; i < fallbacks.count && !err; i++) {
		words_unquote(fallbacks.list[i]);
		walk_next(walk, KEY_FALLBACK, fallbacks.list[i]);
	}
	if (!err)
		err = words_check(&fallbacks);
	return err ? err : words_check(&walk->places);
}

// A dump is told with its parts, which are on the other targets: they are looked for first.
static struct error *walk_all(struct walk *walk)
{
	_cleanup_words_ struct words names = {0};
	struct error *err = destination_names(walk->config, &names);

	if (!err && names.count > 1) {
		walk->is_for_parts = true;
		err = walk_targets(walk);
		walk->is_for_parts = false;
		words_deinit(&walk->places);
		walk->places = (struct words){0};
	}
	if (!err)
		err = walk_targets(walk);
	return err ? err : walk_pstore(walk);
}

// Parts without the dump that they belong to.
static void tell_rest(struct walk *walk)
{
	for (size_t i = 0; i < walk->parts.count; i++) {
		const struct ctl_part *part = &walk->parts.list[i];

		if (words_has(&walk->there, part->dump))
			continue;
		if (!walk->json)
			printf("%s: part %u of a dump whose first part is missing, %.1f MiB\n", part->shown,
			       part->number, (double)part->about.size_bytes / 1024 / 1024);
		words_addf(&walk->problems, "%s: part %u of a dump whose first part is missing", part->shown,
		           part->number);
	}
}

static void write_list(struct json *json, const char *name, const struct words *words)
{
	json_open_array(json, name);
	for (size_t i = 0; i < words->count; i++)
		json_text(json, NULL, words->list[i]);
	json_close(json);
}

static struct error *finish_json(struct walk *walk)
{
	json_close(walk->json);
	write_list(walk->json, "problems", &walk->problems);
	write_list(walk->json, "servers", &walk->servers);
	json_close(walk->json);
	return json_finish(walk->json);
}

// What is gone is not news if it comes back; but what could not be looked at may be there.
static struct error *forget(struct walk *walk)
{
	_cleanup_words_ struct words still = {0};

	for (size_t i = 0; i < walk->known.count; i++)
		if (words_has(&walk->there, walk->known.list[i]))
			words_add(&still, walk->known.list[i]);
	return still.count == walk->known.count ? NULL : ctl_known_write(walk->host, &still);
}

static void walk_deinit(struct walk *walk)
{
	words_deinit(&walk->known);
	words_deinit(&walk->there);
	words_deinit(&walk->places);
	words_deinit(&walk->problems);
	words_deinit(&walk->servers);
	ctl_parts_deinit(&walk->parts);
}

static struct error *run(struct walk *walk)
{
	_cleanup_free_ char *hostname = NULL;
	struct error *err = host_read(walk->host, "/proc/sys/kernel/hostname", 4096, &hostname, NULL);

	if (!err) {
		hostname[strcspn(hostname, "\n")] = '\0';
		walk->hostname = hostname;
		err = ctl_known_read(walk->host, &walk->known);
	}
	if (!err)
		err = walk_all(walk);
	if (!err && !walk->is_new_only)
		tell_rest(walk);
	if (!err && walk->is_new_only && !walk->is_partial)
		err = forget(walk);
	return err;
}

static struct error *tell_all(const struct ctl *ctl, const struct config *config, bool is_new_only)
{
	_cleanup_(walk_deinit) struct walk walk = {.host = &ctl->host, .config = config, .is_new_only = is_new_only};
	struct error *err, *late;
	struct json json;

	if (ctl->is_json) {
		walk.json = &json;
		json_init(&json, stdout);
		json_open_object(&json, NULL);
		json_open_array(&json, "dumps");
	}
	err = run(&walk);
	late = walk.json ? finish_json(&walk) : NULL;
	if (err)
		error_free(late);
	else
		err = late;
	if (!err && walk.is_partial)
		err = error_new(ERROR_OS, "not all targets could be looked at");
	if (!err && walk.untold)
		err = error_new(ERROR_OS, "of %zu new dump%s no mail could be sent", walk.untold,
		                walk.untold == 1 ? "" : "s");
	return err;
}

struct error *ctl_dumps(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = ctl_load_config(ctl, &config);

	(void)exit_ret;
	if (!err)
		err = tell_all(ctl, &config, false);
	return err ? err : ctl_crash_tell(ctl, false);
}

struct error *ctl_dumps_new(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_close_ int lock_fd = -1;
	_cleanup_error_ struct error *late = NULL;
	struct error *err = ctl_lock(ctl, CTL_DUMPS_LOCK_PATH, &lock_fd);

	(void)exit_ret;
	if (!err)
		err = ctl_load_config(ctl, &config);
	if (!err)
		late = ctl_partition(&ctl->host, &config, ctl->is_json);
	if (!err)
		err = tell_all(ctl, &config, true);
	if (!err)
		err = ctl_crash_tell(ctl, true);
	ctl_metrics_update(ctl);
	return err ? err : take_ptr(late);
}
