// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_dumps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/destination.h"
#include "boot/mounts.h"
#include "boot/plan.h"
#include "boot/text.h"
#include "boot/words.h"
#include "capture/dumpdir.h"
#include "capture/target.h"
#include "cmd/ctl_crash.h"
#include "cmd/ctl_mail.h"
#include "cmd/ctl_partition.h"
#include "report/dumps.h"
#include "report/pstore.h"

#define OWN_MOUNT "/run/kdump-target"

enum { KNOWN_MAX_BYTES = 16 << 20, NOTIFY_TIMEOUT_MS = 60000 };

// A target's directory of dumps.
struct place {
	int fd; // -1: there is no such directory, since there was no dump.
	char *path; // While this program runs.
	char *shown; // For a person: what it is when this program has ended.
	bool is_mounted; // By us.
};

struct walk {
	const struct host *host;
	const struct config *config;
	const char *hostname;
	bool is_new_only;
	struct words known; // Keys of what was told of, now or before.
	struct words there; // Keys of what is there now.
	struct words places; // What was looked at.
	bool is_partial; // Not every target could be looked at.
	size_t untold; // Dumps of which no mail could be sent.
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the list of dumps");
}

// The directory as the running system sees it; NULL if no mount shows it.
static struct error *mounted_path(const struct host *host, const struct destination *target, char **ret)
{
	_cleanup_mount_ struct mount mount = {0};
	_cleanup_free_ char *whole = NULL;
	const char *subvolume = strstr(target->options, "subvol="), *below;
	struct error *err;

	*ret = NULL;
	subvolume = subvolume ? subvolume + strlen("subvol=") : "";
	if (asprintf(&whole, "%s%.*s%s", *subvolume && *subvolume != '/' ? "/" : "", (int)strcspn(subvolume, ","),
	             subvolume, target->directory) < 0) {
		whole = NULL;
		return no_memory();
	}
	err = mounts_find_device(host, target->device.number, target->device.name, whole, &mount);
	if (err || !mount.point)
		return err;
	below = strcmp(mount.root, "/") == 0 ? whole : mounts_below(whole, mount.root);
	if (below && asprintf(ret, "%s%s", strcmp(mount.point, "/") == 0 ? "" : mount.point, below) < 0)
		return no_memory();
	return NULL;
}

static bool is_running_system(const struct host *host)
{
	struct stat ours, running;

	return fstat(host->root_fd, &ours) == 0 && stat("/", &running) == 0 && ours.st_dev == running.st_dev &&
	       ours.st_ino == running.st_ino;
}

// In a namespace of our own, so that it ends with us.
static struct error *mount_own(const struct destination *target)
{
	_cleanup_free_ char *path = NULL;
	struct target_options options = {.flags = 0};
	struct error *err = target_options_parse(target->options, &options);

	if (!err && asprintf(&path, "/dev/%s", target->device.name) < 0)
		err = no_memory();
	if (!err && (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	             (mkdir(OWN_MOUNT, 0700) < 0 && errno != EEXIST)))
		err = error_os(errno, "a name space of our own");
	if (!err && mount(path, OWN_MOUNT, target->fstype, options.flags | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
	                  options.data) < 0)
		err = error_os(errno, "mount %s (%s)", path, target->fstype);
	free(options.data);
	return err;
}

static struct error *open_unmounted(const struct host *host, const struct destination *target, struct place *place)
{
	struct error *err;

	if (!is_running_system(host))
		return error_new(ERROR_UNSUPPORTED, "it is not mounted, and under --root nothing is");
	err = mount_own(target);
	if (err)
		return err;
	place->is_mounted = true;
	if (asprintf(&place->path, OWN_MOUNT "%s", target->directory) < 0) {
		place->path = NULL;
		return no_memory();
	}
	if (asprintf(&place->shown, "%s:%s", target->tag, target->directory) < 0) {
		place->shown = NULL;
		return no_memory();
	}
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return place->fd < 0 && errno != ENOENT ? error_os(errno, "%s", place->path) : NULL;
}

// Where dumps of a raw partition are, now that they were taken from there.
static struct error *taken_path(const struct config *config, char **ret)
{
	const char *savedir = NULL;
	struct error *err = destination_savedir(config, &savedir);

	if (err)
		return err;
	*ret = strdup(savedir);
	return *ret ? NULL : no_memory();
}

static struct error *open_place(const struct walk *walk, const struct destination *target, struct place *place)
{
	const struct host *host = walk->host;
	bool is_raw = strcmp(target->fstype, PLAN_RAW) == 0;
	struct error *err = is_raw ? taken_path(walk->config, &place->path) : mounted_path(host, target, &place->path);

	if (err)
		return err;
	if (!place->path)
		return open_unmounted(host, target, place);
	place->shown = strdup(place->path);
	if (!place->shown)
		return no_memory();
	err = host_open(host, place->path, O_RDONLY | O_DIRECTORY, 0, &place->fd);
	if (err && err->code == ERROR_OS && err->errnum == ENOENT) {
		error_free(err);
		return NULL;
	}
	return err;
}

static void place_deinit(struct place *place)
{
	closep(&place->fd);
	free(place->path);
	free(place->shown);
	if (place->is_mounted)
		umount2(OWN_MOUNT, MNT_DETACH);
}

static struct error *tell_program(const struct host *host, const char *program, const char *path,
                                  const struct dumps_about *about)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	_cleanup_words_ struct words environment = {0};
	const char *const argv[] = {program, NULL};
	struct host_command command = {.argv = argv, .timeout_ms = NOTIFY_TIMEOUT_MS};
	struct error *err;

	words_addf(&environment, "KDUMP_DIRECTORY=%s", path);
	words_addf(&environment, "KDUMP_STATE=%s", dumps_state_name(about->state));
	words_addf(&environment, "KDUMP_PANIC=%s", about->panic ? about->panic : "");
	words_addf(&environment, "KDUMP_PROBLEM=%s", about->problem ? about->problem : "");
	err = words_check(&environment);
	command.environment = (const char *const *)environment.list;
	if (!err)
		err = host_run(host, &command, &result);
	if (!err && result.status)
		err = error_new(ERROR_OS, "%s: it failed with status %d", program, result.status);
	return err;
}

// What fails is told, and keeps nobody else from being told.
static void tell_programs(const struct host *host, const char *path, const struct dumps_about *about)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, CTL_NOTIFY_DIRECTORY, &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *program = NULL;
		struct error *late = NULL;
		struct stat info;

		if (asprintf(&program, CTL_NOTIFY_DIRECTORY "/%s", *name) < 0) {
			program = NULL;
			err = no_memory();
			break;
		}
		late = host_stat(host, program, &info);
		if (!late && S_ISREG(info.st_mode) && info.st_mode & 0111)
			late = tell_program(host, program, path, about);
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
	const char *path, *shown;
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

static struct error *write_words(const struct host *host, const struct words *words)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *whole = NULL;
	struct error *err = words_check(words);

	for (size_t i = 0; i < words->count; i++)
		text_add(&text, "%s\n", words->list[i]);
	if (!err)
		err = text_take(&text, &whole);
	if (!err)
		err = host_mkdirs(host, "/var/lib/kdump");
	return err ? err : host_replace(host, CTL_KNOWN_PATH, whole, strlen(whole), 0644);
}

static struct error *tell(struct walk *walk, const char *key, const struct news *news)
{
	const struct dumps_about *about = &news->about;
	struct error *err;

	printf("%s%s: %s, %.1f MiB%s%s%s%s%s\n", walk->is_new_only ? "new dump " : "", news->shown,
	       dumps_state_name(about->state), (double)about->size_bytes / 1024 / 1024,
	       about->is_encrypted ? ", encrypted" : "", about->problem ? "; " : "",
	       about->problem ? about->problem : "", about->panic ? "; panic: " : "", about->panic ? about->panic : "");
	fflush(stdout);
	if (!walk->is_new_only)
		return NULL;
	tell_programs(walk->host, news->path, about);
	err = tell_people(walk, news);
	if (err) {
		// Not known: the next time is another try.
		fprintf(stderr, "kdump: %s\n", err->text);
		error_free(err);
		walk->untold++;
		return NULL;
	}
	words_add(&walk->known, key);
	return write_words(walk->host, &walk->known);
}

// Notes that it is there. Returns whether it is to be told of.
static bool is_wanted(struct walk *walk, const char *key)
{
	words_add(&walk->there, key);
	return !walk->is_new_only || !words_has(&walk->known, key);
}

static struct error *tell_dump(struct walk *walk, const struct place *place, const char *name)
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
	if (err)
		return err;
	if (asprintf(&path, "%s%s%s", place->path, slash, name) < 0)
		path = NULL;
	if (asprintf(&shown, "%s%s%s", place->shown, slash, name) < 0)
		shown = NULL;
	news.hostname = strndup(name, dumpdir_host_size(name));
	news.path = path;
	news.shown = shown;
	return path && shown && news.hostname ? tell(walk, key, &news) : no_memory();
}

static struct error *walk_target(struct walk *walk, const struct destination *target)
{
	_cleanup_(place_deinit) struct place place = {.fd = -1};
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = open_place(walk, target, &place);

	// Of two raw partitions, or one and the directory itself.
	if (!err && words_has(&walk->places, place.shown))
		return NULL;
	if (!err)
		words_add(&walk->places, place.shown);
	if (!err && place.fd >= 0)
		err = dumps_list(place.fd, &names);
	for (char **name = names; !err && name && *name; name++) {
		struct error *late = tell_dump(walk, &place, *name);

		// One that cannot be looked at must not hide the others.
		if (late)
			fprintf(stderr, "kdump: %s: %s\n", place.shown, late->text);
		error_free(late);
	}
	return err;
}

static struct error *walk_pstore(struct walk *walk)
{
	_cleanup_pstore_ struct pstore pstore = {0};
	struct error *err = pstore_find(walk->host, &pstore);

	for (size_t i = 0; i < pstore.count && !err; i++) {
		const struct pstore_place *place = &pstore.places[i];
		struct news news = {.path = place->path, .shown = place->path, .about = place->about};

		news.hostname = (char *)walk->hostname;
		if (is_wanted(walk, place->key))
			err = tell(walk, place->key, &news);
	}
	return err;
}

static struct error *read_known(struct walk *walk)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(walk->host, CTL_KNOWN_PATH, KNOWN_MAX_BYTES, &text, NULL);
	char *rest = text, *line;

	if (err && err->code == ERROR_OS && err->errnum == ENOENT) {
		error_free(err);
		return NULL;
	}
	while (!err && (line = strsep(&rest, "\n")))
		if (*line)
			words_add(&walk->known, line);
	return err ? err : words_check(&walk->known);
}

// A target that cannot be found or reached now must not hide the others.
static void walk_or_tell(struct walk *walk, struct error *err, const struct destination *target)
{
	// Nothing that could be mended, so not for each boot.
	if (!err && target->address) {
		if (!walk->is_new_only)
			printf("%s: dumps on a server are not looked at from here\n", target->tag);
		return;
	}
	if (!err)
		err = walk_target(walk, target);
	if (!err)
		return;
	fprintf(stderr, "kdump: %s%s%s\n", target->tag ? target->tag : "", target->tag ? ": " : "", err->text);
	error_free(err);
	walk->is_partial = true;
}

static void walk_next(struct walk *walk, enum config_key key, const char *word)
{
	_cleanup_destination_ struct destination target = {0};
	struct error *err = destination_find_next(walk->host, walk->config, key, word, &target);

	walk_or_tell(walk, err, &target);
}

static struct error *walk_all(struct walk *walk)
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
	if (!err)
		err = words_check(&walk->places);
	return err ? err : walk_pstore(walk);
}

// What is gone is not news if it comes back; but what could not be looked at may be there.
static struct error *forget(struct walk *walk)
{
	_cleanup_words_ struct words still = {0};

	for (size_t i = 0; i < walk->known.count; i++)
		if (words_has(&walk->there, walk->known.list[i]))
			words_add(&still, walk->known.list[i]);
	return still.count == walk->known.count ? NULL : write_words(walk->host, &still);
}

static struct error *tell_all(const struct host *host, const struct config *config, bool is_new_only)
{
	_cleanup_free_ char *hostname = NULL;
	struct walk walk = {.host = host, .config = config, .is_new_only = is_new_only};
	struct error *err = host_read(host, "/proc/sys/kernel/hostname", 4096, &hostname, NULL);

	if (!err) {
		hostname[strcspn(hostname, "\n")] = '\0';
		walk.hostname = hostname;
		err = read_known(&walk);
	}
	if (!err)
		err = walk_all(&walk);
	if (!err && is_new_only && !walk.is_partial)
		err = forget(&walk);
	if (!err && walk.is_partial)
		err = error_new(ERROR_OS, "not all targets could be looked at");
	if (!err && walk.untold)
		err = error_new(ERROR_OS, "of %zu new dump%s no mail could be sent", walk.untold,
		                walk.untold == 1 ? "" : "s");
	words_deinit(&walk.known);
	words_deinit(&walk.there);
	words_deinit(&walk.places);
	return err;
}

struct error *ctl_dumps(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = ctl_load_config(ctl, &config);

	(void)exit_ret;
	if (!err)
		err = tell_all(&ctl->host, &config, false);
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
		late = ctl_partition(&ctl->host, &config, false);
	if (!err)
		err = tell_all(&ctl->host, &config, true);
	if (!err)
		err = ctl_crash_tell(ctl, true);
	return err ? err : take_ptr(late);
}
