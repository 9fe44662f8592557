// SPDX-License-Identifier: GPL-2.0-or-later
// Names and numbers: draft-ietf-secsh-filexfer-02, sections 3 to 7; extensions: OpenSSH's PROTOCOL, section 4.
#include "cmd/send_server.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/endian.h"

enum { PROTOCOL = 3, HANDLE_BYTES = 4 };

enum fxp {
	FXP_INIT = 1,
	FXP_VERSION = 2,
	FXP_OPEN = 3,
	FXP_CLOSE = 4,
	FXP_WRITE = 6,
	FXP_LSTAT = 7,
	FXP_REMOVE = 13,
	FXP_MKDIR = 14,
	FXP_REALPATH = 16,
	FXP_STAT = 17,
	FXP_RENAME = 18,
	FXP_STATUS = 101,
	FXP_HANDLE = 102,
	FXP_NAME = 104,
	FXP_ATTRS = 105,
	FXP_EXTENDED = 200,
};

enum fx {
	FX_OK = 0,
	FX_NO_SUCH_FILE = 2,
	FX_PERMISSION_DENIED = 3,
	FX_FAILURE = 4,
	FX_NO_SPACE = 14, // Of version 6 of the protocol; our client knows it.
	FX_OP_UNSUPPORTED = 8,
};

enum {
	FXF_READ = 1,
	FXF_WRITE = 2,
	FXF_APPEND = 4,
	FXF_CREAT = 8,
	FXF_TRUNC = 16,
	FXF_EXCL = 32,
};

enum {
	ATTR_SIZE = 1,
	ATTR_PERMISSIONS = 4,
};

static void reply_status(struct send_server *server, uint32_t id, enum fx code, const char *text)
{
	send_wire_begin(&server->reply, FXP_STATUS);
	send_wire_put_u32(&server->reply, id);
	send_wire_put_u32(&server->reply, code);
	send_wire_put_text(&server->reply, text);
	send_wire_put_text(&server->reply, "en");
}

static enum fx fx_of(const struct error *err)
{
	if (err->code == ERROR_UNSUPPORTED)
		return FX_OP_UNSUPPORTED;
	switch (err->errnum) {
	case ENOENT:
		return FX_NO_SUCH_FILE;
	case EACCES:
		return FX_PERMISSION_DENIED;
	case ENOSPC:
		return FX_NO_SPACE;
	default:
		return FX_FAILURE;
	}
}

// Takes the error.
static void reply_result(struct send_server *server, uint32_t id, struct error *err)
{
	if (err)
		reply_status(server, id, fx_of(err), err->text);
	else
		reply_status(server, id, FX_OK, "done");
	error_free(err);
}

// Makes a path as struct send_ops wants it.
static struct error *clean_path(struct send_wire_bytes path, char ret[SEND_SERVER_PATH_BYTES + 1])
{
	size_t used = 0;

	if (path.size_bytes > SEND_SERVER_PATH_BYTES)
		return error_new(ERROR_OS, "a path has more than %d bytes", SEND_SERVER_PATH_BYTES);
	for (size_t i = 0; i < path.size_bytes; i++)
		if (path.at[i] < ' ' || path.at[i] == 0x7f)
			return error_new(ERROR_OS, "a path has control characters");
	for (size_t i = 0; i < path.size_bytes;) {
		size_t end = i;

		while (end < path.size_bytes && path.at[end] != '/')
			end++;
		if (end - i == 2 && memcmp(path.at + i, "..", 2) == 0)
			return error_new(ERROR_OS, "a path has '..'");
		if (end > i && !(end - i == 1 && path.at[i] == '.')) {
			if (used)
				ret[used++] = '/';
			memcpy(ret + used, path.at + i, end - i);
			used += end - i;
		}
		i = end + 1;
	}
	ret[used] = '\0';
	return NULL;
}

// As clean_path(), of something below the URL.
static struct error *clean_name(struct send_wire_bytes path, char ret[SEND_SERVER_PATH_BYTES + 1])
{
	struct error *err = clean_path(path, ret);

	if (!err && !*ret)
		err = error_new(ERROR_OS, "a path is empty");
	return err;
}

static struct error *check_new(struct send_server *server, const char *path)
{
	uint64_t size = 0;
	_cleanup_error_ struct error *err = server->ops->stat(server->link, path, &size);

	// Who may only write is not told whether there is one.
	if (err && (err->errnum == ENOENT || err->errnum == EACCES))
		return NULL;
	return err ? take_ptr(err) : error_os(EEXIST, "%s", path);
}

static struct error *open_file(struct send_server *server, struct send_wire_bytes name, uint32_t flags)
{
	char path[SEND_SERVER_PATH_BYTES + 1];
	struct error *err = clean_name(name, path);

	if (err)
		return err;
	if ((flags & (FXF_READ | FXF_APPEND)) || !(flags & FXF_WRITE) || !(flags & FXF_CREAT) ||
	    !(flags & (FXF_TRUNC | FXF_EXCL)))
		return error_new(ERROR_UNSUPPORTED, "%s: files can only be written anew", path);
	if (server->is_open)
		return error_new(ERROR_OS, "%s: another file is open, and only one can be", path);
	if (flags & FXF_EXCL)
		err = check_new(server, path);
	return err ? err : server->ops->open(server->link, path, &server->upload);
}

static void take_open(struct send_server *server, uint32_t id, struct send_wire_fields *fields)
{
	struct send_wire_bytes name = send_wire_take_bytes(fields);
	uint32_t flags = send_wire_take_u32(fields);
	struct error *err;

	send_wire_skip_attributes(fields);
	if (fields->is_short)
		return;
	err = open_file(server, name, flags);
	if (err) {
		reply_result(server, id, err);
		return;
	}
	server->is_open = true;
	server->handle++;
	server->written_bytes = 0;
	send_wire_begin(&server->reply, FXP_HANDLE);
	send_wire_put_u32(&server->reply, id);
	send_wire_put_u32(&server->reply, HANDLE_BYTES);
	send_wire_put_u32(&server->reply, server->handle);
}

static struct error *copy_error(const struct error *err)
{
	struct error *copy = error_new(err->code, "%s", err->text);

	// The one for "no memory" is nobody's to write to.
	if (copy->code != ERROR_NOMEM)
		copy->errnum = err->errnum;
	return copy;
}

static struct error *check_handle(const struct send_server *server, struct send_wire_bytes handle)
{
	if (!server->is_open || handle.size_bytes != HANDLE_BYTES || load_u32(handle.at, true) != server->handle)
		return error_new(ERROR_OS, "no such file is open");
	return server->failure ? copy_error(server->failure) : NULL;
}

static struct error *write_file(struct send_server *server, struct send_wire_bytes handle, uint64_t offset,
                                struct send_wire_bytes data)
{
	struct error *err = check_handle(server, handle);

	if (err)
		return err;
	if (offset != server->written_bytes)
		return error_new(ERROR_OS, "a write at %ju, but %ju bytes were written so far: gaps are not possible",
		                 (uintmax_t)offset, (uintmax_t)server->written_bytes);
	err = server->ops->write(server->upload, data.at, data.size_bytes);
	if (!err) {
		server->written_bytes += data.size_bytes;
		return NULL;
	}
	// Writes that are under way already, and the end of the file, are answered with the same.
	server->failure = copy_error(err);
	server->ops->abandon(take_ptr(server->upload));
	return err;
}

static void take_write(struct send_server *server, uint32_t id, struct send_wire_fields *fields)
{
	struct send_wire_bytes handle = send_wire_take_bytes(fields);
	uint64_t offset = send_wire_take_u64(fields);
	struct send_wire_bytes data = send_wire_take_bytes(fields);

	if (!fields->is_short)
		reply_result(server, id, write_file(server, handle, offset, data));
}

static void take_close(struct send_server *server, uint32_t id, struct send_wire_fields *fields)
{
	struct send_wire_bytes handle = send_wire_take_bytes(fields);
	struct error *err;

	if (fields->is_short)
		return;
	err = check_handle(server, handle);
	if (!err)
		err = server->ops->complete(take_ptr(server->upload));
	else if (!server->failure) {
		reply_result(server, id, err);
		return;
	}
	server->is_open = false;
	error_free(take_ptr(server->failure));
	reply_result(server, id, err);
}

static void take_stat(struct send_server *server, uint32_t id, struct send_wire_fields *fields)
{
	char path[SEND_SERVER_PATH_BYTES + 1];
	struct send_wire_bytes name = send_wire_take_bytes(fields);
	uint64_t size = UINT64_MAX;
	struct error *err;

	if (fields->is_short)
		return;
	err = clean_path(name, path);
	if (!err && *path)
		err = server->ops->stat(server->link, path, &size);
	if (err) {
		reply_result(server, id, err);
		return;
	}
	send_wire_begin(&server->reply, FXP_ATTRS);
	send_wire_put_u32(&server->reply, id);
	if (!*path) {
		send_wire_put_u32(&server->reply, ATTR_PERMISSIONS);
		send_wire_put_u32(&server->reply, S_IFDIR | 0700);
		return;
	}
	send_wire_put_u32(&server->reply, size == UINT64_MAX ? 0 : ATTR_SIZE);
	if (size != UINT64_MAX) {
		send_wire_put_u32(&server->reply, (uint32_t)(size >> 32));
		send_wire_put_u32(&server->reply, (uint32_t)size);
	}
}

static void take_realpath(struct send_server *server, uint32_t id, struct send_wire_fields *fields)
{
	char path[SEND_SERVER_PATH_BYTES + 2] = "/";
	struct send_wire_bytes name = send_wire_take_bytes(fields);
	struct error *err;

	if (fields->is_short)
		return;
	err = clean_path(name, path + 1);
	if (err) {
		reply_result(server, id, err);
		return;
	}
	send_wire_begin(&server->reply, FXP_NAME);
	send_wire_put_u32(&server->reply, id);
	send_wire_put_u32(&server->reply, 1);
	send_wire_put_text(&server->reply, path);
	// What a listing would say of it: the draft wants it, clients do not read it. Only as much as fits.
	send_wire_put_text(&server->reply, "");
	send_wire_put_u32(&server->reply, 0);
}

// One path, and attributes or nothing behind it.
static void take_path(struct send_server *server, uint32_t id, struct send_wire_fields *fields, enum fxp type)
{
	char path[SEND_SERVER_PATH_BYTES + 1];
	struct send_wire_bytes name = send_wire_take_bytes(fields);
	struct error *err;

	if (type == FXP_MKDIR)
		send_wire_skip_attributes(fields);
	if (fields->is_short)
		return;
	err = clean_name(name, path);
	if (!err)
		err = (type == FXP_MKDIR ? server->ops->make_dir : server->ops->remove)(server->link, path);
	reply_result(server, id, err);
}

static void take_rename(struct send_server *server, uint32_t id, struct send_wire_fields *fields)
{
	char from[SEND_SERVER_PATH_BYTES + 1], to[SEND_SERVER_PATH_BYTES + 1];
	struct send_wire_bytes old_name = send_wire_take_bytes(fields), new_name = send_wire_take_bytes(fields);
	struct error *err;

	if (fields->is_short)
		return;
	err = clean_name(old_name, from);
	if (!err)
		err = clean_name(new_name, to);
	if (!err && server->ops->rename)
		err = server->ops->rename(server->link, from, to);
	else if (!err)
		err = error_new(ERROR_UNSUPPORTED, "%s: nothing can be renamed on a server of this kind", from);
	reply_result(server, id, err);
}

static void take_extended(struct send_server *server, uint32_t id, struct send_wire_fields *fields)
{
	static const char rename[] = "posix-rename@openssh.com";
	struct send_wire_bytes name = send_wire_take_bytes(fields);

	if (fields->is_short)
		return;
	if (name.size_bytes == sizeof(rename) - 1 && memcmp(name.at, rename, name.size_bytes) == 0)
		take_rename(server, id, fields);
	else
		reply_status(server, id, FX_OP_UNSUPPORTED, "no such extension");
}

static void dispatch(struct send_server *server, uint8_t type, struct send_wire_fields *fields)
{
	uint32_t id = send_wire_take_u32(fields);

	if (fields->is_short)
		return;
	switch (type) {
	case FXP_OPEN:
		take_open(server, id, fields);
		break;
	case FXP_WRITE:
		take_write(server, id, fields);
		break;
	case FXP_CLOSE:
		take_close(server, id, fields);
		break;
	case FXP_STAT:
	case FXP_LSTAT:
		take_stat(server, id, fields);
		break;
	case FXP_REALPATH:
		take_realpath(server, id, fields);
		break;
	case FXP_MKDIR:
	case FXP_REMOVE:
		take_path(server, id, fields, (enum fxp)type);
		break;
	case FXP_RENAME:
		take_rename(server, id, fields);
		break;
	case FXP_EXTENDED:
		take_extended(server, id, fields);
		break;
	default:
		reply_status(server, id, FX_OP_UNSUPPORTED, "not supported");
		break;
	}
}

static struct error *take_init(struct send_server *server, uint8_t type, struct send_wire_fields *fields)
{
	uint32_t version = send_wire_take_u32(fields);

	if (type != FXP_INIT || fields->is_short || version < PROTOCOL)
		return error_new(ERROR_USAGE, "the client does not speak SFTP of version %d", PROTOCOL);
	server->is_begun = true;
	send_wire_begin(&server->reply, FXP_VERSION);
	send_wire_put_u32(&server->reply, PROTOCOL);
	send_wire_put_text(&server->reply, "sequential@kdump-suite");
	send_wire_put_text(&server->reply, "1");
	send_wire_put_text(&server->reply, server->ops->extension);
	send_wire_put_text(&server->reply, "1");
	send_wire_end(&server->reply);
	return NULL;
}

void send_server_init(struct send_server *server, const struct send_ops *ops, struct send_link *link)
{
	*server = (struct send_server){.ops = ops, .link = link};
}

void send_server_deinit(struct send_server *server)
{
	if (server->upload)
		server->ops->abandon(take_ptr(server->upload));
	error_free(take_ptr(server->failure));
}

struct error *send_server_length(const uint8_t *buf, size_t size_bytes, size_t *total_ret)
{
	uint32_t length;

	*total_ret = 0;
	if (size_bytes < SEND_WIRE_LENGTH_BYTES)
		return NULL;
	length = load_u32(buf, true);
	if (!length || length > SEND_SERVER_PACKET_BYTES)
		return error_new(ERROR_USAGE, "the client sends a packet of %ju bytes: from 1 to %d are allowed",
		                 (uintmax_t)length, SEND_SERVER_PACKET_BYTES);
	*total_ret = SEND_WIRE_LENGTH_BYTES + (size_t)length;
	return NULL;
}

struct error *send_server_take(struct send_server *server, const uint8_t *packet, size_t size_bytes)
{
	uint8_t type = packet[SEND_WIRE_LENGTH_BYTES];
	struct send_wire_fields fields = {.at = packet + SEND_WIRE_LENGTH_BYTES + 1,
	                                  .left_bytes = size_bytes - SEND_WIRE_LENGTH_BYTES - 1};

	if (!server->is_begun)
		return take_init(server, type, &fields);
	if (type == FXP_INIT)
		return error_new(ERROR_USAGE, "the client begins a second time");
	dispatch(server, type, &fields);
	if (fields.is_short)
		return error_new(ERROR_USAGE,
		                 "the client sends a packet of type %u that is too short for what is in it", type);
	send_wire_end(&server->reply);
	return NULL;
}
