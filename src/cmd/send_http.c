// SPDX-License-Identifier: GPL-2.0-or-later
// Servers of http that take PUT (RFC 9110, 9.3.4), also with WebDAV (RFC 4918).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/send_transfer.h"

// A file up to this size is sent with its length, since some servers do not take a body of unknown length.
enum { HELD_BYTES = 1024 * 1024 };

struct send_upload {
	struct send_link *link;
	char *path;
	uint8_t *held; // What came before it was too much.
	size_t held_bytes;
	uint64_t sent_bytes;
	struct send_transfer transfer; // Once it was.
};

static void free_upload(struct send_upload *upload)
{
	send_transfer_deinit(&upload->transfer);
	free(upload->path);
	free(upload->held);
	free(upload);
}

static void free_uploadp(struct send_upload **upload)
{
	if (*upload)
		free_upload(*upload);
}

static struct error *http_make_dir(struct send_link *link, const char *path)
{
	_cleanup_transfer_ struct send_transfer transfer = {0};
	_cleanup_free_ char *folder = NULL;
	struct error *err;

	// RFC 4918, 5.2: the name of a collection ends in a slash; some servers insist.
	if (asprintf(&folder, "%s/", path) < 0) {
		folder = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	err = send_transfer_init(&transfer, link, folder, NULL);
	if (err)
		return err;
	curl_easy_setopt(transfer.easy, CURLOPT_CUSTOMREQUEST, "MKCOL");
	err = send_transfer_run(&transfer);
	// It may be there, or not be needed, or the server may know no directories: whether files can be written, PUT tells.
	if (err && transfer.status && transfer.status != 401) {
		error_free(err);
		return NULL;
	}
	return error_wrap(err, "MKCOL %s", path);
}

static struct error *http_open(struct send_link *link, const char *path, struct send_upload **ret)
{
	_cleanup_(free_uploadp) struct send_upload *upload = calloc(1, sizeof(*upload));

	if (!upload)
		return error_new(ERROR_NOMEM, "no memory for a file");
	upload->link = link;
	upload->path = strdup(path);
	upload->held = malloc(HELD_BYTES);
	if (!upload->path || !upload->held)
		return error_new(ERROR_NOMEM, "no memory for a file");
	*ret = take_ptr(upload);
	return NULL;
}

static struct error *begin_stream(struct send_upload *upload)
{
	struct error *err = send_transfer_init(&upload->transfer, upload->link, upload->path, NULL);

	if (err)
		return err;
	send_transfer_stream(&upload->transfer);
	err = send_transfer_push(&upload->transfer, upload->held, upload->held_bytes);
	free(take_ptr(upload->held));
	return err;
}

static struct error *http_write(struct send_upload *upload, const void *buf, size_t size_bytes)
{
	struct error *err = NULL;

	upload->sent_bytes += size_bytes;
	if (upload->held && size_bytes <= HELD_BYTES - upload->held_bytes) {
		memcpy(upload->held + upload->held_bytes, buf, size_bytes);
		upload->held_bytes += size_bytes;
		return NULL;
	}
	if (upload->held)
		err = begin_stream(upload);
	if (!err)
		err = send_transfer_push(&upload->transfer, buf, size_bytes);
	return error_wrap(err, "PUT %s", upload->path);
}

static struct error *head(struct send_link *link, const char *path, struct send_transfer *transfer)
{
	struct error *err = send_transfer_init(transfer, link, path, NULL);

	if (err)
		return err;
	curl_easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L);
	return error_wrap(send_transfer_run(transfer), "HEAD %s", path);
}

static struct error *check_receipt(struct send_link *link, const char *path, uint64_t sent_bytes)
{
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = head(link, path, &transfer);

	// An answer that says nothing of the file says nothing against it.
	if (err && transfer.status && err->errnum != ENOENT) {
		send_link_note("%s: whether all of it came there is not known: %s", path, err->text);
		error_free(err);
		return NULL;
	}
	if (err)
		return err;
	if (transfer.length_bytes < 0) {
		send_link_note("%s: whether all of it came there is not known: the server does not tell its size",
		               path);
		return NULL;
	}
	if ((uint64_t)transfer.length_bytes != sent_bytes)
		return error_new(ERROR_OS, "%s: %ju bytes were sent, but on the server it has %jd", path,
		                 (uintmax_t)sent_bytes, (intmax_t)transfer.length_bytes);
	return NULL;
}

static struct error *http_complete(struct send_upload *guarded)
{
	_cleanup_(free_uploadp) struct send_upload *upload = guarded;
	struct error *err = NULL;

	if (upload->held) {
		err = send_transfer_init(&upload->transfer, upload->link, upload->path, NULL);
		if (!err)
			send_transfer_body(&upload->transfer, upload->held, upload->held_bytes);
	}
	if (!err)
		err = send_transfer_run(&upload->transfer);
	if (err)
		return error_wrap(err, "PUT %s", upload->path);
	return check_receipt(upload->link, upload->path, upload->sent_bytes);
}

static struct error *http_stat(struct send_link *link, const char *path, uint64_t *size_ret)
{
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = head(link, path, &transfer);

	if (!err)
		*size_ret = transfer.length_bytes < 0 ? UINT64_MAX : (uint64_t)transfer.length_bytes;
	return err;
}

static struct error *http_remove(struct send_link *link, const char *path)
{
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = send_transfer_init(&transfer, link, path, NULL);

	if (err)
		return err;
	curl_easy_setopt(transfer.easy, CURLOPT_CUSTOMREQUEST, "DELETE");
	return error_wrap(send_transfer_run(&transfer), "DELETE %s", path);
}

// A connection that is closed in the middle of a body tells the server that there is no file; a file that was there under this
// name before is the server's to keep, so nothing is deleted.
const struct send_ops send_http_ops = {
	.extension = "no-rename@kdump-suite",
	.make_dir = http_make_dir,
	.open = http_open,
	.write = http_write,
	.complete = http_complete,
	.abandon = free_upload,
	.stat = http_stat,
	.remove = http_remove,
};
