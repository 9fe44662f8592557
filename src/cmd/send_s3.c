// SPDX-License-Identifier: GPL-2.0-or-later
// Stores in the manner of Amazon S3 ("Amazon Simple Storage Service API Reference"; limits of parts: its user guide, "Amazon
// S3 multipart upload limits"). Signatures of version 4 are libcurl's.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "capture/md5.h"
#include "cmd/send_s3_request.h"

enum { MIB = 1024 * 1024, PARTS_MAX = 10000 };

// Sizes of parts: small ones for a small memory, larger ones so that their number is enough for 946 GiB.
static const struct {
	unsigned int end; // One past the last part of this size, counted from 0.
	size_t size_bytes;
} part_sizes[] = {
	{1000, (size_t)8 * MIB},
	{3000, (size_t)32 * MIB},
	{PARTS_MAX, (size_t)128 * MIB},
};

struct send_upload {
	struct send_link *link;
	char *path;
	uint8_t *part; // What comes next, until it is full and more is to follow.
	size_t part_bytes, room_bytes;
	uint64_t sent_bytes; // With what is in the part.
	unsigned int parts; // How many are on the server.
	char *id; // The upload's, escaped, if there is more than one part.
	struct md5 digests; // Of the parts' digests.
	struct text list; // Of the parts, in XML.
};

struct receipt {
	char text[2 * MD5_DIGEST_BYTES + 16]; // MD5 in hexadecimal digits and, for several parts, "-" and their number.
	bool is_seen; // The store has shown the same.
};

static void free_upload(struct send_upload *upload)
{
	free(upload->path);
	free(upload->part);
	free(upload->id);
	text_deinit(&upload->list);
	free(upload);
}

static void free_uploadp(struct send_upload **upload)
{
	if (*upload)
		free_upload(*upload);
}

static size_t part_size(unsigned int part)
{
	size_t row = 0;

	while (row + 1 < array_size(part_sizes) && part >= part_sizes[row].end)
		row++;
	return part_sizes[row].size_bytes;
}

static void hex(char *ret, const uint8_t *buf, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		sprintf(ret + 2 * i, "%02x", buf[i]);
}

static void md5_text(const void *buf, size_t size_bytes, uint8_t digest[MD5_DIGEST_BYTES], struct receipt *ret)
{
	struct md5 md5;

	*ret = (struct receipt){.is_seen = false};
	md5_init(&md5);
	md5_update(&md5, buf, size_bytes);
	md5_final(&md5, digest);
	hex(ret->text, digest, MD5_DIGEST_BYTES);
}

// Whether a text has the form of another: digits are hexadecimal ones, "-" is itself.
static bool has_form(const char *text, const char *other)
{
	size_t size = strlen(other);

	if (strlen(text) != size || strspn(text, "0123456789abcdefABCDEF-") != size)
		return false;
	for (size_t i = 0; i < size; i++)
		if ((text[i] == '-') != (other[i] == '-'))
			return false;
	return true;
}

// An ETag that cannot be an MD5 says nothing.
static struct error *check_etag(const struct send_transfer *transfer, const char *etag, struct receipt *receipt)
{
	if (transfer->is_encrypted || !has_form(etag, receipt->text))
		return NULL;
	if (strcasecmp(etag, receipt->text) != 0)
		return error_new(ERROR_OS,
		                 "the store answers that it got other bytes: their MD5 is %s, of those sent %s", etag,
		                 receipt->text);
	receipt->is_seen = true;
	return NULL;
}

static struct error *begin_parts(struct send_upload *upload)
{
	const struct send_s3_request request = {.method = "POST", .path = upload->path, .query = "uploads="};
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = send_s3_request_run(upload->link, &request, &transfer);
	char id[1024];

	if (err)
		return err;
	send_transfer_element(&transfer, "UploadId", id, sizeof(id));
	if (!*id || strpbrk(id, "&?*"))
		return error_new(ERROR_OS, "POST %s: the store answers no usable name of an upload", upload->path);
	upload->id = curl_easy_escape(transfer.easy, id, 0);
	md5_init(&upload->digests);
	return upload->id ? NULL : error_new(ERROR_NOMEM, "no memory for a file");
}

static struct error *put_part(struct send_upload *upload, const char *query, struct receipt *receipt)
{
	const struct send_s3_request request = {.method = "PUT",
	                                        .path = upload->path,
	                                        .query = query,
	                                        .body = upload->part,
	                                        .body_bytes = upload->part_bytes};
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = send_s3_request_run(upload->link, &request, &transfer);

	if (!err)
		err = check_etag(&transfer, transfer.etag, receipt);
	if (err)
		return err;
	if (!*transfer.etag || strpbrk(transfer.etag, "<>&\""))
		return error_new(ERROR_OS, "PUT %s: the store answers no usable receipt", upload->path);
	text_add(&upload->list, "<Part><PartNumber>%u</PartNumber><ETag>&quot;%s&quot;</ETag></Part>",
	         upload->parts + 1, transfer.etag);
	return NULL;
}

static struct error *send_part(struct send_upload *upload)
{
	_cleanup_free_ char *query = NULL;
	uint8_t digest[MD5_DIGEST_BYTES];
	struct receipt receipt;
	struct error *err = NULL;

	if (upload->parts == PARTS_MAX)
		return error_new(ERROR_OS, "%s: too large: a file has %d parts at most", upload->path, PARTS_MAX);
	if (!upload->id)
		err = begin_parts(upload);
	if (err)
		return err;
	if (asprintf(&query, "partNumber=%u&uploadId=%s", upload->parts + 1, upload->id) < 0) {
		query = NULL;
		return error_new(ERROR_NOMEM, "no memory for a file");
	}
	md5_text(upload->part, upload->part_bytes, digest, &receipt);
	err = put_part(upload, query, &receipt);
	if (err)
		return error_wrap(err, "part %u", upload->parts + 1);
	md5_update(&upload->digests, digest, sizeof(digest));
	upload->parts++;
	upload->part_bytes = 0;
	return NULL;
}

static struct error *s3_write(struct send_upload *upload, const void *buf, size_t size_bytes)
{
	const uint8_t *at = buf;

	while (size_bytes) {
		size_t room = upload->room_bytes - upload->part_bytes, piece = size_bytes < room ? size_bytes : room;
		struct error *err = room ? NULL : send_part(upload);

		if (err)
			return err;
		if (!room && part_size(upload->parts) > upload->room_bytes) {
			uint8_t *larger = realloc(upload->part, part_size(upload->parts));

			// Without the memory the parts stay small, and there may be too many in the end.
			upload->room_bytes = larger ? part_size(upload->parts) : upload->room_bytes;
			upload->part = larger ? larger : upload->part;
		}
		memcpy(upload->part + upload->part_bytes, at, piece);
		upload->part_bytes += piece;
		upload->sent_bytes += piece;
		at += piece;
		size_bytes -= piece;
	}
	return NULL;
}

static struct error *s3_open(struct send_link *link, const char *path, struct send_upload **ret)
{
	_cleanup_(free_uploadp) struct send_upload *upload = calloc(1, sizeof(*upload));

	if (!upload)
		return error_new(ERROR_NOMEM, "no memory for a file");
	upload->link = link;
	upload->path = strdup(path);
	upload->room_bytes = part_size(0);
	upload->part = malloc(upload->room_bytes);
	if (!upload->path || !upload->part)
		return error_new(ERROR_NOMEM, "no memory for a file");
	*ret = take_ptr(upload);
	return NULL;
}

static struct error *query_of(const struct send_upload *upload, char **ret)
{
	if (asprintf(ret, "uploadId=%s", upload->id) >= 0)
		return NULL;
	*ret = NULL;
	return error_new(ERROR_NOMEM, "no memory for a file");
}

static void s3_abandon(struct send_upload *guarded)
{
	_cleanup_(free_uploadp) struct send_upload *upload = guarded;
	_cleanup_free_ char *query = NULL;
	struct send_s3_request request = {.method = "DELETE", .path = upload->path};
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err;

	if (!upload->id)
		return;
	err = query_of(upload, &query);
	request.query = query;
	if (!err)
		err = send_s3_request_run(upload->link, &request, &transfer);
	if (err)
		send_link_note("%s: parts of it may be left in the store: %s", upload->path, err->text);
	error_free(err);
}

// One file of many parts. Its receipt is that of their digests.
static struct error *join(struct send_upload *upload, struct receipt *receipt)
{
	struct send_s3_request request = {.method = "POST", .path = upload->path};
	_cleanup_transfer_ struct send_transfer transfer = {0};
	_cleanup_free_ char *query = NULL, *list = NULL, *body = NULL;
	uint8_t digest[MD5_DIGEST_BYTES];
	struct error *err = query_of(upload, &query);
	int size;

	if (!err)
		err = text_take(&upload->list, &list);
	if (err)
		return err;
	size = asprintf(&body,
	                "<CompleteMultipartUpload "
	                "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">%s</CompleteMultipartUpload>",
	                list);
	if (size < 0) {
		body = NULL;
		return error_new(ERROR_NOMEM, "no memory for a file");
	}
	request.query = query;
	request.body = body;
	request.body_bytes = (size_t)size;
	*receipt = (struct receipt){.is_seen = false};
	md5_final(&upload->digests, digest);
	hex(receipt->text, digest, sizeof(digest));
	sprintf(receipt->text + 2 * sizeof(digest), "-%u", upload->parts);
	return send_s3_request_run(upload->link, &request, &transfer);
}

static struct error *put_whole(struct send_upload *upload, struct receipt *receipt)
{
	const struct send_s3_request request = {
		.method = "PUT", .path = upload->path, .body = upload->part, .body_bytes = upload->part_bytes};
	_cleanup_transfer_ struct send_transfer transfer = {0};
	uint8_t digest[MD5_DIGEST_BYTES];
	struct error *err;

	md5_text(upload->part, upload->part_bytes, digest, receipt);
	err = send_s3_request_run(upload->link, &request, &transfer);
	return err ? err : check_etag(&transfer, transfer.etag, receipt);
}

static struct error *check_receipt(struct send_upload *upload, struct receipt *receipt)
{
	const struct send_s3_request request = {.method = "HEAD", .path = upload->path};
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = send_s3_request_run(upload->link, &request, &transfer);

	// A key that can only write is a good one for a machine that crashes.
	if (err && err->errnum == EACCES) {
		send_link_note("%s: this key may not look at it; %s", upload->path,
		               receipt->is_seen ? "the store answered the right MD5"
		                                : "only that the store took it is known");
		error_free(err);
		return NULL;
	}
	if (err)
		return err;
	if (transfer.length_bytes >= 0 && (uint64_t)transfer.length_bytes != upload->sent_bytes)
		return error_new(ERROR_OS, "%s: %ju bytes were sent, but in the store it has %jd", upload->path,
		                 (uintmax_t)upload->sent_bytes, (intmax_t)transfer.length_bytes);
	err = check_etag(&transfer, transfer.etag, receipt);
	if (err)
		return error_wrap(err, "%s", upload->path);
	if (!receipt->is_seen)
		send_link_note("%s: the store's receipt is no MD5; %s", upload->path,
		               transfer.length_bytes < 0 ? "nor does it tell the size" : "only the size was compared");
	return NULL;
}

static struct error *s3_complete(struct send_upload *guarded)
{
	struct send_upload *upload = guarded;
	struct receipt receipt = {.is_seen = false};
	struct error *err = NULL, *joined = NULL;

	if (upload->id)
		err = send_part(upload);
	if (err) {
		s3_abandon(upload);
		return err;
	}
	if (upload->id)
		joined = join(upload, &receipt);
	else
		err = put_whole(upload, &receipt);
	// An answer that got lost: then there are no parts any more, but the file, which must show that it is the right one.
	if (joined && joined->errnum == ENOENT)
		err = check_receipt(upload, &receipt);
	else if (!joined && !err)
		err = check_receipt(upload, &receipt);
	if (joined && receipt.is_seen) {
		error_free(joined);
		joined = NULL;
	}
	if (joined) {
		error_free(err);
		s3_abandon(upload);
		return joined;
	}
	free_upload(upload);
	return err;
}

static struct error *s3_stat(struct send_link *link, const char *path, uint64_t *size_ret)
{
	const struct send_s3_request request = {.method = "HEAD", .path = path};
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = send_s3_request_run(link, &request, &transfer);

	if (!err)
		*size_ret = transfer.length_bytes < 0 ? UINT64_MAX : (uint64_t)transfer.length_bytes;
	return err;
}

static struct error *s3_remove(struct send_link *link, const char *path)
{
	const struct send_s3_request request = {.method = "DELETE", .path = path};
	_cleanup_transfer_ struct send_transfer transfer = {0};

	return send_s3_request_run(link, &request, &transfer);
}

// There are no directories, only names with slashes in them.
static struct error *s3_make_dir(struct send_link *link, const char *path)
{
	(void)link;
	(void)path;
	return NULL;
}

const struct send_ops send_s3_ops = {
	.extension = "no-rename@kdump-suite",
	.make_dir = s3_make_dir,
	.open = s3_open,
	.write = s3_write,
	.complete = s3_complete,
	.abandon = s3_abandon,
	.stat = s3_stat,
	.remove = s3_remove,
};
