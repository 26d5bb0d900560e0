#!/bin/sh
# curl.sh
#
# Prints the folder that holds include/curl/*.h and lib/libcurl.a: libcurl from
# Debian's own source package, static, with nothing in it but HTTP/1.1, TLS by
# OpenSSL and proxies. Debian's libcurl.a would bring LDAP, Kerberos, SSH,
# RTMP and HTTP/2 with it, and some of them open shared objects at run time.
#
# It is built when the cache has none for this script, compiler and OpenSSL
# (half a minute); beside it the file `version` says from which source, and
# `copyright` holds its notices. To take
# up a newer one, remove the folder and call again.
#
# There is no built-in CA: users of this library set CURLOPT_CAINFO(_BLOB).
#
# DWS_CSM_CACHE  where the cache is (default ~/.cache/dws-csm)

set -eu

fail()
{
	echo "curl.sh: $*" >&2
	exit 1
}

# Debian's source is patched to name libraries after GnuTLS and NSS. Take that
# back: it is about shared libraries and breaks the plain build.
reverse_renames()
{
	for name in $(sed 's/#.*//' debian/patches/series | tac | head -n 2); do
		patch -s -R -p1 <"debian/patches/$name" ||
			fail "cannot reverse Debian's patch '$name'"
	done
}

configure()
{
	./configure --quiet --disable-shared --enable-static \
		--with-openssl --with-zlib \
		--without-ca-bundle --without-ca-path --without-ca-fallback \
		--without-nghttp2 --without-nghttp3 --without-ngtcp2 \
		--without-brotli --without-zstd --without-libpsl \
		--without-libidn2 --without-libssh2 --without-libssh \
		--without-librtmp --without-libgsasl --without-gssapi \
		--without-hyper --without-quiche --without-msh3 \
		--enable-threaded-resolver --enable-http --enable-proxy \
		--disable-dict --disable-file --disable-ftp --disable-gopher \
		--disable-imap --disable-ldap --disable-ldaps --disable-mqtt \
		--disable-pop3 --disable-rtsp --disable-smb --disable-smtp \
		--disable-telnet --disable-tftp --disable-websockets \
		--disable-alt-svc --disable-aws --disable-cookies \
		--disable-dependency-tracking --disable-doh --disable-hsts \
		--disable-kerberos-auth --disable-libcurl-option \
		--disable-manual --disable-mime --disable-negotiate-auth \
		--disable-netrc --disable-ntlm --disable-ntlm-wb \
		--disable-progress-meter --disable-sspi --disable-tls-srp \
		--disable-unix-sockets \
		CFLAGS="-O2 -fPIE -ffunction-sections -fdata-sections \
			-fstack-protector-strong -D_FORTIFY_SOURCE=2 \
			-ffile-prefix-map=$PWD=curl"
}

# build DIR: fetch, compile, and leave the result in DIR/result.
build()
{
	source=$("$here/deb-source.sh" curl "$1")
	mkdir -p "$1/result/include" "$1/result/lib"
	cd "$source"
	reverse_renames
	configure
	# No maintainer tools: the reversed patches made their inputs newer.
	make -s -C lib -j "$(nproc)" AUTOCONF=: AUTOMAKE=: ACLOCAL=: \
		AUTOHEADER=: libcurl.la
	cp -R include/curl "$1/result/include/"
	cp lib/.libs/libcurl.a "$1/result/lib/"
	# Its licence asks for its notice beside the executable.
	cp debian/copyright "$1/result/copyright"
	basename "$source" >"$1/result/version"
}

[ $# = 0 ] || fail "usage: curl.sh"
here=$(cd "$(dirname "$0")" && pwd)
cache=${DWS_CSM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dws-csm}
key=$({
	cat "$0" "$here/deb-source.sh"
	dpkg-query -W gcc libc6-dev libssl-dev zlib1g-dev
} | sha256sum | cut -c 1-12)
result=$cache/curl-$key

if [ ! -f "$result/lib/libcurl.a" ]; then
	echo "compiling a minimal libcurl into $result" >&2
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/curl-build.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	# In the background, since "build || ..." would switch off `set -e`.
	build "$work" >"$work/log" 2>&1 &
	wait $! || {
		tail -n 20 "$work/log" >&2
		fail "cannot build libcurl"
	}
	# Whoever comes first wins; both made the same.
	mv -T "$work/result" "$result" 2>/dev/null ||
		[ -f "$result/lib/libcurl.a" ] || fail "cannot fill '$result'"
fi
printf '%s\n' "$result"
