// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_crypttab.h"

// RHEL's adds link-volume-key= to /etc/crypttab, by which systemd-cryptsetup leaves keys in a keyring; these are handed over to the
// capture kernel (CONFIG_CRASH_DM_CRYPT, Linux 6.17, x86 only). A key for a disk would then lie in memory that is not wiped.
struct error *ctl_crypttab(const struct ctl *ctl, int *exit_ret)
{
	(void)ctl;
	(void)exit_ret;
	return error_new(
		ERROR_UNSUPPORTED,
		"encrypted volumes are no targets here, so that no key of one is kept for the capture kernel, and "
		"/etc/crypttab stays as it is; name a file system that is not encrypted in KDUMP_TARGET, and to keep "
		"dumps "
		"from being read, a public key in KDUMP_ENCRYPT_TO");
}
