// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_partition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "boot/destination.h"
#include "boot/words.h"
#include "capture/extract.h"
#include "capture/partition.h"

// A raw target that is looked through.
struct source {
	const struct host *host;
	const struct destination *target;
	const char *savedir;
	struct partition partition;
	bool is_quiet;
	size_t stayed; // Dumps that could not be taken out.
};

static struct error *open_device(const struct source *source, int *fd_ret)
{
	_cleanup_free_ char *path = NULL;
	struct error *err;

	if (asprintf(&path, "/dev/%s", source->target->device.name) < 0) {
		path = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	err = host_open(source->host, path, O_RDWR | O_EXCL | O_DIRECT, 0, fd_ret);
	// What stands for a device in a test.
	if (err && err->code == ERROR_OS && err->errnum == EINVAL) {
		error_free(err);
		err = host_open(source->host, path, O_RDWR | O_EXCL, 0, fd_ret);
	}
	return err;
}

static struct error *open_savedir(const struct source *source, int *fd_ret)
{
	struct error *err = host_mkdirs(source->host, source->savedir);

	return err ? err : host_open(source->host, source->savedir, O_RDONLY | O_DIRECTORY, 0, fd_ret);
}

static void tell(const struct source *source, const struct extract_result *result)
{
	const char *slash = source->savedir[strlen(source->savedir) - 1] == '/' ? "" : "/";

	if (source->is_quiet || result->is_old)
		return;
	printf("kdump: taken from %s (/dev/%s): %s%s%s, %s%s\n", source->target->tag, source->target->device.name,
	       source->savedir, slash, result->name,
	       result->is_whole   ? "whole"
	       : *result->problem ? "damaged: "
	                          : "incomplete: the capture did not finish it",
	       result->problem);
	fflush(stdout);
}

static void take(struct source *source, struct partition_record *record)
{
	_cleanup_close_ int dir_fd = -1;
	struct extract_result result;
	struct error *err = open_savedir(source, &dir_fd);

	if (!err)
		err = extract_run(&source->partition, record, dir_fd, &result);
	if (!err) {
		tell(source, &result);
		return;
	}
	fprintf(stderr, "kdump: %s stays on %s (/dev/%s), %s: %s\n", record->name, source->target->tag,
	        source->target->device.name, source->savedir, err->text);
	error_free(err);
	source->stayed++;
}

static struct error *take_all(struct source *source)
{
	_cleanup_close_ int fd = -1;
	struct partition_record record;
	bool is_found = false;
	struct error *err = open_device(source, &fd);

	if (!err)
		err = partition_init(fd, &source->partition);
	if (!err)
		err = partition_next(&source->partition, NULL, &record, &is_found);
	while (!err && is_found) {
		// One that cannot be taken out must not keep the others.
		if (record.taken != PARTITION_TAKEN)
			take(source, &record);
		err = partition_next(&source->partition, &record, &record, &is_found);
	}
	if (!err)
		err = partition_trim(&source->partition);
	partition_deinit(&source->partition);
	return error_wrap(err, "%s (/dev/%s)", source->target->tag, source->target->device.name);
}

// Of one target, which was looked for before. Counts what stays where it is.
static struct error *look_through(const struct host *host, const struct config *config,
                                  const struct destination *target, struct error *err, bool is_quiet, size_t *stayed)
{
	struct source source = {.host = host, .target = target, .is_quiet = is_quiet};

	if (!err)
		err = destination_savedir(config, &source.savedir);
	if (!err)
		err = take_all(&source);
	*stayed += source.stayed;
	if (!err || err->code == ERROR_NOMEM)
		return err;
	fprintf(stderr, "kdump: %s\n", err->text);
	error_free(err);
	(*stayed)++;
	return NULL;
}

struct error *ctl_partition_needed(const struct config *config, bool *is_ret)
{
	_cleanup_words_ struct words names = {0}, fallbacks = {0};
	struct error *err = destination_names(config, &names);

	if (err)
		return err;
	*is_ret = destination_is_raw(names.list[0]);
	words_split(&fallbacks, config_text(config, KEY_FALLBACK));
	for (size_t i = 0; i < fallbacks.count; i++) {
		words_unquote(fallbacks.list[i]);
		*is_ret |= destination_is_raw(fallbacks.list[i]);
	}
	return words_check(&fallbacks);
}

struct error *ctl_partition(const struct host *host, const struct config *config, bool is_quiet)
{
	_cleanup_words_ struct words names = {0}, fallbacks = {0};
	struct error *err = destination_names(config, &names);
	size_t stayed = 0;

	// Several targets share a dump, of which a raw one cannot be.
	if (!err && destination_is_raw(names.list[0])) {
		_cleanup_destination_ struct destination target = {0};

		err = destination_find(host, config, &target);
		err = look_through(host, config, &target, err, is_quiet, &stayed);
	}
	words_split(&fallbacks, config_text(config, KEY_FALLBACK));
	for (size_t i = 0; !err && i < fallbacks.count; i++) {
		_cleanup_destination_ struct destination target = {0};

		words_unquote(fallbacks.list[i]);
		if (!destination_is_raw(fallbacks.list[i]))
			continue;
		err = destination_find_next(host, config, KEY_FALLBACK, fallbacks.list[i], &target);
		err = look_through(host, config, &target, err, is_quiet, &stayed);
	}
	if (!err)
		err = words_check(&fallbacks);
	return err || !stayed ? err : error_new(ERROR_OS, "not all dumps could be taken from raw partitions");
}
