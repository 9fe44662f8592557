// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/remote.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "boot/plan.h"
#include "boot/ssh.h"
#include "boot/text.h"

// Parts of "scheme://[user[:password]@]host[:port]/path". "" where there is none.
struct url {
	char *scheme, *user, *password, *host, *port, *path;
};

static void url_deinit(struct url *url)
{
	free(url->scheme);
	free(url->user);
	free(url->password);
	free(url->host);
	free(url->port);
	free(url->path);
}

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the place of the dump");
}

bool remote_is_url(const char *text)
{
	return strstr(text, "://") && strncasecmp(text, "file://", 7) != 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

// A part of a URL, with its %XX as the bytes that they stand for. NULL: memory is exhausted.
static char *decode(const char *part, size_t size)
{
	char *ret = malloc(size + 1), *to = ret;

	for (size_t i = 0; ret && i < size; i++) {
		int high = part[i] == '%' && i + 2 < size ? hex_digit(part[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(part[i + 2]) : -1;

		*to++ = low >= 0 ? (char)(16 * high + low) : part[i];
		i += low >= 0 ? 2 : 0;
	}
	if (ret)
		*to = '\0';
	return ret;
}

static bool is_port(const char *text)
{
	unsigned long port = strlen(text) <= 5 ? strtoul(text, NULL, 10) : 0;

	return !text[strspn(text, "0123456789")] && port >= 1 && port <= 65535;
}

// "host", "host:port", "[address]:port".
static struct error *parse_server(const char *at, size_t size, struct url *url)
{
	const char *end = at + size, *host_end, *colon;

	if (*at == '[') {
		host_end = memchr(at, ']', size);
		if (!host_end || (host_end + 1 < end && host_end[1] != ':'))
			return error_new(ERROR_CONFIG, "the brackets of its address are wrong");
		colon = host_end + 1 < end ? host_end + 1 : NULL;
		at++;
	} else {
		colon = memchr(at, ':', size);
		host_end = colon ? colon : end;
	}
	if (host_end == at)
		return error_new(ERROR_CONFIG, "the server is missing");
	url->host = decode(at, (size_t)(host_end - at));
	url->port = decode(colon ? colon + 1 : end, colon ? (size_t)(end - colon - 1) : 0);
	if (!url->host || !url->port)
		return no_memory();
	if (*url->port && !is_port(url->port))
		return error_new(ERROR_CONFIG, "the port is wrong; \"/\" in a password is written %%2F");
	return NULL;
}

// Words of the plan stand between commas and blanks, and are read by programs and by the kernel.
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || strchr(",\"'\\\x7f", *text))
			return false;
	return true;
}

static struct error *parse_url(const char *text, struct url *url)
{
	const char *scheme_end = strstr(text, "://"), *start = scheme_end + 3, *slash = strchr(start, '/');
	const char *end = slash ? slash : start + strlen(start), *at = NULL, *colon = NULL;

	// The last one: a password may hold one that is not written as %40.
	for (const char *c = start; c < end; c++)
		at = *c == '@' ? c : at;
	if (at)
		colon = memchr(start, ':', (size_t)(at - start));
	url->scheme = strndup(text, (size_t)(scheme_end - text));
	url->user = at ? decode(start, (size_t)((colon ? colon : at) - start)) : strdup("");
	url->password = colon ? decode(colon + 1, (size_t)(at - colon - 1)) : strdup("");
	url->path = decode(slash ? slash : "/", slash ? strlen(slash) : 1);
	if (!url->scheme || !url->user || !url->password || !url->path)
		return no_memory();
	if (strstr(text, "%00"))
		return error_new(ERROR_CONFIG, "%%00 is not allowed in it");
	start = at ? at + 1 : start;
	return parse_server(start, (size_t)(end - start), url);
}

// The first address to which there is a way now, and ours on that way. No packet is sent.
static struct error *resolve(const char *server, char **address_ret, char **source_ret)
{
	static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	// 9 is the port of discard; any would do.
	int status = getaddrinfo(server, "9", &hints, &found);
	char address[NI_MAXHOST], source[NI_MAXHOST];
	bool is_found = false;

	if (status != 0)
		return error_new(ERROR_CONFIG, "%s: %s; write it into /etc/hosts, or its address here", server,
		                 gai_strerror(status));
	for (const struct addrinfo *one = found; one && !is_found; one = one->ai_next) {
		_cleanup_close_ int fd = socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		struct sockaddr_storage own;
		socklen_t size = sizeof(own);

		is_found = fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) == 0 &&
		           getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
		           getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof(address), NULL, 0,
		                       NI_NUMERICHOST) == 0 &&
		           getnameinfo((struct sockaddr *)&own, size, source, sizeof(source), NULL, 0,
		                       NI_NUMERICHOST) == 0;
	}
	freeaddrinfo(found);
	if (!is_found)
		return error_new(ERROR_CONFIG, "%s: there is no way to it", server);
	if (strchr(address, '%'))
		return error_new(ERROR_CONFIG, "%s: its address is of one link only; name another one", server);
	*address_ret = strdup(address);
	*source_ret = strdup(source);
	return *address_ret && *source_ret ? NULL : no_memory();
}

static const char *bracket(const char *host, const char *which)
{
	return strchr(host, ':') ? which : "";
}

// What a soft mount waits for a server before it is an error, which leads to the next rung: 15, 30 and 45 s.
#define NFS_PATIENCE "soft,timeo=150,retrans=2,nolock"

static struct error *find_nfs(const struct url *url, struct destination *place)
{
	_cleanup_free_ char *source = NULL;
	_cleanup_text_ struct text options = {0};
	struct error *err;

	if (*url->user || *url->password)
		return error_new(ERROR_CONFIG, "NFS has neither user nor password");
	err = resolve(url->host, &place->address, &source);
	if (err)
		return err;
	text_add(&options, NFS_PATIENCE ",addr=%s,clientaddr=%s%s%s", place->address, source,
	         *url->port ? ",port=" : "", url->port);
	err = text_take(&options, &place->options);
	place->fstype = strdup("nfs");
	place->directory = strdup("/");
	if (asprintf(&place->tag, "%s%s%s:%s", bracket(url->host, "["), url->host, bracket(url->host, "]"), url->path) <
	    0)
		place->tag = NULL;
	return err ? err : place->fstype && place->directory && place->tag ? NULL : no_memory();
}

// "cifs://server/share/directory". User and password are mount options too, which the capture side adds.
static struct error *find_cifs(const struct url *url, struct destination *place)
{
	const char *share = url->path + 1, *end = share + strcspn(share, "/");
	_cleanup_free_ char *source = NULL;
	struct error *err;

	if (end == share)
		return error_new(ERROR_CONFIG, "the share is missing: cifs://SERVER/SHARE/DIRECTORY");
	err = resolve(url->host, &place->address, &source);
	if (err)
		return err;
	place->fstype = strdup(PLAN_CIFS);
	place->directory = strdup(*end ? end : "/");
	if (asprintf(&place->options, "ip=%s,soft%s%s,%s", place->address, *url->port ? ",port=" : "", url->port,
	             place->secret ? "secrets" : "guest") < 0)
		place->options = NULL;
	if (asprintf(&place->tag, "//%s/%.*s", url->host, (int)(end - share), share) < 0)
		place->tag = NULL;
	return place->fstype && place->directory && place->options && place->tag ? NULL : no_memory();
}

static struct error *find_sftp(const struct host *host, const struct config *config, const struct url *url,
                               struct destination *place)
{
	_cleanup_free_ char *source = NULL;
	_cleanup_text_ struct text options = {0};
	const char *user = *url->user ? url->user : "root";
	bool is_shell = strcasecmp(url->scheme, "sftp") != 0;
	struct error *err;

	if (!is_plain(user))
		return error_new(ERROR_CONFIG,
		                 "blanks, commas, quotes and backslashes are not allowed in a user's name");
	if (*url->password)
		return error_new(ERROR_UNSUPPORTED,
		                 "a password for ssh is not supported; use a key (KDUMP_SSH_IDENTITY)");
	err = resolve(url->host, &place->address, &source);
	if (err)
		return err;
	text_add(&options, "address=%s,user=%s,port=%s%s", place->address, user, *url->port ? url->port : "22",
	         is_shell ? ",shell" : "");
	err = ssh_find(host, config, url->host, url->port, &options, &place->files);
	if (!err)
		err = text_take(&options, &place->options);
	if (err)
		return err;
	place->fstype = strdup(PLAN_SFTP);
	place->directory = strdup(url->path);
	if (asprintf(&place->tag, "%s://%s@%s%s%s%s%s", is_shell ? "ssh" : "sftp", user, bracket(url->host, "["),
	             url->host, bracket(url->host, "]"), *url->port ? ":" : "", url->port) < 0)
		place->tag = NULL;
	return place->fstype && place->directory && place->tag ? NULL : no_memory();
}

// Lines for kdump-send. A line of its own could be smuggled in by a line feed.
static struct error *keep_secret(const struct url *url, struct destination *place)
{
	if (strpbrk(url->user, "\r\n") || strpbrk(url->password, "\r\n"))
		return error_new(ERROR_CONFIG, "line feeds are not allowed in it");
	if (!*url->user)
		return *url->password ? error_new(ERROR_CONFIG, "a password needs a user before it") : NULL;
	if (asprintf(&place->secret, "user=%s\npassword=%s\n", url->user, url->password) < 0) {
		place->secret = NULL;
		return no_memory();
	}
	return NULL;
}

static const char *usual_port(const char *scheme)
{
	static const struct {
		const char *scheme, *port;
	} ports[] = {{"http", "80"}, {"https", "443"}, {"ftp", "21"}, {"ftps", "990"}};

	for (size_t i = 0; i < array_size(ports); i++)
		if (strcasecmp(ports[i].scheme, scheme) == 0)
			return ports[i].port;
	return NULL;
}

// The certificates that sign the server's; without a server's certificate none are needed.
static struct error *find_authorities(const struct host *host, const struct config *config, const char *scheme,
                                      struct text *options, struct words *files)
{
	static const char *const usual[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
	                                    "/var/lib/ca-certificates/ca-bundle.pem", "/etc/ssl/ca-bundle.pem"};
	const char *file = config_text(config, KEY_CA_FILE);

	if (strcasecmp(scheme, "https") != 0 && strcasecmp(scheme, "ftps") != 0)
		return NULL;
	if (*file && (*file != '/' || !is_plain(file) || !host_exists(host, file)))
		return error_new(ERROR_CONFIG, "%s: KDUMP_CA_FILE: \"%s\" is not there, or no absolute path",
		                 config_where(config, KEY_CA_FILE), file);
	for (size_t i = 0; i < array_size(usual) && !*file; i++)
		file = host_exists(host, usual[i]) ? usual[i] : file;
	if (!*file)
		return error_new(
			ERROR_CONFIG,
			"there are no certificates of authorities here; install the package ca-certificates, or "
			"set KDUMP_CA_FILE");
	text_add(options, ",ca=%s", file);
	words_add(files, file);
	return words_check(files);
}

// server: where it is; bucket: "" of what is no store.
static struct error *find_sender(const struct host *host, const struct config *config, const struct url *server,
                                 const char *bucket, const char *directory, struct destination *place)
{
	const char *usual = usual_port(server->scheme), *port = *server->port ? server->port : usual;
	_cleanup_free_ char *source = NULL;
	_cleanup_text_ struct text options = {0};
	struct error *err;

	if (!usual)
		return error_new(ERROR_CONFIG, "%s:// is no way to upload", server->scheme);
	if (!host_exists(host, REMOTE_SENDER))
		return error_new(ERROR_CONFIG,
		                 "there is no program " REMOTE_SENDER "; it is part of a build with libcurl");
	err = resolve(server->host, &place->address, &source);
	if (err)
		return err;
	if (place->secret && !*bucket && strcasecmp(server->scheme, "http") == 0)
		return error_new(ERROR_CONFIG, "a password is not sent over http; use https");
	// An address needs no name.
	if (strchr(server->host, ':'))
		text_add(&options, "stall=60");
	else
		text_add(&options, "resolve=%s:%s:%s", server->host, port, place->address);
	if (*bucket)
		text_add(&options, ",s3,region=%s", config_text(config, KEY_S3_REGION));
	if (place->secret)
		text_add(&options, ",secrets");
	words_add(&place->files, REMOTE_SENDER);
	err = find_authorities(host, config, server->scheme, &options, &place->files);
	if (!err)
		err = text_take(&options, &place->options);
	place->fstype = strdup(PLAN_SEND);
	place->directory = strdup(directory);
	if (asprintf(&place->tag, "%s://%s%s%s%s%s%s%s", server->scheme, bracket(server->host, "["), server->host,
	             bracket(server->host, "]"), *server->port ? ":" : "", server->port, *bucket ? "/" : "",
	             bucket) < 0)
		place->tag = NULL;
	if (!err && (!place->fstype || !place->directory || !place->tag))
		err = no_memory();
	return err;
}

// "s3://bucket/prefix", whose server is another key.
static struct error *find_store(const struct host *host, const struct config *config, const struct url *url,
                                struct destination *place)
{
	const char *endpoint = config_text(config, KEY_S3_ENDPOINT), *region = config_text(config, KEY_S3_REGION);
	_cleanup_(url_deinit) struct url server = {0};
	_cleanup_free_ char *amazon = NULL;
	struct error *err;

	if (*url->port)
		return error_new(ERROR_CONFIG, "a bucket has no port; the server is KDUMP_S3_ENDPOINT");
	if (!place->secret)
		return error_new(ERROR_CONFIG, "the keys are missing: s3://ACCESS-KEY:SECRET-KEY@BUCKET/…");
	if (!is_plain(region) || !*region)
		return error_new(ERROR_CONFIG, "%s: KDUMP_S3_REGION: \"%s\" is wrong",
		                 config_where(config, KEY_S3_REGION), region);
	if (!*endpoint && asprintf(&amazon, "https://s3.%s.amazonaws.com", region) < 0) {
		amazon = NULL;
		return no_memory();
	}
	endpoint = *endpoint ? endpoint : amazon;
	err = remote_is_url(endpoint) ? parse_url(endpoint, &server) : error_new(ERROR_CONFIG, "it is no URL");
	if (!err && (*server.user || strcmp(server.path, "/") != 0 || !is_plain(server.host) ||
	             (strcasecmp(server.scheme, "http") != 0 && strcasecmp(server.scheme, "https") != 0)))
		err = error_new(ERROR_CONFIG, "allowed is http[s]://SERVER[:PORT]");
	if (err)
		return error_wrap(err, "%s: KDUMP_S3_ENDPOINT", config_where(config, KEY_S3_ENDPOINT));
	return find_sender(host, config, &server, url->host, url->path, place);
}

static bool has_climb(const char *path)
{
	for (const char *at = strstr(path, "/.."); at; at = strstr(at + 1, "/.."))
		if (!at[3] || at[3] == '/')
			return true;
	return false;
}

static struct error *find_by_scheme(const struct host *host, const struct config *config, const struct url *url,
                                    struct destination *place)
{
	bool is_cifs = strcasecmp(url->scheme, "cifs") == 0 || strcasecmp(url->scheme, "smb") == 0;
	struct error *err;

	if (has_climb(url->path))
		return error_new(ERROR_CONFIG, "\"..\" is not allowed in it");
	if (!is_plain(url->host) || !is_plain(url->path))
		return error_new(ERROR_CONFIG, "blanks, commas, quotes and backslashes are not allowed in it");
	if (strcasecmp(url->scheme, "nfs") == 0)
		return find_nfs(url, place);
	if (strcasecmp(url->scheme, "ssh") == 0 || strcasecmp(url->scheme, "sftp") == 0 ||
	    strcasecmp(url->scheme, "scp") == 0)
		return find_sftp(host, config, url, place);
	if (!usual_port(url->scheme) && strcasecmp(url->scheme, "s3") != 0 && !is_cifs)
		return error_new(ERROR_UNSUPPORTED,
		                 "%s:// is not supported, only a directory or file, nfs, cifs, ssh, sftp, ftp[s], "
		                 "http[s] and s3://",
		                 url->scheme);
	err = keep_secret(url, place);
	if (err || is_cifs)
		return err ? err : find_cifs(url, place);
	return usual_port(url->scheme) ? find_sender(host, config, url, "", url->path, place)
	                               : find_store(host, config, url, place);
}

static struct error *explain(const struct config *config, enum config_key key, const char *how,
                             struct destination *place)
{
	const char *where = config_where(config, key), *name = config_key_info(key)->name;

	if (asprintf(&place->tag_reason, "%s: %s, %s; the server is %s now", where, name, how, place->address) < 0 ||
	    asprintf(&place->directory_reason, "%s: %s", where, name) < 0)
		return no_memory();
	return NULL;
}

struct error *remote_find(const struct host *host, const struct config *config, enum config_key key, const char *url,
                          struct destination *place)
{
	_cleanup_(url_deinit) struct url parts = {0};
	struct error *err = parse_url(url, &parts);

	if (!err)
		err = find_by_scheme(host, config, &parts, place);
	return err ? error_wrap(err, "the URL %s://…", parts.scheme ? parts.scheme : "")
	           : explain(config, key, "a URL", place);
}

// The value of a word "key=value" of mount options; NULL if it is not there. free() it.
static char *option_value(const char *options, const char *key)
{
	size_t size = strlen(key);

	for (const char *at = options; *at; at += strcspn(at, ","), at += *at == ',')
		if (strncmp(at, key, size) == 0 && at[size] == '=')
			return strndup(at + size + 1, strcspn(at + size + 1, ","));
	return NULL;
}

// What was negotiated for the mount that is there, but with our patience.
static void keep_nfs_options(const struct mount *mount, struct text *options)
{
	static const char *const kept[] = {"vers",       "proto",     "port",      "rsize",     "wsize",     "sec",
	                                   "clientaddr", "mountaddr", "mountport", "mountvers", "mountproto"};

	for (size_t i = 0; i < array_size(kept); i++) {
		_cleanup_free_ char *value = option_value(mount->options, kept[i]);

		// The kernel shows what it did not use. Of NFS 4.2 a dump uses nothing that 4.1 has not (capture/target.c).
		if (value && *value && !(strcmp(kept[i], "mountport") == 0 && strcmp(value, "0") == 0) &&
		    !(strcmp(kept[i], "vers") == 0 && strcmp(value, "4.2") == 0))
			text_add(options, ",%s=%s", kept[i], value);
	}
}

struct error *remote_from_mount(const struct config *config, enum config_key key, const struct mount *mount,
                                const char *path, struct destination *place)
{
	bool is_nfs = strcmp(mount->fstype, "nfs") == 0 || strcmp(mount->fstype, "nfs4") == 0;
	_cleanup_free_ char *security = option_value(mount->options, "sec");
	_cleanup_text_ struct text options = {0};
	const char *rest = mounts_below(path, mount->point);
	struct error *err;

	if (!is_nfs)
		return error_new(ERROR_UNSUPPORTED,
		                 "%s lies on a file system without a disk (%s, mounted at %s); name a disk with "
		                 "KDUMP_TARGET",
		                 path, mount->fstype, mount->point);
	if (security && strcmp(security, "sys") != 0)
		return error_new(ERROR_UNSUPPORTED,
		                 "%s is mounted with sec=%s, for which nobody gets a ticket after a crash; only "
		                 "sec=sys is supported",
		                 mount->point, security);
	place->address = option_value(mount->options, "addr");
	if (!place->address)
		return error_new(ERROR_CONFIG, "%s: the options of what is mounted there have no address",
		                 mount->point);
	text_add(&options, NFS_PATIENCE ",addr=%s", place->address);
	keep_nfs_options(mount, &options);
	err = text_take(&options, &place->options);
	place->fstype = strdup("nfs");
	place->tag = strdup(mount->source);
	place->directory = strdup(rest && *rest ? rest : "/");
	if (!err && (!place->fstype || !place->tag || !place->directory))
		err = no_memory();
	return err ? err : explain(config, key, "which is mounted now", place);
}

struct error *remote_ssh(const char *text, struct remote_ssh *ret)
{
	_cleanup_(url_deinit) struct url url = {0};
	struct error *err;

	if (!remote_is_url(text) || (strncasecmp(text, "ssh://", 6) != 0 && strncasecmp(text, "sftp://", 7) != 0))
		return error_new(ERROR_CONFIG, "it is no URL of ssh or sftp");
	err = parse_url(text, &url);
	if (err)
		return err;
	// Words of a command line: nothing that ssh would take for an option.
	if (*url.user == '-' || *url.host == '-' || !is_plain(url.user) || !is_plain(url.host))
		return error_new(ERROR_CONFIG, "its user or its server is not allowed");
	ret->user = *url.user ? take_ptr(url.user) : strdup("root");
	ret->host = take_ptr(url.host);
	ret->port = *url.port ? take_ptr(url.port) : strdup("22");
	if (ret->user && ret->port)
		return NULL;
	remote_ssh_deinit(ret);
	return no_memory();
}

void remote_ssh_deinit(struct remote_ssh *ssh)
{
	free(ssh->user);
	free(ssh->host);
	free(ssh->port);
	*ssh = (struct remote_ssh){0};
}
