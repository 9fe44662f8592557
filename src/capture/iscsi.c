// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/iscsi.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "boot/iscsi.h"
#include "boot/text.h"
#include "capture/events.h"
#include "capture/process.h"

enum {
	RETRY_MS = 1000,
	// A server that is there takes a connection at once; the first packet may be lost while switches learn where we are.
	CONNECT_MS = 5000,
	// The program's own time for an answer to each of its steps is 15 s, and it waits a second before it begins.
	LOGIN_MS = 30000,
	// What the last try gets, although no other one may follow it.
	LOGIN_LEAST_MS = 5000,
	OUTPUT_BYTES = 8192,
	ATTRIBUTE_MAX_BYTES = 4096,
	SECRETS_MAX_BYTES = 64 * 1024,
	PATH_BYTES = 96,
};

static const char sessions_dir[] = "/sys/class/iscsi_session";

// A server that is silent is asked whether it is there after 5 s, and given up after 20 more, by the kernel itself: short outages
// of a network are shorter. Nobody makes a new connection, so there is nothing to wait for behind that (replacement_timeout). Disks
// are looked for by us, one by one: a server may have thousands.
static const char *const parameters[] = {
	"node.session.scan=manual",
	"node.session.initial_login_retry_max=1",
	"node.conn[0].timeo.login_timeout=15",
	"node.conn[0].timeo.noop_out_interval=5",
	"node.conn[0].timeo.noop_out_timeout=20",
	"node.session.timeo.replacement_timeout=1",
};

static bool is_of(const char *row, size_t number)
{
	char *end;

	return strtoull(row, &end, 10) == number && *end == ' ';
}

bool iscsi_is_needed(const struct plan *plan, size_t number)
{
	for (char *const *row = plan->iscsi_sessions; row && *row; row++)
		if (is_of(*row, number))
			return true;
	return false;
}

// A socket address of the words; 0: they are none.
static socklen_t parse_address(const struct words *words, struct sockaddr_storage *ret)
{
	struct sockaddr_in *ip4 = (void *)ret;
	struct sockaddr_in6 *ip6 = (void *)ret;
	const char *address = words->list[ISCSI_ADDRESS], *port_text = words->list[ISCSI_PORT];
	char *end;
	unsigned long port = strtoul(port_text, &end, 10);

	*ret = (struct sockaddr_storage){0};
	if (*end || end == port_text || !port || port > UINT16_MAX)
		return 0;
	if (inet_pton(AF_INET, address, &ip4->sin_addr) == 1) {
		ip4->sin_family = AF_INET;
		ip4->sin_port = htons((uint16_t)port);
		return sizeof(*ip4);
	}
	if (inet_pton(AF_INET6, address, &ip6->sin6_addr) != 1)
		return 0;
	ip6->sin6_family = AF_INET6;
	ip6->sin6_port = htons((uint16_t)port);
	return sizeof(*ip6);
}

struct error *iscsi_parse(const char *row, struct words *ret)
{
	struct sockaddr_storage address;
	struct error *err;

	words_split(ret, row);
	err = words_check(ret);
	if (!err && (ret->count < ISCSI_WORDS || !parse_address(ret, &address) ||
	             ret->list[ISCSI_LUN][strspn(ret->list[ISCSI_LUN], "0123456789")]))
		err = error_new(ERROR_BAD_DATA, "the plan has an iSCSI session that is none: %s", row);
	return err;
}

// Whether the server takes a connection. The program does not tell one that is gone from one that does not let us in.
static struct error *knock(const struct words *session, uint64_t timeout_ms)
{
	struct sockaddr_storage address;
	socklen_t size = parse_address(session, &address), got = sizeof(int);
	_cleanup_close_ int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	int errnum = 0;

	if (fd < 0)
		return error_os(errno, "a connection");
	if (connect(fd, (struct sockaddr *)&address, size) == 0)
		return NULL;
	errnum = errno;
	if (errnum == EINPROGRESS) {
		if (poll(&pollfd, 1, (int)timeout_ms) <= 0)
			errnum = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &got) < 0)
			errnum = errno;
	}
	return errnum ? error_os(errnum, "no connection") : NULL;
}

// A file of a session, or of its connection, without the end of its line. Returns whether it is as wanted.
static bool is_attribute(const struct host *host, const char *directory, const char *name, const char *wanted)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_error_ struct error *err = NULL;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return false;
	}
	err = host_read(host, path, ATTRIBUTE_MAX_BYTES, &text, NULL);
	if (err)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, wanted) == 0;
}

// The host of the session that is there; UINT_MAX: there is none.
static struct error *find_host(const struct host *host, const struct words *session, unsigned int *host_ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, sessions_dir, &names);

	*host_ret = UINT32_MAX;
	for (char **name = names; !err && *name && *host_ret == UINT32_MAX; name++) {
		char directory[PATH_BYTES], connection[PATH_BYTES];
		_cleanup_free_ char *link = NULL;
		unsigned int number;
		const char *at;

		if (sscanf(*name, "session%u", &number) != 1)
			continue;
		snprintf(directory, sizeof(directory), "%s/session%u", sessions_dir, number);
		snprintf(connection, sizeof(connection), "/sys/class/iscsi_connection/connection%u:0", number);
		if (!is_attribute(host, directory, "state", "LOGGED_IN") ||
		    !is_attribute(host, directory, "targetname", session->list[ISCSI_NAME]) ||
		    !is_attribute(host, connection, "persistent_address", session->list[ISCSI_ADDRESS]) ||
		    !is_attribute(host, connection, "persistent_port", session->list[ISCSI_PORT]))
			continue;
		err = host_readlink(host, directory, &link);
		at = err ? NULL : strstr(link, "/host");
		if (at)
			sscanf(at, "/host%u/", host_ret);
	}
	return err;
}

// Appends "-u" and so on for the lines behind the mark of the session.
static struct error *add_secrets(char *text, const struct words *session, struct words *argv)
{
	static const struct {
		const char *key, *option;
	} known[] = {{"user=", "--username"},
	             {"password=", "--password"},
	             {"user_in=", "--username_in"},
	             {"password_in=", "--password_in"}};
	char mark[ERROR_TEXT_BYTES], *line;
	bool is_ours = false, is_found = false;

	snprintf(mark, sizeof(mark), ISCSI_SECRET_MARK "%s %s %s", session->list[ISCSI_ADDRESS],
	         session->list[ISCSI_PORT], session->list[ISCSI_NAME]);
	while ((line = strsep(&text, "\n"))) {
		if (strncmp(line, ISCSI_SECRET_MARK, strlen(ISCSI_SECRET_MARK)) == 0) {
			is_ours = !is_found && strcmp(line, mark) == 0;
			is_found |= is_ours;
		}
		for (size_t i = 0; is_ours && i < array_size(known); i++)
			if (strncmp(line, known[i].key, strlen(known[i].key)) == 0)
				words_addf(argv, "%s=%s", known[i].option, line + strlen(known[i].key));
	}
	return is_found ? NULL : error_new(ERROR_BAD_DATA, "the image has no user and password for it");
}

static struct error *read_secrets(const struct host *host, size_t number, const struct words *session,
                                  struct words *argv)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_BYTES];
	size_t size = 0;
	struct error *err;

	snprintf(path, sizeof(path), PLAN_SECRETS_PATH "%zu", number);
	err = host_read(host, path, SECRETS_MAX_BYTES, &text, &size);
	if (err)
		return err;
	err = add_secrets(text, session, argv);
	explicit_bzero(text, size);
	return err;
}

static const char *find_program(const struct plan *plan)
{
	for (char *const *file = plan->target_files; file && *file; file++) {
		const char *slash = strrchr(*file, '/');

		if (slash && strcmp(slash, "/iscsistart") == 0)
			return *file;
	}
	return NULL;
}

static struct error *make_arguments(const struct host *host, const struct iscsi_request *request,
                                    const struct words *session, struct words *argv)
{
	static const struct {
		enum iscsi_word word;
		const char *option;
	} options[] = {{ISCSI_INITIATOR, "--initiatorname"},
	               {ISCSI_NAME, "--targetname"},
	               {ISCSI_GROUP, "--tgpt"},
	               {ISCSI_ADDRESS, "--address"},
	               {ISCSI_PORT, "--port"}};
	const char *program = find_program(request->plan);
	struct error *err = NULL;

	if (!program)
		return error_new(ERROR_BAD_DATA, "the plan has no program that logs in");
	words_add(argv, program);
	for (size_t i = 0; i < array_size(options); i++)
		words_addf(argv, "%s=%s", options[i].option, session->list[options[i].word]);
	for (size_t i = 0; i < array_size(parameters); i++)
		words_addf(argv, "--param=%s", parameters[i]);
	for (size_t i = ISCSI_WORDS; i < session->count; i++)
		words_addf(argv, "--param=%s", session->list[i]);
	if (strcmp(session->list[ISCSI_AUTH], ISCSI_CHAP) == 0)
		err = read_secrets(host, request->number, session, argv);
	return err ? err : words_check(argv);
}

// What the program says, of all that it says.
static struct error *failure(char *output, int status)
{
	char *at = strstr(output, "reported error (");

	if (!at)
		return error_new(ERROR_OS, "iscsistart failed with status %d: %s", status, text_last_line(output));
	at[strcspn(at, "\n")] = '\0';
	// usr/iscsi_err.h of open-iscsi: ISCSI_ERR_LOGIN_AUTH_FAILED. It will not be otherwise the next time.
	return error_os(strstr(at, "(24 ") ? EACCES : EIO, "iscsistart %s", at);
}

// How long the program may take: other targets wait for it.
static uint64_t login_ms(const struct iscsi_request *request)
{
	uint64_t left_ms = process_left_ms(request->end_ms), limit_ms = process_left_ms(request->limit_ms);

	if (limit_ms < LOGIN_LEAST_MS)
		limit_ms = LOGIN_LEAST_MS;
	if (limit_ms > LOGIN_MS)
		limit_ms = LOGIN_MS;
	return left_ms < limit_ms ? left_ms : limit_ms;
}

static struct error *run_program(const struct host *host, const struct iscsi_request *request,
                                 const struct words *session)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	_cleanup_words_ struct words argv = {0};
	uint64_t left_ms = process_left_ms(request->end_ms);
	struct host_command command = {
		.timeout_ms = login_ms(request), .is_tied = true, .output_max_bytes = OUTPUT_BYTES};
	struct error *err = make_arguments(host, request, session, &argv);

	if (!err && !left_ms)
		err = error_new(ERROR_TIMEOUT, "there is no time left");
	if (err)
		return err;
	command.argv = (const char *const *)argv.list;
	err = host_run(host, &command, &result);
	for (size_t i = 0; i < argv.count; i++)
		explicit_bzero(argv.list[i], strlen(argv.list[i]));
	return err || !result.status ? err : failure(result.output, result.status);
}

// The disk alone. The kernel asks the server for it, and announces it when it is there.
static struct error *look_for_disk(const struct host *host, unsigned int scsi_host, const char *lun)
{
	char path[PATH_BYTES], text[PATH_BYTES];
	_cleanup_close_ int fd = -1;
	struct error *err;

	snprintf(path, sizeof(path), "/sys/class/scsi_host/host%u/scan", scsi_host);
	snprintf(text, sizeof(text), "- - %s", lun);
	err = host_open(host, path, O_WRONLY, 0, &fd);
	if (!err)
		err = io_write(fd, text, strlen(text));
	return error_wrap(err, "%s", path);
}

static struct error *try_once(const struct host *host, const struct iscsi_request *request, const struct words *session,
                              unsigned int *host_ret)
{
	uint64_t left_ms = process_left_ms(request->end_ms);
	struct error *err = find_host(host, session, host_ret);

	if (err || *host_ret != UINT32_MAX)
		return err;
	err = knock(session, left_ms < CONNECT_MS ? left_ms : CONNECT_MS);
	if (!err)
		err = run_program(host, request, session);
	if (!err)
		err = find_host(host, session, host_ret);
	if (!err && *host_ret == UINT32_MAX)
		err = error_new(ERROR_OS, "the session is not there, although iscsistart says so");
	return err;
}

// Whether it will not be otherwise the next time.
static bool is_final(const struct error *err)
{
	return err->code == ERROR_NOMEM || err->code == ERROR_BAD_DATA ||
	       (err->code == ERROR_OS && err->errnum == EACCES);
}

// Tries the sessions of a target one after the other, and stops at the first one that is there. Returns the last error, which is
// final if all are.
static struct error *try_each(const struct host *host, const struct iscsi_request *request, uint64_t start_ms,
                              struct log *log, bool *is_final_ret)
{
	struct error *last = NULL;

	*is_final_ret = true;
	for (char *const *row = request->plan->iscsi_sessions; *row; row++) {
		_cleanup_words_ struct words session = {0};
		unsigned int scsi_host = UINT32_MAX;
		struct error *err;

		if (!is_of(*row, request->number))
			continue;
		error_free(last);
		last = NULL;
		err = iscsi_parse(*row, &session);
		if (err)
			return err;
		err = try_once(host, request, &session, &scsi_host);
		if (!err) {
			log_print(log, "%s at %s has a session with us after %ju ms; looking for its disk %s",
			          session.list[ISCSI_NAME], session.list[ISCSI_ADDRESS],
			          (uintmax_t)(clock_now_ms() - start_ms), session.list[ISCSI_LUN]);
			return look_for_disk(host, scsi_host, session.list[ISCSI_LUN]);
		}
		*is_final_ret &= is_final(err);
		last = error_wrap(err, "iSCSI target %s at %s, port %s", session.list[ISCSI_NAME],
		                  session.list[ISCSI_ADDRESS], session.list[ISCSI_PORT]);
	}
	return last;
}

struct error *iscsi_log_in(const struct host *host, const struct iscsi_request *request, struct log *log)
{
	uint64_t start_ms = clock_now_ms();
	_cleanup_close_ int events = events_of_routes();
	char told[ERROR_TEXT_BYTES] = "";

	// Until the network is there and the server answers.
	while (iscsi_is_needed(request->plan, request->number)) {
		bool is_hopeless;
		struct error *err = try_each(host, request, start_ms, log, &is_hopeless);
		uint64_t left_ms = process_left_ms(request->limit_ms);

		if (!err)
			return NULL;
		if (!left_ms || is_hopeless)
			return error_wrap(err, "after %ju s", (uintmax_t)(clock_now_ms() - start_ms) / 1000);
		if (strcmp(told, err->text) != 0)
			log_print(log, "%s; trying again, %ju s left", err->text, (uintmax_t)left_ms / 1000);
		snprintf(told, sizeof(told), "%s", err->text);
		error_free(err);
		events_wait(events, left_ms < RETRY_MS ? left_ms : RETRY_MS);
	}
	return NULL;
}

const char *iscsi_find_loss(void *context)
{
	struct iscsi_watch *watch = context;

	for (char *const *row = watch->plan->iscsi_sessions; row && *row; row++) {
		_cleanup_words_ struct words session = {0};
		_cleanup_error_ struct error *err = NULL;
		unsigned int scsi_host = UINT32_MAX;

		if (!is_of(*row, watch->number))
			continue;
		err = iscsi_parse(*row, &session);
		if (!err)
			err = find_host(watch->host, &session, &scsi_host);
		// What cannot be asked is not lost.
		if (err)
			return NULL;
		if (scsi_host != UINT32_MAX) {
			watch->was_there = true;
			return NULL;
		}
	}
	return watch->was_there ? "the session with its iSCSI target is lost" : NULL;
}
