// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/sftp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/endian.h"

// draft-ietf-secsh-filexfer-02, 3 and 6.3, 7.
enum {
	PROTOCOL_VERSION = 3,
	TYPE_INIT = 1,
	TYPE_VERSION = 2,
	TYPE_OPEN = 3,
	TYPE_CLOSE = 4,
	TYPE_WRITE = 6,
	TYPE_FSTAT = 8,
	TYPE_FSETSTAT = 10,
	TYPE_REMOVE = 13,
	TYPE_MKDIR = 14,
	TYPE_RENAME = 18,
	TYPE_STATUS = 101,
	TYPE_HANDLE = 102,
	TYPE_ATTRS = 105,
	TYPE_EXTENDED = 200,
	TYPE_EXTENDED_REPLY = 201,
	OPEN_WRITE = 0x2,
	OPEN_CREATE = 0x8,
	OPEN_TRUNCATE = 0x10,
	OPEN_EXCLUSIVE = 0x20,
	ATTR_SIZE = 0x1,
	ATTR_PERMISSIONS = 0x4,
	STATUS_OK = 0,
	STATUS_NO_SUCH_FILE = 2,
	STATUS_PERMISSION_DENIED = 3,
	STATUS_NO_SPACE = 14, // Of version 6; kdump-send says it.
};

enum {
	// Every server takes 32,768 bytes of data in a packet of 34,000.
	PIECE_BYTES = 32768,
	PACKET_MAX_BYTES = 34000,
	HEAD_BYTES = 5,
	// Of the network and the server's disk: 2 MiB are on their way at most.
	OUTSTANDING_MAX = 64,
	// A server that puts a large file on its disk takes its time; one that says nothing for longer is not there any more.
	GREETING_MS = 60000,
	ANSWER_MS = 300000,
	// Less room than this where a write failed: that is why.
	NO_ROOM_BYTES = 1 << 20,
};

struct sftp {
	int in_fd, out_fd;
	int patience_ms;
	pthread_mutex_t lock;
	uint32_t next_id;
	unsigned int outstanding; // Writes that were not answered yet.
	bool is_broken; // Nothing more can be said or heard.
	bool is_sequential, has_no_rename; // Of kdump-send.
	bool has_fsync, has_statvfs, has_posix_rename;
	struct error *failure; // Of a write.
	char *room_path; // Directory of the file that is written.
	uint8_t reply[PACKET_MAX_BYTES];
	uint32_t reply_bytes;
};

// A request under construction. What does not fit is an error when it is sent.
struct packet {
	uint8_t buf[4096];
	size_t used;
	bool is_full;
};

// Parts of a reply that are not read yet.
struct reader {
	const uint8_t *at;
	size_t left;
};

static void put(struct packet *packet, const void *bytes, size_t size)
{
	if (size > sizeof(packet->buf) - packet->used) {
		packet->is_full = true;
		return;
	}
	memcpy(packet->buf + packet->used, bytes, size);
	packet->used += size;
}

static void put_u32(struct packet *packet, uint32_t value)
{
	value = htobe32(value);
	put(packet, &value, sizeof(value));
}

static void put_u64(struct packet *packet, uint64_t value)
{
	value = htobe64(value);
	put(packet, &value, sizeof(value));
}

static void put_bytes(struct packet *packet, const void *bytes, size_t size)
{
	put_u32(packet, (uint32_t)size);
	put(packet, bytes, size);
}

static void put_text(struct packet *packet, const char *text)
{
	put_bytes(packet, text, strlen(text));
}

// The length comes when it is known.
static void begin(struct sftp *sftp, struct packet *packet, uint8_t type)
{
	packet->used = 4;
	packet->is_full = false;
	put(packet, &type, 1);
	put_u32(packet, sftp->next_id++);
}

static bool take_u32(struct reader *reader, uint32_t *ret)
{
	if (reader->left < 4)
		return false;
	memcpy(ret, reader->at, 4);
	*ret = be32toh(*ret);
	reader->at += 4;
	reader->left -= 4;
	return true;
}

static bool take_u64(struct reader *reader, uint64_t *ret)
{
	if (reader->left < 8)
		return false;
	memcpy(ret, reader->at, 8);
	*ret = be64toh(*ret);
	reader->at += 8;
	reader->left -= 8;
	return true;
}

static bool take_bytes(struct reader *reader, const uint8_t **ret, uint32_t *size_ret)
{
	if (!take_u32(reader, size_ret) || *size_ret > reader->left)
		return false;
	*ret = reader->at;
	reader->at += *size_ret;
	reader->left -= *size_ret;
	return true;
}

static struct error *not_understood(struct sftp *sftp)
{
	sftp->is_broken = true;
	return error_new(ERROR_BAD_DATA, "the server's answer is not understood");
}

static struct error *await(int fd, short events, int patience_ms)
{
	int count;

	do
		count = poll(&(struct pollfd){.fd = fd, .events = events}, 1, patience_ms);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return error_os(errno, "poll");
	return count ? NULL : error_new(ERROR_TIMEOUT, "the server does not answer for %d s", patience_ms / 1000);
}

// All or an error. What the other end does not take for long is an error, too.
static struct error *say(struct sftp *sftp, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	while (size) {
		ssize_t written = write(sftp->out_fd, at, size);
		struct error *err = NULL;

		if (written < 0 && errno == EAGAIN)
			err = await(sftp->out_fd, POLLOUT, sftp->patience_ms);
		else if (written < 0 && errno != EINTR)
			err = error_os(errno, "write to the server's program");
		if (err)
			return err;
		at += written > 0 ? written : 0;
		size -= written > 0 ? (size_t)written : 0;
	}
	return NULL;
}

static struct error *listen_to(struct sftp *sftp, void *bytes, size_t size)
{
	uint8_t *at = bytes;

	while (size) {
		ssize_t got = read(sftp->in_fd, at, size);
		struct error *err = NULL;

		if (got == 0)
			err = error_os(EPIPE, "the server ended the connection");
		else if (got < 0 && errno == EAGAIN)
			err = await(sftp->in_fd, POLLIN, sftp->patience_ms);
		else if (got < 0 && errno != EINTR)
			err = error_os(errno, "read from the server's program");
		if (err)
			return err;
		at += got > 0 ? got : 0;
		size -= got > 0 ? (size_t)got : 0;
	}
	return NULL;
}

static struct error *send_packet(struct sftp *sftp, struct packet *packet, size_t more_bytes)
{
	uint32_t length = htobe32((uint32_t)(packet->used - 4 + more_bytes));
	struct error *err;

	if (packet->is_full)
		return error_new(ERROR_BAD_DATA, "a name is too long for a request");
	if (sftp->is_broken)
		return error_os(EPIPE, "the connection to the server is lost");
	memcpy(packet->buf, &length, sizeof(length));
	err = say(sftp, packet->buf, packet->used);
	sftp->is_broken |= err != NULL;
	return err;
}

static struct error *receive(struct sftp *sftp, uint8_t *type_ret)
{
	uint8_t head[HEAD_BYTES];
	uint32_t length;
	struct error *err = listen_to(sftp, head, sizeof(head));

	if (err) {
		sftp->is_broken = true;
		return err;
	}
	memcpy(&length, head, sizeof(length));
	length = be32toh(length);
	if (length < 1 || length - 1 > sizeof(sftp->reply))
		return not_understood(sftp);
	sftp->reply_bytes = length - 1;
	err = listen_to(sftp, sftp->reply, sftp->reply_bytes);
	sftp->is_broken |= err != NULL;
	*type_ret = head[4];
	return err;
}

// The server's words for a person; what a terminal would take for more than letters is left out.
static void take_words(struct reader *reader, char *ret, size_t room_bytes)
{
	const uint8_t *text = NULL;
	uint32_t size = 0;
	size_t used = 0;

	// Of version 3 it is part of a status, but older servers leave it out.
	if (take_bytes(reader, &text, &size))
		for (uint32_t i = 0; i < size && used + 1 < room_bytes; i++)
			ret[used++] = text[i] >= ' ' && text[i] < 0x7f ? (char)text[i] : '?';
	ret[used] = '\0';
}

// The rest of a status, behind the number of its request, as an error.
static struct error *read_status(struct sftp *sftp, struct reader *reader, const char *what)
{
	char words[512];
	uint32_t status;

	if (!take_u32(reader, &status))
		return not_understood(sftp);
	if (status == STATUS_OK)
		return NULL;
	if (status == STATUS_NO_SUCH_FILE || status == STATUS_PERMISSION_DENIED)
		return error_os(status == STATUS_NO_SUCH_FILE ? ENOENT : EACCES, "%s", what);
	take_words(reader, words, sizeof(words));
	if (status == STATUS_NO_SPACE)
		return error_os(ENOSPC, "%s: the server says: %s", what, words);
	return error_new(ERROR_OS, "%s: the server says: %s (status %u)", what, words, status);
}

// The next answer. Of a write it is counted and what it says is kept.
static struct error *hear(struct sftp *sftp, uint8_t *type_ret, uint32_t *id_ret, struct reader *reader)
{
	struct error *err = receive(sftp, type_ret);

	if (err)
		return err;
	*reader = (struct reader){sftp->reply, sftp->reply_bytes};
	return take_u32(reader, id_ret) ? NULL : not_understood(sftp);
}

static struct error *hear_write(struct sftp *sftp)
{
	struct reader reader;
	uint8_t type = 0;
	uint32_t id;
	struct error *err = hear(sftp, &type, &id, &reader);

	sftp->outstanding--;
	if (!err && type != TYPE_STATUS)
		err = not_understood(sftp);
	return err ? err : read_status(sftp, &reader, "write");
}

static void keep_failure(struct sftp *sftp, struct error *err)
{
	if (sftp->failure)
		error_free(err);
	else
		sftp->failure = err;
}

static void hear_all_writes(struct sftp *sftp)
{
	while (sftp->outstanding && !sftp->is_broken)
		keep_failure(sftp, hear_write(sftp));
}

// Sends a request and waits for its answer, of a type other than a status if one is named.
static struct error *ask(struct sftp *sftp, struct packet *packet, uint8_t wanted, const char *what,
                         struct reader *reader)
{
	uint32_t id = 0, wanted_id = sftp->next_id - 1;
	uint8_t type = 0;
	struct error *err;

	hear_all_writes(sftp);
	err = send_packet(sftp, packet, 0);
	if (!err)
		err = hear(sftp, &type, &id, reader);
	if (err)
		return error_wrap(err, "%s", what);
	if (id != wanted_id || (type != TYPE_STATUS && type != wanted))
		return not_understood(sftp);
	if (type == TYPE_STATUS) {
		err = read_status(sftp, reader, what);
		if (!err && wanted != TYPE_STATUS)
			err = not_understood(sftp);
	}
	return err;
}

static struct error *ask_status(struct sftp *sftp, struct packet *packet, const char *what)
{
	struct reader reader;

	return ask(sftp, packet, TYPE_STATUS, what, &reader);
}

static bool is_name(const uint8_t *bytes, uint32_t size, const char *name)
{
	return size == strlen(name) && memcmp(bytes, name, size) == 0;
}

static struct error *greet(struct sftp *sftp)
{
	struct packet packet = {.used = 4};
	uint8_t init = TYPE_INIT, type = 0;
	const uint8_t *name, *value;
	uint32_t version, size, value_size;
	struct reader reader;
	struct error *err;

	put(&packet, &init, 1);
	put_u32(&packet, PROTOCOL_VERSION);
	err = send_packet(sftp, &packet, 0);
	if (!err)
		err = receive(sftp, &type);
	if (err)
		return err;
	reader = (struct reader){sftp->reply, sftp->reply_bytes};
	if (type != TYPE_VERSION || !take_u32(&reader, &version) || version < PROTOCOL_VERSION)
		return not_understood(sftp);
	while (take_bytes(&reader, &name, &size) && take_bytes(&reader, &value, &value_size)) {
		sftp->is_sequential |= is_name(name, size, "sequential@kdump-suite");
		sftp->has_no_rename |= is_name(name, size, "no-rename@kdump-suite");
		sftp->has_fsync |= is_name(name, size, "fsync@openssh.com");
		sftp->has_posix_rename |= is_name(name, size, "posix-rename@openssh.com");
		sftp->has_statvfs |= is_name(name, size, "statvfs@openssh.com") && is_name(value, value_size, "2");
	}
	return NULL;
}

struct error *sftp_create(int in_fd, int out_fd, struct sftp **ret)
{
	struct sftp *sftp = calloc(1, sizeof(*sftp));
	struct error *err;

	if (!sftp)
		return error_new(ERROR_NOMEM, "no memory for a connection");
	sftp->in_fd = in_fd;
	sftp->out_fd = out_fd;
	sftp->patience_ms = GREETING_MS;
	fcntl(in_fd, F_SETFL, O_NONBLOCK);
	fcntl(out_fd, F_SETFL, O_NONBLOCK);
	pthread_mutex_init(&sftp->lock, NULL);
	err = greet(sftp);
	if (err) {
		sftp_destroy(sftp);
		return err;
	}
	sftp->patience_ms = ANSWER_MS;
	*ret = sftp;
	return NULL;
}

void sftp_destroy(struct sftp *sftp)
{
	if (!sftp)
		return;
	pthread_mutex_destroy(&sftp->lock);
	error_free(sftp->failure);
	free(sftp->room_path);
	free(sftp);
}

bool sftp_is_sequential(const struct sftp *sftp)
{
	return sftp->is_sequential;
}

bool sftp_can_rename(const struct sftp *sftp)
{
	return !sftp->has_no_rename;
}

struct error *sftp_mkdir(struct sftp *sftp, const char *path, mode_t mode)
{
	struct packet packet;

	begin(sftp, &packet, TYPE_MKDIR);
	put_text(&packet, path);
	put_u32(&packet, ATTR_PERMISSIONS);
	put_u32(&packet, mode);
	return error_wrap(ask_status(sftp, &packet, "make directory"), "%s", path);
}

struct error *sftp_open(struct sftp *sftp, const char *path, struct sftp_file *ret)
{
	const char *slash = strrchr(path, '/');
	struct packet packet;
	struct reader reader;
	const uint8_t *handle = NULL;
	uint32_t size = 0;
	struct error *err;

	begin(sftp, &packet, TYPE_OPEN);
	put_text(&packet, path);
	// An upload replaces what a try before it left.
	put_u32(&packet, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE | (sftp->is_sequential ? 0 : OPEN_EXCLUSIVE));
	put_u32(&packet, ATTR_PERMISSIONS);
	put_u32(&packet, 0600);
	err = ask(sftp, &packet, TYPE_HANDLE, "create", &reader);
	if (!err && (!take_bytes(&reader, &handle, &size) || size > SFTP_HANDLE_BYTES))
		err = not_understood(sftp);
	if (err)
		return error_wrap(err, "%s", path);
	memcpy(ret->handle, handle, size);
	ret->handle_bytes = size;
	free(sftp->room_path);
	sftp->room_path = strndup(path, slash && slash > path ? (size_t)(slash - path) : 1);
	return NULL;
}

// Whether the server tells.
static bool ask_room(struct sftp *sftp, const char *path, uint64_t *ret)
{
	// OpenSSH's PROTOCOL, 4.9: f_bsize, f_frsize, f_blocks, f_bfree, f_bavail …
	enum { FRAGMENT = 1, AVAILABLE = 4, WORDS = 5 };
	uint64_t words[WORDS] = {0};
	struct packet packet;
	struct reader reader;
	struct error *err;
	bool is_told;

	if (!sftp->has_statvfs)
		return false;
	begin(sftp, &packet, TYPE_EXTENDED);
	put_text(&packet, "statvfs@openssh.com");
	put_text(&packet, path);
	err = ask(sftp, &packet, TYPE_EXTENDED_REPLY, "room", &reader);
	for (size_t i = 0; !err && i < WORDS; i++)
		if (!take_u64(&reader, &words[i]))
			err = not_understood(sftp);
	is_told = !err && !__builtin_mul_overflow(words[FRAGMENT], words[AVAILABLE], ret);
	error_free(err);
	return is_told;
}

// Of the protocol's statuses none says that the disk is full.
static struct error *failure_of_writes(struct sftp *sftp)
{
	struct error *err = sftp->failure;
	uint64_t room = UINT64_MAX;

	if (!err)
		return NULL;
	sftp->failure = NULL;
	if (sftp->has_statvfs && sftp->room_path && !sftp->is_broken && !ask_room(sftp, sftp->room_path, &room))
		room = UINT64_MAX;
	if (room < NO_ROOM_BYTES) {
		error_free(err);
		err = error_os(ENOSPC, "write on the server");
	}
	// Whoever comes later is told the same.
	sftp->failure = error_new(err->code, "%s", err->text);
	return err;
}

static struct error *write_piece(struct sftp *sftp, const struct sftp_file *file, uint64_t offset_bytes,
                                 const void *buf, size_t size_bytes)
{
	struct packet packet;
	struct error *err;

	while (sftp->outstanding >= OUTSTANDING_MAX && !sftp->is_broken)
		keep_failure(sftp, hear_write(sftp));
	if (sftp->failure) {
		hear_all_writes(sftp);
		return failure_of_writes(sftp);
	}
	begin(sftp, &packet, TYPE_WRITE);
	put_bytes(&packet, file->handle, file->handle_bytes);
	put_u64(&packet, offset_bytes);
	put_u32(&packet, (uint32_t)size_bytes);
	err = send_packet(sftp, &packet, size_bytes);
	if (!err)
		err = say(sftp, buf, size_bytes);
	sftp->is_broken |= err != NULL;
	sftp->outstanding += !err;
	return err;
}

struct error *sftp_write(struct sftp *sftp, const struct sftp_file *file, uint64_t offset_bytes,
                         const struct iovec *parts, size_t count)
{
	struct error *err = NULL;

	pthread_mutex_lock(&sftp->lock);
	for (size_t i = 0; i < count && !err; i++) {
		const uint8_t *at = parts[i].iov_base;

		for (size_t left = parts[i].iov_len; left && !err;) {
			size_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;

			err = write_piece(sftp, file, offset_bytes, at, piece);
			offset_bytes += piece;
			at += piece;
			left -= piece;
		}
	}
	pthread_mutex_unlock(&sftp->lock);
	return err;
}

static struct error *read_size(struct sftp *sftp, const struct sftp_file *file, uint64_t *ret)
{
	struct packet packet;
	struct reader reader;
	uint32_t flags;
	struct error *err;

	begin(sftp, &packet, TYPE_FSTAT);
	put_bytes(&packet, file->handle, file->handle_bytes);
	err = ask(sftp, &packet, TYPE_ATTRS, "size", &reader);
	if (err)
		return err;
	if (!take_u32(&reader, &flags) || !(flags & ATTR_SIZE) || !take_u64(&reader, ret))
		return error_new(ERROR_BAD_DATA, "the server does not tell the size of a file");
	return NULL;
}

static struct error *set_size(struct sftp *sftp, const struct sftp_file *file, uint64_t size_bytes)
{
	struct packet packet;

	begin(sftp, &packet, TYPE_FSETSTAT);
	put_bytes(&packet, file->handle, file->handle_bytes);
	put_u32(&packet, ATTR_SIZE);
	put_u64(&packet, size_bytes);
	return ask_status(sftp, &packet, "set the size");
}

static struct error *check_size(struct sftp *sftp, const struct sftp_file *file, uint64_t size_bytes)
{
	uint64_t there = 0;
	struct error *err = read_size(sftp, file, &there);

	// The last bytes may be a gap that nobody wrote.
	if (!err && there < size_bytes)
		err = set_size(sftp, file, size_bytes);
	if (!err && there < size_bytes)
		err = read_size(sftp, file, &there);
	if (!err && there != size_bytes)
		err = error_new(ERROR_BAD_DATA, "the file on the server has %ju bytes, and should have %ju",
		                (uintmax_t)there, (uintmax_t)size_bytes);
	return err;
}

static struct error *sync_file(struct sftp *sftp, const struct sftp_file *file)
{
	struct packet packet;

	if (!sftp->has_fsync)
		return NULL;
	begin(sftp, &packet, TYPE_EXTENDED);
	put_text(&packet, "fsync@openssh.com");
	put_bytes(&packet, file->handle, file->handle_bytes);
	return ask_status(sftp, &packet, "fsync");
}

static struct error *close_file(struct sftp *sftp, const struct sftp_file *file)
{
	struct packet packet;

	begin(sftp, &packet, TYPE_CLOSE);
	put_bytes(&packet, file->handle, file->handle_bytes);
	return ask_status(sftp, &packet, "close");
}

struct error *sftp_finish(struct sftp *sftp, const struct sftp_file *file, uint64_t size_bytes)
{
	struct error *err, *late;

	hear_all_writes(sftp);
	err = failure_of_writes(sftp);
	if (!err && !sftp->is_sequential)
		err = check_size(sftp, file, size_bytes);
	if (!err)
		err = sync_file(sftp, file);
	late = close_file(sftp, file);
	if (!err)
		return late;
	error_free(late);
	return err;
}

struct error *sftp_rename(struct sftp *sftp, const char *from, const char *to)
{
	struct packet packet;

	begin(sftp, &packet, sftp->has_posix_rename ? TYPE_EXTENDED : TYPE_RENAME);
	if (sftp->has_posix_rename)
		put_text(&packet, "posix-rename@openssh.com");
	put_text(&packet, from);
	put_text(&packet, to);
	return error_wrap(ask_status(sftp, &packet, "rename"), "%s", to);
}

struct error *sftp_remove(struct sftp *sftp, const char *path)
{
	struct packet packet;
	struct error *err;

	begin(sftp, &packet, TYPE_REMOVE);
	put_text(&packet, path);
	err = ask_status(sftp, &packet, "remove");
	if (error_catch_os(&err, ENOENT))
		return NULL;
	return error_wrap(err, "%s", path);
}

uint64_t sftp_room(struct sftp *sftp, const char *path)
{
	uint64_t room = 0;

	return ask_room(sftp, path, &room) ? room : 0;
}
