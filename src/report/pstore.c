// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/pstore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

// systemd has a directory for each crash in its own, and may have one for each record in that.
enum { DEPTH_MAX = 3 };

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for records of pstore");
}

static struct error *add_place(struct pstore *pstore, const char *path, size_t records, time_t newest,
                               struct dumps_about *about)
{
	struct pstore_place *grown = reallocarray(pstore->places, pstore->count + 1, sizeof(*grown)), *place;

	if (!grown)
		return no_memory();
	pstore->places = grown;
	place = &grown[pstore->count++];
	*place = (struct pstore_place){.path = strdup(path), .about = *about};
	*about = (struct dumps_about){0};
	if (asprintf(&place->key, "pstore:%s:%zu:%" PRId64, path, records, (int64_t)newest) < 0)
		place->key = NULL;
	return place->path && place->key ? NULL : no_memory();
}

static struct error *look_at_record(const struct host *host, const char *path, struct dumps_about *about)
{
	_cleanup_close_ int fd = -1;
	struct error *err = host_open(host, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd);

	if (!err && !about->panic)
		about->panic = dumps_find_panic(fd);
	return err;
}

static struct error *walk(const struct host *host, const char *directory, unsigned int depth, struct pstore *ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_dumps_ struct dumps_about about = {.state = DUMPS_LOG};
	struct error *err = host_list(host, directory, &names);
	size_t records = 0;
	time_t newest = 0;

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *path = NULL;
		struct stat info;

		if (asprintf(&path, "%s/%s", directory, *name) < 0) {
			path = NULL;
			return no_memory();
		}
		err = host_stat(host, path, &info);
		if (!err && S_ISDIR(info.st_mode) && depth < DEPTH_MAX)
			err = walk(host, path, depth + 1, ret);
		if (err || !S_ISREG(info.st_mode) || strncmp(*name, "dmesg", 5) != 0)
			continue;
		err = look_at_record(host, path, &about);
		records++;
		about.size_bytes += (uint64_t)info.st_size;
		newest = info.st_mtime > newest ? info.st_mtime : newest;
	}
	return err || !records ? err : add_place(ret, directory, records, newest, &about);
}

struct error *pstore_find(const struct host *host, struct pstore *ret)
{
	static const char *const directories[] = {"/sys/fs/pstore", "/var/lib/systemd/pstore"};
	struct error *err = NULL;

	*ret = (struct pstore){0};
	for (size_t i = 0; i < array_size(directories) && !err; i++)
		err = walk(host, directories[i], 1, ret);
	return err;
}

void pstore_deinit(struct pstore *pstore)
{
	for (size_t i = 0; i < pstore->count; i++) {
		free(pstore->places[i].path);
		free(pstore->places[i].key);
		dumps_deinit(&pstore->places[i].about);
	}
	free(pstore->places);
	*pstore = (struct pstore){0};
}
