// SPDX-License-Identifier: GPL-2.0-or-later
// Servers of ftp (RFC 959; SIZE: RFC 3659, 4).
#include <stdio.h>
#include <string.h>

#include "cmd/send_transfer.h"

struct send_upload {
	struct send_link *link;
	char *path;
	uint64_t sent_bytes;
	struct send_transfer transfer;
};

static void free_upload(struct send_upload *upload)
{
	send_transfer_deinit(&upload->transfer);
	free(upload->path);
	free(upload);
}

static void free_uploadp(struct send_upload **upload)
{
	if (*upload)
		free_upload(*upload);
}

static void slist_freep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static struct error *add_command(struct curl_slist **list, const struct send_link *link, const char *verb,
                                 const char *path)
{
	_cleanup_free_ char *whole = send_link_path(link, path), *command = NULL;
	struct curl_slist *longer = NULL;

	if (whole && asprintf(&command, "%s %s", verb, whole) >= 0)
		longer = curl_slist_append(*list, command);
	else
		command = NULL;
	if (!longer)
		return error_new(ERROR_NOMEM, "no memory for a command");
	*list = longer;
	return NULL;
}

// One or two commands without a transfer, on a connection of their own if they leave it in another state.
static struct error *command(struct send_link *link, const char *const (*commands)[2], size_t count, bool is_last,
                             long *status_ret)
{
	_cleanup_transfer_ struct send_transfer transfer = {0};
	_cleanup_(slist_freep) struct curl_slist *list = NULL;
	struct error *err = send_transfer_init(&transfer, link, NULL, NULL);

	for (size_t i = 0; i < count && !err; i++)
		err = add_command(&list, link, commands[i][0], commands[i][1]);
	if (err)
		return err;
	curl_easy_setopt(transfer.easy, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(transfer.easy, CURLOPT_QUOTE, list);
	curl_easy_setopt(transfer.easy, CURLOPT_FORBID_REUSE, is_last ? 1L : 0L);
	err = send_transfer_run(&transfer);
	*status_ret = transfer.status;
	return error_wrap(err, "%s %s", commands[0][0], commands[0][1]);
}

static struct error *ftp_make_dir(struct send_link *link, const char *path)
{
	const char *const make[1][2] = {{"MKD", path}}, *const enter[1][2] = {{"CWD", path}};
	long status = 0;
	struct error *err = command(link, make, 1, false, &status), *other;

	// RFC 959 has no answer for "it is there already"; 521 is from its appendix II.
	if (!err || (status != 550 && status != 521))
		return err;
	other = command(link, enter, 1, true, &status);
	if (other) {
		error_free(other);
		return err;
	}
	error_free(err);
	return NULL;
}

static struct error *ftp_open(struct send_link *link, const char *path, struct send_upload **ret)
{
	_cleanup_(free_uploadp) struct send_upload *upload = calloc(1, sizeof(*upload));
	struct error *err;

	if (!upload)
		return error_new(ERROR_NOMEM, "no memory for a file");
	upload->link = link;
	upload->path = strdup(path);
	if (!upload->path)
		return error_new(ERROR_NOMEM, "no memory for a file");
	err = send_transfer_init(&upload->transfer, link, path, NULL);
	if (err)
		return err;
	send_transfer_stream(&upload->transfer);
	*ret = take_ptr(upload);
	return NULL;
}

static struct error *ftp_write(struct send_upload *upload, const void *buf, size_t size_bytes)
{
	upload->sent_bytes += size_bytes;
	return error_wrap(send_transfer_push(&upload->transfer, buf, size_bytes), "STOR %s", upload->path);
}

static struct error *ftp_stat(struct send_link *link, const char *path, uint64_t *size_ret)
{
	_cleanup_transfer_ struct send_transfer transfer = {0};
	struct error *err = send_transfer_init(&transfer, link, path, NULL);

	if (err)
		return err;
	curl_easy_setopt(transfer.easy, CURLOPT_NOBODY, 1L);
	err = send_transfer_run(&transfer);
	if (!err)
		*size_ret = transfer.length_bytes < 0 ? UINT64_MAX : (uint64_t)transfer.length_bytes;
	return error_wrap(err, "SIZE %s", path);
}

static struct error *ftp_complete(struct send_upload *guarded)
{
	_cleanup_(free_uploadp) struct send_upload *upload = guarded;
	uint64_t size = UINT64_MAX;
	struct error *err = error_wrap(send_transfer_run(&upload->transfer), "STOR %s", upload->path);

	if (!err)
		err = ftp_stat(upload->link, upload->path, &size);
	if (err)
		return err;
	if (size == UINT64_MAX)
		send_link_note("%s: whether all of it came there is not known: the server does not tell its size",
		               upload->path);
	else if (size != upload->sent_bytes)
		return error_new(ERROR_OS, "%s: %ju bytes were sent, but on the server it has %ju", upload->path,
		                 (uintmax_t)upload->sent_bytes, (uintmax_t)size);
	return NULL;
}

static struct error *ftp_remove(struct send_link *link, const char *path)
{
	const char *const commands[1][2] = {{"DELE", path}};
	long status = 0;

	return command(link, commands, 1, false, &status);
}

static void ftp_abandon(struct send_upload *guarded)
{
	_cleanup_(free_uploadp) struct send_upload *upload = guarded;
	bool is_begun = upload->transfer.is_running;
	struct error *err;
	curl_off_t up = 0;

	curl_easy_getinfo(upload->transfer.easy, CURLINFO_SIZE_UPLOAD_T, &up);
	// Of one that does not answer any more nothing can be asked.
	is_begun = (is_begun || up) && !upload->transfer.is_stalled;

	// What the server has, it takes for the whole file: ftp knows no other end of a file than that of its connection.
	send_transfer_deinit(&upload->transfer);
	if (!is_begun)
		return;
	err = ftp_remove(upload->link, upload->path);
	if (err)
		send_link_note("%s: a part of it may be left on the server: %s", upload->path, err->text);
	error_free(err);
}

static struct error *ftp_rename(struct send_link *link, const char *from, const char *to)
{
	const char *const commands[2][2] = {{"RNFR", from}, {"RNTO", to}};
	long status = 0;

	return command(link, commands, 2, false, &status);
}

const struct send_ops send_ftp_ops = {
	.extension = "posix-rename@openssh.com",
	.make_dir = ftp_make_dir,
	.open = ftp_open,
	.write = ftp_write,
	.complete = ftp_complete,
	.abandon = ftp_abandon,
	.stat = ftp_stat,
	.rename = ftp_rename,
	.remove = ftp_remove,
};
