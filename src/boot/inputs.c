// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/inputs.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/sha256.h"
#include "boot/imagelist.h"
#include "boot/initrd.h"
#include "boot/text.h"
#include "boot/words.h"

// Lines of what dracut has put into the image beside what the plan names.
#define PROGRAM_KEY "program "

// Causes that are told; of more there is the number.
enum { CAUSES_MAX = 8, PIECE_BYTES = 64 * 1024 };

static struct error *add_sum(int fd, struct text *text)
{
	_cleanup_free_ uint8_t *buf = malloc(PIECE_BYTES);
	uint8_t digest[SHA256_DIGEST_BYTES];
	struct sha256 sha;
	size_t got = PIECE_BYTES;
	struct error *err = buf ? NULL : error_new(ERROR_NOMEM, "no memory to read a file");

	sha256_init(&sha);
	while (!err && got == PIECE_BYTES) {
		err = io_read(fd, buf, PIECE_BYTES, &got);
		if (!err)
			sha256_update(&sha, buf, got);
	}
	sha256_final(&sha, digest);
	for (size_t i = 0; !err && i < sizeof(digest); i++)
		text_add(text, "%02x", digest[i]);
	return err;
}

// A file and what tells whether it is still the same. Of what is no file its last change.
static struct error *add_content(const struct host *host, const char *key, const char *path, struct text *inputs)
{
	_cleanup_close_ int fd = -1;
	struct stat info;
	struct error *err = host_stat(host, path, &info);

	if (err)
		return err;
	text_add(inputs, "%s %jd ", key, (intmax_t)info.st_size);
	if (S_ISREG(info.st_mode)) {
		err = host_open(host, path, O_RDONLY, 0, &fd);
		if (!err)
			err = error_wrap(add_sum(fd, inputs), "%s", path);
	} else {
		text_add(inputs, "%jd.%09ld", (intmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
	}
	text_add(inputs, "\n");
	return err;
}

static struct error *add_file(const struct host *host, const char *path, struct text *inputs)
{
	_cleanup_free_ char *key = NULL;

	if (asprintf(&key, "file %s", path) < 0) {
		key = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	return add_content(host, key, path, inputs);
}
static struct error *add_module(const struct host *host, const struct plan *plan, const char *module,
                                struct text *inputs)
{
	static const char *const suffixes[] = {"", ".xz", ".zst", ".gz"};

	for (size_t i = 0; i < array_size(suffixes); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "/lib/modules/%s/%s%s", plan->kernel_version, module, suffixes[i]) < 0) {
			path = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		if (host_exists(host, path))
			return add_file(host, path, inputs);
	}
	return error_new(ERROR_CONFIG,
	                 "the kernel module /lib/modules/%s/%s is listed in modules.dep but not there; run depmod",
	                 plan->kernel_version, module);
}

// What the full form takes from this system beside the plan: a file that is not there now makes it stale when it comes.
static const char *const full_files[] = {
	"/etc/lvm/lvm.conf",
	"/etc/lvm/lvmlocal.conf",
	"/etc/lvm/devices/system.devices",
	"/etc/mdadm.conf",
	"/etc/mdadm/mdadm.conf",
	"/etc/multipath.conf",
	"/etc/multipath/bindings",
	"/etc/multipath/wwids",
	"/etc/crypttab",
	"/etc/udev/udev.conf",
	"/lib/systemd/systemd",
	"/lib/systemd/systemd-udevd",
	"/usr/lib/systemd/systemd",
	"/usr/lib/systemd/systemd-udevd",
	"/usr/bin/udevadm",
	"/usr/sbin/lvm",
	"/sbin/lvm",
	"/usr/sbin/mdadm",
	"/sbin/mdadm",
	"/usr/sbin/multipathd",
	"/sbin/multipathd",
	"/usr/sbin/thin_check",
	"/usr/lib/dracut/dracut-functions.sh",
};

// Directories that dracut copies whole: what comes and goes there counts, too.
static const char *const full_directories[] = {"/etc/multipath/conf.d", "/etc/mdadm.conf.d", "/etc/mdadm/mdadm.conf.d"};

static struct error *add_directory(const struct host *host, const char *path, struct text *inputs)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, path, &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *file = NULL;

		if (asprintf(&file, "%s/%s", path, *name) < 0) {
			file = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		err = add_file(host, file, inputs);
	}
	return err;
}

static struct error *add_full(const struct host *host, const struct plan *plan, struct text *inputs)
{
	_cleanup_free_ char *dep = NULL;
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(full_files) && !err; i++) {
		if (host_exists(host, full_files[i]))
			err = add_file(host, full_files[i], inputs);
		else
			text_add(inputs, "file %s none\n", full_files[i]);
	}
	for (size_t i = 0; i < array_size(full_directories) && !err; i++)
		if (host_exists(host, full_directories[i]))
			err = add_directory(host, full_directories[i], inputs);
	if (!err && asprintf(&dep, "/lib/modules/%s/modules.dep", plan->kernel_version) < 0) {
		dep = NULL;
		err = error_new(ERROR_NOMEM, "no memory for a path");
	}
	return err ? err : add_file(host, dep, inputs);
}

static void add_secret(const char *secret, struct text *inputs)
{
	text_add(inputs, "secret ");
	for (; *secret; secret++)
		text_add(inputs, "%c", *secret == '\n' ? ' ' : *secret);
	text_add(inputs, "\n");
}

// As it is, so that it can be read again.
static struct error *add_plan(const struct plan *plan, struct text *inputs)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = plan_format(plan, &text);
	char *rest = text, *line;

	while (!err && (line = strsep(&rest, "\n"))) {
		line += strspn(line, "\t ");
		if (*line && *line != '#')
			text_add(inputs, "plan %s\n", line);
	}
	return err;
}

struct error *inputs_list(const struct host *host, const struct plan *plan, char **ret)
{
	char *const *const lists[] = {plan->modules, plan->watchdog_modules, plan->network_modules};
	_cleanup_text_ struct text inputs = {0};
	struct error *err;

	text_add(&inputs, "suite %s\n", PACKAGE_VERSION);
	err = add_plan(plan, &inputs);
	if (!err)
		err = add_file(host, INITRD_CAPTURE_PATH, &inputs);
	if (!err)
		err = add_file(host, plan->kernel_image, &inputs);
	for (size_t i = 0; i < array_size(lists); i++)
		for (char *const *module = lists[i]; !err && *module; module++)
			err = add_module(host, plan, *module, &inputs);
	for (char *const *file = plan->hooks_files; !err && *file; file++)
		err = add_file(host, *file, &inputs);
	for (char *const *file = plan->target_files; !err && *file; file++)
		err = add_file(host, *file, &inputs);
	// The list is as secret as the image.
	for (char *const *secret = plan->secrets; !err && secret && *secret; secret++)
		add_secret(*secret, &inputs);
	if (!err && plan->form == PLAN_FULL)
		err = add_full(host, plan, &inputs);
	return err ? err : text_take(&inputs, ret);
}

// Puts more lines behind those that are there.
static struct error *append(struct text *more, char **inputs)
{
	_cleanup_text_ struct text text = {0};
	char *whole = NULL;
	struct error *err;

	text_add(&text, "%s%s", *inputs, more->buf ? more->buf : "");
	text.is_failed |= more->is_failed;
	err = text_take(&text, &whole);
	if (err)
		return err;
	free(*inputs);
	*inputs = whole;
	return NULL;
}

struct error *inputs_add_image(const struct host *host, const char *path, char **inputs)
{
	_cleanup_text_ struct text more = {0};
	struct error *err = add_content(host, "image", path, &more);

	return err ? err : append(&more, inputs);
}

static bool is_program(const struct imagelist_file *file)
{
	const char *slash = strrchr(file->name, '/'), *name = slash ? slash + 1 : file->name;

	return S_ISREG(file->mode) && !strpbrk(file->name, " \n") &&
	       (file->mode & 0111 || fnmatch("*.so", name, 0) == 0 || fnmatch("*.so.*", name, 0) == 0);
}

// The plan names it, too.
static bool is_listed(const char *inputs, const char *path)
{
	size_t size = strlen(path);

	for (const char *line = inputs; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, "file ", 5) == 0 && strncmp(line + 5, path, size) == 0 && line[5 + size] == ' ')
			return true;
	return false;
}

static bool is_later(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec > other->tv_sec || (one->tv_sec == other->tv_sec && one->tv_nsec > other->tv_nsec);
}

// Between then and now. What is of the future was changed when the clock was another one, and must not count as changed each time.
static bool is_since(const struct timespec *changed, const struct timespec *since)
{
	struct timespec now;

	// Stamps may be finer than the coarse clock (Linux 6.13, fs/inode.c: inode_set_ctime_current()).
	clock_gettime(CLOCK_REALTIME, &now);
	return is_later(changed, since) && !is_later(changed, &now);
}

struct error *inputs_add_programs(const struct host *host, const char *path, const struct timespec *since,
                                  char **inputs)
{
	const char *const none[] = {NULL};
	_cleanup_imagelist_ struct imagelist list = {0};
	_cleanup_text_ struct text more = {0};
	struct error *err = imagelist_read(host, path, none, &list);

	// Another compression than the one that was asked for: what is in it is not known.
	if (err && err->code == ERROR_UNSUPPORTED) {
		error_free(err);
		return NULL;
	}
	for (size_t i = 0; i < list.count && !err; i++) {
		_cleanup_free_ char *key = NULL;
		struct stat info;

		if (!is_program(&list.files[i]))
			continue;
		if (asprintf(&key, PROGRAM_KEY "/%s", list.files[i].name) < 0) {
			key = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		if (is_listed(*inputs, key + strlen(PROGRAM_KEY)))
			continue;
		err = host_stat(host, key + strlen(PROGRAM_KEY), &info);
		// It is dracut's, or was made for the image.
		if (err || !S_ISREG(info.st_mode)) {
			error_free(err);
			err = NULL;
		} else if (is_since(&info.st_ctim, since)) {
			text_add(&more, "%s was changed meanwhile\n", key);
		} else {
			err = add_content(host, key, key + strlen(PROGRAM_KEY), &more);
		}
	}
	return err ? err : append(&more, inputs);
}

struct error *inputs_add_known(const struct host *host, const char *old, char **inputs)
{
	_cleanup_text_ struct text more = {0};
	struct error *err = NULL;

	for (const char *line = old; *line && !err; line += strcspn(line, "\n"), line += *line == '\n') {
		_cleanup_free_ char *key = NULL;
		const char *path;

		if (strncmp(line, PROGRAM_KEY, strlen(PROGRAM_KEY)) != 0)
			continue;
		path = line + strlen(PROGRAM_KEY);
		key = strndup(line, strlen(PROGRAM_KEY) + strcspn(path, " \n"));
		if (!key)
			return error_new(ERROR_NOMEM, "no memory for a path");
		path = key + strlen(PROGRAM_KEY);
		if (host_exists(host, path))
			err = add_content(host, key, path, &more);
		else
			text_add(&more, "%s none\n", key);
	}
	return err ? err : append(&more, inputs);
}

// Words for a line that differs.
static void describe(const char *line, struct words *causes)
{
	_cleanup_free_ char *cause = NULL;
	int size;

	if (strncmp(line, "plan ", 5) == 0)
		size = asprintf(&cause, "the plan changed: %s", line + 5);
	else if (strncmp(line, "file ", 5) == 0)
		size = asprintf(&cause, "%.*s changed", (int)strcspn(line + 5, " "), line + 5);
	else if (strncmp(line, PROGRAM_KEY, strlen(PROGRAM_KEY)) == 0)
		size = asprintf(&cause, "%.*s changed", (int)strcspn(line + strlen(PROGRAM_KEY), " "),
		                line + strlen(PROGRAM_KEY));
	else if (strncmp(line, "secret ", 7) == 0)
		size = asprintf(&cause, "a password changed");
	else if (strncmp(line, "image ", 6) == 0)
		size = asprintf(&cause, "the image was changed from outside");
	else
		size = asprintf(&cause, "kdump-suite was updated");
	if (size < 0) {
		cause = NULL;
		causes->is_failed = true;
	} else if (!words_has(causes, cause)) {
		words_add(causes, cause);
	}
}

// Where a line of the plan's text stands.
struct place {
	char group[64], list[64]; // "" outside.
};

// A line of plan_format() without what it is indented by, with the group and the list that it is in: so that it says what it is.
static void add_plan_line(char *line, struct place *place, struct words *ret)
{
	size_t size = strcspn(line, " ");

	if (strstr(line, " = {")) {
		snprintf(place->group, sizeof(place->group), "%.*s.", (int)size, line);
	} else if (strncmp(line, "};", 2) == 0) {
		place->group[0] = '\0';
	} else if (*line == ']') {
		place->list[0] = '\0';
	} else if (line[strlen(line) - 1] == '[') {
		snprintf(place->list, sizeof(place->list), "%.*s: ", (int)size, line);
	} else {
		if (strchr(",;", line[strlen(line) - 1]))
			line[strlen(line) - 1] = '\0';
		words_addf(ret, "plan %s%s%s", place->group, place->list, line);
	}
}

static void split(char *text, struct words *ret)
{
	struct place place = {.group = ""};
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "plan ", 5) == 0 && line[5])
			add_plan_line(line + 5, &place, ret);
		else if (*line)
			words_add(ret, line);
	}
}

struct error *inputs_compare(char *old, char *new, char **cause_ret)
{
	_cleanup_words_ struct words before = {0}, now = {0}, causes = {0};
	_cleanup_text_ struct text cause = {0};
	struct error *err;
	bool is_updated;

	*cause_ret = NULL;
	if (strcmp(old, new) == 0)
		return NULL;
	split(old, &before);
	split(new, &now);
	// Another version may write other lines.
	is_updated = now.count && !words_has(&before, now.list[0]);
	if (is_updated)
		describe(now.list[0], &causes);
	for (size_t i = 0; !is_updated && i < now.count; i++)
		if (!words_has(&before, now.list[i]))
			describe(now.list[i], &causes);
	// Something is gone, or in another order.
	if (!causes.count)
		words_add(&causes, "something that it was made from is gone, or in another order");
	err = words_check(&before);
	if (!err)
		err = words_check(&now);
	if (!err)
		err = words_check(&causes);
	for (size_t i = 0; !err && i < causes.count && i < CAUSES_MAX; i++)
		text_add(&cause, "%s%s", i ? "; " : "", causes.list[i]);
	if (!err && causes.count > CAUSES_MAX)
		text_add(&cause, "; and %zu more", causes.count - CAUSES_MAX);
	return err ? err : text_take(&cause, cause_ret);
}
