# SPDX-License-Identifier: GPL-2.0-or-later
# KDUMP_COMPRESSOR(NAME, DEFINE, LIBRARY, HEADER, FUNCTION)
#
# Look for one compressor. Sets have_NAME, HAVE_DEFINE in config.h, and adds to COMPRESS_LIBS. --without-NAME leaves
# it out, --with-NAME fails if it is missing.
AC_DEFUN([KDUMP_COMPRESSOR], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--without-$1], [build without $1])], [], [with_$1=check])
	have_$1=no
	AS_IF([test "x$with_$1" != xno], [
		AC_CHECK_HEADER([$4], [AC_CHECK_LIB([$3], [$5], [have_$1=yes])])
		AS_IF([test "x$with_$1$have_$1" = xyesno], [AC_MSG_ERROR([$1 was asked for and is not there])])
	])
	AS_IF([test "x$have_$1" = xyes], [
		AC_DEFINE([HAVE_$2], [1], [Define to 1 if $1 is there.])
		COMPRESS_LIBS="-l$3 $COMPRESS_LIBS"
		compressors="$compressors $1"
	])
])
