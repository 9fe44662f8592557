// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/iscsi.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/text.h"

enum {
	// A file of sysfs is not larger than a page; records of open-iscsi have some 3 KiB.
	ATTRIBUTE_MAX_BYTES = 4096,
	RECORD_MAX_BYTES = 64 * 1024,
	// usr/auth.h of open-iscsi: AUTH_STR_MAX_LEN.
	SECRET_MAX_BYTES = 255,
	// RFC 7143, 4.2.7.1: a name has 223 bytes at most.
	NAME_BYTES = 64,
};

// Where a disk hangs: ".../host3/session1/target3:0:0/3:0:0:1/block/sda".
struct place {
	unsigned int host, session;
	unsigned long long lun;
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for an iSCSI session");
}

void iscsi_sessions_deinit(struct iscsi_sessions *sessions)
{
	words_deinit(&sessions->rows);
	words_deinit(&sessions->servers);
	words_deinit(&sessions->reasons);
	if (sessions->secret)
		explicit_bzero(sessions->secret, strlen(sessions->secret));
	free(sessions->secret);
	*sessions = (struct iscsi_sessions){0};
}

const char *iscsi_program(const struct host *host)
{
	static const char *const paths[] = {"/usr/sbin/iscsistart", "/sbin/iscsistart"};

	for (size_t i = 0; i < array_size(paths); i++)
		if (host_exists(host, paths[i]))
			return paths[i];
	return NULL;
}

static struct error *parse_place(const struct device *device, struct place *ret)
{
	const char *block = strstr(device->sysfs, "/block/"), *at = block;
	const char *host = strstr(device->sysfs, "/host");

	while (at && at > device->sysfs && at[-1] != '/')
		at--;
	if (!at || !host || sscanf(host, "/host%u/session%u/", &ret->host, &ret->session) != 2 ||
	    sscanf(at, "%*u:%*u:%*u:%llu", &ret->lun) != 1)
		return error_new(ERROR_BAD_DATA, "%s: it is not known which iSCSI session this is", device->sysfs);
	return NULL;
}

// NULL: it is not there, or has no value. sysfs prints a string that is NULL as "(null)", and some drivers as "<NULL>".
static char *attribute(const struct host *host, const char *directory, const char *name)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_error_ struct error *err = NULL;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return NULL;
	}
	err = host_read(host, path, ATTRIBUTE_MAX_BYTES, &text, NULL);
	if (err)
		return NULL;
	if (*text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	return !*text || strcmp(text, "(null)") == 0 || strcmp(text, "<NULL>") == 0 ? NULL : take_ptr(text);
}

// A word of the plan, and of a command line.
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || strchr("\"'\\\x7f", *text))
			return false;
	return true;
}

static struct error *required(const struct host *host, const char *directory, const char *name, char **ret)
{
	char *text = attribute(host, directory, name);

	if (!text || !is_plain(text)) {
		free(text);
		return error_new(ERROR_CONFIG, "%s/%s does not tell what is needed to log in again", directory, name);
	}
	*ret = text;
	return NULL;
}

static bool is_number(const char *address)
{
	struct in6_addr any;

	return inet_pton(AF_INET, address, &any) == 1 || inet_pton(AF_INET6, address, &any) == 1;
}

// The portal that was configured. A record may have its name, for which nobody is asked after a crash. A target that redirects does
// it again then, so that the way to both is needed.
static struct error *find_portal(const struct host *host, const char *connection, struct iscsi_sessions *sessions,
                                 char **address_ret, char **port_ret)
{
	_cleanup_free_ char *current = NULL, *configured = attribute(host, connection, "persistent_address");
	bool is_configured = configured && is_number(configured);
	struct error *err = required(host, connection, "address", &current);

	if (!err)
		err = required(host, connection, is_configured ? "persistent_port" : "port", port_ret);
	if (!err && !is_number(current))
		err = error_new(ERROR_CONFIG, "%s/address: \"%s\" is no address", connection, current);
	if (err)
		return err;
	if (!words_has(&sessions->servers, current))
		words_add(&sessions->servers, current);
	if (is_configured && !words_has(&sessions->servers, configured))
		words_add(&sessions->servers, configured);
	*address_ret = is_configured ? take_ptr(configured) : take_ptr(current);
	return NULL;
}

// The line of a record of open-iscsi; NULL if it is not there.
static char *record_value(const struct host *host, const char *path, const char *key)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err = host_read(host, path, RECORD_MAX_BYTES, &text, NULL);
	char *rest = text, *line;
	size_t size = strlen(key);

	while (!err && (line = strsep(&rest, "\n")))
		if (strncmp(line, key, size) == 0 && strncmp(line + size, " = ", 3) == 0)
			return strdup(line + size + 3);
	return NULL;
}

// Which algorithms a password may be used with is in the records only: DIRECTORY/TARGET/ADDRESS,PORT,TPGT/INTERFACE.
static char *find_algorithms(const struct host *host, const char *target, const char *address)
{
	static const char *const directories[] = {"/etc/iscsi/nodes", "/var/lib/iscsi/nodes"};
	char *found = NULL;

	for (size_t i = 0; i < array_size(directories) && !found; i++) {
		_cleanup_(host_names_freep) char **portals = NULL;
		_cleanup_free_ char *of_target = NULL;

		if (asprintf(&of_target, "%s/%s", directories[i], target) < 0) {
			of_target = NULL;
			return NULL;
		}
		error_free(host_list(host, of_target, &portals));
		for (char **portal = portals; portal && *portal && !found; portal++) {
			_cleanup_(host_names_freep) char **interfaces = NULL;
			_cleanup_free_ char *of_portal = NULL;

			if (strncmp(*portal, address, strlen(address)) != 0 || (*portal)[strlen(address)] != ',')
				continue;
			if (asprintf(&of_portal, "%s/%s", of_target, *portal) < 0) {
				of_portal = NULL;
				return NULL;
			}
			error_free(host_list(host, of_portal, &interfaces));
			for (char **interface = interfaces; interface && *interface && !found; interface++) {
				_cleanup_free_ char *path = NULL;

				if (asprintf(&path, "%s/%s", of_portal, *interface) < 0) {
					path = NULL;
					return NULL;
				}
				found = record_value(host, path, "node.session.auth.chap_algs");
			}
		}
	}
	return found;
}

static bool is_on(const struct host *host, const char *directory, const char *name)
{
	_cleanup_free_ char *text = attribute(host, directory, name);

	return text && strcmp(text, "0") != 0;
}

// What the session that is there has, and a new one would not ask for by itself. free() it; NULL: memory is exhausted.
static char *find_parameters(const struct host *host, const char *connection, const char *algorithms)
{
	char *ret = NULL;

	if (asprintf(&ret, "%s%s%s%s",
	             is_on(host, connection, "header_digest") ? " node.conn[0].iscsi.HeaderDigest=CRC32C" : "",
	             is_on(host, connection, "data_digest") ? " node.conn[0].iscsi.DataDigest=CRC32C" : "",
	             algorithms ? " node.session.auth.chap_algs=" : "", algorithms ? algorithms : "") < 0)
		return NULL;
	return ret;
}

// A line of a session's secrets, if the kernel has it.
static struct error *add_line(const struct host *host, const char *session, const char *file, const char *key,
                              struct text *text, bool *is_there_ret)
{
	_cleanup_free_ char *value = attribute(host, session, file);

	*is_there_ret = value;
	if (!value)
		return NULL;
	if (strlen(value) > SECRET_MAX_BYTES || strpbrk(value, "\r\n"))
		return error_new(ERROR_CONFIG, "%s/%s: it is too long, or has more than one line", session, file);
	text_add(text, "%s=%s\n", key, value);
	return NULL;
}

// The lines of a session behind those that are there.
static struct error *add_secret(const struct host *host, const char *session, const char *mark,
                                struct iscsi_sessions *sessions, bool *has_secret_ret)
{
	static const struct {
		const char *file, *key;
	} lines[] = {{"username", "user"},
	             {"password", "password"},
	             {"username_in", "user_in"},
	             {"password_in", "password_in"}};
	_cleanup_text_ struct text text = {0};
	char *grown = NULL;
	struct error *err = NULL;
	bool is_there = true;

	text_add(&text, "%s" ISCSI_SECRET_MARK "%s\n", sessions->secret ? sessions->secret : "", mark);
	// Without one of the first two there is none.
	for (size_t i = 0; i < array_size(lines) && !err; i++) {
		err = add_line(host, session, lines[i].file, lines[i].key, &text, &is_there);
		*has_secret_ret = i < 2 ? is_there : *has_secret_ret;
		if (!*has_secret_ret)
			return err;
	}
	if (!err)
		err = text_take(&text, &grown);
	if (err)
		return err;
	free(sessions->secret);
	sessions->secret = grown;
	return NULL;
}

// Cards that speak iSCSI themselves are set up by their own programs, and RDMA by its own network.
static struct error *check_driver(const struct host *host, const struct device *device, const struct place *place)
{
	_cleanup_free_ char *directory = NULL, *driver = NULL;

	if (asprintf(&directory, "/sys/class/scsi_host/host%u", place->host) < 0) {
		directory = NULL;
		return no_memory();
	}
	driver = attribute(host, directory, "proc_name");
	if (driver && strcmp(driver, "iscsi_tcp") == 0)
		return NULL;
	return error_new(ERROR_UNSUPPORTED,
	                 "/dev/%s is an iSCSI disk of the driver %s; only those of iscsi_tcp, over an ordinary network "
	                 "card, are supported: name a file system on one, or on a disk of this machine",
	                 device->name, driver ? driver : "(unknown)");
}

static struct error *add_session(const struct host *host, const struct device *device, const struct place *place,
                                 const char *session, const char *connection, struct iscsi_sessions *sessions)
{
	_cleanup_free_ char *address = NULL, *port = NULL, *group = NULL, *name = NULL, *initiator = NULL, *mark = NULL,
			    *algorithms = NULL, *parameters = NULL, *row = NULL;
	bool has_secret = false;
	struct error *err = required(host, session, "targetname", &name);

	if (!err)
		err = required(host, session, "initiatorname", &initiator);
	if (!err)
		err = required(host, session, "tpgt", &group);
	// -1 where the target has not told.
	if (!err && group[strspn(group, "0123456789")])
		err = error_new(ERROR_CONFIG, "%s/tpgt: \"%s\" is no group of portals", session, group);
	if (!err)
		err = find_portal(host, connection, sessions, &address, &port);
	if (!err && asprintf(&mark, "%s %s %s", address, port, name) < 0) {
		mark = NULL;
		err = no_memory();
	}
	if (!err)
		err = add_secret(host, session, mark, sessions, &has_secret);
	if (err)
		return err;
	algorithms = has_secret ? find_algorithms(host, name, address) : NULL;
	// The only one that is offered without being asked for.
	if (algorithms && (strcmp(algorithms, "MD5") == 0 || !is_plain(algorithms))) {
		free(algorithms);
		algorithms = NULL;
	}
	parameters = find_parameters(host, connection, algorithms);
	if (!parameters || asprintf(&row, "%s %s %s %llu %s %s %s%s", address, port, group, place->lun, name, initiator,
	                            has_secret ? ISCSI_CHAP : "-", parameters) < 0) {
		row = NULL;
		return no_memory();
	}
	words_add(&sessions->rows, row);
	words_addf(&sessions->reasons, "/dev/%s is disk %llu of %s at %s, an iSCSI target%s", device->name, place->lun,
	           name, address, has_secret ? "; user and password are in the image and not in the plan" : "");
	return NULL;
}

struct error *iscsi_add(const struct host *host, const struct device *device, struct iscsi_sessions *sessions)
{
	char session[NAME_BYTES], connection[NAME_BYTES];
	struct place place = {0};
	struct error *err = parse_place(device, &place);

	if (!err)
		err = check_driver(host, device, &place);
	if (!err && !iscsi_program(host))
		err = error_new(
			ERROR_CONFIG,
			"/dev/%s is an iSCSI disk, and there is no program iscsistart; install the package open-iscsi",
			device->name);
	if (err)
		return err;
	snprintf(session, sizeof(session), "/sys/class/iscsi_session/session%u", place.session);
	snprintf(connection, sizeof(connection), "/sys/class/iscsi_connection/connection%u:0", place.session);
	err = add_session(host, device, &place, session, connection, sessions);
	if (!err && (sessions->rows.is_failed || sessions->servers.is_failed || sessions->reasons.is_failed))
		err = no_memory();
	return error_wrap(err, "/dev/%s", device->name);
}
