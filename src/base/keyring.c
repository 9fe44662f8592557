// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct error *keyring_join(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
		return NULL;
	if (errno == ENOSYS)
		return error_new(ERROR_UNSUPPORTED, "this kernel keeps no keys");
	return error_os(errno, "a keyring for the session");
}

struct error *keyring_take(const char *type, const char *description)
{
	// The search links what it finds: by its number alone a key of another keyring is not ours to link.
	if (syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, type, description, KEY_SPEC_SESSION_KEYRING) < 0)
		return error_os(errno, "the %s key \"%s\" in the keyring @u", type, description);
	return NULL;
}

struct error *keyring_add(const char *type, const char *description, const void *bytes, size_t size_bytes)
{
	if (syscall(SYS_add_key, type, description, bytes, size_bytes, KEY_SPEC_SESSION_KEYRING) < 0)
		return error_os(errno, "add the %s key \"%s\"", type, description);
	return NULL;
}
