// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/initrd.h"
#include "boot/text.h"

enum { LIST_MAX_BYTES = 4 << 20, LINE_MAX_BYTES = 256 * 1024 };

#define STATE_DIR "/var/lib/kdump"
#define KEPT_NAME "initrd.loaded"

// Keys of lines that are read again.
static const char kernel_key[] = "kernel ", line_key[] = "line ", options_key[] = "options ";

static struct error *add_file(const struct host *host, const char *key, const char *path, struct text *text)
{
	struct stat info;
	struct error *err = host_stat(host, path, &info);

	if (!err)
		text_add(text, "%s%s\n%sfile %jd %jd.%09ld\n", key, path, key, (intmax_t)info.st_size,
		         (intmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
	return err;
}

// Ranges of memory that a dump is of. Where there are none, or the kernel hides them, nothing is compared.
static struct error *add_memory(const struct host *host, struct text *text)
{
	_cleanup_free_ char *list = NULL;
	struct error *err = host_read(host, "/proc/iomem", LIST_MAX_BYTES, &list, NULL);
	char *rest = list, *line;

	if (error_catch_os(&err, ENOENT))
		return NULL;
	while (!err && (line = strsep(&rest, "\n")))
		if (strstr(line, " : System RAM") || strstr(line, " : Crash kernel"))
			text_add(text, "memory %s\n", line);
	return err;
}

static struct error *add_cpus(const struct host *host, struct text *text)
{
	_cleanup_free_ char *list = NULL;
	struct error *err = host_read(host, "/sys/devices/system/cpu/present", LINE_MAX_BYTES, &list, NULL);

	if (error_catch_os(&err, ENOENT))
		return NULL;
	if (!err)
		text_add(text, "cpus %.*s\n", (int)strcspn(list, "\n"), list);
	return err;
}

struct error *loaded_describe(const struct host *host, const struct plan *plan, char **text_ret)
{
	_cleanup_text_ struct text text = {0};
	struct error *err = add_file(host, kernel_key, plan->kernel_image, &text);

	if (!err)
		err = add_file(host, "initrd ", plan->initrd, &text);
	text_add(&text, "%s%s\n%s%s\nnotifiers %d\n", line_key, plan->command_line, options_key, plan->kexec_options,
	         plan->has_panic_notifiers);
	for (char *const *word = plan->panic_on; word && *word; word++)
		text_add(&text, "panic %s\n", *word);
	if (!err)
		err = add_memory(host, &text);
	if (!err)
		err = add_cpus(host, &text);
	return err ? err : text_take(&text, text_ret);
}

bool loaded_is(const struct host *host, const char *text)
{
	_cleanup_free_ char *known = NULL;
	bool is_loaded = false;
	_cleanup_error_ struct error *err = kexec_is_loaded(host, &is_loaded);

	if (!err && is_loaded)
		err = host_read(host, LOADED_PATH, LIST_MAX_BYTES, &known, NULL);
	return !err && is_loaded && strcmp(known, text) == 0;
}

struct error *loaded_is_meant(const struct host *host, bool *is_ret)
{
	struct error *err = kexec_is_loaded(host, is_ret);

	if (!err)
		*is_ret = *is_ret || host_exists(host, LOADED_PATH);
	return err;
}

// A second name costs nothing, and keeps the file when the first name gets another one.
static struct error *keep_image(const struct host *host)
{
	_cleanup_close_ int dir_fd = -1;
	struct error *err = host_open(host, STATE_DIR, O_RDONLY | O_DIRECTORY, 0, &dir_fd);

	if (err)
		return err;
	if (unlinkat(dir_fd, KEPT_NAME, 0) < 0 && errno != ENOENT)
		return error_os(errno, LOADED_INITRD_PATH);
	return linkat(dir_fd, "initrd", dir_fd, KEPT_NAME, 0) < 0 ? error_os(errno, LOADED_INITRD_PATH) : NULL;
}

static struct error *keep(const struct host *host, const char *text)
{
	struct error *err = keep_image(host);

	// What is written down must not be of another image.
	if (err) {
		loaded_forget(host);
		return err;
	}
	return host_replace(host, LOADED_PATH, text, strlen(text), 0600);
}

void loaded_forget(const struct host *host)
{
	error_free(host_remove(host, LOADED_PATH));
	error_free(host_remove(host, LOADED_INITRD_PATH));
}

static struct error *take_value(const char *text, const char *key, char **ret)
{
	size_t size = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, key, size) != 0)
			continue;
		*ret = strndup(line + size, strcspn(line + size, "\n"));
		return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for what is loaded");
	}
	return error_new(ERROR_BAD_DATA, LOADED_PATH ": \"%s\" is missing", key);
}

static struct error *restore(const struct host *host, bool *is_back_ret)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *text = NULL;
	enum kexec_method method;
	struct error *err = host_read(host, LOADED_PATH, LIST_MAX_BYTES, &text, NULL);

	*is_back_ret = false;
	if (error_catch_os(&err, ENOENT))
		return NULL;
	if (!err)
		err = take_value(text, kernel_key, &plan.kernel_image);
	if (!err)
		err = take_value(text, line_key, &plan.command_line);
	if (!err)
		err = take_value(text, options_key, &plan.kexec_options);
	if (!err) {
		plan.initrd = strdup(LOADED_INITRD_PATH);
		err = plan.initrd ? NULL : error_new(ERROR_NOMEM, "no memory for a path");
	}
	if (!err)
		err = kexec_load(host, &plan, &method);
	*is_back_ret = !err;
	return err;
}

struct error *loaded_replace(const struct host *host, const struct plan *plan, const char *text,
                             enum kexec_method *method_ret, struct error **late_ret)
{
	bool was_loaded = host_exists(host, LOADED_PATH), is_loaded = false, is_back = false;
	struct error *err = kexec_load(host, plan, method_ret);
	_cleanup_error_ struct error *late = NULL;

	*late_ret = NULL;
	if (!err) {
		*late_ret = keep(host, text);
		return NULL;
	}
	late = kexec_is_loaded(host, &is_loaded);
	if (!late && is_loaded)
		return error_wrap(err, "what was loaded before is still loaded");
	if (!late && was_loaded)
		late = restore(host, &is_back);
	if (is_back)
		return error_wrap(err, "what was loaded before is loaded again");
	loaded_forget(host);
	if (!was_loaded)
		return err;
	return error_wrap(err, "NOTHING is loaded now, what was before could not be loaded again (%s)",
	                  late ? late->text : "no reason");
}
