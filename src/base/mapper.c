// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/mapper.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"

// A table of crypt has some hundred bytes, with the longest key.
enum { BUFFER_BYTES = 16384 };

struct request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[BUFFER_BYTES];
};

static struct error *call(int fd, unsigned long code, struct request *request, const char *name, uint32_t flags,
                          const char *what)
{
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = sizeof(*request);
	request->head.data_start = offsetof(struct request, target);
	request->head.flags = flags;
	if (strlen(name) >= sizeof(request->head.name))
		return error_new(ERROR_UNSUPPORTED, "device-mapper: the name \"%s\" is too long", name);
	strcpy(request->head.name, name);
	if (ioctl(fd, code, request) < 0)
		return error_os(errno, "device-mapper: %s %s", what, name);
	return NULL;
}

void mapper_wipe(char **table)
{
	if (*table)
		explicit_bzero(*table, strlen(*table));
	free(*table);
	*table = NULL;
}

struct error *mapper_table(int control_fd, const char *name, char **ret)
{
	struct request request = {.head.target_count = 0};
	struct error *err = call(control_fd, DM_TABLE_STATUS, &request, name,
	                         DM_STATUS_TABLE_FLAG | DM_SECURE_DATA_FLAG, "table of");
	const char *type = request.target.target_type;

	request.parameters[sizeof(request.parameters) - 1] = '\0';
	if (!err && (request.head.target_count != 1 || request.head.flags & DM_BUFFER_FULL_FLAG))
		err = error_new(ERROR_UNSUPPORTED, "device-mapper: %s has %u targets, or a table that is very long",
		                name, request.head.target_count);
	if (!err && asprintf(ret, "%" PRIu64 " %" PRIu64 " %.*s %s", (uint64_t)request.target.sector_start,
	                     (uint64_t)request.target.length, (int)sizeof(request.target.target_type), type,
	                     request.parameters) < 0) {
		*ret = NULL;
		err = error_new(ERROR_NOMEM, "no memory for a table of device-mapper");
	}
	explicit_bzero(&request, sizeof(request));
	return err;
}

bool mapper_exists(int control_fd, const char *name)
{
	struct request request = {.head.target_count = 0};
	_cleanup_error_ struct error *err = call(control_fd, DM_DEV_STATUS, &request, name, 0, "look at");

	return !err;
}

static struct error *load(int control_fd, const struct mapper_device *device)
{
	struct request request = {.head.target_count = 1, .target.length = device->sectors};

	if (strlen(device->parameters) >= sizeof(request.parameters) ||
	    strlen(device->type) >= sizeof(request.target.target_type))
		return error_new(ERROR_UNSUPPORTED, "device-mapper: the table of %s is too long", device->name);
	strcpy(request.target.target_type, device->type);
	strcpy(request.parameters, device->parameters);
	return call(control_fd, DM_TABLE_LOAD, &request, device->name, 0, "load the table of");
}

struct error *mapper_create(int control_fd, const struct mapper_device *device)
{
	struct request request = {.head.target_count = 0};
	struct error *err;

	if (strlen(device->uuid) >= sizeof(request.head.uuid))
		return error_new(ERROR_UNSUPPORTED, "device-mapper: \"%s\" is too long", device->uuid);
	strcpy(request.head.uuid, device->uuid);
	err = call(control_fd, DM_DEV_CREATE, &request, device->name, 0, "make");
	if (err)
		return err;
	err = load(control_fd, device);
	request = (struct request){.head.target_count = 0};
	if (!err)
		err = call(control_fd, DM_DEV_SUSPEND, &request, device->name, 0, "start");
	if (err) {
		request = (struct request){.head.target_count = 0};
		error_free(call(control_fd, DM_DEV_REMOVE, &request, device->name, 0, "remove"));
	}
	return err;
}
