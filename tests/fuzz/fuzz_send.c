// SPDX-License-Identifier: GPL-2.0-or-later
// What a client of kdump-send sends, over a kind of server that fails now and then.
#include "cmd/send_server.h"
#include "fuzz.h"

// Counts what it is asked for; each fault of the server's is one that a client can choose, by a name with an "x" in it.
struct send_link {
	unsigned int open_files;
	uint64_t bytes;
};

struct send_upload {
	struct send_link *link;
	bool is_bad;
};

static struct error *check_path(const char *path)
{
	fuzz_require(*path && *path != '/' && path[strlen(path) - 1] != '/' && !strstr(path, "//"));
	fuzz_require(strlen(path) <= SEND_SERVER_PATH_BYTES && strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0);
	fuzz_require(!strstr(path, "/../"));
	for (const char *c = path; *c; c++)
		fuzz_require((unsigned char)*c >= ' ');
	return strchr(path, 'x') ? error_os(ENOENT, "%s", path) : NULL;
}

static struct error *fake_path(struct send_link *link, const char *path)
{
	(void)link;
	return check_path(path);
}

static struct error *fake_open(struct send_link *link, const char *path, struct send_upload **ret)
{
	struct error *err = check_path(path);

	if (err)
		return err;
	*ret = calloc(1, sizeof(**ret));
	fuzz_require(*ret && !link->open_files++);
	(*ret)->link = link;
	(*ret)->is_bad = strchr(path, 'y');
	link->bytes = 0;
	return NULL;
}

static struct error *fake_write(struct send_upload *upload, const void *buf, size_t size_bytes)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size_bytes; i++)
		sum = (uint8_t)(sum ^ ((const uint8_t *)buf)[i]);
	upload->link->bytes += size_bytes;
	return upload->is_bad && sum % 2 ? error_new(ERROR_NOSPC, "full") : NULL;
}

static void fake_abandon(struct send_upload *upload)
{
	upload->link->open_files--;
	free(upload);
}

static struct error *fake_complete(struct send_upload *upload)
{
	bool is_bad = upload->is_bad;

	fake_abandon(upload);
	return is_bad ? error_new(ERROR_OS, "it is another") : NULL;
}

static struct error *fake_stat(struct send_link *link, const char *path, uint64_t *size_ret)
{
	(void)link;
	*size_ret = strchr(path, 'z') ? UINT64_MAX : 5;
	return check_path(path);
}

static struct error *fake_rename(struct send_link *link, const char *from, const char *to)
{
	struct error *err = check_path(from);

	(void)link;
	return err ? err : check_path(to);
}

static const struct send_ops fake_ops = {
	.extension = "fuzz@kdump-suite",
	.make_dir = fake_path,
	.open = fake_open,
	.write = fake_write,
	.complete = fake_complete,
	.abandon = fake_abandon,
	.stat = fake_stat,
	.rename = fake_rename,
	.remove = fake_path,
};

// Each reply is one packet, of the length that it says.
static void check_reply(const struct send_server *server)
{
	size_t total = 0;

	fuzz_require(server->reply.size_bytes <= SEND_WIRE_REPLY_BYTES);
	fuzz_require(!send_server_length(server->reply.buf, server->reply.size_bytes, &total) &&
	             total == server->reply.size_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct send_link link = {0};
	struct send_server server;
	struct error *err = NULL;
	size_t total = 0;

	send_server_init(&server, &fake_ops, &link);
	while (!err) {
		uint8_t *packet;

		err = send_server_length(data, size_bytes, &total);
		if (err || !total || size_bytes < total)
			break;
		// In a block of exactly its size, so that a read behind it is seen.
		packet = calloc(1, total);
		fuzz_require(packet);
		memcpy(packet, data, total);
		err = send_server_take(&server, packet, total);
		free(packet);
		if (!err)
			check_reply(&server);
		fuzz_require(link.open_files == (server.upload ? 1 : 0));
		fuzz_require(!server.upload || link.bytes == server.written_bytes);
		data += total;
		size_bytes -= total;
	}
	send_server_deinit(&server);
	fuzz_require(!link.open_files);
	fuzz_end(err, FUZZ_CODE(ERROR_USAGE));
	return 0;
}
