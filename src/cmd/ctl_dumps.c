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

#include "boot/device.h"
#include "boot/mounts.h"
#include "boot/text.h"
#include "boot/words.h"
#include "capture/target.h"
#include "cmd/ctl_mail.h"
#include "report/dumps.h"
#include "report/pstore.h"

#define OWN_MOUNT "/run/kdump-target"

enum { KNOWN_MAX_BYTES = 16 << 20, NOTIFY_TIMEOUT_MS = 60000 };

// A target's directory of dumps, opened.
struct place {
	int fd;
	char *path; // For a person, and for programs that are told.
};

struct walk {
	const struct host *host;
	const struct config *config;
	const struct plan *plan;
	bool is_new_only;
	struct words known; // Told of before; those that are still there are in the next list.
	struct words next;
	size_t seen; // Targets that could be looked at.
	size_t untold; // Dumps of which no mail could be sent.
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the list of dumps");
}

// The directory as the running system sees it; NULL if no mount shows it.
static struct error *mounted_path(const struct host *host, const struct device *device,
                                  const struct plan_target *target, char **ret)
{
	_cleanup_mount_ struct mount mount = {0};
	_cleanup_free_ char *whole = NULL;
	const char *subvolume = strstr(target->options, "subvol="), *below;
	struct error *err = mounts_find_device(host, device->number, device->name, &mount);

	*ret = NULL;
	if (err || !mount.point)
		return err;
	subvolume = subvolume ? subvolume + strlen("subvol=") : "";
	if (asprintf(&whole, "%s%.*s%s", *subvolume && *subvolume != '/' ? "/" : "", (int)strcspn(subvolume, ","),
	             subvolume, target->directory) < 0) {
		whole = NULL;
		return no_memory();
	}
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
static struct error *mount_own(const struct device *device, const struct plan_target *target)
{
	_cleanup_free_ char *path = NULL;
	struct target_options options = {.flags = 0};
	struct error *err = target_options_parse(target->options, &options);

	if (!err && asprintf(&path, "/dev/%s", device->name) < 0)
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

static struct error *open_place(const struct host *host, const struct plan_target *target, struct place *ret)
{
	_cleanup_device_ struct device device = {0};
	struct error *err = device_by_name(host, target->device, &device);

	*ret = (struct place){.fd = -1};
	if (!err)
		err = mounted_path(host, &device, target, &ret->path);
	if (err)
		return err;
	if (ret->path)
		return host_open(host, ret->path, O_RDONLY | O_DIRECTORY, 0, &ret->fd);
	if (!is_running_system(host))
		return error_new(ERROR_UNSUPPORTED, "it is not mounted, and under --root nothing is");
	err = mount_own(&device, target);
	if (!err && asprintf(&ret->path, OWN_MOUNT "%s", target->directory) < 0) {
		ret->path = NULL;
		err = no_memory();
	}
	if (!err) {
		ret->fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (ret->fd < 0)
			err = error_os(errno, "%s", ret->path);
	}
	return err;
}

static void place_deinit(struct place *place)
{
	closep(&place->fd);
	free(place->path);
	if (umount2(OWN_MOUNT, MNT_DETACH) == 0)
		rmdir(OWN_MOUNT);
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

static struct error *tell_people(const struct walk *walk, const char *path, const struct dumps_about *about)
{
	_cleanup_text_ struct text subject = {0}, body = {0};
	_cleanup_free_ char *subject_text = NULL, *body_text = NULL;
	const char *hostname = walk->plan->hostname;
	struct error *err;

	text_add(&subject, "kdump: %s crashed%s%s", hostname, about->panic ? ": " : "",
	         about->panic ? about->panic : "");
	text_add(&body, "The kernel of %s crashed.\n\nDump:   %s\nState:  %s%s%s\nSize:   %.1f MiB\n", hostname, path,
	         dumps_state_name(about->state), about->problem ? "; " : "", about->problem ? about->problem : "",
	         (double)about->size_bytes / 1024 / 1024);
	text_add(&body,
	         "Panic:  %s\n\nvmcore-dmesg.txt there has the kernel's log, README.txt says what else there is.\n",
	         about->panic ? about->panic : "(not in its log)");
	err = text_take(&subject, &subject_text);
	if (!err)
		err = text_take(&body, &body_text);
	return err ? err : ctl_mail(walk->config, hostname, subject_text, body_text);
}

static void tell(struct walk *walk, const char *path, const struct dumps_about *about)
{
	struct error *err;

	printf("%s%s: %s, %.1f MiB%s%s%s%s\n", walk->is_new_only ? "new dump " : "", path,
	       dumps_state_name(about->state), (double)about->size_bytes / 1024 / 1024, about->problem ? "; " : "",
	       about->problem ? about->problem : "", about->panic ? "; panic: " : "", about->panic ? about->panic : "");
	fflush(stdout);
	if (!walk->is_new_only)
		return;
	tell_programs(walk->host, path, about);
	err = tell_people(walk, path, about);
	if (err)
		fprintf(stderr, "kdump: %s\n", err->text);
	walk->untold += err != NULL;
	error_free(err);
}

// Notes that it is there. Returns whether it is to be told of.
static bool is_wanted(struct walk *walk, const char *key)
{
	words_add(&walk->next, key);
	return !walk->is_new_only || !words_has(&walk->known, key);
}

static struct error *tell_dump(struct walk *walk, const struct place *place, const char *name)
{
	_cleanup_dumps_ struct dumps_about about = {0};
	_cleanup_free_ char *path = NULL;
	struct error *err;

	if (!is_wanted(walk, name))
		return NULL;
	err = dumps_look(place->fd, name, &about);
	if (err)
		return err;
	if (asprintf(&path, "%s%s%s", place->path, place->path[strlen(place->path) - 1] == '/' ? "" : "/", name) < 0) {
		path = NULL;
		return no_memory();
	}
	tell(walk, path, &about);
	return NULL;
}

static struct error *walk_target(struct walk *walk, const struct plan_target *target)
{
	_cleanup_(place_deinit) struct place place = {.fd = -1};
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = open_place(walk->host, target, &place);

	// It is made with the first dump.
	if (err && err->code == ERROR_OS && err->errnum == ENOENT) {
		error_free(err);
		walk->seen++;
		return NULL;
	}
	if (!err)
		err = dumps_list(place.fd, &names);
	for (char **name = names; !err && *name; name++)
		err = tell_dump(walk, &place, *name);
	walk->seen += !err;
	return err;
}

static struct error *walk_pstore(struct walk *walk)
{
	_cleanup_pstore_ struct pstore pstore = {0};
	struct error *err = pstore_find(walk->host, &pstore);

	for (size_t i = 0; i < pstore.count && !err; i++)
		if (is_wanted(walk, pstore.places[i].key))
			tell(walk, pstore.places[i].path, &pstore.places[i].about);
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

static struct error *write_known(const struct walk *walk)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *whole = NULL;
	struct error *err;

	for (size_t i = 0; i < walk->next.count; i++)
		text_add(&text, "%s\n", walk->next.list[i]);
	err = text_take(&text, &whole);
	if (!err)
		err = host_mkdirs(walk->host, "/var/lib/kdump");
	return err ? err : host_replace(walk->host, CTL_KNOWN_PATH, whole, strlen(whole), 0644);
}

struct error *ctl_dumps(const struct host *host, const struct config *config, const struct plan *plan, bool is_new_only)
{
	struct walk walk = {.host = host, .config = config, .plan = plan, .is_new_only = is_new_only};
	struct error *err = read_known(&walk);
	size_t count = plan_target_count(plan);

	for (size_t i = 0; i < count && !err; i++) {
		struct plan_target target = plan_target_at(plan, i);

		err = walk_target(&walk, &target);
		if (err)
			err = error_wrap(err, "dumps on %s", target.device);
		// One that cannot be reached now must not hide the others.
		if (err && (i + 1 < count || walk.seen)) {
			fprintf(stderr, "kdump: %s\n", err->text);
			error_free(err);
			err = NULL;
		}
	}
	if (!err)
		err = walk_pstore(&walk);
	// Those on a target that cannot be reached now are not forgotten.
	for (size_t i = 0; i < walk.known.count && walk.seen < count; i++)
		if (!words_has(&walk.next, walk.known.list[i]))
			words_add(&walk.next, walk.known.list[i]);
	if (!err)
		err = words_check(&walk.next);
	if (!err && is_new_only)
		err = write_known(&walk);
	if (!err && walk.untold)
		err = error_new(ERROR_OS, "of %zu new dump%s no mail could be sent", walk.untold,
		                walk.untold == 1 ? "" : "s");
	words_deinit(&walk.known);
	words_deinit(&walk.next);
	return err;
}
