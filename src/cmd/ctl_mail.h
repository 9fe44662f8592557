// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Mail, as SUSE's keys describe it: KDUMP_SMTP_…, KDUMP_NOTIFICATION_….
 *
 * Does not decide what is worth a mail.
 */
#ifndef CMD_CTL_MAIL_H
#define CMD_CTL_MAIL_H

#include "base/error.h"
#include "boot/config.h"

/**
 * Send a mail; does nothing where nobody is to get one.
 *
 * With a password the connection must be encrypted and the server's certificate good; else it is encrypted if the server can.
 *
 * @param[in] config Who, and by which server.
 * @param[in] hostname Of this machine: the mail is from root there.
 * @param[in] subject Printable ASCII, one line.
 * @param[in] body Text; lines end with "\n".
 * @return NULL; ERROR_CONFIG (there is no server, or a receiver is no address); ERROR_UNSUPPORTED (built without libcurl);
 *	   ERROR_TIMEOUT; ERROR_OS (the server did not take it; the text is libcurl's); ERROR_NOMEM.
 */
struct error *ctl_mail(const struct config *config, const char *hostname, const char *subject,
                       const char *body) must_check;

#endif
